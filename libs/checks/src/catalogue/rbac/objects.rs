//! Rights on single objects that the cluster relies on, on its traces, and rights that have no effect.

use airside_k8s::Object;
use airside_k8s::rbac::{Rule, rules};
use airside_k8s::workload::is_custom;
use airside_types::Severity;
use airside_types::attack::technique;

use super::{ROLES, Right};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "change-config-maps",
        title: "Role can change every ConfigMap that it reaches",
        why: "Programs take their settings, and often scripts, from ConfigMaps: who changes them changes what programs do.",
        fix: "Limit the rule with resourceNames; use Leases for leader election.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0049"],
        judge: Judge::Rule(|rule, report| CHANGE_CONFIG_MAPS.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tuner, namespace: shop}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tuner, namespace: shop}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
"#,
    },
    Check {
        id: "change-cluster-dns",
        title: "Role can change the configuration of the cluster's DNS",
        why: "CoreDNS reads its rules from a ConfigMap in kube-system: its holder answers any name with an address of his own, for every pod.",
        fix: "Limit the rule with resourceNames, or give it by a Role in the holder's namespace.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["kubescape:C-0037", "kubescape:rule-can-update-configmap-v1"],
        judge: Judge::Object(ROLES, cluster_dns),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tuner, namespace: kube-system}
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [coredns]
  verbs: [patch]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tuner, namespace: kube-system}
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [tuner]
  verbs: [patch]
"#,
    },
    Check {
        id: "change-aws-auth",
        title: "Role can map cloud identities to cluster administrators",
        why: "On EKS the ConfigMap aws-auth says which IAM role is which user and group: who writes it makes himself system:masters.",
        fix: "Remove the rule; manage access with EKS access entries.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1098"), technique("T1078.004")],
        controls: &[],
        equivalents: &["trivy:KSV-0115"],
        judge: Judge::Object(ROLES, aws_auth),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: enrolment, namespace: kube-system}
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [aws-auth]
  verbs: [update]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: enrolment, namespace: kube-system}
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [aws-auth]
  verbs: [get]
"#,
    },
    Check {
        id: "delete-traces",
        title: "Role can delete events or logs of pods",
        why: "Events tell what was started, killed and refused: deleting them hides it from those who look later.",
        fix: "Remove delete and deletecollection; events end by themselves after an hour.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[technique("T1070")],
        controls: &[],
        equivalents: &[
            "kubescape:C-0031",
            "kubescape:rule-can-delete-k8s-events-v1",
            "trivy:KSV-0042",
        ],
        judge: Judge::Rule(|rule, report| DELETE_TRACES.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: janitor}
rules:
- apiGroups: [""]
  resources: [events]
  verbs: [list, delete]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: janitor}
rules:
- apiGroups: [""]
  resources: [events]
  verbs: [list]
"#,
    },
    // Peers count these as power over the resource. They are none, and the author meant something.
    Check {
        id: "verb-without-effect",
        title: "Role allows what means nothing for its resource or namespace",
        why: "impersonate is asked of users, groups and service accounts only, bind and escalate of roles only, `pods/*` matches no subresource (only `*`, `pods/exec` and `*/exec` do), and a Role reaches nothing of kube-system from another namespace. Such a rule gives nothing, so it is not what its author thinks it is.",
        fix: "Remove the verb or the resource, or name the one that was meant; put rights over what lies in kube-system into a Role of kube-system.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "trivy:KSV-0041",
            "trivy:KSV-0049",
            "trivy:KSV-0050",
            "trivy:KSV-0053",
            "trivy:KSV-0054",
            "trivy:KSV-0056",
            "trivy:KSV-0113",
            "trivy:KSV-0114",
            "trivy:KSV-0115",
            "checkov:CKV_K8S_157",
            "kubescape:C-0002",
            "kubescape:C-0063",
            "kyverno:other/restrict-escalation-verbs-roles",
        ],
        judge: Judge::Object(ROLES, |role, report| {
            for rule in rules(role.object) {
                matches_nothing(&rule, report);
                without_effect(role.object, &rule, report);
            }
        }),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, impersonate]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
"#,
    },
];

const CHANGE_CONFIG_MAPS: Right = Right {
    resources: &[("", "configmaps")],
    verbs: &["create", "update", "patch", "delete", "deletecollection"],
    what: "change any ConfigMap",
};

/// The API deletes no logs, but who asks for the verb means to.
const DELETE_TRACES: Right = Right {
    resources: &[("", "events"), ("events.k8s.io", "events"), ("", "pods/log")],
    verbs: &["delete", "deletecollection"],
    what: "delete traces",
};

