//! Checks on the rights of operators, where their workload, service account and CRDs are in the input.

use std::collections::BTreeSet;

use airside_k8s::Value;
use airside_k8s::graph::Grant;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Pod;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "operator-with-all-rights",
        title: "Operator may do everything in the cluster",
        why: "The operator needs its own resources and what it makes of them. With all rights, a hole in it, or in an image of its supply chain, is the cluster.",
        fix: "List in its ClusterRole the groups and resources that its reconcilers use (kubebuilder markers, or the audit log of a test run, tell them).",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1078"), technique("T1098.006")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(|pod, report| has_right(pod, Right::Everything, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: op}
rules:
- {apiGroups: [example.com], resources: [shops], verbs: [get]}
- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec: {group: example.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: op}
spec: {template: {spec: {serviceAccountName: op, containers: [{name: op}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: op}
roleRef: {kind: ClusterRole, name: op}
subjects: [{kind: ServiceAccount, name: op, namespace: op}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: op, namespace: op}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: op}
rules:
- {apiGroups: [example.com], resources: [shops], verbs: [get]}
- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.other.com}
spec: {group: other.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: op}
spec: {template: {spec: {serviceAccountName: op, containers: [{name: op}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: op}
roleRef: {kind: ClusterRole, name: op}
subjects: [{kind: ServiceAccount, name: op, namespace: op}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: op, namespace: op}
",
    },
    Check {
        id: "operator-reads-all-secrets",
        title: "Operator reads the secrets of every namespace",
        why: "It keeps all credentials of the cluster in its memory and cache, those that have nothing to do with its resources included; its token is worth all of them.",
        fix: "Bind the rule by RoleBindings in the namespaces that it serves, name the secrets in resourceNames, or let the operator watch one namespace.",
        severity: Severity::Medium,
        category: Category::Operators,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(|pod, report| has_right(pod, Right::ReadSecrets, report)),
        fails: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec: {group: example.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: op}
spec: {template: {spec: {serviceAccountName: op, containers: [{name: op}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: op}
rules:
- {apiGroups: [example.com], resources: [shops], verbs: [get]}
- {apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: op}
roleRef: {kind: ClusterRole, name: op}
subjects: [{kind: ServiceAccount, name: op, namespace: op}]
",
        passes: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec: {group: example.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: op}
spec: {template: {spec: {serviceAccountName: op, containers: [{name: op}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: op}
rules:
- {apiGroups: [example.com], resources: [shops], verbs: [get]}
- {apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: op, namespace: op}
roleRef: {kind: ClusterRole, name: op}
subjects: [{kind: ServiceAccount, name: op, namespace: op}]
",
    },
    Check {
        id: "operator-can-raise-rights",
        title: "Operator can give itself any right",
        why: "With escalate, bind or impersonate in the whole cluster, whoever takes over the operator becomes cluster administrator in one step.",
        fix: "Give the operator the rights that it hands on, and remove escalate, bind and impersonate, or limit them by resourceNames.",
        severity: Severity::High,
        category: Category::Operators,
        techniques: &[technique("T1098.006"), technique("T1134")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(|pod, report| has_right(pod, Right::RaiseRights, report)),
        fails: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec: {group: example.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: op}
spec: {template: {spec: {serviceAccountName: op, containers: [{name: op}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: op}
rules:
- {apiGroups: [example.com], resources: [shops], verbs: [get]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: op}
roleRef: {kind: ClusterRole, name: op}
subjects: [{kind: ServiceAccount, name: op, namespace: op}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: op, namespace: op}
",
        passes: r"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.other.com}
spec: {group: other.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: op, namespace: op}
spec: {template: {spec: {serviceAccountName: op, containers: [{name: op}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: op}
rules:
- {apiGroups: [example.com], resources: [shops], verbs: [get]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: op}
roleRef: {kind: ClusterRole, name: op}
subjects: [{kind: ServiceAccount, name: op, namespace: op}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: op, namespace: op}
",
    },
];

/// What an operator should not be able to do. The worst is told alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Everything,
    RaiseRights,
    ReadSecrets,
}

fn has_right(pod: &Pod<'_>, wanted: Right, report: &mut Report<'_>) {
    if pod.graph.is_single_object() || pod.spec.containers.is_empty() {
        return;
    }
    let account = pod.spec.service_account();
    let grants = pod.graph.grants_of_account(pod.object.namespace(), account);
    let wide = || grants.iter().filter(|grant| grant.is_cluster_wide());
    let all = wide().find(|grant| grant.rule.allows_everything());
    let found = match wanted {
        Right::Everything => all,
        _ if all.is_some() => None,
        Right::RaiseRights => wide().find(|grant| raises_rights(grant)),
        Right::ReadSecrets => wide().find(|grant| reads_secrets(grant)),
    };
    let Some(grant) = found.filter(|_| is_operator(pod, &grants)) else { return };
    let what = match wanted {
        Right::Everything => "do everything",
        Right::RaiseRights => "escalate, bind or impersonate",
        Right::ReadSecrets => "read secrets of all namespaces",
    };
    report.fail(
        pod.path("serviceAccountName"),
        format!("service account `{account}` can {what}, by {} of {}", grant.role, grant.binding),
    );
}

fn reads_secrets(grant: &Grant<'_>) -> bool {
    let rule = &grant.rule;
    rule.allows_verb(&["get", "list", "watch"])
        && rule.reaches("", "secrets")
        && !rule.names_its_objects()
}

fn raises_rights(grant: &Grant<'_>) -> bool {
    const GROUP: &str = airside_k8s::rbac::GROUP;
    let rule = &grant.rule;
    let on_roles = rule.reaches(GROUP, "clusterroles") || rule.reaches(GROUP, "roles");
    let on_users = ["users", "groups", "serviceaccounts"].iter().any(|who| rule.reaches("", who));
    let raises = (on_roles && rule.allows_verb(&["escalate", "bind"]))
        || (on_users && rule.allows_verb(&["impersonate"]));
    raises && !rule.names_its_objects()
}

/// Whether the pod runs an operator: its rights name the group of a CRD of the input, or are for all groups
/// and it is called like one.
fn is_operator(pod: &Pod<'_>, grants: &[Grant<'_>]) -> bool {
    let named: BTreeSet<&str> = grants
        .iter()
        .flat_map(|grant| grant.rule.list("apiGroups"))
        .map(|(_, group)| group)
        .collect();
    let crds = pod.graph.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
    let mut groups = crds.filter_map(|crd| {
        crd.fields().get("spec").and_then(|spec| spec.get("group")).and_then(Value::as_str)
    });
    let name = pod.object.name();
    let is_called_so = ["operator", "controller", "manager"].iter().any(|word| name.contains(word));
    if is_called_so && named.contains("*") {
        groups.next().is_some()
    } else {
        groups.any(|group| named.contains(group))
    }
}
