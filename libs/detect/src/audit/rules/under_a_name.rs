//! What is told of requests that other rules leave alone for the name of who makes them.
//!
//! Some logs (GKE's) have no groups, so that a name of the machinery can neither be proven nor refuted there.
//! What the machinery is known to do is quiet; what it is not known to do is told by this one rule, with the
//! deed's own severity.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::{Definition, Ended, Firing, On};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[Definition {
    rule: Rule {
        id: "AUD-R98",
        version: 1,
        title: "Machinery does what it is not known to do",
        why: "The name is one of the cluster's own machinery, the deed is none of its business, and the event has no groups that would prove the name.",
        next: "Compare the address and the credential with those under which the machinery usually acts, and ask who can issue tokens or certificates for this name.",
        severity: Severity::Medium,
        confidence: PLAUSIBLE,
        tactic: Tactic::PrivilegeEscalation,
        techniques: &[technique("T1078"), technique("T1098.006")],
        equivalents: &[],
        source: Source::Audit,
        examples: Some(Examples {
            fires: r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:web"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"m"}]},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"list","user":{"username":"system:serviceaccount:kube-system:generic-garbage-collector"},"objectRef":{"resource":"secrets"},"responseStatus":{"code":200}}"#,
        }),
    },
    on: On::LeftAlone,
    ended: Ended::Either,
    // The frame asks `told_under_a_name`, when all other rules have answered.
    when: |_| None,
}];

/// The one firing for what rules have left alone, if anything of it is worth more than a note: the worst deed,
/// and which rules tell more of it.
pub(in crate::audit) fn told_under_a_name(
    left_alone: &[(&'static Rule, Firing)],
) -> Option<(&'static Rule, Firing)> {
    let severity = |(rule, firing): &(&Rule, Firing)| firing.severity.unwrap_or(rule.severity);
    let rule = &RULES.first()?.rule;
    let loud = left_alone.iter().filter(|told| severity(told) > Severity::Info);
    // The first of the worst: the rules' order says which tells most.
    let worst = loud.rev().max_by_key(|told| severity(told))?;
    let mut firing = Firing::new(worst.1.deed.clone()).at(severity(worst));
    firing.targets.clone_from(&worst.1.targets);
    firing.values.clone_from(&worst.1.values);
    let rules: Vec<&str> = left_alone.iter().map(|(rule, _)| rule.id).collect();
    Some((rule, firing.with("rules", &rules.join(", "))))
}
