//! Checks on single permissions that lead further: secrets, and ways into running pods.

use airside_k8s::rbac::Rule;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "read-secrets",
        title: "Role can read secrets",
        why: "list and watch return the content as get does. Secrets hold tokens of service accounts and credentials of other systems: with them one right becomes many.",
        fix: "Remove secrets from the rule, or limit it with resourceNames to the secrets that are meant; let pods mount secrets instead of reading them.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1552.007")],
        controls: &[
            "cis-v1.12.0:5.1.2",
            "cis-aks-t1.8.0:4.1.2",
            "cis-eks-t1.8.0:4.1.2",
            "cis-gke-v1.9.0:4.1.2",
        ],
        equivalents: &[
            "kube-linter:access-to-secrets",
            "kubescape:C-0015",
            "kubescape:C-0186",
            "trivy:KSV-0041",
            "trivy:KSV-0113",
            "kyverno:other/restrict-secret-role-verbs",
        ],
        judge: Judge::Rule(|rule, report| {
            secrets(rule, &["get", "list", "watch", "*"], "read", report);
        }),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sync}
rules:
- apiGroups: [""]
  resources: [configmaps, secrets]
  verbs: [get, list]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sync}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list]
"#,
    },
    Check {
        id: "write-secrets",
        title: "Role can change secrets",
        why: "Who can create a secret can have a token issued for any service account of the namespace; who can change one replaces credentials and certificates that others trust.",
        fix: "Remove the verbs, or limit the rule with resourceNames (which cannot limit create).",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1528")],
        controls: &[],
        equivalents: &["trivy:KSV-0041", "trivy:KSV-0113"],
        judge: Judge::Rule(|rule, report| {
            const WRITING: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];
            secrets(rule, &WRITING, "change", report);
        }),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: issuer}
rules:
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: issuer}
rules:
- apiGroups: [""]
  resources: [events]
  verbs: [create]
"#,
    },
    Check {
        id: "pods-exec",
        title: "Role can run commands in pods",
        why: "A command in a pod acts with the pod's service account, secrets and network: the role's holder becomes every workload that it reaches.",
        fix: "Remove pods/exec from the rule; give it to people for a time when they need it, not to service accounts.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &[
            "polaris:clusterrolePodExecAttach",
            "polaris:rolePodExecAttach",
            "kubescape:C-0002",
            "trivy:KSV-0053",
        ],
        judge: Judge::Rule(|rule, report| {
            subresource(rule, "pods/exec", "run commands in pods", report);
        }),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer}
rules:
- apiGroups: [""]
  resources: [pods, pods/exec]
  verbs: [get, create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer}
rules:
- apiGroups: [""]
  resources: [pods, pods/log]
  verbs: [get, create]
"#,
    },
    Check {
        id: "pods-attach",
        title: "Role can attach to the processes of pods",
        why: "Attaching reads what a program prints and types what it reads; where that is a shell, it runs commands.",
        fix: "Remove pods/attach from the rule.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &[
            "polaris:clusterrolePodExecAttach",
            "polaris:rolePodExecAttach",
            "trivy:KSV-0054",
        ],
        judge: Judge::Rule(|rule, report| {
            subresource(rule, "pods/attach", "attach to processes in pods", report);
        }),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer}
rules:
- apiGroups: [""]
  resources: [pods/attach]
  verbs: [create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer}
rules:
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
"#,
    },
    Check {
        id: "pods-portforward",
        title: "Role can forward ports of pods",
        why: "A forwarded port reaches what listens in the pod, loopback included, past every NetworkPolicy.",
        fix: "Remove pods/portforward from the rule.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1090")],
        controls: &[],
        equivalents: &["kubescape:C-0063"],
        judge: Judge::Rule(|rule, report| {
            subresource(rule, "pods/portforward", "forward ports of pods", report);
        }),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer}
rules:
- apiGroups: [""]
  resources: [pods/portforward]
  verbs: [create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer}
rules:
- apiGroups: [""]
  resources: [pods/status]
  verbs: [get]
"#,
    },
];

/// Secrets by name; `*` in resources is reported by the checks on wildcards. With `resourceNames` a rule
/// gives nothing to requests that name no object, such as create.
fn secrets(rule: &Rule<'_>, verbs: &[&str], what: &str, report: &mut Report<'_>) {
    let granted: Vec<&str> =
        rule.list("verbs").map(|(_, verb)| verb).filter(|verb| verbs.contains(verb)).collect();
    if granted.is_empty() || rule.names_its_objects() || !rule.is_for_core_group() {
        return;
    }
    for (entry, _) in rule.list("resources").filter(|(_, name)| *name == "secrets") {
        report.fail(
            rule.path("resources", entry),
            format!("rule {} can {what} secrets ({})", rule.index, granted.join(", ")),
        );
    }
}

/// The API server opens a connection for create (POST), and for get when the client uses a web socket.
fn subresource(rule: &Rule<'_>, wanted: &str, what: &str, report: &mut Report<'_>) {
    if !rule.is_for_core_group() || !rule.has("verbs", &["create", "get", "*"]) {
        return;
    }
    let below = wanted.trim_start_matches("pods/");
    let is_meant = |name: &str| name == wanted || name.strip_prefix("*/") == Some(below);
    for (entry, name) in rule.list("resources").filter(|(_, name)| is_meant(name)) {
        report.fail(
            rule.path("resources", entry),
            format!("rule {} can {what}: {} on {name}", rule.index, rule.verbs()),
        );
    }
}
