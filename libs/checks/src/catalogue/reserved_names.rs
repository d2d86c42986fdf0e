//! The check on roles and bindings with names that are kept for Kubernetes.

use airside_k8s::rbac::{GROUP, names};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "reserved-role-name",
    title: "Role or binding has a name that is kept for Kubernetes",
    why: "Names with system: are Kubernetes' own, so people and tools take what bears them for a part of the cluster and look no further: a good place to hide rights.",
    fix: "Give the role or binding a name without the prefix; if a part of the cluster made it, accept the finding.",
    severity: Severity::Medium,
    category: Category::AccessControl,
    techniques: &[technique("T1036.005"), technique("T1098.006")],
    controls: &[],
    equivalents: &[],
    judge: Judge::Object(
        &[
            (GROUP, "ClusterRole"),
            (GROUP, "ClusterRoleBinding"),
            (GROUP, "Role"),
            (GROUP, "RoleBinding"),
        ],
        reserved,
    ),
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
}];

fn reserved(whole: &Whole<'_>, report: &mut Report<'_>) {
    let name = whole.object.name();
    if names::is_reserved(name) && !names::is_known(name) {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("{} `{name}` has a name as Kubernetes' own have", whole.object.kind()),
        );
    }
}
