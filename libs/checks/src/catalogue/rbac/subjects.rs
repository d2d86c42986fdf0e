//! Checks on to whom roles are given: groups and accounts that too many are, and built-in strong roles.

use airside_k8s::rbac::{Bearer, subjects};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Binding;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "anonymous-binding",
        title: "Anonymous users are given a role",
        why: "Whoever reaches the API server, without any credential, has these rights.",
        fix: "Remove system:anonymous and system:unauthenticated from the subjects.",
        severity: Severity::Critical,
        category: Category::AccessControl,
        techniques: &[technique("T1190"), technique("T1078")],
        controls: &["cis-gke-v1.9.0:4.1.8"],
        equivalents: &[
            "kubescape:C-0262",
            "kubescape:anonymous-access-enabled",
            "trivy:KSV-0122",
            "gatekeeper-library:general/disallowanonymous",
            "kubesec:BindingsToSystemAnonymous",
            "kyverno:other/restrict-binding-system-groups",
        ],
        judge: Judge::Binding(|binding, report| {
            given_to(binding, &["system:anonymous", "system:unauthenticated"], report);
        }),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: status}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:unauthenticated}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: status}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: operations}
",
    },
    Check {
        id: "authenticated-binding",
        title: "Everybody with a credential is given a role",
        why: "system:authenticated holds every user of the identity provider, on some clouds every account of the world, and every service account.",
        fix: "Name the group that is meant.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1078")],
        controls: &["cis-gke-v1.9.0:4.1.10"],
        equivalents: &[
            "trivy:KSV-01011",
            "kyverno:other/restrict-binding-system-groups",
            "kubescape:C-0265",
        ],
        judge: Judge::Binding(|binding, report| {
            given_to(binding, &["system:authenticated"], report);
        }),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:authenticated}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}
",
    },
    Check {
        id: "all-service-accounts-binding",
        title: "All service accounts are given a role",
        why: "Every pod, of the cluster or of a namespace, has these rights, those of later applications included.",
        fix: "Name the service accounts that are meant.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1078")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Binding(all_service_accounts),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:serviceaccounts}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: dashboard, namespace: shop}
",
    },
    Check {
        id: "masters-binding",
        title: "The group system:masters is named in a binding",
        why: "Its members pass every authorization unasked: a binding adds nothing, cannot take anything away, and invites people into the group.",
        fix: "Bind cluster-admin to a group of your own, which can be taken out of the binding again.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &["cis-v1.12.0:5.1.7", "cis-gke-v1.9.0:4.1.6"],
        equivalents: &[
            "kubescape:C-0246",
            "trivy:KSV-0123",
            "kyverno:other/restrict-binding-system-groups",
        ],
        judge: Judge::Binding(masters),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: operators}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:masters}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: operators}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: operators}
",
    },
    Check {
        id: "default-service-account-binding",
        title: "A role is given to a default service account",
        why: "Every pod of the namespace that names no account runs as it, so what is meant for one program is given to all.",
        fix: "Make a service account for the program and bind the role to it.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1078.001")],
        controls: &[
            "cis-v1.12.0:5.1.5",
            "cis-aks-t1.8.0:4.1.5",
            "cis-eks-t1.8.0:4.1.5",
            "cis-gke-v1.9.0:4.1.4",
        ],
        equivalents: &["checkov:CKV_K8S_42", "kyverno:other/deny-default-service-account-bindings"],
        judge: Judge::Binding(default_account),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sync, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: default, namespace: shop}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sync, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: sync, namespace: shop}
",
    },
    Check {
        id: "admin-role-binding",
        title: "The built-in admin role is given away",
        why: "admin reads all secrets of its namespace (by a ClusterRoleBinding, of all namespaces), runs anything there and gives its rights to others.",
        fix: "Bind edit or view, or a role with the permissions that are used.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &[],
        equivalents: &["trivy:KSV-0111"],
        judge: Judge::Binding(admin_role),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: team, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: shop-team}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: team, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: shop-team}
",
    },
];

/// Roles that Kubernetes itself, or kubeadm, gives to everybody: they show versions and the own rights.
const FOR_EVERYBODY: [&str; 5] = [
    "kubeadm:bootstrap-signer-clusterinfo",
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
];

fn subject_path(index: usize) -> FieldPath {
    FieldPath::of(&["subjects"]).index(index).key("name")
}

fn role(binding: &Binding<'_>) -> String {
    format!("{} `{}`", binding.role_kind, binding.role_name)
}

/// The names count whether they are written as a user's or as a group's: one of them is meant.
fn given_to(binding: &Binding<'_>, names: &[&str], report: &mut Report<'_>) {
    if FOR_EVERYBODY.contains(&binding.role_name) {
        return;
    }
    for (index, bearer) in subjects(binding.object) {
        let (Bearer::User(name) | Bearer::Group(name)) = bearer else { continue };
        if names.contains(&name) {
            report.fail(subject_path(index), format!("{} is given to {name}", role(binding)));
        }
    }
}

/// The API server makes one such binding itself, in every cluster.
fn masters(binding: &Binding<'_>, report: &mut Report<'_>) {
    let is_own = binding.object.name() == "cluster-admin" && binding.role_name == "cluster-admin";
    if !is_own {
        given_to(binding, &["system:masters"], report);
    }
}

fn all_service_accounts(binding: &Binding<'_>, report: &mut Report<'_>) {
    const ALL: &str = "system:serviceaccounts";
    if FOR_EVERYBODY.contains(&binding.role_name) {
        return;
    }
    for (index, bearer) in subjects(binding.object) {
        let Bearer::Group(name) = bearer else { continue };
        if name.strip_prefix(ALL).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')) {
            report.fail(subject_path(index), format!("{} is given to {name}", role(binding)));
        }
    }
}

fn default_account(binding: &Binding<'_>, report: &mut Report<'_>) {
    for (index, bearer) in subjects(binding.object) {
        if let Bearer::ServiceAccount(namespace, "default") = bearer {
            let of = namespace.map(|namespace| format!(" of namespace {namespace}"));
            report.fail(
                subject_path(index),
                format!(
                    "{} is given to the default service account{}",
                    role(binding),
                    of.unwrap_or_default()
                ),
            );
        }
    }
}

/// A Role of the namespace may bear the name of a built-in ClusterRole. Where it is not at hand, its name is
/// taken for what it says.
fn admin_role(binding: &Binding<'_>, report: &mut Report<'_>) {
    let is_admin = match (binding.role_kind, binding.role_name) {
        ("ClusterRole", "admin") => true,
        ("Role", "admin" | "cluster-admin") => binding.graph.role(binding.object).is_none(),
        _ => return,
    };
    if binding.role_kind == "Role" && binding.graph.is_single_object() {
        return report.undecided("what the bound role allows is in another object");
    }
    if is_admin {
        report.fail(
            binding.role_path(),
            format!("{} is given to {}", role(binding), binding.subjects()),
        );
    }
}
