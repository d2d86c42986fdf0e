//! Checks on NetworkPolicies whose selectors fit nothing.

use airside_k8s::fields::{down, elements};
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const POLICIES: &[(&str, &str)] =
    &[("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy")];

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
        judge: Judge::Object(POLICIES, selects_nothing),
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
        judge: Judge::Object(POLICIES, peers),
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

fn selects_nothing(policy: &Whole<'_>, report: &mut Report<'_>) {
    let Some(selector) = policy.spec("podSelector").filter(|selector| asks(selector)) else {
        return;
    };
    if policy.graph.is_single_object() {
        return report.undecided("the pods that the policy selects are other objects");
    }
    if !policy.graph.has_pods_selected(policy.object.namespace(), selector) {
        report.fail(FieldPath::of(&["spec", "podSelector"]), "podSelector fits no pod".to_owned());
    }
}

/// Peers of the policy's own namespace, or of all namespaces; which namespaces another selector fits is
/// seldom in the input.
fn peers(policy: &Whole<'_>, report: &mut Report<'_>) {
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
        report.fail(path, "the peer's podSelector fits no pod".to_owned());
    }
}
