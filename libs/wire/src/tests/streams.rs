//! A scan or report in parts is the whole once more, and no part is too large for a message.

use airside_types::{Cluster, Finding};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use prost::Message;

use super::arbitrary::{self as any_of, Scale::Ordinary};
use crate::limits::PART_BYTES;
use crate::scan::stream::{
    GatheredAnswer, PublicationPart, ScanPart, answer_parts, publication_parts, request_parts,
};
use crate::scan::{Publication, ScanAnswer, ScanReport, ScanRequest, SourceFile};
use crate::v1;

fn gathered(parts: impl Iterator<Item = v1::ScanStreamResponse>) -> ScanAnswer {
    let mut gathered = GatheredAnswer::default();
    parts.for_each(|part| gathered.take(part).unwrap());
    gathered.finish().unwrap()
}

fn scan_of(parts: impl Iterator<Item = v1::ScanStreamRequest>) -> ScanRequest {
    let mut parts = parts.map(|part| ScanPart::try_from(part).unwrap());
    let Some(ScanPart::Header(header)) = parts.next() else { panic!("a header comes first") };
    let mut files: Vec<SourceFile> = Vec::new();
    for part in parts {
        match part {
            ScanPart::Header(_) => panic!("a second header"),
            ScanPart::File { begins: Some(path), content } => {
                files.push(SourceFile { path, content });
            }
            ScanPart::File { begins: None, content } => {
                let file = files.last_mut().expect("a file was begun");
                file.content = [&file.content[..], &content].concat().into();
            }
        }
    }
    let (publish, failing_severity) = (header.publish, header.failing_severity);
    ScanRequest { files, cluster: header.cluster, publish, failing_severity }
}

fn publication_of(parts: impl Iterator<Item = v1::PublishStreamRequest>) -> Publication {
    let mut whole = Publication::default();
    for (at, part) in parts.enumerate() {
        match PublicationPart::try_from(part).unwrap() {
            PublicationPart::Header(cluster) => {
                assert_eq!(at, 0, "the header comes first, and once");
                whole.cluster = cluster;
            }
            PublicationPart::Report(report) => whole.report.append(report),
            PublicationPart::Scanned(paths) => whole.scanned_paths.extend(paths),
        }
    }
    whole
}

proptest! {
    #[test]
    fn parts_are_the_whole(
        request in any_of::scan_request(),
        answer in any_of::answer(),
        publication in any_of::publication(),
    ) {
        prop_assert_eq!(gathered(answer_parts(answer.clone())), answer);
        prop_assert_eq!(publication_of(publication_parts(publication.clone())), publication);
        let named = |file: &SourceFile| !file.path.is_empty();
        prop_assert!(request.files.iter().all(named));
        prop_assert_eq!(scan_of(request_parts(request.clone())), request);
    }
}

#[test]
fn what_is_large_comes_in_several_parts_that_fit() {
    let mut runner = TestRunner::deterministic();
    let finding: Finding = any_of::finding(Ordinary).new_tree(&mut runner).unwrap().current();
    let finding = Finding { message: "m".repeat(1000), ..finding };
    let report = ScanReport { findings: vec![finding; 3000], ..ScanReport::default() };
    let whole = v1::ScanReport::from(&report).encoded_len();
    let answer = ScanAnswer { report: report.clone(), published: None, terms: None };
    let parts: Vec<_> = answer_parts(answer.clone()).collect();
    assert_eq!(parts.len(), whole.div_ceil(PART_BYTES) + 1, "the report, and its end");
    assert!(parts.iter().all(|part| part.encoded_len() < PART_BYTES + 2000));
    assert_eq!(gathered(parts.into_iter()), answer);

    let scanned_paths = (0..2500).map(|file| format!("{file}.yaml")).collect();
    let publication = Publication { cluster: Cluster::default(), report, scanned_paths };
    let parts: Vec<_> = publication_parts(publication.clone()).collect();
    assert!(parts.iter().all(|part| part.encoded_len() < PART_BYTES + 2000));
    assert_eq!(publication_of(parts.into_iter()), publication);

    let content = vec![b'#'; 2 * PART_BYTES + 1].into();
    let file = SourceFile { path: "large.yaml".to_owned(), content };
    let request = ScanRequest {
        files: vec![file],
        cluster: Cluster::default(),
        publish: false,
        failing_severity: None,
    };
    let parts: Vec<_> = request_parts(request.clone()).collect();
    assert_eq!(parts.len(), 1 + 3, "a header and three pieces");
    assert_eq!(scan_of(parts.into_iter()), request);
}

#[test]
fn an_answer_without_its_end_is_none() {
    let mut parts = answer_parts(ScanAnswer::default());
    let end = parts.next().unwrap();
    assert_eq!(parts.next(), None, "an empty report is an end");
    let unended = GatheredAnswer::default().finish().unwrap_err();
    assert_eq!(unended.to_string(), "end: is missing");
    let mut ended = GatheredAnswer::default();
    ended.take(end.clone()).unwrap();
    let late = ended.take(end).unwrap_err();
    assert_eq!(late.to_string(), "part: comes behind the end of the report");
}
