//! Scans and publications in parts, for what does not fit into one message: how the parts are read, and how
//! a whole is cut into them.
//!
//! Which order of parts is right and how much may come is decided by who gathers them: the scanner for
//! requests, [`GatheredAnswer`] for answers.

use std::iter::once;
use std::vec;

use airside_types::{BoardingPass, Cluster, Finding, Severity};
use bytes::Bytes;
use prost::Message;
use prost::encoding::message as submessage;

use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_SCANNED_PATHS, PART_BYTES};
use crate::scan::{
    AcceptedFailure, IneffectiveException, JudgedObject, NotEvaluated, Publication, ScanAnswer,
    ScanReport, ScanRequest, Unreadable,
};
use crate::v1::publish_stream_request::Part as WirePublication;
use crate::v1::scan_stream_request::Part as WireScan;
use crate::v1::scan_stream_response::Part as WireAnswer;
use crate::{bounded, closed_list, field, v1};

/// How many scanned paths stand in one part.
const PART_PATHS: usize = 1000;

/// A part of a stream of requests.
pub trait Part: TryFrom<Self::Message, Error = InvalidField> {
    /// The message that brings it.
    type Message;

    /// How many bytes the message has.
    fn wire_bytes(message: &Self::Message) -> usize;
}

impl Part for ScanPart {
    type Message = v1::ScanStreamRequest;

    fn wire_bytes(message: &Self::Message) -> usize {
        message.encoded_len()
    }
}

impl Part for PublicationPart {
    type Message = v1::PublishStreamRequest;

    fn wire_bytes(message: &Self::Message) -> usize {
        message.encoded_len()
    }
}

/// A part of what is to be scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanPart {
    /// What to do with the files that follow: comes first, and once.
    Header(ScanHeader),
    /// A piece of a file.
    File {
        /// The path where a file begins; none where the piece continues the file before it.
        begins: Option<String>,
        /// The next bytes of the file.
        content: Bytes,
    },
}

/// What to do with files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanHeader {
    /// The cluster that the manifests are meant for.
    pub cluster: Cluster,
    /// Whether findings and boarding passes are to be kept and used by the other services.
    pub publish: bool,
    /// From which severity on a failed check fails its object; none means the service's setting.
    pub failing_severity: Option<Severity>,
}

impl TryFrom<v1::ScanStreamRequest> for ScanPart {
    type Error = InvalidField;

    fn try_from(request: v1::ScanStreamRequest) -> Result<Self, Self::Error> {
        match request.part.ok_or_else(|| InvalidField::new("part", Problem::Missing))? {
            WireScan::Header(header) => Ok(Self::Header(ScanHeader {
                cluster: field::cluster_or_default("header.cluster", &header.cluster)?,
                publish: header.publish,
                failing_severity: field::optional_listed(
                    "header.failing_severity",
                    header.failing_severity,
                )?,
            })),
            WireScan::File(piece) => {
                let path = field::file_path("file.path", piece.path)?;
                let begins = Some(path).filter(|path| !path.is_empty());
                Ok(Self::File { begins, content: piece.content })
            }
        }
    }
}

/// The parts that ask for a scan, in order.
pub fn request_parts(request: ScanRequest) -> impl Iterator<Item = v1::ScanStreamRequest> + Send {
    let header = v1::ScanHeader {
        cluster: request.cluster.as_str().to_owned(),
        publish: request.publish,
        failing_severity: closed_list::filter(request.failing_severity),
    };
    let pieces = request.files.into_iter().flat_map(|file| {
        let mut path = bounded::file_path(&file.path);
        let pieces = file.content.len().div_ceil(PART_BYTES).max(1);
        (0..pieces).map(move |at| {
            let end = file.content.len().min((at + 1) * PART_BYTES);
            let content = file.content.slice(at * PART_BYTES..end);
            WireScan::File(v1::FilePiece { path: std::mem::take(&mut path), content })
        })
    });
    once(WireScan::Header(header))
        .chain(pieces)
        .map(|part| v1::ScanStreamRequest { part: Some(part) })
}

/// The parts of an answer, in order.
pub fn answer_parts(answer: ScanAnswer) -> impl Iterator<Item = v1::ScanStreamResponse> + Send {
    let end = v1::ScanEnd {
        published: answer.published.as_ref().map(Into::into),
        terms: answer.terms.as_ref().map(Into::into),
    };
    report_parts(answer.report)
        .map(WireAnswer::Report)
        .chain(once(WireAnswer::End(end)))
        .map(|part| v1::ScanStreamResponse { part: Some(part) })
}

/// An answer that is put together again from its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatheredAnswer {
    answer: ScanAnswer,
    ended: bool,
}

