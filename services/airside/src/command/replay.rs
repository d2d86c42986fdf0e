//! `airside replay`: a recorded scenario through the same code as the running platform.

use std::path::Path;

use airside_correlate::{Engine, Settings};
use airside_types::{Evidence, Incident, LinkRole, Record, RootCause, Severity, Tenant};
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::{OutputFormat, ReplayArguments};
use crate::command::Outcome;
use crate::command::rules::OwnRules;
use crate::recording::Recording;
use crate::show;

pub(super) fn run(arguments: &ReplayArguments) -> anyhow::Result<Outcome> {
    let recording = Recording::read(&arguments.folder)?;
    for remark in &recording.remarks {
        show::remark(remark);
    }
    let own = OwnRules::read(&arguments.rules);
    own.tell_problems();
    let mut records = recording.records();
    if !own.set.is_empty() {
        records.extend(recording.found_by(&own.set, OwnRules::LIMITS));
        records.sort_by_key(|record| (record.event_time, record.id));
    }
    let count = records.len();
    if let Some(seed) = arguments.permute {
        records = permuted(records, seed);
    }
    let told = tell(&records);
    match arguments.output {
        OutputFormat::Json => {
            let incidents: Vec<_> = told.incidents.iter().map(incident_json).collect();
            let whole = json!({
                "incidents": incidents, "detections": told.detections, "records": count,
            });
            show::print(&format!("{}\n", serde_json::to_string_pretty(&whole)?))?;
        }
        OutputFormat::Text => print(&told.incidents, &arguments.folder)?,
    }
    Ok(own.outcome())
}

/// What the records of a recording told.
struct Told {
    incidents: Vec<Incident>,
    detections: usize,
}

fn tell(records: &[Record]) -> Told {
    let mut engine = Engine::new(Settings::default());
    let mut detections = std::collections::BTreeSet::new();
    for record in records {
        engine.apply(record);
        if matches!(record.payload, airside_types::Payload::Detection(_)) {
            detections.insert(record.id);
        }
    }
    // Brings the incidents up to date.
    let _changes = engine.take_changes();
    let mut incidents: Vec<_> = engine.incidents(&Tenant::default()).cloned().collect();
    incidents.sort_by_key(|incident| {
        (std::cmp::Reverse(incident.severity), incident.first_seen, incident.id)
    });
    Told { incidents, detections: detections.len() }
}

/// Shuffles the records and repeats about every tenth, by a seed.
fn permuted(mut records: Vec<Record>, seed: u64) -> Vec<Record> {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = |bound: usize| {
        // SplitMix64: the same seed shuffles alike everywhere.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (bound.max(1) as u64)).unwrap_or_default()
    };
    let repeated: Vec<_> = records.iter().filter(|_| next(10) == 0).cloned().collect();
    records.extend(repeated);
    for last in (1..records.len()).rev() {
        let other = next(last + 1);
        records.swap(last, other);
    }
    records
}

fn print(incidents: &[Incident], folder: &Path) -> anyhow::Result<()> {
    let (loud, quiet): (Vec<_>, Vec<_>) =
        incidents.iter().partition(|incident| incident.severity >= Severity::Medium);
    if loud.is_empty() {
        show::remark(&format!("no incidents of severity medium or above in {}", folder.display()));
    }
    for incident in loud {
        show::print(&format!("{}\n", show::incident::whole(incident)))?;
    }
    if !quiet.is_empty() {
        show::remark(&format!("{} of lower severity: --output json lists them", quiet.len()));
    }
    Ok(())
}

/// An incident as the machine-readable outputs have it.
pub fn incident_json(incident: &Incident) -> Value {
    let stages: Vec<_> = incident
        .stages
        .iter()
        .map(|stage| {
            let techniques: Vec<_> = stage.techniques.iter().map(|it| it.id()).collect();
            json!({
                "tactic": stage.tactic.as_str(), "techniques": techniques,
                "first": stage.first.to_string(), "last": stage.last.to_string(),
            })
        })
        .collect();
    let terms: Vec<_> = incident
        .terms
        .iter()
        .map(|term| json!({ "reason": term.reason, "points": term.points }))
        .collect();
    json!({
        "id": incident.id.to_string(),
        "aliases": incident.aliases.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "severity": incident.severity.as_str(),
        "score": incident.score,
        "terms": terms,
        "title": incident.title,
        "clusters": incident.clusters.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "first_seen": incident.first_seen.to_string(),
        "last_seen": incident.last_seen.to_string(),
        "stages": stages,
        "entities": incident.entities.iter().map(entity_json).collect::<Vec<_>>(),
        "evidence": incident.evidence.iter().map(evidence_json).collect::<Vec<_>>(),
        "root_causes": incident.root_causes.iter().map(root_cause_json).collect::<Vec<_>>(),
        "advice": incident.advice,
    })
}

fn entity_json(link: &airside_types::Link) -> Value {
    let object = link.entity.as_object();
    json!({
        "role": LinkRole::as_str(link.role),
        "kind": link.entity.kind(),
        "namespace": object.and_then(|object| object.namespace.as_deref()),
        "name": link.entity.name(),
        "uid": object.and_then(|object| object.uid.as_deref()),
    })
}

fn evidence_json(evidence: &Evidence) -> Value {
    json!({
        "rule": evidence.rule,
        "source": evidence.source.as_str(),
        "phase": evidence.phase.as_str(),
        "severity": evidence.severity.as_str(),
        "time": evidence.time.to_string(),
        "summary": evidence.summary,
        "native_id": evidence.native_id,
        "event": evidence.event.map(|event| event.to_string()),
        "path": evidence.origin.as_ref().map(|place| place.path.as_ref()),
        "line": evidence.origin.as_ref().map(|place| place.line),
    })
}

fn root_cause_json(cause: &RootCause) -> Value {
    json!({
        "check": cause.check,
        "severity": cause.severity.as_str(),
        "path": cause.place.path,
        "line": cause.place.line,
        "column": cause.place.column,
        "field": cause.field.to_string(),
        "message": cause.message,
        "fix": cause.fix,
        "resource": {
            "kind": cause.object.kind, "namespace": cause.object.namespace, "name": cause.object.name,
        },
        "lineage": cause.lineage,
    })
}

/// Reads a file whole, with an error that names it.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))
}

/// Reads a text whole, without the mark that some editors and shells put before UTF-8.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read(path)?)
        .with_context(|| format!("`{}` is no UTF-8", path.display()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
