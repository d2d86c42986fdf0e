//! Rights on what decides where traffic goes.

use airside_types::Severity;
use airside_types::attack::technique;

use super::Right;
use crate::check::{Category, Check, Judge};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "change-endpoints",
        title: "Role can send a Service's traffic elsewhere",
        why: "Addresses in Endpoints and EndpointSlices need not be of the namespace: its holder redirects clients of a Service to himself, or reaches through an ingress controller what network policies keep from him.",
        fix: "Remove the right; the cluster's own controllers write endpoints.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[
            "trivy:KSV-0056",
            "gatekeeper-library:general/block-endpoint-edit-default-role",
            "kyverno:other/restrict-edit-for-endpoints",
        ],
        judge: Judge::Rule(|rule, report| CHANGE_ENDPOINTS.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: balancer}
rules:
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, update]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: balancer}
rules:
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
",
    },
    Check {
        id: "change-network-policies",
        title: "Role can change network policies",
        why: "Its holder opens what the policies keep shut, for one request, and shuts it again.",
        fix: "Leave network policies to administrators and the delivery system.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1562.004")],
        controls: &[],
        equivalents: &["trivy:KSV-0056"],
        judge: Judge::Rule(|rule, report| CHANGE_POLICIES.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: netops}
rules:
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, delete]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: netops}
rules:
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get]
",
    },
    Check {
        id: "change-services",
        title: "Role can publish or redirect services",
        why: "Services and Ingresses open pods to the outside, and their selectors and externalIPs take traffic that is meant for others.",
        fix: "Limit the rule with resourceNames where the holder changes its own only.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0056"],
        judge: Judge::Rule(|rule, report| CHANGE_SERVICES.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: publisher}
rules:
- apiGroups: [""]
  resources: [services]
  verbs: [create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: publisher}
rules:
- apiGroups: [""]
  resources: [services]
  verbs: [get]
"#,
    },
    Check {
        id: "change-service-status",
        title: "Role can name the address of load balancers",
        why: "An address in the status of a Service is taken from whoever sends to it within the cluster (CVE-2020-8554, which has no fix).",
        fix: "Remove services/status; the cloud's controller alone writes it.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Rule(|rule, report| SERVICE_STATUS.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: balancer}
rules:
- apiGroups: [""]
  resources: [services/status]
  verbs: [patch]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: balancer}
rules:
- apiGroups: [""]
  resources: [services/status]
  verbs: [get]
"#,
    },
];

const WRITING: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

const CHANGE_ENDPOINTS: Right = Right {
    resources: &[("", "endpoints"), ("discovery.k8s.io", "endpointslices")],
    verbs: WRITING,
    what: "say where a Service's traffic goes",
};

const CHANGE_POLICIES: Right = Right {
    resources: &[
        ("networking.k8s.io", "networkpolicies"),
        ("extensions", "networkpolicies"),
        ("policy.networking.k8s.io", "adminnetworkpolicies"),
        ("policy.networking.k8s.io", "baselineadminnetworkpolicies"),
        ("cilium.io", "ciliumclusterwidenetworkpolicies"),
        ("cilium.io", "ciliumnetworkpolicies"),
        ("crd.projectcalico.org", "globalnetworkpolicies"),
        ("crd.projectcalico.org", "networkpolicies"),
        ("projectcalico.org", "globalnetworkpolicies"),
        ("projectcalico.org", "networkpolicies"),
    ],
    verbs: WRITING,
    what: "change who may reach whom",
};

const CHANGE_SERVICES: Right = Right {
    resources: &[("", "services"), ("networking.k8s.io", "ingresses"), ("extensions", "ingresses")],
    verbs: WRITING,
    what: "publish or redirect services",
};

pub(super) const SERVICE_STATUS: Right = Right {
    resources: &[("", "services/status")],
    verbs: &["update", "patch"],
    what: "name the address of load balancers",
};
