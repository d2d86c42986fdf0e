//! The input of the areas: from a folder of others' data where one is given, else the project's own.

use std::io::Read;
use std::path::Path;

use airside::recording::{RecordedFile, Recording};
use airside_detect::runtime::RuntimeSource;
use airside_wire::scan::SourceFile;
use anyhow::Context;
use bytes::Bytes;

use crate::own;

/// How many events an API server sends at once at most, by its default.
pub(crate) const BATCH: usize = 400;
/// The most that a file is unpacked to.
const MAX_UNPACKED: u64 = 1 << 30;
/// How many own manifests there are when there is no corpus: about as many as the corpus has.
const OWN_MANIFESTS: usize = 3000;

/// Some input and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Input<T> {
    /// For the report.
    pub(crate) source: String,
    /// The input, in its order.
    pub(crate) items: Vec<T>,
}

impl<T> Input<T> {
    fn of_corpus(what: &str, items: Vec<T>) -> anyhow::Result<Self> {
        anyhow::ensure!(!items.is_empty(), "the corpus has nothing in {what}");
        Ok(Self { source: format!("corpus: {what}"), items })
    }

    fn own(items: Vec<T>) -> Self {
        Self { source: "own recordings, copied".to_owned(), items }
    }
}

/// Manifests to scan.
pub(crate) fn manifests(corpus: Option<&Path>) -> anyhow::Result<Input<SourceFile>> {
    if let Some(corpus) = corpus {
        let mut files = Vec::new();
        walk(&corpus.join("manifests"), &mut files)?;
        return Input::of_corpus("manifests", files);
    }
    let recorded: Vec<_> = own::recordings().into_iter().flat_map(|it| it.manifests).collect();
    // Numbered, since recordings have files of the same name.
    let copies = recorded.iter().cycle().zip(0_u32..);
    let files = copies.take(OWN_MANIFESTS).map(|(file, number)| SourceFile {
        path: format!("{number}/{}", file.path),
        content: file.content.clone().into(),
    });
    Ok(Input::own(files.collect()))
}

fn walk(folder: &Path, files: &mut Vec<SourceFile>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("the folder `{}` cannot be read", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            let content = std::fs::read(&path)
                .with_context(|| format!("`{}` cannot be read", path.display()))?;
            let path = path.to_string_lossy().into_owned();
            files.push(SourceFile { path, content: content.into() });
        }
    }
    Ok(())
}

/// Audit events, one JSON text each.
pub(crate) fn audit_events(corpus: Option<&Path>, count: usize) -> anyhow::Result<Input<String>> {
    let Some(corpus) = corpus else {
        return Ok(own_lines(count, |recording| recording.audit.into_iter().collect()));
    };
    let path = corpus.join("audit/bench_100k.jsonl.gz");
    let mut lines = lines_of(&unpacked(&path)?);
    lines.truncate(count);
    Input::of_corpus("audit/bench_100k", lines)
}

/// AdmissionReviews, one JSON text each. Each time that one is sent it is [copied](own::copy).
pub(crate) fn reviews(corpus: Option<&Path>) -> anyhow::Result<Input<String>> {
    scenario_lines(corpus, "admission.jsonl", |recording| recording.admission.into_iter().collect())
}

/// Falco's alerts, one JSON text each. Each time that one is sent it is [copied](own::copy).
pub(crate) fn alerts(corpus: Option<&Path>) -> anyhow::Result<Input<String>> {
    scenario_lines(corpus, "falco.jsonl", |recording| {
        let falco = |(source, file)| (source == RuntimeSource::Falco).then_some(file);
        recording.runtime.into_iter().filter_map(falco).collect()
    })
}

