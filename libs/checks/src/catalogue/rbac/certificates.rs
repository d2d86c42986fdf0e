//! Rights on certificate requests: a certificate that the cluster's authority signs is a credential.

use airside_k8s::rbac::{Rule, rules};
use airside_types::Severity;
use airside_types::attack::technique;

use super::{ROLES, Right};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "approve-certificates",
        title: "Role can approve certificate requests",
        why: "With the right signer, the approved request is a client certificate for any user or group; it cannot be revoked.",
        fix: "Limit the rule on signers with resourceNames to the signer that is meant; leave approval to the controllers of the cluster.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1649"), technique("T1098")],
        controls: &["cis-v1.12.0:5.1.11", "cis-aks-t1.8.0:4.1.10"],
        equivalents: &[
            "kubescape:C-0280",
            "kubescape:rule-can-approve-cert-signing-request",
            "checkov:CKV_K8S_156",
            "kyverno:other/restrict-clusterrole-csr",
        ],
        judge: Judge::Object(ROLES, |role, report| approves(role, true, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: enrolment}
rules:
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests/approval]
  verbs: [update]
- apiGroups: [certificates.k8s.io]
  resources: [signers]
  verbs: [approve]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: enrolment}
rules:
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests]
  verbs: [create, get]
",
    },
    Check {
        id: "certificate-approval-without-signer",
        title: "Role can approve certificate requests when another role names the signer",
        why: "Approval asks for two rights, this one and approve on a signer. Whoever is given the second by another role approves client certificates.",
        fix: "Remove certificatesigningrequests/approval, or keep both rights in one role so that they are seen together.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[technique("T1649")],
        controls: &["cis-v1.12.0:5.1.11", "cis-aks-t1.8.0:4.1.10"],
        equivalents: &[
            "kubescape:C-0280",
            "kubescape:rule-can-approve-cert-signing-request",
            "kyverno:other/restrict-clusterrole-csr",
        ],
        judge: Judge::Object(ROLES, |role, report| approves(role, false, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: enrolment}
rules:
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests/approval]
  verbs: [update]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: enrolment}
rules:
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests]
  verbs: [get]
",
    },
];

pub(super) const APPROVE: Right = Right {
    resources: &[("certificates.k8s.io", "certificatesigningrequests/approval")],
    verbs: &["update", "patch"],
    what: "approve certificate requests",
};

/// Signers whose certificates the API server takes from its clients, or may take.
const OF_CLIENTS: [&str; 5] = [
    "*",
    "kubernetes.io/*",
    "kubernetes.io/kube-apiserver-client",
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/legacy-unknown",
];

/// Whether a rule lets its holder approve for some signer.
fn approves_for_signer(rule: &Rule<'_>) -> bool {
    rule.reaches("certificates.k8s.io", "signers") && rule.allows_verb(&["approve"])
}

/// Requests and signers have no namespace, so that a Role gives nothing over them. One that is limited to
/// signers of others is what should be written.
fn approves(role: &Whole<'_>, with_signer: bool, report: &mut Report<'_>) {
    let rules: Vec<Rule<'_>> = rules(role.object).collect();
    let of_clients =
        |rule: &&Rule<'_>| !rule.names_its_objects() || rule.has("resourceNames", &OF_CLIENTS);
    let on_signers: Vec<&Rule<'_>> =
        rules.iter().filter(|rule| approves_for_signer(rule)).collect();
    let is_meant = match with_signer {
        true => on_signers.iter().any(of_clients),
        false => on_signers.is_empty(),
    };
    if is_meant {
        rules.iter().for_each(|rule| APPROVE.judge(rule, report));
    }
}
