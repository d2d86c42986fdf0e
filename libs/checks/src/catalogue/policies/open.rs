//! Checks on policies that let everything through.

use airside_k8s::graph::policies::{
    Action, Direction, POLICY_KINDS, Policy, Rule, Side, Stage, policies,
};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "policy-lets-everybody-in",
        title: "Network policy lets everybody in on every port",
        why: "One rule without peers and ports, or from 0.0.0.0/0, opens the pods to the whole cluster and beyond: rules beside it restrict nothing, and policies that add up cannot take it back.",
        fix: "Name the peers or the ports in the rule; where everybody is meant, list the ports that are offered.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1046"), technique("T1210")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICY_KINDS, |policy, report| {
            opens(policy, Direction::Ingress, report);
        }),
        fails: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  ingress: [{}]
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  ingress: [{ports: [{port: 8080}]}]
",
    },
    Check {
        id: "policy-lets-out-to-everywhere",
        title: "Network policy lets out to everywhere on every port",
        why: "An intruder can load tools, reach all other pods and carry data out, as if there were no policy for egress.",
        fix: "Name the peers or the ports that the pods need.",
        severity: Severity::Info,
        category: Category::Network,
        techniques: &[technique("T1041"), technique("T1105")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICY_KINDS, |policy, report| {
            opens(policy, Direction::Egress, report);
        }),
        fails: r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {}
  egress: [{toEntities: [all]}]
",
        passes: r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {}
  egress: [{toEntities: [cluster]}]
",
    },
];

fn opens(object: &Whole<'_>, direction: Direction, report: &mut Report<'_>) {
    let word = match direction {
        Direction::Ingress => "in from everywhere",
        Direction::Egress => "out to everywhere",
    };
    for policy in policies(object.object) {
        let found = policy.side(direction).and_then(|side| open_rule(&policy, side));
        if let Some(rule) = found {
            report.fail(rule.path.clone(), format!("the rule lets all traffic {word}"));
        }
    }
}

/// A rule that lets everything through, unless the policy takes something away before.
fn open_rule<'s, 'a>(policy: &Policy<'a>, side: &'s Side<'a>) -> Option<&'s Rule<'a>> {
    let is_open = |rule: &&Rule<'_>| {
        let has_all = match policy.stage {
            // It overrules the policies of namespaces: all pods are enough.
            Stage::Admin { .. } => rule.peer.has_all_pods(),
            _ => rule.peer.has_all_pods() && rule.peer.has_all_outside(),
        };
        has_all && rule.own.is_none() && rule.ports.is_all()
    };
    // The end of the baseline is the same without a policy.
    let decides = !matches!(policy.stage, Stage::Baseline { .. });
    let mut first = side.rules.iter().take_while(|rule| decides && rule.action == Action::Allow);
    first.find(is_open)
}
