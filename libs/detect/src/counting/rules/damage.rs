//! Damage in waves: deletions one after the other, and nodes taken out of service.

use std::time::Duration;

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::super::deed::{Deed, Marks};
use super::{Counted, Over, listed, user};
use crate::rule::{PLAUSIBLE, WEAK};

const DELETED: &[Marks] = &[Marks::DELETES.and(Marks::LASTING).and(Marks::DONE)];

pub(super) static RULES: &[Counted] = &[
    Counted {
        rule: Rule {
            id: "AUD-R80-wave",
            version: 1,
            title: "Many things deleted by hand",
            why: "One deletion after the other takes an application, or a cluster, away. So does cleaning up.",
            next: "Ask who ordered it and look whether it goes on; see that backups are there and that the actor cannot reach them.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Impact,
            techniques: &[technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: DELETED,
        whose: user,
        over: Over::Different { thing: deleted, at_least: 25, among: None },
        span: Duration::from_mins(5),
        again: Duration::from_hours(1),
        stands_for: &[],
        severity: |_, _| Severity::Low,
        deed: |texts| {
            format!("deleted {} things within five minutes: {}", texts.len(), listed(texts))
        },
    },
    Counted {
        rule: Rule {
            id: "AUD-R80-across",
            version: 1,
            title: "Things deleted by hand across namespaces",
            why: "Cleaning up stays where somebody works; who deletes here and there within minutes means the cluster.",
            next: "Take the identity's rights away and ask afterwards; see what is gone and whether backups are there.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: DELETED,
        whose: user,
        over: Over::Different {
            thing: |deed| {
                let (namespace, of) = (deed.request.namespace(), deed.request.resource());
                // Namespaces for one change are made and deleted as a whole, many in a row.
                let counts = !namespace.is_empty() && of != "namespaces" && deleted(deed).is_some();
                counts.then(|| namespace.to_owned())
            },
            at_least: 5,
            among: None,
        },
        span: Duration::from_mins(5),
        again: Duration::from_hours(1),
        stands_for: &[],
        severity: |deed, _| destruction(deed),
        deed: |texts| format!("deleted things of namespaces {} within five minutes", listed(texts)),
    },
    Counted {
        rule: Rule {
            id: "AUD-R80-data",
            version: 1,
            title: "Volumes or copies deleted by hand, one after the other",
            why: "What a volume holds does not come back with the manifest, and without its copies not at all.",
            next: "Take the identity's rights away and ask afterwards; see which volumes are retained by their class, and which backups lie elsewhere.",
            severity: Severity::Medium,
            confidence: PLAUSIBLE,
            tactic: Tactic::Impact,
            techniques: &[technique("T1485")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: &[Marks::DELETES.and(Marks::DATA).and(Marks::DONE)],
        whose: user,
        over: Over::Different { thing: deleted, at_least: 5, among: None },
        span: Duration::from_mins(5),
        again: Duration::from_hours(1),
        stands_for: &[],
        severity: |deed, _| destruction(deed),
        deed: |texts| {
            format!("deleted {} volumes within five minutes: {}", texts.len(), listed(texts))
        },
    },
    Counted {
        rule: Rule {
            id: "AUD-R80-nodes",
            version: 1,
            title: "Node after node taken out of service by hand",
            why: "Without nodes nothing runs; whoever cannot delete stops the cluster like this. Upgrades go from node to node, too, and wait for each.",
            next: "Ask whether the nodes are being upgraded; put back those that are well.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::Impact,
            techniques: &[technique("T1489"), technique("T1498")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: &[
            Marks::NODES.and(Marks::CHANGES).and(Marks::DONE),
            Marks::NODES.and(Marks::DELETES).and(Marks::DONE),
        ],
        whose: user,
        over: Over::Different { thing: out_of_service, at_least: 3, among: None },
        span: Duration::from_mins(5),
        again: Duration::from_hours(1),
        stands_for: &[],
        severity: |_, _| Severity::Low,
        deed: |texts| format!("took {} out of service", listed(texts)),
    },
];

/// Jobs that clear away what is old often run a person's tool.
fn destruction(deed: &Deed<'_, '_>) -> Severity {
    let is_job = deed.is_of_account() && !deed.request.client().is_script();
    if is_job { Severity::Low } else { Severity::Medium }
}

/// What people or scripts delete. Operators and pipelines take down what they put up.
fn deleted(deed: &Deed<'_, '_>) -> Option<String> {
    deed.is_by_hand().then(|| deed.object())
}

/// A node that is deleted, or that takes no more pods, by what the rule about nodes saw of the body.
fn out_of_service(deed: &Deed<'_, '_>) -> Option<String> {
    let is_cordoned = || {
        let found = deed.detections().find(|it| it.rule == "AUD-R79");
        let mut values = found.into_iter().flat_map(|it| &it.values);
        values.any(|it| it.name == crate::audit::UNSCHEDULABLE)
    };
    let counts = deed.is_by_hand() && (deed.is(Marks::DELETES) || is_cordoned());
    counts.then(|| deed.object())
}
