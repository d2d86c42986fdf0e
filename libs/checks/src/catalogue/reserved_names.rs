//! Checks on roles and bindings with names that are kept for Kubernetes.
//!
//! What Kubernetes itself makes under such names is not judged: nobody can change it for long. Others that use
//! them are told so, and the checks on the greatest powers leave such roles and bindings to this family.

use airside_k8s::rbac::{GROUP, Rule, names, role_of};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::shell_bindings::opens_shell;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// Checks on rules that this family replaces for roles with a reserved name.
pub(crate) const JUDGED_BY_NAME: [&str; 3] = ["pods-attach", "pods-exec", "role-allows-everything"];

const KINDS: &[(&str, &str)] = &[
    (GROUP, "ClusterRole"),
    (GROUP, "ClusterRoleBinding"),
    (GROUP, "Role"),
    (GROUP, "RoleBinding"),
];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "reserved-role-name",
        title: "Role or binding has a name that is kept for Kubernetes",
        why: "Names that begin with system: are Kubernetes' own; people and tools take what bears them for a part of the cluster and look no further.",
        fix: "Give the role or binding a name without the prefix.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[technique("T1036.005")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(KINDS, reserved),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:helper"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: helper}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"#,
    },
    Check {
        id: "power-under-reserved-name",
        title: "Great power under a name that is kept for Kubernetes",
        why: "It allows everything, or commands in any pod, under a name that looks like a part of the cluster: this is how an intruder hides rights that he gave himself.",
        fix: "Find out who made it; give it a name without the prefix and the rights that are used, or remove it.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1036.005"), technique("T1098.006")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(KINDS, power),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:helper"}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:helper"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"#,
    },
];

fn is_borrowed(name: &str) -> bool {
    names::is_reserved(name) && !names::is_known(name)
}

fn reserved(whole: &Whole<'_>, report: &mut Report<'_>) {
    let name = whole.object.name();
    if is_borrowed(name) {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("{} `{name}` has a name as Kubernetes' own have", whole.object.kind()),
        );
    }
}

/// A binding to a role that the input lacks is no finding here: Kubernetes' own roles are in no repository.
fn power(whole: &Whole<'_>, report: &mut Report<'_>) {
    let (kind, name) = (whole.object.kind(), whole.object.name());
    if !is_borrowed(name) {
        return;
    }
    let is_binding = kind.ends_with("Binding");
    if is_binding && role_of(whole.object) == Some(("ClusterRole", "cluster-admin")) {
        return report.fail(
            FieldPath::of(&["roleRef", "name"]),
            format!("{kind} `{name}` gives cluster-admin"),
        );
    }
    if is_binding && whole.graph.is_single_object() {
        return report.undecided("what the bound role allows is in another object");
    }
    let role = if is_binding { whole.graph.role(whole.object) } else { Some(whole.object) };
    let rules = role.map(|role| whole.graph.rules_of(role)).unwrap_or_default();
    if let Some(what) = rules.iter().find_map(|(_, rule)| power_of(rule)) {
        report.fail(FieldPath::of(&["metadata", "name"]), format!("{kind} `{name}` allows {what}"));
    }
}

fn power_of(rule: &Rule<'_>) -> Option<&'static str> {
    let all = "everything";
    if rule.allows_everything() { Some(all) } else { opens_shell(rule) }
}
