//! Checks on who is given a role.

use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Binding;

/// The check behind what the audit log tells of bindings: a manifest does not say whether it is needed.
pub(crate) static UNUSED_BINDING: Check = Check {
    id: "unused-binding",
    title: "Rights are granted that no request needed",
    why: "Whoever takes over its holder has these rights, and nobody would miss them. That no request needed a binding is known from the API server's audit log (`airside access`), as far as its audit policy keeps requests.",
    fix: "Delete the binding, or bind a role with less. Where it is for what happens seldom, such as a restore, accept it with that reason.",
    severity: Severity::Low,
    category: Category::AccessControl,
    techniques: &[technique("T1078"), technique("T1098.006")],
    controls: &[],
    equivalents: &[],
    judge: Judge::Reported,
    fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: migration-of-2024, creationTimestamp: 2024-02-01T08:00:00Z}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {kind: ServiceAccount, name: migration, namespace: ci}
",
    passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: deployer, creationTimestamp: 2024-02-01T08:00:00Z}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {kind: ServiceAccount, name: deployer, namespace: ci}
",
};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "cluster-admin-binding",
        title: "cluster-admin is given away",
        why: "Its holder may do anything, in the whole cluster or (by a RoleBinding) in the namespace: one stolen token is enough.",
        fix: "Bind a role with the permissions that are used; keep cluster-admin for people in an emergency.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &[
            "cis-v1.12.0:5.1.1",
            "cis-aks-t1.8.0:4.1.1",
            "cis-eks-t1.8.0:4.1.1",
            "cis-gke-v1.9.0:4.1.1",
        ],
        equivalents: &[
            "kube-linter:cluster-admin-role-binding",
            "polaris:clusterrolebindingClusterAdmin",
            "polaris:rolebindingClusterAdminClusterRole",
            "kubescape:C-0035",
            "kubescape:C-0185",
            "kyverno:other/restrict-binding-clusteradmin",
            "trivy:KSV-0111",
        ],
        judge: Judge::Binding(cluster_admin),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: ServiceAccount, name: ci, namespace: ci}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: ci, namespace: ci}
",
    },
    Check {
        id: "all-powerful-role-binding",
        title: "A role that allows everything is given away",
        why: "The role has another name than cluster-admin and the same power.",
        fix: "Bind a role with the permissions that are used.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &[
            "cis-v1.12.0:5.1.1",
            "cis-aks-t1.8.0:4.1.1",
            "cis-eks-t1.8.0:4.1.1",
            "cis-gke-v1.9.0:4.1.1",
        ],
        equivalents: &[
            "polaris:clusterrolebindingClusterAdmin",
            "polaris:rolebindingClusterAdminClusterRole",
            "polaris:rolebindingClusterAdminRole",
            "checkov:CKV2_K8S_1",
            "checkov:CKV2_K8S_2",
            "checkov:CKV2_K8S_3",
            "checkov:CKV2_K8S_4",
            "checkov:CKV2_K8S_5",
            "polaris:clusterrolebindingPodExecAttach",
            "polaris:rolebindingClusterRolePodExecAttach",
            "polaris:rolebindingRolePodExecAttach",
        ],
        judge: Judge::Binding(all_powerful),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: deployer}
subjects:
- {kind: ServiceAccount, name: ci, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: deployer}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: ci, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: deployer}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
"#,
    },
];

const CLUSTER_ADMIN: &str = "cluster-admin";

pub(super) fn is_cluster_admin(binding: &Binding<'_>) -> bool {
    binding.role_kind == "ClusterRole" && binding.role_name == CLUSTER_ADMIN
}

pub(super) fn reach(binding: &Binding<'_>) -> String {
    match (binding.object.kind(), binding.object.namespace()) {
        ("ClusterRoleBinding", _) => "in the whole cluster".to_owned(),
        (_, Some(namespace)) => format!("in the namespace {namespace}"),
        (_, None) => "in its namespace".to_owned(),
    }
}

fn cluster_admin(binding: &Binding<'_>, report: &mut Report<'_>) {
    if is_cluster_admin(binding) && !binding.is_reserved() {
        report.fail(
            binding.role_path(),
            format!("cluster-admin {} is given to {}", reach(binding), binding.subjects()),
        );
    }
}

fn all_powerful(binding: &Binding<'_>, report: &mut Report<'_>) {
    if is_cluster_admin(binding) || binding.is_reserved() {
        return;
    }
    if binding.graph.is_single_object() {
        return report.undecided("what the bound role allows is in another object");
    }
    let (kind, name) = (binding.role_kind, binding.role_name);
    let role = binding.graph.role(binding.object);
    let rules = role.map(|role| binding.graph.rules_naming(role, "*")).unwrap_or_default();
    if rules.iter().any(|(_, rule)| rule.allows_everything()) {
        report.fail(
            binding.role_path(),
            format!(
                "{kind} `{name}`, which allows everything, is given {} to {}",
                reach(binding),
                binding.subjects()
            ),
        );
    }
}
