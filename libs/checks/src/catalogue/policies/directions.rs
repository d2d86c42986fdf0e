//! The check on directions of a NetworkPolicy that are written and not in force.

use airside_k8s::Value;
use airside_k8s::fields::elements;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[Check {
    id: "policy-direction-not-in-force",
    title: "NetworkPolicy lists rules for a direction that it does not restrict",
    why: "policyTypes decides what a policy restricts, and without it only egress rules make it restrict egress: what is written here, an empty list to deny all included, holds for nothing, and the pods stay open in that direction.",
    fix: "Add the direction to policyTypes; policyTypes: [Egress] with no rules denies all egress.",
    severity: Severity::Medium,
    category: Category::Network,
    techniques: &[],
    controls: &[],
    equivalents: &[],
    judge: Judge::Object(
        &[("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy")],
        not_in_force,
    ),
    fails: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  egress: []
",
    passes: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress: []
",
}];

fn not_in_force(policy: &Whole<'_>, report: &mut Report<'_>) {
    let types: Vec<&str> =
        elements(policy.spec("policyTypes")).iter().filter_map(Value::as_str).collect();
    for (field, direction) in [("ingress", "Ingress"), ("egress", "Egress")] {
        let Some(rules) = policy.spec(field).and_then(Value::as_array) else { continue };
        let is_in_force = match types.as_slice() {
            [] => direction == "Ingress" || !rules.is_empty(),
            listed => listed.contains(&direction),
        };
        // An empty list beside the other direction says nothing: programs write it.
        let is_meant = !rules.is_empty() || types.is_empty();
        if !is_in_force && is_meant {
            let how = match types.as_slice() {
                [] => "is empty and policyTypes is not set".to_owned(),
                listed => format!("is written and policyTypes lists {} only", listed.join(", ")),
            };
            report.fail(
                FieldPath::of(&["spec", field]),
                format!("{field} {how}: the policy does not restrict {field}"),
            );
        }
    }
}
