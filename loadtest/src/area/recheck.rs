//! `recheck`: one object of many changes, and whose verdict can change with it is judged again.
//!
//! The objects are the manifests again and again, each time with namespaces and names of their own, as a
//! cluster has them: every object that belongs to a namespace has one. Definitions of custom resources are
//! left out. A change alters an annotation, removes the object, or puts it again. Every kind is told of that
//! has as many objects as are changed of it; those of the others are told together. The floor of the first run
//! is one that keeps nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use airside_checks::{Change, Identity, Incremental, Living, evaluate};
use airside_k8s::yaml::{Limits, parse};
use airside_k8s::{Completeness, Document, Map, Places, Value, json};
use airside_wire::scan::SourceFile;

use super::Run;
use crate::corpus;
use crate::measure::{Latencies, Process, Stopwatch, measured};
use crate::report::Report;

/// One changed object has to be judged again within this time of CPU.
const BOUND: Duration = Duration::from_millis(5);
/// Kinds that belong to no namespace. Others of the manifests may; a namespace does them no harm.
const WIDE: [&str; 8] = [
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
];

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let mut input = corpus::manifests(run.corpus())?;
    input.items.truncate(run.amount(300, usize::MAX));
    let copies = run.amount(1, 18);
    let living: Vec<Living> = (0..copies)
        .flat_map(|copy| input.items.iter().map(move |file| (copy, file)))
        .flat_map(|(copy, file)| read(file, copy))
        .collect();
    let sources = (0..living.len()).map(|number| Arc::from(number.to_string()));
    let all: Vec<(Living, Arc<str>)> = living.into_iter().zip(sources).collect();
    let puts: Vec<_> = all.iter().cloned().map(|(it, source)| Change::Put(it, source)).collect();
    let mut incremental = Incremental::new();
    let (first, whole) = measured(|| Ok(incremental.fill(puts)))?;
    let objects = incremental.len() as u64;
    let (_, plain) = measured(|| Ok(judge_all(&all)))?;
    let mut report = Report::of("recheck")
        .took(Process::This, "objects", objects, whole)?
        .with("input", input.source)
        .with("copies", copies)
        .with("judged_at_first", first)
        .with("failures", incremental.failures())
        .with("bound_us", micros(BOUND));
    let (mut every, few) = (Latencies::new()?, run.amount(20, 300));
    let mut others = Took { latencies: Latencies::new()?, judged: 0 };
    for (kind, of_kind) in by_kind(&all) {
        let mut own = Took { latencies: Latencies::new()?, judged: 0 };
        let took = if of_kind.len() < few { &mut others } else { &mut own };
        for (living, source) in of_kind.iter().step_by((of_kind.len() / few).max(1)) {
            took.changes(&mut incremental, living, source)?;
        }
        every.merge(&own.latencies)?;
        if of_kind.len() >= few {
            report = report.with(&kind, own.told());
        }
    }
    every.merge(&others.latencies)?;
    let report = report.with("other kinds", others.told()).answered_within(&every);
    Ok(report.above("one run over the same objects that keeps nothing", objects, plain))
}

/// How many failures a run over all objects finds.
fn judge_all(all: &[(Living, Arc<str>)]) -> usize {
    let located = all.iter().filter_map(|(living, _)| living.located());
    let objects: Vec<_> = located.map(|located| located.object).collect();
    evaluate(&objects, Completeness::WholeInput).failures.len()
}

/// What the changes of one kind took.
struct Took {
    latencies: Latencies,
    judged: usize,
}

impl Took {
    /// Alters an object, removes it and puts it again.
    fn changes(
        &mut self,
        incremental: &mut Incremental,
        living: &Living,
        source: &Arc<str>,
    ) -> anyhow::Result<()> {
        let Some(located) = living.located() else { return Ok(()) };
        let gone = Change::Remove(Identity::of(&located.object, Arc::clone(source)));
        let put = |living: Living| Change::Put(living, Arc::clone(source));
        for change in [put(altered(living)), gone, put(living.clone())] {
            let watch = Stopwatch::start(Process::This)?;
            let delta = incremental.apply(vec![change]);
            self.latencies.record(watch.stop()?.cpu);
            self.judged = self.judged.max(delta.judged);
        }
        Ok(())
    }

    fn told(&self) -> Value {
        let quantile = |part| self.latencies.quantile(part);
        json!({
            "changes": self.latencies.count(), "p50_us": quantile(0.5), "p95_us": quantile(0.95),
            "max_us": quantile(1.0), "most_judged": self.judged,
        })
    }
}

/// The documents of a file that are one object each, as those of a copy's own namespaces. Without places:
/// live objects have none.
fn read(file: &SourceFile, copy: usize) -> Vec<Living> {
    let Ok(text) = std::str::from_utf8(&file.content) else { return Vec::new() };
    if text.contains("CustomResourceDefinition") {
        return Vec::new();
    }
    let text = text
        .replace("namespace: ", &format!("namespace: k{copy}-"))
        .replace("  name: ", &format!("  name: k{copy}-"));
    let documents = parse(&text, &Limits::default()).documents.into_iter();
    let living = documents.map(|document| Living {
        document: Arc::new(Document {
            places: Places::default(),
            value: with_namespace(document.value, copy),
            ..document
        }),
        item: None,
        path: Arc::from(file.path.as_str()),
    });
    living.filter(|living| living.located().is_some()).collect()
}

fn with_namespace(mut value: Value, copy: usize) -> Value {
    let is_wide = value.get("kind").and_then(Value::as_str).is_some_and(|it| WIDE.contains(&it));
    let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata.filter(|_| !is_wide) {
        metadata.or_insert_with("namespace", || json!(format!("k{copy}-default")));
    }
    value
}

fn altered(living: &Living) -> Living {
    let mut document = Document::clone(&living.document);
    if let Some(metadata) = document.value.get_mut("metadata").and_then(Value::as_object_mut) {
        let notes = metadata.or_insert_with("annotations", || Value::Object(Map::new()));
        if let Some(notes) = notes.as_object_mut() {
            notes.insert("example.com/changed".to_owned(), json!("yes"));
        }
    }
    Living { document: Arc::new(document), ..living.clone() }
}

/// The objects by kind and API group.
fn by_kind(all: &[(Living, Arc<str>)]) -> BTreeMap<String, Vec<&(Living, Arc<str>)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for one in all {
        let Some(object) = one.0.located().map(|located| located.object) else { continue };
        let kind = [object.kind(), object.group()].join(".");
        found.entry(kind.trim_end_matches('.').to_owned()).or_default().push(one);
    }
    found
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
