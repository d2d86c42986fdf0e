//! Checks on `*` in the rules of roles. A rule that allows everything is reported once, not once for each
//! `*`.

use airside_k8s::rbac::Rule;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "role-allows-everything",
        title: "Role allows everything",
        why: "Whoever holds it is cluster administrator (or namespace administrator): reads all secrets, runs anything, grants anything.",
        fix: "List the resources and verbs that are used; an audit log tells which they are.",
        severity: Severity::Critical,
        category: Category::AccessControl,
        techniques: &[
            technique("T1098.006"),
            technique("T1552.007"),
            technique("T1609"),
            technique("T1610"),
        ],
        controls: &[
            "cis-v1.12.0:5.1.1",
            "cis-v1.12.0:5.1.3",
            "cis-aks-t1.8.0:4.1.3",
            "cis-eks-t1.8.0:4.1.3",
            "cis-gke-v1.9.0:4.1.3",
        ],
        equivalents: &[
            "kube-linter:wildcard-in-rules",
            "kubescape:C-0187",
            "trivy:KSV-0044",
            "trivy:KSV-0045",
            "trivy:KSV-0046",
            "trivy:KSV-0112",
            "checkov:CKV_K8S_49",
            "polaris:clusterrolePodExecAttach",
            "polaris:rolePodExecAttach",
            "kubescape:rule-list-all-cluster-admins-v1",
            "checkov:CKV_K8S_155",
            "checkov:CKV_K8S_156",
            "checkov:CKV_K8S_157",
            "checkov:CKV_K8S_158",
            "kyverno:other/restrict-wildcard-resources",
            "kyverno:other/restrict-wildcard-verbs",
            "kubescape:C-0002",
            "kubescape:C-0007",
            "kubescape:C-0015",
            "kubescape:C-0031",
            "kubescape:C-0037",
            "kubescape:C-0063",
            "kubescape:C-0065",
            "kubescape:C-0186",
            "kubescape:C-0188",
            "kubescape:C-0278",
            "kubescape:C-0279",
            "kubescape:C-0280",
            "kubescape:C-0281",
            "kubescape:C-0282",
            "kubescape:rule-can-bind-escalate",
            "kubescape:rule-can-impersonate-users-groups-v1",
        ],
        judge: Judge::Rule(everything),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: operator}
rules:
- apiGroups: ["*"]
  resources: ["*"]
  verbs: ["*"]
"#,
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: operator}
rules:
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch]
",
    },
    Check {
        id: "wildcard-core-resources",
        title: "Role reaches all core resources",
        why: "`*` in the core group includes secrets, pods/exec, serviceaccounts/token and nodes/proxy, and whatever later versions add.",
        fix: "List the resources that are used.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006"), technique("T1552.007"), technique("T1609")],
        controls: &[
            "cis-v1.12.0:5.1.3",
            "cis-aks-t1.8.0:4.1.3",
            "cis-eks-t1.8.0:4.1.3",
            "cis-gke-v1.9.0:4.1.3",
        ],
        equivalents: &[
            "kube-linter:wildcard-in-rules",
            "kubescape:C-0187",
            "trivy:KSV-0046",
            "trivy:KSV-0112",
            "checkov:CKV_K8S_49",
            "kyverno:other/restrict-wildcard-resources",
            "polaris:clusterrolePodExecAttach",
            "polaris:rolePodExecAttach",
            "kubescape:C-0015",
            "kubescape:C-0186",
        ],
        judge: Judge::Rule(|rule, report| resources(rule, true, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- apiGroups: [""]
  resources: ["*"]
  verbs: [get, list]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- apiGroups: [""]
  resources: [pods, services]
  verbs: [get, list]
"#,
    },
    Check {
        id: "wildcard-resources",
        title: "Role reaches all resources of an API group",
        why: "It grows with every resource that the group gets, subresources included.",
        fix: "List the resources that are used.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.1.3",
            "cis-aks-t1.8.0:4.1.3",
            "cis-eks-t1.8.0:4.1.3",
            "cis-gke-v1.9.0:4.1.3",
        ],
        equivalents: &[
            "kube-linter:wildcard-in-rules",
            "trivy:KSV-0046",
            "trivy:KSV-0112",
            "checkov:CKV_K8S_49",
            "kyverno:other/restrict-wildcard-resources",
        ],
        judge: Judge::Rule(|rule, report| resources(rule, false, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- apiGroups: [apps]
  resources: ["*"]
  verbs: [get, list]
"#,
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list]
",
    },
    Check {
        id: "wildcard-verbs",
        title: "Role allows all verbs",
        why: "`*` includes delete, and verbs beyond create and update: impersonate, bind, escalate, approve, use.",
        fix: "List the verbs that are used.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1098.006")],
        controls: &[
            "cis-v1.12.0:5.1.3",
            "cis-aks-t1.8.0:4.1.3",
            "cis-eks-t1.8.0:4.1.3",
            "cis-gke-v1.9.0:4.1.3",
        ],
        equivalents: &[
            "kube-linter:wildcard-in-rules",
            "trivy:KSV-0045",
            "checkov:CKV_K8S_49",
            "kyverno:other/restrict-wildcard-verbs",
        ],
        judge: Judge::Rule(|rule, report| verbs(rule, false, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: editor}
rules:
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: ["*"]
"#,
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: editor}
rules:
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, patch]
",
    },
    Check {
        id: "wildcard-verbs-on-custom-resources",
        title: "Role allows all verbs on custom resources",
        why: "`*` includes delete and deletecollection: one request removes all objects of the kind, and what their operator made from them.",
        fix: "List the verbs that are used.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.1.3",
            "cis-aks-t1.8.0:4.1.3",
            "cis-eks-t1.8.0:4.1.3",
            "cis-gke-v1.9.0:4.1.3",
        ],
        equivalents: &[
            "kube-linter:wildcard-in-rules",
            "checkov:CKV_K8S_49",
            "kyverno:other/restrict-wildcard-verbs",
        ],
        judge: Judge::Rule(|rule, report| verbs(rule, true, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: editor}
rules:
- apiGroups: [shop.example]
  resources: [carts]
  verbs: ["*"]
"#,
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: editor}
rules:
- apiGroups: [shop.example]
  resources: [carts]
  verbs: [get, list, patch]