/// Everything that was recorded, as folders that `replay` takes.
pub(crate) fn scenarios(corpus: Option<&Path>) -> anyhow::Result<Input<Recording>> {
    let Some(corpus) = corpus else { return Ok(Input::own(own::recordings())) };
    let folder = corpus.join("scenarios");
    let mut recordings = Vec::new();
    let mut folders: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| format!("the folder `{}` cannot be read", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        recordings.push(Recording::read(&folder)?);
    }
    Input::of_corpus("scenarios", recordings)
}

fn scenario_lines(
    corpus: Option<&Path>,
    file: &str,
    files: impl Fn(Recording) -> Vec<RecordedFile>,
) -> anyhow::Result<Input<String>> {
    let scenarios = scenarios(corpus)?;
    let files = scenarios.items.into_iter().flat_map(files);
    let lines: Vec<_> = files.flat_map(|file| lines_of(&file.content)).collect();
    anyhow::ensure!(!lines.is_empty(), "no scenario has a {file}");
    Ok(Input { source: format!("{}, {file}", scenarios.source), items: lines })
}

fn own_lines(count: usize, files: impl Fn(Recording) -> Vec<RecordedFile>) -> Input<String> {
    let files = own::recordings().into_iter().flat_map(files);
    let lines: Vec<_> = files.flat_map(|file| lines_of(&file.content)).collect();
    Input::own(own::copies(&lines, count))
}

/// Events in the form in which an API server sends them.
pub(crate) fn event_lists(events: &[String], batch: usize) -> Vec<Bytes> {
    let list = |events: &[String]| {
        let head = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#;
        format!("{head}{}]}}", events.join(",")).into()
    };
    events.chunks(batch.max(1)).map(list).collect()
}

/// A real cluster's audit log of some minutes in which nobody attacked it, by the time of the requests.
pub(crate) fn benign_trace(corpus: &Path) -> anyhow::Result<Vec<String>> {
    Ok(lines_of(&unpacked(&corpus.join("audit/benign/perfspec.jsonl.gz"))?))
}

fn lines_of(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[expect(clippy::disallowed_methods, reason = "bounded below, and the file is the caller's own")]
fn unpacked(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("`{}` cannot be read", path.display());
    let file = std::fs::File::open(path).with_context(cannot)?;
    let mut content = Vec::new();
    let unpacking = flate2::read::GzDecoder::new(std::io::BufReader::new(file));
    unpacking.take(MAX_UNPACKED).read_to_end(&mut content).with_context(cannot)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use airside_service::intake::Received;
    use airside_types::{Cluster, Tenant, Timestamp};

    use airside_audit_ingest::Judging;

    use super::*;

    #[test]
    fn own_events_are_understood_and_tell_something() {
        let events = audit_events(None, 1000).unwrap();
        let lists = event_lists(&events.items, BATCH);
        assert_eq!((events.items.len(), lists.len()), (1000, 3));
        let mut ids = std::collections::BTreeSet::new();
        for body in lists {
            let received = Received {
                tenant: Tenant::default(),
                cluster: Cluster::default(),
                time: Timestamp::EPOCH,
                body,
            };
            let understood =
                airside_audit_ingest::understand(&received, &Judging::default()).unwrap();
            assert!(understood.letters.is_empty() && !understood.sightings.is_empty());
            let sightings = understood.sightings.into_iter().flat_map(|batch| batch.sightings);
            ids.extend(sightings.flat_map(|it| it.records).map(|record| record.id));
        }
        assert!(ids.len() > 500, "{} different records", ids.len());
    }

    #[test]
    fn own_manifests_are_as_many_as_the_corpus_has_and_differ_in_place() {
        let manifests = manifests(None).unwrap();
        let paths: std::collections::BTreeSet<_> =
            manifests.items.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths.len(), OWN_MANIFESTS);
    }

    #[test]
    fn own_reviews_and_alerts_are_what_their_sources_send() {
        for review in reviews(None).unwrap().items {
            airside_k8s::admission::Review::parse(own::copy(&review, 3).as_bytes()).unwrap();
        }
        assert!(!alerts(None).unwrap().items.is_empty());
    }
}
