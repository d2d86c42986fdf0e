//! Rights with which a holder gains other rights: acting as somebody else, granting, taking tokens.

use airside_k8s::rbac::{GROUP, Rule, rules};
use airside_types::Severity;
use airside_types::attack::technique;

use super::{ROLES, Right};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "impersonate",
        title: "Role can act as somebody else",
        why: "Its holder sends requests as any user, group or service account that the rule covers, system:masters included, and has their rights.",
        fix: "Remove impersonate, or limit the rule with resourceNames to the identities that are meant.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1078"), technique("T1134")],
        controls: &["cis-v1.12.0:5.1.8", "cis-eks-t1.8.0:4.1.8", "cis-gke-v1.9.0:4.1.7"],
        equivalents: &[
            "kubescape:C-0065",
            "kubescape:rule-can-impersonate-users-groups-v1",
            "trivy:KSV-0043",
        ],
        judge: Judge::Rule(|rule, report| IMPERSONATE.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: proxy}
rules:
- apiGroups: [""]
  resources: [users]
  verbs: [impersonate]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: proxy}
rules:
- apiGroups: [""]
  resources: [users]
  resourceNames: [reporting]
  verbs: [impersonate]
"#,
    },
    Check {
        id: "impersonate-for-some-requests",
        title: "Role can act as somebody else for some requests",
        why: "Its holder is whoever the rule covers for the requests that an `impersonate-on` verb names: with one for reading Secrets it reads what anybody may read.",
        fix: "Limit the rule with resourceNames to the identities that are meant.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1078"), technique("T1134")],
        controls: &["cis-v1.12.0:5.1.8", "cis-eks-t1.8.0:4.1.8", "cis-gke-v1.9.0:4.1.7"],
        equivalents: &[],
        judge: Judge::Rule(|rule, report| {
            // Who may do everything may do this as well.
            if !rule.has("verbs", &["*"]) {
                IMPERSONATE_FOR_SOME.judge(rule, report);
            }
        }),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: proxy}
rules:
- apiGroups: [authentication.k8s.io]
  resources: [users]
  verbs: ['impersonate:user-info']
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: proxy}
rules:
- apiGroups: [authentication.k8s.io]
  resources: [users]
  resourceNames: [reporting]
  verbs: ['impersonate:user-info']
",
    },
    Check {
        id: "bind-roles",
        title: "Role can give away any role",
        why: "bind lifts the rule that nobody can grant what he does not have: its holder binds cluster-admin to himself.",
        fix: "Remove bind, or limit the rule with resourceNames to the roles that may be given.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &["cis-v1.12.0:5.1.8", "cis-eks-t1.8.0:4.1.8", "cis-gke-v1.9.0:4.1.7"],
        equivalents: &[
            "kubescape:rule-can-bind-escalate",
            "trivy:KSV-0050",
            "kyverno:other/restrict-escalation-verbs-roles",
        ],
        judge: Judge::Rule(|rule, report| BIND.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant-admin}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  verbs: [bind]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant-admin}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [view]
  verbs: [bind]
",
    },
    Check {
        id: "escalate-roles",
        title: "Role can add any right to roles",
        why: "escalate lifts the rule that nobody can write rights into a role that he does not have: its holder gives every right to a role that he is bound to.",
        fix: "Remove escalate; a controller that writes roles should hold what it writes.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &["cis-v1.12.0:5.1.8", "cis-eks-t1.8.0:4.1.8", "cis-gke-v1.9.0:4.1.7"],
        equivalents: &[
            "kubescape:rule-can-bind-escalate",
            "trivy:KSV-0050",
            "checkov:CKV_K8S_158",
            "kyverno:other/restrict-escalation-verbs-roles",
        ],
        judge: Judge::Rule(|rule, report| ESCALATE.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: role-writer}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles]
  verbs: [escalate]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: role-writer}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles]
  verbs: [get]
",
    },
    Check {
        id: "change-bindings",
        title: "Role can create or change bindings",
        why: "Its holder gives what he himself has to anybody else, and so keeps it when it is taken from him; together with bind he gives everything.",
        fix: "Leave bindings to administrators and the delivery system.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &[],
        equivalents: &["trivy:KSV-0050", "trivy:KSV-0055"],
        judge: Judge::Rule(|rule, report| CHANGE_BINDINGS.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: team-lead}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get, patch]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: team-lead}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [get]
