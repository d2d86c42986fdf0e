//! Checks on which service accounts hold strong rights, through the rules of the role that a binding gives,
//! aggregated ones included. The roles themselves fail checks of their own; these say who has them.

use airside_k8s::rbac::{Bearer, GROUP, subjects};
use airside_types::Severity;
use airside_types::attack::technique;

use super::Right;
use super::escalation::IMPERSONATE;
use super::network::SERVICE_STATUS;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Binding;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "service-account-reads-secrets",
        title: "Service account can read secrets",
        why: "A token of a service account lies in each of its pods: who reads a file there reads every secret that the role reaches.",
        fix: "Let the pods mount the secrets that they need, or limit the role's rule with resourceNames.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &["checkov:CKV2_K8S_5", "kube-linter:access-to-secrets"],
        judge: Judge::Binding(|binding, report| held(binding, &READ_SECRETS, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sync}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sync}
subjects:
- {kind: ServiceAccount, name: sync, namespace: sync}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sync}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [list]}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sync}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sync}
subjects:
- {kind: User, name: ada}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sync}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [list]}
"#,
    },
    Check {
        id: "service-account-runs-commands",
        title: "Service account can run commands in pods",
        why: "A program with pods/exec or nodes/proxy is as strong as every pod that it reaches: who takes it over has them all.",
        fix: "Remove the rights from the role; people take them for a time when they debug.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &["checkov:CKV2_K8S_2"],
        judge: Judge::Binding(|binding, report| held(binding, &RUN_COMMANDS, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [""], resources: [pods/exec], verbs: [create]}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: User, name: ada}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [""], resources: [pods/exec], verbs: [create]}
"#,
    },
    Check {
        id: "service-account-impersonates",
        title: "Service account can act as somebody else",
        why: "Who takes over a pod that runs as it has the rights of every identity that the role lets it take.",
        fix: "Limit the role's rule with resourceNames to the identities that are meant.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1134")],
        controls: &[],
        equivalents: &["checkov:CKV2_K8S_3"],
        judge: Judge::Binding(|binding, report| held(binding, &IMPERSONATE, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: proxy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: proxy}
subjects:
- {kind: ServiceAccount, name: proxy, namespace: proxy}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: proxy}
rules:
- {apiGroups: [""], resources: [users, groups], verbs: [impersonate]}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: proxy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: proxy}
subjects:
- {kind: User, name: ada}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: proxy}
rules:
- {apiGroups: [""], resources: [users, groups], verbs: [impersonate]}
"#,
    },
    Check {
        id: "service-account-binds-roles",
        title: "Service account can give away roles",
        why: "Who takes over a pod that runs as it gives himself any role.",
        fix: "Limit bind in the role with resourceNames to the roles that may be given.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &[],
        equivalents: &["checkov:CKV2_K8S_1"],
        judge: Judge::Binding(|binding, report| held(binding, &GIVE_ROLES, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tenancy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenancy}
subjects:
- {kind: ServiceAccount, name: tenancy, namespace: tenancy}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenancy}
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tenancy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenancy}
subjects:
- {kind: User, name: ada}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenancy}
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}
",
    },
    Check {
        id: "service-account-changes-service-status",
        title: "Service account can name the address of load balancers",
        why: "An address in the status of a Service is taken from whoever sends to it within the cluster (CVE-2020-8554): who takes over a pod that runs as it listens in.",
        fix: "Remove services/status from the role; the cloud's controller alone writes it.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["checkov:CKV2_K8S_4"],
        judge: Judge::Binding(|binding, report| held(binding, &SERVICE_STATUS, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: balancer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: balancer}
subjects:
- {kind: ServiceAccount, name: balancer, namespace: balancer}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: balancer}
rules:
- {apiGroups: [""], resources: [services/status], verbs: [patch]}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: balancer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: balancer}
subjects:
- {kind: User, name: ada}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: balancer}
rules:
- {apiGroups: [""], resources: [services/status], verbs: [patch]}
"#,
    },
];

pub(super) const READ_SECRETS: Right =
    Right { resources: &[("", "secrets")], verbs: &["get", "list", "watch"], what: "read secrets" };

pub(super) const RUN_COMMANDS: Right = Right {
    resources: &[("", "nodes/proxy"), ("", "pods/exec")],
    verbs: &["create", "get"],
    what: "run commands in pods",
};

/// All verbs on bindings give roles as well.
const GIVE_ROLES: Right = Right {
    resources: &[
        (GROUP, "clusterrolebindings"),
        (GROUP, "clusterroles"),
        (GROUP, "rolebindings"),
        (GROUP, "roles"),
    ],
    verbs: &["bind"],
    what: "give away roles",
};

/// A role that allows everything fails another check.
fn held(binding: &Binding<'_>, right: &Right, report: &mut Report<'_>) {
    let account = subjects(binding.object).find_map(|(_, bearer)| match bearer {
        Bearer::ServiceAccount(_, name) => Some(name),
        _ => None,
    });
    let Some(account) = account else { return };
    if binding.graph.is_single_object() {
        return report.undecided("what the bound role allows is in another object");
    }
    let Some(role) = binding.graph.role(binding.object) else { return };
    let broad = binding.graph.rules_naming(role, "*");
    if broad.iter().any(|(_, rule)| rule.allows_everything()) {
        return;
    }
    if let Some((holding, rule)) = right.held_by(role, binding.graph) {
        report.fail(
            binding.role_path(),
            format!(
                "service account `{account}` can {}: rule {} of {} `{}`",
                right.what,
                rule.index,
                holding.kind(),
                holding.name()
            ),
        );
    }
}
