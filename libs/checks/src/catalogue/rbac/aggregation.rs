//! Checks on rules that a ClusterRole adds to the built-in roles of users.

use airside_k8s::Value;
use airside_k8s::rbac::{Rule, rules};
use airside_types::Severity;
use airside_types::attack::technique;

use super::holders::{READ_SECRETS, RUN_COMMANDS};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[Check {
    id: "built-in-view-widened",
    title: "ClusterRole adds more than reading to the built-in role view",
    why: "view is given to many because it shows no secrets and changes nothing. By its label this role's rules are view's from now on, in every namespace.",
    fix: "Aggregate to edit or admin instead, or bind the role by itself.",
    severity: Severity::Medium,
    category: Category::AccessControl,
    techniques: &[technique("T1098.006")],
    controls: &[],
    equivalents: &[],
    judge: Judge::Object(&[(airside_k8s::rbac::GROUP, "ClusterRole")], widened),
    fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shop-view
  labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}
rules:
- {apiGroups: [shop.example], resources: [carts], verbs: [get, delete]}
"#,
    passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shop-view
  labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}
rules:
- {apiGroups: [shop.example], resources: [carts], verbs: [get, list]}
"#,
}];

const READING: [&str; 3] = ["get", "list", "watch"];

/// What a rule gives beyond reading, or beyond what readers are meant to see.
fn excess(rule: &Rule<'_>) -> Option<(&'static str, usize, String)> {
    let changing = rule.list("verbs").find(|(_, verb)| !READING.contains(verb));
    if let Some((entry, verb)) = changing {
        return Some(("verbs", entry, format!("the verb {verb}")));
    }
    let given = READ_SECRETS.given_in(rule).into_iter().chain(RUN_COMMANDS.given_in(rule)).next();
    given.map(|(entry, resource, _)| ("resources", entry, resource.to_owned()))
}

fn widened(role: &Whole<'_>, report: &mut Report<'_>) {
    const LABEL: &str = "rbac.authorization.k8s.io/aggregate-to-view";
    let label = role.object.labels().and_then(|labels| labels.get(LABEL));
    if label.and_then(Value::as_str) != Some("true") || role.object.name().starts_with("system:") {
        return;
    }
    for rule in rules(role.object) {
        if let Some((list, entry, what)) = excess(&rule) {
            report.fail(
                rule.path(list, entry),
                format!("rule {} adds {what} to the built-in role view", rule.index),
            );
        }
    }
}
