//! Checks on bindings to nothing and roles that nobody has.

use airside_k8s::Object;
use airside_k8s::rbac::{Bearer, subjects};
use airside_types::{FieldPath, Severity};

use super::ROLES;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Binding, Whole};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "binding-without-role",
        title: "Binding gives a role that does not exist",
        why: "It gives nothing today; whoever may create a role of that name later decides what it gives.",
        fix: "Correct the name and kind in roleRef (a binding has to be made anew for that), or delete the binding.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "polaris:clusterrolebindingPodExecAttach",
            "polaris:rolebindingClusterRolePodExecAttach",
            "polaris:rolebindingRolePodExecAttach",
            "popeye:1300",
        ],
        judge: Judge::Binding(without_role),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: User, name: ada}
",
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: User, name: ada}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
"#,
    },
    Check {
        id: "binding-without-service-account",
        title: "Binding names a service account that does not exist",
        why: "The program that was meant has no rights, and whoever creates an account of that name gets them.",
        fix: "Correct the name or namespace of the subject, or remove it.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &["popeye:1300"],
        judge: Judge::Binding(without_account),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: wep, namespace: shop}
- {kind: ServiceAccount, name: web, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: web, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
",
    },
    Check {
        id: "role-without-binding",
        title: "Role that nobody has",
        why: "It is left over, or its binding is missing; unused rights are given away without a second look.",
        fix: "Delete it, or bind it.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ROLES, without_binding),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: User, name: ada}
"#,
    },
];

/// Whether a role comes with the cluster: the API server's own, and those that distributions add.
fn comes_with_cluster(kind: &str, name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "admin",
        "basic-user",
        "cluster-admin",
        "cluster-reader",
        "edit",
        "registry-viewer",
        "self-provisioner",
        "view",
    ];
    const PREFIXES: [&str; 6] = ["system:", "kubeadm:", "eks:", "aks:", "gce:", "openshift"];
    let is_named = match kind {
        "Role" => name == "extension-apiserver-authentication-reader",
        _ => NAMES.contains(&name),
    };
    is_named || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn without_role(binding: &Binding<'_>, report: &mut Report<'_>) {
    let (kind, name) = (binding.role_kind, binding.role_name);
    if binding.object.kind() == "ClusterRoleBinding" && kind == "Role" {
        return report.fail(
            FieldPath::of(&["roleRef", "kind"]),
            format!("a ClusterRoleBinding cannot give the Role `{name}`, only a ClusterRole"),
        );
    }
    if comes_with_cluster(kind, name) {
        return;
    }
    if binding.graph.is_single_object() {
        return report.undecided("whether the role exists is not known");
    }
    if binding.graph.role(binding.object).is_none() {
        let message = format!("the {kind} `{name}` does not exist");
        report.missing(binding.role_path(), name, message);
    }
}

/// An account of a namespace in which the input runs nothing is somebody else's.
fn without_account(binding: &Binding<'_>, report: &mut Report<'_>) {
    let graph = binding.graph;
    for (index, bearer) in subjects(binding.object) {
        let Bearer::ServiceAccount(namespace, name) = bearer else { continue };
        if name == "default" || namespace == Some("kube-system") {
            continue;
        }
        if graph.is_single_object() {
            return report.undecided("whether the service account exists is not known");
        }
        if graph.runs_in(namespace) && graph.service_account(namespace, name).is_none() {
            report.missing(
                FieldPath::of(&["subjects"]).index(index).key("name"),
                name,
                format!("the service account `{name}` does not exist"),
            );
        }
    }
}

/// Whether a role is meant to be taken over by another one, the built-in ones included.
fn is_for_aggregation(role: &Object<'_>) -> bool {
    const PREFIX: &str = "rbac.authorization.k8s.io/aggregate-to-";
    role.labels().is_some_and(|labels| labels.keys().any(|label| label.starts_with(PREFIX)))
}

fn without_binding(role: &Whole<'_>, report: &mut Report<'_>) {
    let (object, graph) = (role.object, role.graph);
    let is_cluster_role = object.kind() == "ClusterRole";
    if object.name().is_empty()
        || comes_with_cluster(object.kind(), object.name())
        || is_cluster_role && is_for_aggregation(object)
    {
        return;
    }
    if graph.is_single_object() {
        return report.undecided("the bindings of the role are other objects");
    }
    let is_used = graph.is_given(object) || is_cluster_role && graph.is_aggregated(object);
    if !is_used {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("no binding gives the {} `{}`", object.kind(), object.name()),
        );
    }
}
