//! `week`: seven ordinary days of a cluster, and the same with attacks in them, through reader, rules, behaviour and
//! correlation, in this process. It fails on more than one false incident, and on an attack that is missed.
//!
//! The floor is the week alone: what it takes to make its events.

use std::collections::{BTreeMap, BTreeSet};

use airside_detect::authorised::Authorised;
use airside_types::{Incident, Severity};
use airside_week::watch::Watch;
use airside_week::{Plan, Week};
use serde_json::{Value, json};

use super::Run;
use crate::measure::{Process, measured};
use crate::report::Report;

/// How many incidents of medium or above an ordinary week may cause.
const FALSE_AT_MOST: usize = 1;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let quick = Plan { seed: 11, days: 1, workers: 3, seldom: 30, ..Plan::WEEK };
    let usual = if run.quick { quick } else { Plan::WEEK };
    let plan = Plan { seed: run.seed.unwrap_or(usual.seed), ..usual };
    let (made, making) = measured(|| Ok(make(plan)))?;
    let nothing = Authorised::default();
    let ((week, watch), span) = measured(|| Ok(pass(plan, &nothing)))?;
    let (attacked, attacks) = pass(Plan { attacks: true, ..plan }, &nothing);
    let told: Vec<Value> = watch.false_incidents(week.planted()).map(incident).collect();
    let besides: Vec<Value> = attacks.false_incidents(attacked.planted()).map(incident).collect();
    let missed: Vec<_> = attacks.missed(attacked.planted()).map(|it| it.name).collect();
    let mut report = Report::of("week")
        .took(Process::This, "events", watch.events, span)?
        .with("seed", plan.seed)
        .with("days", plan.days)
        .with("no_events", watch.unreadable)
        .with("detections_by_severity", detections(&watch))
        .with("incidents_by_severity", incidents(&watch))
        .with("false_incidents_at_most", FALSE_AT_MOST)
        .with("false_incidents", told.len())
        .with("false_incidents_and_why", told.clone())
        .with("attacks", attacked.planted().len())
        .with("attacks_missed", missed.clone())
        .with("false_incidents_beside_attacks", besides);
    anyhow::ensure!(made == watch.events, "{made} events were made, {} were read", watch.events);
    if told.len() > FALSE_AT_MOST || !missed.is_empty() {
        let (told, missed) = (told.len(), missed.len());
        report.failed = Some(format!("{told} false incidents, {missed} attacks missed"));
    }
    Ok(report.above("making the events, and nothing else", made, making))
}

fn make(plan: Plan) -> u64 {
    let mut week = Week::new(plan);
    let mut events = 0;
    while let Some(lines) = week.next_hour() {
        events += lines.len() as u64;
    }
    events
}

fn pass(plan: Plan, authorised: &Authorised) -> (Week, Watch<'_>) {
    let (mut week, mut watch) = (Week::new(plan), Watch::new(authorised));
    while let Some(lines) = week.next_hour() {
        watch.take(&lines);
    }
    (week, watch)
}

fn detections(watch: &Watch<'_>) -> Value {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for ((severity, _), count) in &watch.detections {
        *counts.entry(severity.0.as_str()).or_default() += count;
    }
    json!(counts)
}

fn incidents(watch: &Watch<'_>) -> Value {
    let counted = Severity::ALL.map(|severity| {
        let count = watch.incidents().filter(|it| it.severity == severity).count();
        (severity.as_str(), count)
    });
    json!(BTreeMap::from(counted))
}

/// An incident that should not be, and why it is: of each rule the first evidence.
fn incident(incident: &Incident) -> Value {
    let mut rules = BTreeSet::new();
    let weighs = incident.evidence.iter().filter(|it| it.severity > Severity::Info);
    let evidence: Vec<_> = weighs
        .filter(|it| rules.insert((&it.rule, it.severity)))
        .map(|it| format!("{} {} {}: {}", it.time, it.severity, it.rule, it.summary))
        .collect();
    let terms = incident.terms.iter().map(|it| format!("{}: {}", it.points, it.reason));
    json!({
        "title": incident.title, "severity": incident.severity.as_str(), "score": incident.score,
        "terms": terms.collect::<Vec<_>>(), "evidence": evidence,
    })
}
