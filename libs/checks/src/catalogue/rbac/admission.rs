//! Rights on what stands between a request and the cluster: admission webhooks and policies, extension API
//! servers, the labels of namespaces.

use airside_types::Severity;
use airside_types::attack::technique;

use super::Right;
use crate::check::{Category, Check, Judge};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "change-admission",
        title: "Role can change admission webhooks or policies",
        why: "A webhook sees every object that it is registered for, Secrets included, and can change it on the way in; deleting one switches the policies behind it off.",
        fix: "Limit the rule with resourceNames to the holder's own webhook.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1546"), technique("T1557"), technique("T1562.001")],
        controls: &["cis-v1.12.0:5.1.12", "cis-aks-t1.8.0:4.1.11", "cis-eks-t1.8.0:4.1.11"],
        equivalents: &[
            "kubescape:C-0281",
            "kubescape:rule-can-modify-admission-webhooks",
            "trivy:KSV-0114",
            "checkov:CKV_K8S_155",
            "kyverno:other/restrict-clusterrole-mutating-validating-admission-webhooks",
        ],
        judge: Judge::Rule(|rule, report| CHANGE_ADMISSION.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: injector}
rules:
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations]
  verbs: [get, patch]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: injector}
rules:
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations]
  resourceNames: [injector]
  verbs: [get, patch]
",
    },
    Check {
        id: "change-api-services",
        title: "Role can redirect parts of the API",
        why: "An APIService sends the requests for an API group to a server of the holder's choice, with the credentials of whoever asks.",
        fix: "Limit the rule with resourceNames to the holder's own APIService.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Rule(|rule, report| CHANGE_API_SERVICES.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics}
rules:
- apiGroups: [apiregistration.k8s.io]
  resources: [apiservices]
  verbs: [get, update]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics}
rules:
- apiGroups: [apiregistration.k8s.io]
  resources: [apiservices]
  verbs: [get]
",
    },
    Check {
        id: "change-namespaces",
        title: "Role can change namespaces",
        why: "Labels of a namespace choose its Pod Security Standard and decide which webhooks and network policies see it: who changes them switches these off.",
        fix: "Remove update and patch, or protect the labels with an admission policy.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Rule(|rule, report| CHANGE_NAMESPACES.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenancy}
rules:
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, patch]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenancy}
rules:
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, list]
"#,
    },
];

pub(super) const CHANGE_ADMISSION: Right = Right {
    resources: &[
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ],
    verbs: &["create", "update", "patch", "delete", "deletecollection"],
    what: "change what is let into the cluster",
};

pub(super) const CHANGE_API_SERVICES: Right = Right {
    resources: &[("apiregistration.k8s.io", "apiservices")],
    verbs: &["create", "update", "patch"],
    what: "redirect parts of the API",
};

const CHANGE_NAMESPACES: Right = Right {
    resources: &[("", "namespaces")],
    verbs: &["update", "patch"],
    what: "change the labels of namespaces",
};
