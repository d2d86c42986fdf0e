//! Checks on pods and containers that leave their confinement to the defaults.

use airside_k8s::Value;
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "pod-security-context-missing",
        title: "Pod has no security context",
        why: "Nothing says as which user, group and profile the pod's containers run: images and nodes decide.",
        fix: "Set the pod's securityContext: runAsNonRoot, runAsUser, seccompProfile.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.7.3", "cis-aks-t1.8.0:4.7.2", "cis-gke-v1.9.0:4.6.3"],
        equivalents: &["trivy:KSV-0118", "checkov:CKV_K8S_29"],
        judge: Judge::Pod(pod_context),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 10001}
  containers:
  - name: web
",
    },
    Check {
        id: "container-security-context-missing",
        title: "Container has no security context",
        why: "Privilege escalation, capabilities and a writable root file system can be turned off in the container's own security context only.",
        fix: "Set the container's securityContext: allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.7.3", "cis-aks-t1.8.0:4.7.2", "cis-gke-v1.9.0:4.6.3"],
        equivalents: &["checkov:CKV_K8S_30"],
        judge: Judge::Container(container_context),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {privileged: false}
",
    },
];

fn is_given(context: Option<&Value>) -> bool {
    let context = context.and_then(Value::as_object);
    context.is_some_and(|fields| fields.values().any(|value| !value.is_null()))
}

fn pod_context(pod: &Pod<'_>, report: &mut Report<'_>) {
    if !pod.spec.containers.is_empty() && !is_given(pod.field("securityContext")) {
        report.fail(pod.path("securityContext"), "the pod sets no securityContext".to_owned());
    }
}

fn container_context(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if !is_given(container.field("securityContext")) {
        report.fail(
            container.path("securityContext"),
            format!("{} sets no securityContext", container.label()),
        );
    }
}