/// Rules on ConfigMaps by which an existing one can be changed.
fn changes_config_maps(rule: &Rule<'_>) -> bool {
    rule.is_for_core_group()
        && rule.has("resources", &["configmaps"])
        && rule.allows_verb(&["update", "patch"])
}

/// The ConfigMaps of the cluster's DNS.
const DNS: [&str; 2] = ["coredns", "coredns-custom"];

/// Whether a role gives rights in kube-system: surely, or where its manifest leaves the namespace open.
fn may_be_of_system(role: &Object<'_>) -> bool {
    role.kind() == "ClusterRole" || role.namespace().is_none_or(|name| name == "kube-system")
}

fn cluster_dns(role: &Whole<'_>, report: &mut Report<'_>) {
    let object = role.object;
    if !may_be_of_system(object) {
        return;
    }
    let reaches_all = object.kind() == "ClusterRole" || object.namespace().is_some();
    for rule in rules(object).filter(changes_config_maps) {
        let named = rule.list("resourceNames").find(|(_, name)| DNS.contains(name));
        if let Some((entry, name)) = named {
            report.fail(
                rule.path("resourceNames", entry),
                format!("rule {} can change the ConfigMap `{name}`", rule.index),
            );
        } else if reaches_all && !rule.names_its_objects() {
            let entry = rule.list("resources").find(|(_, name)| *name == "configmaps");
            report.fail(
                rule.path("resources", entry.map_or(0, |(entry, _)| entry)),
                format!(
                    "rule {} can change every ConfigMap of kube-system, that of the cluster's DNS included",
                    rule.index
                ),
            );
        }
    }
}

fn aws_auth(role: &Whole<'_>, report: &mut Report<'_>) {
    if !may_be_of_system(role.object) {
        return;
    }
    let is_writing = |rule: &Rule<'_>| {
        rule.allows_verb(&["update", "patch", "delete"])
            && rule.is_for_core_group()
            && rule.has("resources", &["configmaps"])
    };
    for rule in rules(role.object).filter(is_writing) {
        if let Some((entry, _)) = rule.list("resourceNames").find(|(_, name)| *name == "aws-auth") {
            report.fail(
                rule.path("resourceNames", entry),
                format!("rule {} can change the ConfigMap aws-auth: {}", rule.index, rule.verbs()),
            );
        }
    }
}

/// Whether a verb beyond those of objects means something for a resource.
fn is_asked(verb: &str, resource: &str) -> bool {
    match verb {
        "impersonate" => {
            matches!(resource, "*" | "users" | "groups" | "serviceaccounts" | "uids")
                || resource.starts_with("userextras")
        }
        "bind" | "escalate" => matches!(resource, "*" | "roles" | "clusterroles"),
        _ => true,
    }
}

/// `pods/*` and its like. Kubernetes compares a resource with `*`, with its whole name and with `*/` before
/// its subresource (`ResourceMatches` in its `pkg/apis/rbac/v1/evaluation_helpers.go`), for whatever API group.
fn matches_nothing(rule: &Rule<'_>, report: &mut Report<'_>) {
    for (entry, name) in rule.list("resources").filter(|(_, name)| name.ends_with("/*")) {
        let message = format!("rule {} names {name}, which matches no resource", rule.index);
        report.fail(rule.path("resources", entry), message);
    }
}

/// Only for the API groups of Kubernetes itself: what other API servers ask is not known.
fn without_effect(role: &Object<'_>, rule: &Rule<'_>, report: &mut Report<'_>) {
    let mut groups = rule.list("apiGroups");
    if groups.any(|(_, group)| group != "*" && is_custom(group)) {
        return;
    }
    for (entry, verb) in rule.list("verbs") {
        let resource = rule.list("resources").find(|(_, resource)| !is_asked(verb, resource));
        if let Some((_, resource)) = resource {
            report.fail(
                rule.path("verbs", entry),
                format!("rule {} allows {verb} on {resource}, which has no effect", rule.index),
            );
        }
    }
    names_in_vain(role, rule, report);
}

/// ConfigMaps of the cluster, which are read in kube-system, by their names in another namespace.
fn names_in_vain(role: &Object<'_>, rule: &Rule<'_>, report: &mut Report<'_>) {
    let changes = rule.is_for_core_group()
        && rule.has("resources", &["configmaps"])
        && rule.allows_verb(CHANGE_CONFIG_MAPS.verbs);
    if !changes || may_be_of_system(role) {
        return;
    }
    let is_of_cluster = |name: &str| name == "aws-auth" || DNS.contains(&name);
    for (entry, name) in rule.list("resourceNames").filter(|(_, name)| is_of_cluster(name)) {
        let message = format!(
            "rule {} names the ConfigMap `{name}`, which is read in kube-system",
            rule.index
        );
        report.fail(rule.path("resourceNames", entry), message);
    }
}
