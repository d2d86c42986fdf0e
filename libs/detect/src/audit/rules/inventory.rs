//! Inventory: that objects of the most common kinds came and went, who it was and when.
//!
//! No rule here says that anything is wrong: all are at `info`, which correlation shows beside a story and never makes one
//! of. What the cluster's own machinery does is left out, and secrets that it keeps for itself.

use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic, Technique};

use super::super::body::text;
use super::super::request::Request;
use super::{CREATE, DELETE, Definition, Ended, Firing, On, kind_of};
use crate::rule::{Examples, Rule, WEAK};

pub(super) static RULES: &[Definition] = &[
    entry(
        "AUD-R97-configmap",
        "ConfigMap created",
        &["falco:K8s ConfigMap Created"],
        DATA,
        On::Resources(CREATE, &["configmaps"]),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
        },
    ),
    entry(
        "AUD-R97-configmap-deleted",
        "ConfigMap deleted",
        &["falco:K8s ConfigMap Deleted"],
        GONE,
        On::Resources(DELETE, &["configmaps"]),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
        },
    ),
    entry(
        "AUD-R97-deployment",
        "Deployment created",
        &["falco:K8s Deployment Created"],
        WORKLOAD,
        On::Resources(CREATE, &["deployments.apps"]),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
        },
    ),
    entry(
        "AUD-R97-deployment-deleted",
        "Deployment deleted",
        &["falco:K8s Deployment Deleted"],
        GONE,
        On::Resources(DELETE, &["deployments.apps"]),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
        },
    ),
    entry(
        "AUD-R97-role",
        "Role or ClusterRole created",
        &["falco:K8s Role/Clusterrole Created"],
        RIGHTS,
        On::Resources(
            CREATE,
            &["roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"],
        ),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"roles","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"roles","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
        },
    ),
    entry(
        "AUD-R97-role-deleted",
        "Role or ClusterRole deleted",
        &["falco:K8s Role/Clusterrole Deleted"],
        GONE,
        On::Resources(
            DELETE,
            &["roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"],
        ),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"roles","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"roles","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
        },
    ),
    entry(
        "AUD-R97-binding",
        "RoleBinding or ClusterRoleBinding created",
        &["falco:K8s Role/Clusterrolebinding Created"],
        RIGHTS,
        On::Resources(
            CREATE,
            &[
                "rolebindings.rbac.authorization.k8s.io",
                "clusterrolebindings.rbac.authorization.k8s.io",
            ],
        ),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
        },
    ),
    entry(
        "AUD-R97-binding-deleted",
        "RoleBinding or ClusterRoleBinding deleted",
        &["falco:K8s Role/Clusterrolebinding Deleted"],
        GONE,
        On::Resources(
            DELETE,
            &[
                "rolebindings.rbac.authorization.k8s.io",
                "clusterrolebindings.rbac.authorization.k8s.io",
            ],
        ),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
        },
    ),
    entry(
        "AUD-R97-secret",
        "Secret created",
        &["falco:K8s Secret Created"],
        DATA,
        On::Resources(CREATE, &["secrets"]),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"kube-system","name":"x"},"responseStatus":{"code":201}}"#,
        },
    ),
    entry(
        "AUD-R97-secret-deleted",
        "Secret deleted",
        &["falco:K8s Secret Deleted"],
        GONE,
        On::Resources(DELETE, &["secrets"]),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"secrets","namespace":"kube-system","name":"x"},"responseStatus":{"code":200}}"#,
        },
    ),
    entry(
        "AUD-R97-service",
        "Service created",
        &["falco:K8s Service Created"],
        ACCESS,
        On::Resources(CREATE, &["services"]),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"services","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
        },
    ),
    entry(
        "AUD-R97-service-deleted",
        "Service deleted",
        &["falco:K8s Service Deleted"],
        GONE,
        On::Resources(DELETE, &["services"]),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"services","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
        },
    ),
    entry(
        "AUD-R97-service-account",
        "ServiceAccount created",
        &["falco:K8s Serviceaccount Created"],
        ACCOUNT,
        On::Resources(CREATE, &["serviceaccounts"]),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"x"},"responseStatus":{"code":201}}"#,
        },
    ),
    entry(
        "AUD-R97-service-account-deleted",
        "ServiceAccount deleted",
        &["falco:K8s Serviceaccount Deleted"],
        GONE,
        On::Resources(DELETE, &["serviceaccounts"]),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"system:kube-controller-manager"},"objectRef":{"resource":"serviceaccounts","namespace":"shop","name":"x"},"responseStatus":{"code":200}}"#,
        },
    ),
    entry(
        "AUD-R97-namespace",
        "Namespace created",
        &["falco:K8s Namespace Created"],
        WORKLOAD,
        On::Resources(CREATE, &["namespaces"]),
        Examples {
            fires: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"namespaces","name":"x"},"responseStatus":{"code":201}}"#,
            quiet: r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"namespaces","name":"x"},"responseStatus":{"code":409}}"#,
        },
    ),
    entry(
        "AUD-R97-namespace-deleted",
        "Namespace deleted",
        &["falco:K8s Namespace Deleted"],
        GONE,
        On::Resources(DELETE, &["namespaces"]),
        Examples {
            fires: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"namespaces","name":"x"},"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"namespaces","name":"x"},"responseStatus":{"code":409}}"#,
        },
    ),
];

type Aim = (Tactic, &'static [Technique]);

const DATA: Aim = (Tactic::Impact, &[technique("T1565")]);
const WORKLOAD: Aim = (Tactic::Execution, &[technique("T1610")]);
const RIGHTS: Aim = (Tactic::Persistence, &[technique("T1098.006")]);
const ACCESS: Aim = (Tactic::Persistence, &[technique("T1133")]);
const ACCOUNT: Aim = (Tactic::Persistence, &[technique("T1136.001")]);
const GONE: Aim = (Tactic::Impact, &[technique("T1485")]);

const fn entry(
    id: &'static str,
    title: &'static str,
    equivalents: &'static [&'static str],
    (tactic, techniques): Aim,
    on: On,
    examples: Examples,
) -> Definition {
    Definition {
        rule: Rule {
            id,
            version: 1,
            title,
            why: "An entry of the inventory: it tells what came and went, not that it should not have.",
            next: "Nothing by itself. Beside a story it tells what its actor made or took away.",
            severity: Severity::Info,
            confidence: WEAK,
            tactic,
            techniques,
            equivalents,
            source: Source::Audit,
            examples: Some(examples),
        },
        on,
        ended: Ended::Done,
        when: came_or_went,
    }
}

fn came_or_went(request: &Request<'_>) -> Option<Firing> {
    if request.is_by_trusted_system() || is_kept_by_cluster(request) {
        return None;
    }
    let verb = if request.verb() == "create" { "created" } else { "deleted" };
    let (place, slash) = match (request.namespace(), request.resource()) {
        ("", _) | (_, "namespaces") => ("", ""),
        (namespace, _) => (namespace, "/"),
    };
    let name = match request.name() {
        "" if request.verb() == "deletecollection" => "of all names",
        "" => "without a name",
        name => name,
    };
    Some(Firing::new([verb, " ", kind_of(request), " ", place, slash, name].concat()))
}

/// Secrets of the cluster itself, and tokens that a controller fills in.
fn is_kept_by_cluster(request: &Request<'_>) -> bool {
    let is_token = || text(request.body(), "type") == "kubernetes.io/service-account-token";
    request.resource() == "secrets" && (request.namespace() == "kube-system" || is_token())
}
