//! Checks on network policies of all kinds whose selectors fit nothing.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_k8s::graph::asks_controllers;
use airside_k8s::graph::policies::{
    Condition, Direction, POLICY_KINDS, Peer, Stage, policies, selects_any,
};
use airside_types::{FieldPath, Severity};

use super::service_targets::GIVEN_LATER;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "network-policy-selects-nothing",
        title: "NetworkPolicy protects no pod",
        why: "Its podSelector fits no pod of the namespace: the pods that it was written for accept traffic as if it were not there.",
        fix: "Make podSelector fit the labels of the pods, in the same namespace.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:dangling-networkpolicy",
            "kube-score:networkpolicy-targets-pod",
            "kubescape:C-0299",
            "popeye:1200",
        ],
        judge: Judge::Object(POLICY_KINDS, selects_nothing),
        fails: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all}
spec: {podSelector: {}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: wep}}
spec: {}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: wep}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all}
spec: {podSelector: {}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: wep}}
spec: {}
",
    },
    Check {
        id: "network-policy-peer-selects-nothing",
        title: "NetworkPolicy lets in, or out to, pods that do not exist",
        why: "The pods that were meant are blocked; and who can label a pod can give it the labels that the rule waits for.",
        fix: "Make the peer's podSelector fit the labels of the pods; for pods of other namespaces add a namespaceSelector.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:dangling-networkpolicypeer-podselector",
            "popeye:1202",
            "popeye:1207",
        ],
        judge: Judge::Object(POLICY_KINDS, peers),
        fails: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  ingress: [{from: [{podSelector: {matchLabels: {app: prxoy}}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: proxy, labels: {app: proxy}}
spec: {}
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  ingress: [{from: [{podSelector: {matchLabels: {app: proxy}}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: proxy, labels: {app: proxy}}
spec: {}
",
    },
];

/// Whether a selector asks for something; an empty one fits everything.
fn asks(selector: &Value) -> bool {
    let has = |name: &str| match selector.get(name) {
        Some(Value::Object(labels)) => !labels.is_empty(),
        Some(Value::Array(expressions)) => !expressions.is_empty(),
        _ => false,
    };
    has("matchLabels") || has("matchExpressions")
}

fn selects_nothing(object: &Whole<'_>, report: &mut Report<'_>) {
    for policy in policies(object.object) {
        if !policy.subject.iter().any(narrows) {
            continue;
        }
        if object.graph.is_single_object() {
            return report.undecided("the pods that the policy selects are other objects");
        }
        let is_of_cluster =
            !policy.subject.iter().any(|condition| matches!(condition, Condition::InNamespace(_)));
        let fits_none = !selects_any(object.graph, &policy.subject);
        if fits_none && policy.subject.iter().any(asks_later) {
            return report.undecided(GIVEN_LATER);
        }
        if fits_none && (!is_of_cluster || holds_cluster(object)) {
            let selector = match policy.stage {
                Stage::Namespaced => "podSelector",
                Stage::Cilium => "endpointSelector",
                Stage::Admin { .. } | Stage::Baseline { .. } => "the subject",
                Stage::Tier { .. } => "the selector",
            };
            report.fail(policy.subject_path.clone(), format!("{selector} fits no pod"));
        }
    }
}

/// Whether a condition asks for a label that no manifest has.
fn asks_later(condition: &Condition<'_>) -> bool {
    match condition {
        Condition::PodLabels(selector) | Condition::Cilium(selector) => asks_controllers(selector),
        _ => false,
    }
}

/// Whether a condition asks for more than the namespace in which the policy is.
fn narrows(condition: &Condition<'_>) -> bool {
    !matches!(condition, Condition::InNamespace(_)) && !condition.is_empty()
}

/// Whether the input looks like a whole cluster. The pods that a policy of the cluster is for are seldom in
/// the same files.
fn holds_cluster(object: &Whole<'_>) -> bool {
    object.graph.has_pods_written_in("kube-system")
}

fn peers(policy: &Whole<'_>, report: &mut Report<'_>) {
    match policy.object.group() {
        "networking.k8s.io" | "extensions" => network_policy_peers(policy, report),
        _ => own_peers(policy, report),
    }
}

/// Peers of the policy's own namespace, or of all namespaces; which namespaces another selector fits is
/// seldom in the input.
fn network_policy_peers(policy: &Whole<'_>, report: &mut Report<'_>) {
    for (rules, list) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in elements(policy.spec(rules)).iter().enumerate() {
            let path = FieldPath::of(&["spec", rules]).index(index).key(list);
            for (index, peer) in elements(rule.get(list)).iter().enumerate() {
                judge_peer(policy, peer, path.index(index).key("podSelector"), report);
            }
        }
    }
}

fn judge_peer(policy: &Whole<'_>, peer: &Value, path: FieldPath, report: &mut Report<'_>) {
    let Some(selector) = peer.get("podSelector").filter(|selector| asks(selector)) else { return };
    let namespace = match down(peer, &["namespaceSelector"]) {
        None => policy.object.namespace(),
        Some(selector) if !asks(selector) => None,
        Some(_) => return,
    };
    if policy.graph.is_single_object() {
        return report.undecided("the pods of the policy's peers are other objects");
    }
    if !policy.graph.has_pods_selected(namespace, selector) {
        if asks_controllers(selector) {
            return report.undecided(GIVEN_LATER);
        }
        report.fail(path, "the peer's podSelector fits no pod".to_owned());
    }
}

/// Peers that other kinds of policies ask for in their own namespace.
fn own_peers(object: &Whole<'_>, report: &mut Report<'_>) {
    // Their labels count as well.
    let has_sets = ["projectcalico.org", "crd.projectcalico.org"]
        .iter()
        .any(|group| object.graph.has_kind(group, "NetworkSet"));
    for policy in policies(object.object) {
        let sides = Direction::ALL.iter().filter_map(|direction| policy.side(*direction));
        for rule in sides.flat_map(|side| &side.rules) {
            let asked = own_pods(&rule.peer);
            if !asked.is_empty() && object.graph.is_single_object() {
                return report.undecided("the pods of the policy's peers are other objects");
            }
            let is_nobody = |asked: &&[Condition<'_>]| {
                !asked.iter().any(asks_later) && !selects_any(object.graph, asked)
            };
            if !has_sets && asked.iter().any(is_nobody) {
                let message = "a selector of the rule fits no pod of the namespace";
                report.fail(rule.path.clone(), message.to_owned());
            }
        }
    }
}

/// What a peer asks of pods of the policy's namespace.
fn own_pods<'p, 'a>(peer: &'p Peer<'a>) -> Vec<&'p [Condition<'a>]> {
    match peer {
        Peer::Pods(conditions) | Peer::Endpoints(conditions) => {
            let is_own = conditions.iter().any(|it| matches!(it, Condition::InNamespace(_)));
            let is_meant = is_own && conditions.iter().any(narrows);
            is_meant.then_some(conditions.as_slice()).into_iter().collect()
        }
        Peer::AnyOf(peers) | Peer::AllOf(peers) => peers.iter().flat_map(own_pods).collect(),
        _ => Vec::new(),
    }
}