impl GatheredAnswer {
    /// Takes the next part.
    pub fn take(&mut self, part: v1::ScanStreamResponse) -> Result<(), InvalidField> {
        if self.ended {
            let late = Problem::Malformed("comes behind the end of the report".to_owned());
            return Err(InvalidField::new("part", late));
        }
        match part.part.ok_or_else(|| InvalidField::new("part", Problem::Missing))? {
            WireAnswer::Report(report) => {
                let part = ScanReport::try_from(report).map_err(|error| error.within("report"))?;
                self.answer.report.append(part);
            }
            WireAnswer::End(end) => {
                self.answer.published = field::optional("end.published", end.published)?;
                self.answer.terms = field::optional("end.terms", end.terms)?;
                self.ended = true;
            }
        }
        Ok(())
    }

    /// The whole answer; an error when the end did not come.
    pub fn finish(self) -> Result<ScanAnswer, InvalidField> {
        if self.ended { Ok(self.answer) } else { Err(InvalidField::new("end", Problem::Missing)) }
    }
}

/// A part of a report to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicationPart {
    /// The cluster that the manifests are meant for: comes first, and once.
    Header(Cluster),
    /// Some entries of the report.
    Report(ScanReport),
    /// Some of the files and folders that the scan covered.
    Scanned(Vec<String>),
}

impl TryFrom<v1::PublishStreamRequest> for PublicationPart {
    type Error = InvalidField;

    fn try_from(request: v1::PublishStreamRequest) -> Result<Self, Self::Error> {
        match request.part.ok_or_else(|| InvalidField::new("part", Problem::Missing))? {
            WirePublication::Header(header) => {
                field::cluster_or_default("header.cluster", &header.cluster).map(Self::Header)
            }
            WirePublication::Report(report) => ScanReport::try_from(report)
                .map(Self::Report)
                .map_err(|error| error.within("report")),
            WirePublication::Scanned(scanned) => {
                field::each("scanned.paths", scanned.paths, MAX_SCANNED_PATHS, |path| {
                    field::file_path("", path)
                })
                .map(Self::Scanned)
            }
        }
    }
}

/// The parts that publish a report, in order.
pub fn publication_parts(
    publication: Publication,
) -> impl Iterator<Item = v1::PublishStreamRequest> + Send {
    let header = v1::PublishHeader { cluster: publication.cluster.as_str().to_owned() };
    let paths: Vec<_> = publication
        .scanned_paths
        .chunks(PART_PATHS)
        .map(|paths| v1::ScannedPaths {
            paths: paths.iter().map(|path| bounded::file_path(path)).collect(),
        })
        .collect();
    once(WirePublication::Header(header))
        .chain(report_parts(publication.report).map(WirePublication::Report))
        .chain(paths.into_iter().map(WirePublication::Scanned))
        .map(|part| v1::PublishStreamRequest { part: Some(part) })
}

/// The parts of a report: none is larger than [`PART_BYTES`] by more than one entry.
fn report_parts(report: ScanReport) -> ReportParts {
    ReportParts {
        findings: report.findings.into_iter(),
        passes: report.passes.into_iter(),
        not_evaluated: report.not_evaluated.into_iter(),
        unreadable: report.unreadable.into_iter(),
        objects: report.objects.into_iter(),
        accepted: report.accepted.into_iter(),
        ineffective: report.ineffective.into_iter(),
    }
}

/// The entries of a report that are still to be sent.
struct ReportParts {
    findings: vec::IntoIter<Finding>,
    passes: vec::IntoIter<BoardingPass>,
    not_evaluated: vec::IntoIter<NotEvaluated>,
    unreadable: vec::IntoIter<Unreadable>,
    objects: vec::IntoIter<JudgedObject>,
    accepted: vec::IntoIter<AcceptedFailure>,
    ineffective: vec::IntoIter<IneffectiveException>,
}

impl Iterator for ReportParts {
    type Item = v1::ScanReport;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut part, mut room) = (v1::ScanReport::default(), PART_BYTES);
        fill(&mut part.findings, &mut self.findings, &mut room);
        fill(&mut part.passes, &mut self.passes, &mut room);
        fill(&mut part.not_evaluated, &mut self.not_evaluated, &mut room);
        fill(&mut part.unreadable, &mut self.unreadable, &mut room);
        fill(&mut part.objects, &mut self.objects, &mut room);
        fill(&mut part.accepted, &mut self.accepted, &mut room);
        fill(&mut part.ineffective, &mut self.ineffective, &mut room);
        (room < PART_BYTES).then_some(part)
    }
}

fn fill<T, M>(part: &mut Vec<M>, entries: &mut vec::IntoIter<T>, room: &mut usize)
where
    M: for<'a> From<&'a T> + Message,
{
    while *room > 0
        && let Some(entry) = entries.next()
    {
        let message = M::from(&entry);
        // With its key and length, so that an empty entry takes some room too. All lists of a report have
        // keys of one byte.
        *room = room.saturating_sub(submessage::encoded_len(1, &message));
        part.push(message);
    }
}