",
    },
    Check {
        id: "wildcard-api-groups",
        title: "Role reaches a resource in every API group",
        why: "A definition with the same resource name in any group, present or future, is covered too.",
        fix: "Name the API group of the resource.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.1.3",
            "cis-aks-t1.8.0:4.1.3",
            "cis-eks-t1.8.0:4.1.3",
            "cis-gke-v1.9.0:4.1.3",
        ],
        equivalents: &["checkov:CKV_K8S_49"],
        judge: Judge::Rule(api_groups),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- apiGroups: ["*"]
  resources: [deployments]
  verbs: [get]
"#,
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get]
",
    },
];

fn wildcard(rule: &Rule<'_>, list: &'static str) -> Option<usize> {
    rule.list(list).find(|(_, entry)| *entry == "*").map(|(index, _)| index)
}

fn everything(rule: &Rule<'_>, report: &mut Report<'_>) {
    if let Some(entry) = wildcard(rule, "resources").filter(|_| rule.allows_everything()) {
        report.fail(
            rule.path("resources", entry),
            format!(
                "rule {} allows {} on all resources of all API groups",
                rule.index,
                rule.verbs()
            ),
        );
    }
}

fn resources(rule: &Rule<'_>, core: bool, report: &mut Report<'_>) {
    let Some(entry) = wildcard(rule, "resources") else { return };
    if rule.allows_everything() || rule.is_for_core_group() != core {
        return;
    }
    let groups: Vec<String> =
        rule.list("apiGroups").map(|(_, group)| format!("`{group}`")).collect();
    report.fail(
        rule.path("resources", entry),
        format!(
            "rule {} allows {} on all resources of the API groups {}",
            rule.index,
            rule.verbs(),
            groups.join(", ")
        ),
    );
}

/// Resources of Kubernetes itself, for rules that leave the API group open.
const BUILT_IN: [&str; 50] = [
    "apiservices",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "configmaps",
    "controllerrevisions",
    "cronjobs",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "daemonsets",
    "deployments",
    "endpoints",
    "endpointslices",
    "events",
    "flowschemas",
    "groups",
    "horizontalpodautoscalers",
    "ingressclasses",
    "ingresses",
    "jobs",
    "leases",
    "limitranges",
    "mutatingwebhookconfigurations",
    "namespaces",
    "networkpolicies",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "poddisruptionbudgets",
    "pods",
    "podtemplates",
    "priorityclasses",
    "prioritylevelconfigurations",
    "replicasets",
    "replicationcontrollers",
    "resourcequotas",
    "rolebindings",
    "roles",
    "runtimeclasses",
    "secrets",
    "serviceaccounts",
    "services",
    "statefulsets",
    "storageclasses",
    "users",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "volumeattachments",
];

/// Whether a rule reaches nothing but custom resources.
fn is_for_custom_resources(rule: &Rule<'_>) -> bool {
    let built_in = |name: &str| {
        let resource = name.split('/').next().unwrap_or(name);
        resource == "*" || BUILT_IN.contains(&resource)
    };
    let custom = |group: &str| match group {
        "*" => !rule.list("resources").any(|(_, name)| built_in(name)),
        group => group.contains('.') && !group.ends_with(".k8s.io"),
    };
    let has_group = rule.list("apiGroups").next().is_some();
    has_group && rule.list("apiGroups").all(|(_, group)| custom(group))
}

fn verbs(rule: &Rule<'_>, custom: bool, report: &mut Report<'_>) {
    if is_for_custom_resources(rule) != custom {
        return;
    }
    if let Some(entry) = wildcard(rule, "verbs").filter(|_| !rule.allows_everything()) {
        let targets: Vec<&str> = rule
            .list("resources")
            .chain(rule.list("nonResourceURLs"))
            .map(|(_, name)| name)
            .collect();
        report.fail(
            rule.path("verbs", entry),
            format!("rule {} allows all verbs on {}", rule.index, targets.join(", ")),
        );
    }
}

/// Only where the resources are named: otherwise another check says it.
fn api_groups(rule: &Rule<'_>, report: &mut Report<'_>) {
    let named = wildcard(rule, "resources").is_none();
    if let Some(entry) = wildcard(rule, "apiGroups").filter(|_| named) {
        let resources: Vec<&str> = rule.list("resources").map(|(_, name)| name).collect();
        report.fail(
            rule.path("apiGroups", entry),
            format!("rule {} reaches {} in every API group", rule.index, resources.join(", ")),
        );
    }
}
