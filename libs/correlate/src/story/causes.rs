//! Root causes: the weaknesses that let it happen, in the manifest lines that hold them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use airside_types::{Finding, Id, ObjectRef, Record, RootCause, Severity, SourceLine, Tactic};

use super::{Case, lineage, stages};

/// How a finding bears on an incident: lower is closer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bearing {
    /// It enables a technique that was seen.
    Technique,
    /// It serves a goal that was pursued. Minor weaknesses are not told for that alone.
    Goal,
}

/// The findings that bear on the incident: chosen by how closely, told the most severe first.
pub(super) fn root_causes(case: &Case<'_>) -> Vec<RootCause> {
    let caps = &case.settings.caps;
    let seen = Seen::in_case(case);
    let mut taken: BTreeSet<Id> = BTreeSet::new();
    let mut bearing: Vec<(Bearing, Arc<Record>, Rc<[String]>)> = Vec::new();
    for trail in lineage::trails(case) {
        for record in trail.findings {
            let how = lineage::finding(&record).and_then(|finding| seen.bearing(finding));
            if let Some(how) = how
                && taken.insert(record.id)
            {
                bearing.push((how, record, Rc::clone(&trail.steps)));
            }
        }
    }
    let severity = |record: &Record| Reverse(lineage::finding(record).map(|it| it.severity));
    let place = |record: &Record| {
        lineage::finding(record).map(|it| (it.place.clone(), it.check.clone(), record.id))
    };
    bearing.sort_by_key(|(how, record, _)| (*how, severity(record), place(record)));
    let mut in_object: BTreeMap<Arc<ObjectRef>, usize> = BTreeMap::new();
    let mut lines: BTreeSet<(Arc<str>, u32)> = BTreeSet::new();
    bearing.retain(|(_, record, _)| {
        let Some(finding) = lineage::finding(record) else { return false };
        // Several checks fail at one line: the closest one stands for it.
        if !lines.insert((finding.place.path.clone(), finding.place.line)) {
            return false;
        }
        let count = in_object.entry(finding.object.clone()).or_default();
        *count += 1;
        *count <= caps.root_causes_in_object
    });
    bearing.truncate(caps.root_causes);
    bearing.sort_by_key(|(how, record, _)| (severity(record), *how, place(record)));
    let told = |(_, record, steps): &(Bearing, Arc<Record>, Rc<[String]>)| {
        Some(root_cause(lineage::finding(record)?.clone(), steps.to_vec()))
    };
    bearing.iter().filter_map(told).collect()
}

fn root_cause(finding: Finding, mut lineage: Vec<String>) -> RootCause {
    lineage.push(format!("{} fails check {} at {}", finding.object, finding.check, finding.place));
    lineage.extend(finding.origin.as_deref().map(rendered_from));
    RootCause {
        check: finding.check.into_owned(),
        severity: finding.severity,
        object: Arc::unwrap_or_clone(finding.object),
        field: finding.field,
        place: finding.place,
        message: finding.message,
        fix: finding.fix.into_owned(),
        lineage,
    }
}

/// The step from a rendered line to the one that people can change.
fn rendered_from(line: &SourceLine) -> String {
    let values = line.values.iter().map(|value| match &value.place {
        Some(place) => format!("{} at {}:{}", value.key, place.path, place.line),
        None => format!("{}, which no file sets", value.key),
    });
    let values: Vec<_> = values.collect();
    let takes = if values.is_empty() { "" } else { ", which takes " };
    format!("The line was rendered from {}{takes}{}", line.place, values.join(" and "))
}

/// What was seen in an incident, to compare findings with.
struct Seen {
    techniques: BTreeSet<&'static str>,
    tactics: Vec<Tactic>,
}

impl Seen {
    fn in_case(case: &Case<'_>) -> Self {
        let all = case.signals.iter().flat_map(|signal| signal.techniques.iter().copied());
        Self {
            techniques: all.map(airside_types::Technique::base_id).collect(),
            tactics: stages::tactics(case),
        }
    }

    fn bearing(&self, finding: &Finding) -> Option<Bearing> {
        let technique = |id: &str| self.techniques.contains(id);
        if finding.techniques.iter().any(|enabled| technique(enabled.base_id())) {
            return Some(Bearing::Technique);
        }
        let pursued = |tactic: &Tactic| self.tactics.contains(tactic);
        if finding.severity < Severity::Medium {
            return None;
        }
        let serves = finding.techniques.iter().any(|enabled| enabled.tactics().iter().any(pursued));
        serves.then_some(Bearing::Goal)
    }
}
