//! Root causes: the weaknesses that let it happen, in the manifest lines that hold them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Finding, Id, ObjectRef, RootCause, Tactic};

use super::{Case, lineage, stages};

/// How a finding bears on an incident: lower is closer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bearing {
    /// It enables a technique that was seen.
    Technique,
    /// It serves a goal that was pursued.
    Goal,
}

/// The findings that bear on the incident: chosen by how closely, told the most severe first.
pub(super) fn root_causes(case: &Case<'_>) -> Vec<RootCause> {
    let caps = &case.settings.caps;
    let seen = Seen::in_case(case);
    let mut taken: BTreeSet<Id> = BTreeSet::new();
    let mut bearing = Vec::new();
    for trail in lineage::trails(case) {
        for finding in trail.findings(case.known) {
            if let Some(how) = seen.bearing(&finding)
                && taken.insert(finding.id(case.tenant, case.cluster))
            {
                bearing.push((how, finding, trail.steps.clone()));
            }
        }
    }
    let place = |finding: &Finding| (finding.place.clone(), finding.check.clone());
    bearing.sort_by_key(|(how, finding, _)| (*how, Reverse(finding.severity), place(finding)));
    let mut in_object: BTreeMap<ObjectRef, usize> = BTreeMap::new();
    bearing.retain(|(_, finding, _)| {
        let count = in_object.entry(finding.object.clone()).or_default();
        *count += 1;
        *count <= caps.root_causes_in_object
    });
    bearing.truncate(caps.root_causes);
    bearing.sort_by_key(|(how, finding, _)| (Reverse(finding.severity), *how, place(finding)));
    bearing.into_iter().map(|(_, finding, steps)| root_cause(finding, steps)).collect()
}

fn root_cause(finding: Finding, mut lineage: Vec<String>) -> RootCause {
    lineage.push(format!("{} fails check {} at {}", finding.object, finding.check, finding.place));
    RootCause {
        check: finding.check,
        severity: finding.severity,
        object: finding.object,
        field: finding.field,
        place: finding.place,
        message: finding.message,
        fix: finding.fix,
        lineage,
    }
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
        let serves = finding.techniques.iter().any(|enabled| enabled.tactics().iter().any(pursued));
        serves.then_some(Bearing::Goal)
    }
}
