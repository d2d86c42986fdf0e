//! Strong rights over what has no namespace, in a Role: it gives none of them.
//!
//! The rights are those of the other files, which leave out what a Role cannot give.

use airside_k8s::rbac::{GROUP, Rule, rules};
use airside_types::Severity;

use super::Right;
use super::admission::{CHANGE_ADMISSION, CHANGE_API_SERVICES};
use super::certificates::APPROVE;
use super::escalation::{ESCALATE, IMPERSONATE, granting};
use super::nodes::{CREATE_VOLUMES, NODES_PROXY};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[Check {
    id: "cluster-right-in-role",
    title: "Role names a right that only a ClusterRole gives",
    why: "Nodes, volumes, users, webhooks and signers belong to no namespace, so that a Role gives nothing over them. What is meant may be given more widely elsewhere, and who copies the rule into a ClusterRole gives it all.",
    fix: "Remove the resource from the rule; where the right is needed, put it into a ClusterRole, limited by resourceNames, and bind that in the cluster.",
    severity: Severity::Low,
    category: Category::AccessControl,
    techniques: &[],
    controls: &[],
    equivalents: &[
        "kubescape:C-0065",
        "kubescape:C-0278",
        "kubescape:C-0279",
        "kubescape:C-0280",
        "kubescape:C-0281",
        "kubescape:rule-can-access-proxy-subresource",
        "kubescape:rule-can-approve-cert-signing-request",
        "kubescape:rule-can-bind-escalate",
        "kubescape:rule-can-create-pv",
        "kubescape:rule-can-impersonate-users-groups-v1",
        "kubescape:rule-can-modify-admission-webhooks",
        "trivy:KSV-0043",
        "trivy:KSV-0047",
        "trivy:KSV-0050",
        "trivy:KSV-0052",
        "trivy:KSV-0114",
        "checkov:CKV_K8S_158",
        "kyverno:other/restrict-escalation-verbs-roles",
    ],
    judge: Judge::Object(&[(GROUP, "Role")], in_vain),
    fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: agent, namespace: shop}
rules:
- apiGroups: [""]
  resources: [nodes/proxy]
  verbs: [get]
"#,
    passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: agent, namespace: shop}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
"#,
}];

const RIGHTS: [&Right; 7] = [
    &APPROVE,
    &CHANGE_ADMISSION,
    &CHANGE_API_SERVICES,
    &CREATE_VOLUMES,
    &ESCALATE,
    &IMPERSONATE,
    &NODES_PROXY,
];

fn in_vain(role: &Whole<'_>, report: &mut Report<'_>) {
    let own: Vec<Rule<'_>> = rules(role.object).collect();
    let wide: Vec<Rule<'_>> = own.iter().copied().map(Rule::in_cluster).collect();
    for (rule, wide) in own.iter().zip(&wide) {
        for right in RIGHTS {
            let given = right.given_in(rule);
            let lost = right.given_in(wide).into_iter().filter(|entry| !given.contains(entry));
            for (entry, resource, _) in lost {
                report.fail(
                    rule.path("resources", entry),
                    format!(
                        "rule {} names {resource}, over which a Role gives nothing: nobody can {} by it",
                        rule.index, right.what
                    ),
                );
            }
        }
    }
    if let (None, Some((creating, binding))) = (granting(&own), granting(&wide)) {
        report.fail(
            creating.path("resources", 0),
            format!(
                "rule {} creates bindings of the cluster, which a Role does not give: rule {} binds nothing by it",
                creating.index, binding.index
            ),
        );
    }
}
