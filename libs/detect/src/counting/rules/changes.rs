//! One change after the other: what somebody does with what he has just given himself, or takes away again.

use std::time::Duration;

use airside_types::attack::technique;
use airside_types::{IdBuilder, Rule, Severity, Source, Tactic};

use super::super::deed::{Deed, Marks};
use super::super::windows::Thing;
use super::{Counted, Over, user};
use crate::audit::Actor;
use crate::rule::{LIKELY, WEAK};

pub(super) static RULES: &[Counted] = &[
    Counted {
        rule: Rule {
            id: "AUD-R23-own",
            version: 1,
            title: "Certificate requested and approved by the same identity",
            why: "Approval is there so that a second one looks at the names that are asked for; who approves his own request makes himself whom he likes, and nobody can take the certificate back.",
            next: "Read which names the request asked for; follow the certificate's fingerprint through the log, and take the right to approve away.",
            severity: Severity::Medium,
            confidence: LIKELY,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1649"), technique("T1098.006")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: &[
            Marks::CERTIFICATES.and(Marks::CREATES).and(Marks::DONE),
            Marks::CERTIFICATES.and(Marks::CHANGES).and(Marks::DONE),
        ],
        whose: object_of_user,
        over: Over::InOrder {
            first: |deed| (deed.request.verb() == "create").then(|| deed.object()),
            then: |deed| {
                let approves = deed.request.subresource() == "approval";
                approves.then(|| format!("approval of {}", deed.object()))
            },
        },
        span: Duration::from_hours(1),
        again: Duration::from_hours(1),
        stands_for: &[],
        severity: |deed, _| match deed.request.actor() {
            // People who run a cluster make certificates for others like this.
            Actor::User(_) => Severity::Medium,
            _ => Severity::High,
        },
        deed: |texts| format!("asked for and approved {}", texts.first().unwrap_or(&"")),
    },
    Counted {
        rule: Rule {
            id: "AUD-R67",
            version: 1,
            title: "Rights changed, and then a workload",
            why: "Who widens the rights of an account and then starts something that runs as it uses what he gave himself. Applying an application by hand looks alike.",
            next: "Read which rights were given to whom, and whether the workload runs as that account; compare both with the repository.",
            severity: Severity::Low,
            confidence: WEAK,
            tactic: Tactic::PrivilegeEscalation,
            techniques: &[technique("T1098.006"), technique("T1610")],
            equivalents: &[
                "elastic:Kubernetes Sensitive RBAC Change Followed by Workload Modification",
            ],
            source: Source::Audit,
            examples: None,
        },
        on: &[
            Marks::RIGHTS.and(Marks::CREATES).and(Marks::DONE),
            Marks::RIGHTS.and(Marks::CHANGES).and(Marks::DONE),
            Marks::WORKLOADS.and(Marks::CREATES).and(Marks::DONE),
            Marks::WORKLOADS.and(Marks::CHANGES).and(Marks::DONE),
        ],
        whose: user,
        over: Over::InOrder {
            first: |deed| changed_by_hand(deed, Marks::RIGHTS),
            then: |deed| changed_by_hand(deed, Marks::WORKLOADS),
        },
        span: Duration::from_mins(5),
        again: Duration::from_mins(30),
        stands_for: &[],
        severity: |deed, things| match things.iter().map(Thing::weight).min() {
            // Both were told as dangerous already.
            Some(Severity::Medium | Severity::High | Severity::Critical) => Severity::Medium,
            _ if deed.is_of_account() => Severity::Low,
            _ => Severity::Info,
        },
        deed: |texts| format!("changed {}", texts.join(", and then ")),
    },
    Counted {
        rule: Rule {
            id: "AUD-R75",
            version: 1,
            title: "Pod made and soon deleted again by hand",
            why: "A tool that has done its work is taken away so that nobody finds it. So is a pod for debugging.",
            next: "Read from the audit log what the pod was allowed and what was run in it; its image and node are in the request that made it.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic: Tactic::DefenseEvasion,
            techniques: &[technique("T1070"), technique("T1610")],
            equivalents: &[],
            source: Source::Audit,
            examples: None,
        },
        on: &[
            Marks::PODS.and(Marks::CREATES).and(Marks::DONE),
            Marks::PODS.and(Marks::DELETES).and(Marks::DONE),
        ],
        whose: object_of_user,
        over: Over::InOrder {
            first: |deed| {
                let makes = deed.request.verb() == "create" && deed.is_by_hand();
                makes.then(|| deed.object())
            },
            then: |deed| {
                let deletes = deed.request.verb() == "delete" && deed.is_by_hand();
                deletes.then(|| format!("deletion of {}", deed.object()))
            },
        },
        span: Duration::from_mins(10),
        again: Duration::from_mins(10),
        stands_for: &[],
        severity: |_, things| {
            let is_dangerous = things.first().is_some_and(|it| it.weight() >= Severity::Medium);
            if is_dangerous { Severity::Low } else { Severity::Info }
        },
        deed: |texts| format!("made and soon deleted {}", texts.first().unwrap_or(&"")),
    },
];

/// Requests of one identity for one object.
fn object_of_user(deed: &Deed<'_, '_>, key: IdBuilder) -> Option<IdBuilder> {
    let name = Some(deed.request.name()).filter(|name| !name.is_empty())?;
    Some(key.text(deed.user()).text(deed.request.namespace()).text(name))
}

/// Pipelines and operators bring rights and workloads together all the time.
fn changed_by_hand(deed: &Deed<'_, '_>, kind: Marks) -> Option<String> {
    let counts = deed.is(kind) && deed.is_by_hand();
    counts.then(|| deed.object())
}