",
    },
    Check {
        id: "grant-itself-any-role",
        title: "Role can create bindings and bind any role",
        why: "Both rights together are every right: its holder writes a binding of cluster-admin, or of the namespace's strongest role, to himself.",
        fix: "Separate the two, and limit bind with resourceNames to the roles that may be given.",
        severity: Severity::Critical,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &["cis-v1.12.0:5.1.8", "cis-eks-t1.8.0:4.1.8", "cis-gke-v1.9.0:4.1.7"],
        equivalents: &["trivy:KSV-0051", "trivy:KSV-0052"],
        judge: Judge::Object(ROLES, grants_itself),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: onboarding}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [create]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  verbs: [bind]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: onboarding}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: onboarding-roles}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  verbs: [bind]
",
    },
    Check {
        id: "create-service-account-tokens",
        title: "Role can have tokens of service accounts issued",
        why: "Its holder asks for a token of any service account that the rule covers, with whatever life, and acts as it from anywhere.",
        fix: "Limit the rule with resourceNames to the accounts that are meant.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1550.001")],
        controls: &["cis-v1.12.0:5.1.13", "cis-aks-t1.8.0:4.1.12", "cis-eks-t1.8.0:4.1.12"],
        equivalents: &["kubescape:C-0282", "kubescape:rule-can-create-service-account-token"],
        judge: Judge::Rule(|rule, report| CREATE_TOKENS.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: broker}
rules:
- apiGroups: [""]
  resources: [serviceaccounts/token]
  verbs: [create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: broker}
rules:
- apiGroups: [""]
  resources: [serviceaccounts/token]
  resourceNames: [uploader]
  verbs: [create]
"#,
    },
];

pub(super) const IMPERSONATE: Right = Right {
    resources: &[
        ("", "groups"),
        ("", "serviceaccounts"),
        ("", "users"),
        ("authentication.k8s.io", "uids"),
    ],
    verbs: &["impersonate"],
    what: "act as somebody else",
};

/// Constrained impersonation (KEP-5284, by default since Kubernetes 1.36). A kubelet's own node (`impersonate:associated-node`) is
/// nobody else's.
const IMPERSONATE_FOR_SOME: Right = Right {
    resources: &[
        ("authentication.k8s.io", "groups"),
        ("authentication.k8s.io", "nodes"),
        ("authentication.k8s.io", "serviceaccounts"),
        ("authentication.k8s.io", "uids"),
        ("authentication.k8s.io", "users"),
    ],
    verbs: &["impersonate:arbitrary-node", "impersonate:serviceaccount", "impersonate:user-info"],
    what: "act as somebody else for some requests",
};

pub(super) const BIND: Right = Right {
    resources: &[(GROUP, "clusterroles"), (GROUP, "roles")],
    verbs: &["bind"],
    what: "give away any role",
};

pub(super) const ESCALATE: Right = Right {
    resources: &[(GROUP, "clusterroles"), (GROUP, "roles")],
    verbs: &["escalate"],
    what: "write any right into roles",
};

const CHANGE_BINDINGS: Right = Right {
    resources: &[(GROUP, "clusterrolebindings"), (GROUP, "rolebindings")],
    verbs: &["create", "update", "patch"],
    what: "give roles to others",
};

pub(super) const CREATE_TOKENS: Right = Right {
    resources: &[("", "serviceaccounts/token")],
    verbs: &["create"],
    what: "have tokens of service accounts issued",
};

/// A `*` in `resourceNames` is a name like any other to the API server. Who writes it means all, and will
/// get there, so it counts as no limit.
fn binds_anything(rule: &Rule<'_>) -> bool {
    let means_all = rule.has("resourceNames", &["*"])
        && rule.allows_verb(BIND.verbs)
        && BIND.resources.iter().any(|(group, resource)| rule.reaches(group, resource));
    means_all || BIND.is_in(rule)
}

/// The rules by which a holder gives himself any role: one on bindings, and one that lets bind.
pub(super) fn granting<'r, 'a>(rules: &'r [Rule<'a>]) -> Option<(&'r Rule<'a>, &'r Rule<'a>)> {
    let creating = rules.iter().find(|rule| CHANGE_BINDINGS.is_in(rule))?;
    let binding = rules.iter().find(|rule| binds_anything(rule))?;
    let is_all = creating.allows_everything() || binding.allows_everything();
    (!is_all).then_some((creating, binding))
}

/// A role that allows everything fails another check.
fn grants_itself(role: &Whole<'_>, report: &mut Report<'_>) {
    let rules: Vec<Rule<'_>> = rules(role.object).collect();
    let Some((creating, binding)) = granting(&rules) else { return };
    let bound = BIND.supreme_in(binding).unwrap_or("any role");
    report.fail(
        binding.path("verbs", 0),
        format!(
            "rule {} creates or changes bindings and rule {} binds {bound}: together they give every right",
            creating.index, binding.index
        ),
    );
}
