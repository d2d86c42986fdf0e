//! Checks on who is given a way into running pods.

use airside_k8s::rbac::Rule;
use airside_types::Severity;
use airside_types::attack::technique;

use super::bindings::{is_cluster_admin, reach};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Binding;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "cluster-wide-shell-binding",
        title: "Somebody may run commands in every pod of the cluster",
        why: "Who can exec into pods has their service accounts, their secrets and, where a pod is privileged, its node: this is close to owning the cluster.",
        fix: "Bind a role without pods/exec and pods/attach, or bind it by RoleBindings in the namespaces that need it.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &["polaris:clusterrolebindingPodExecAttach", "kubescape:C-0002"],
        judge: Judge::Binding(|binding, report| shell(binding, "ClusterRoleBinding", report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: shell}
subjects: [{kind: User, name: ada}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shell}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: User, name: ada}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shell}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
"#,
    },
    Check {
        id: "namespace-shell-binding",
        title: "Somebody may run commands in every pod of a namespace",
        why: "Who can exec into pods has their service accounts and their secrets, past all review of what the pods run.",
        fix: "Bind a role without pods/exec and pods/attach; give the right for a time when it is needed.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &[
            "polaris:rolebindingClusterRolePodExecAttach",
            "polaris:rolebindingRolePodExecAttach",
            "kubescape:C-0002",
        ],
        judge: Judge::Binding(|binding, report| shell(binding, "RoleBinding", report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: shell}
subjects: [{kind: User, name: ada}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shell}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: User, name: ada}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shell}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
"#,
    },
];

/// The subresources of a pod by which commands run in it.
const WAYS: [&str; 2] = ["pods/exec", "pods/attach"];

/// The API server opens a connection for create (POST), and for get when the client uses a web socket.
pub(super) fn opens_shell(rule: &Rule<'_>) -> Option<&'static str> {
    WAYS.into_iter().find(|way| opens(rule, way))
}

fn opens(rule: &Rule<'_>, way: &str) -> bool {
    rule.allows_verb(&["create", "get"]) && rule.reaches("", way) && !rule.names_its_objects()
}

fn shell(binding: &Binding<'_>, kind: &str, report: &mut Report<'_>) {
    if binding.object.kind() != kind || binding.is_reserved() || is_cluster_admin(binding) {
        return;
    }
    if binding.graph.is_single_object() {
        return report.undecided("what the bound role allows is in another object");
    }
    let Some(role) = binding.graph.role(binding.object) else { return };
    let has = |resource: &str, is_such: &dyn Fn(&Rule<'_>) -> bool| {
        binding.graph.rules_naming(role, resource).iter().any(|(_, rule)| is_such(rule))
    };
    // Roles that allow everything are reported as such.
    if has("*", &|rule| rule.allows_everything()) {
        return;
    }
    if let Some(way) = WAYS.into_iter().find(|way| has(way, &|rule| opens(rule, way))) {
        report.fail(
            binding.role_path(),
            format!(
                "{} `{}` gives {way} {} to {}",
                binding.role_kind,
                binding.role_name,
                reach(binding),
                binding.subjects()
            ),
        );
    }
}
