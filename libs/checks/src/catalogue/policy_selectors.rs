//! Checks on what a network policy says about whom it is for.

use airside_k8s::Value;
use airside_k8s::fields::{elements, list};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "network-policy-without-selectors",
    title: "Network policy names neither pods nor peers",
    why: "Without podSelector it is for all pods of the namespace, and its rules let everybody in: most likely a field is misspelt or stands in the wrong place.",
    fix: "Set podSelector (an empty one for all pods), and from or to in the rules.",
    severity: Severity::Low,
    category: Category::Network,
    techniques: &[],
    controls: &[],
    equivalents: &["trivy:KSV-0038"],
    judge: Judge::Object(POLICIES, without_selectors),
    fails: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all}
spec:
  podSelectors: {matchLabels: {app: web}}
",
    passes: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all}
spec:
  podSelector: {matchLabels: {app: web}}
",
}];

/// A wrong `apiVersion: v1` is a mistake that should not hide this one.
const POLICIES: &[(&str, &str)] = &[
    ("networking.k8s.io", "NetworkPolicy"),
    ("extensions", "NetworkPolicy"),
    ("", "NetworkPolicy"),
];

/// Whether a rule's peers are named by a selector or an address.
fn names_peers(rule: &Value, field: &str) -> bool {
    let peers = elements(rule.get(field));
    peers.iter().any(|peer| {
        ["podSelector", "namespaceSelector", "ipBlock"].iter().any(|key| peer.get(*key).is_some())
    })
}

fn without_selectors(policy: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = policy.object.fields().get("spec").and_then(Value::as_object) else { return };
    let has_selector = ["podSelector", "namespaceSelector"]
        .iter()
        .any(|field| spec.get(field).is_some_and(|value| !value.is_null()));
    let has_peers = list(spec, "ingress").iter().any(|rule| names_peers(rule, "from"))
        || list(spec, "egress").iter().any(|rule| names_peers(rule, "to"));
    if !has_selector && !has_peers {
        report.fail(
            FieldPath::of(&["spec", "podSelector"]),
            "the policy has no podSelector and no peer in its rules".to_owned(),
        );
    }
}
