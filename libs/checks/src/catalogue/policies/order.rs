//! Checks on rules that another rule of the same policy leaves nothing to decide.

use airside_k8s::graph::policies::{
    Action, Direction, POLICY_KINDS, Peer, PortMatch, PortNumbers, Rule, Stage, policies,
};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "denying-rule-never-reached",
        title: "Network policy denies what an earlier rule has let through",
        why: "The first rule that fits decides. The denial is never asked, so what it was written against gets in.",
        fix: "Move the denial before the rule that lets the traffic through, or narrow that rule.",
        severity: Severity::Medium,
        category: Category::Network,
        techniques: &[technique("T1046"), technique("T1210")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICY_KINDS, |policy, report| covered(policy, true, report)),
        fails: r"apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec:
  selector: app == 'web'
  ingress:
  - {action: Allow, protocol: TCP}
  - {action: Deny, protocol: TCP, source: {nets: [192.0.2.0/24]}}
",
        passes: r"apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec:
  selector: app == 'web'
  ingress:
  - {action: Deny, protocol: TCP, source: {nets: [192.0.2.0/24]}}
  - {action: Allow, protocol: TCP}
",
    },
    Check {
        id: "policy-rule-never-reached",
        title: "Network policy has a rule that never decides",
        why: "Another rule of the policy fits all that it fits and is asked before it: the policy does something else than it seems to say.",
        fix: "Delete the rule, or move it before the other and narrow one of the two.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICY_KINDS, |policy, report| covered(policy, false, report)),
        fails: r"apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: web}
spec:
  priority: 10
  subject: {namespaces: {}}
  ingress:
  - {action: Deny, from: [{namespaces: {}}]}
  - {action: Pass, from: [{namespaces: {matchLabels: {team: a}}}]}
",
        passes: r"apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: web}
spec:
  priority: 10
  subject: {namespaces: {}}
  ingress:
  - {action: Pass, from: [{namespaces: {matchLabels: {team: a}}}]}
  - {action: Deny, from: [{namespaces: {}}]}
",
    },
];

/// Rules that are compared with each of those before them: what an author can still oversee.
const RULES: usize = 256;

fn covered(object: &Whole<'_>, are_denials: bool, report: &mut Report<'_>) {
    for policy in policies(object.object) {
        let sides = Direction::ALL.iter().filter_map(|direction| policy.side(*direction));
        for side in sides {
            let rules = side.rules.iter().take(RULES).enumerate();
            for (index, rule) in rules {
                let mut before = side.rules.iter().take(index);
                let found = before.find(|other| decides_before(policy.stage, other, rule));
                let Some(other) = found else { continue };
                let is_denial = rule.action == Action::Deny && other.action != Action::Deny;
                if is_denial == are_denials {
                    report.fail(
                        rule.path.clone(),
                        format!("{} fits all that the rule fits, and decides", other.path),
                    );
                }
            }
        }
    }
}

/// Whether a rule, which stands before another one, leaves it nothing. Rules that add up only add; but
/// Cilium's denials, which come first here, win.
fn decides_before(stage: Stage<'_>, rule: &Rule<'_>, later: &Rule<'_>) -> bool {
    match stage {
        Stage::Namespaced => return false,
        Stage::Cilium if rule.action == later.action => return false,
        _ => {}
    }
    let has_ports = rule.ports.is_all() || rule.ports == later.ports || holds_ports(rule, later);
    let has_own = rule.own.is_none() || rule.own == later.own;
    has_ports && has_own && has_peers(&rule.peer, &later.peer)
}

/// Whether each of the later rule's ports is one of the rule's, or of a protocol that the rule has all of.
fn holds_ports(rule: &Rule<'_>, later: &Rule<'_>) -> bool {
    let (ports, others) = (&rule.ports, &later.ports);
    let (Some(listed), Some(wanted)) = (&ports.listed, &others.listed) else { return false };
    let holds = |port: &PortMatch<'_>| {
        listed.iter().any(|own| {
            let is_wider = own.numbers == PortNumbers::Any;
            own == port || (is_wider && (own.protocol.is_none() || own.protocol == port.protocol))
        })
    };
    ports.except.is_empty() && !ports.asks_for_source && wanted.iter().all(holds)
}

fn has_peers(peer: &Peer<'_>, later: &Peer<'_>) -> bool {
    match (peer, later) {
        (Peer::Everyone, _) => true,
        (_, Peer::AnyOf(others)) if !others.is_empty() => {
            others.iter().all(|other| has_one(peer, other))
        }
        _ => has_one(peer, later),
    }
}

fn has_one(peer: &Peer<'_>, other: &Peer<'_>) -> bool {
    let is_pods = matches!(other, Peer::Pods(_));
    let is_listed = matches!(peer, Peer::AnyOf(peers) if peers.contains(other));
    peer == other || is_listed || (is_pods && peer.has_all_pods())
}
