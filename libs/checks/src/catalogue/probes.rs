//! Checks on probes.

use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::ContainerOf;

use airside_k8s::ContainerRole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "liveness-probe-missing",
        title: "Kubernetes cannot tell whether the container hangs",
        why: "A process that neither answers nor ends is never restarted.",
        fix: "Add a livenessProbe that fails only when a restart would help.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:no-liveness-probe", "polaris:livenessProbeMissing", "kubescape:C-0056",
            "checkov:CKV_K8S_8", "kyverno:best-practices/require-probes",
            "gatekeeper-library:general/requiredprobes",
        ],
        judge: Judge::Container(|container, report| probe(container, "livenessProbe", report)),
        fails: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        ports: [{containerPort: 80}]\n",
        passes: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        ports: [{containerPort: 80}]\n        livenessProbe: {tcpSocket: {port: 80}}\n",
    },
    Check {
        id: "readiness-probe-missing",
        title: "Kubernetes cannot tell whether the container is ready",
        why: "Traffic is sent to it while it starts or is overloaded, and a roll-out goes on although the new version does not work.",
        fix: "Add a readinessProbe that asks the program whether it can serve.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:no-readiness-probe", "polaris:readinessProbeMissing", "kubescape:C-0018",
            "checkov:CKV_K8S_9", "kyverno:best-practices/require-probes",
            "gatekeeper-library:general/requiredprobes",
        ],
        judge: Judge::Container(|container, report| probe(container, "readinessProbe", report)),
        fails: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        ports: [{containerPort: 80}]\n",
        passes: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        ports: [{containerPort: 80}]\n        readinessProbe: {tcpSocket: {port: 80}}\n",
    },
];

/// Main containers of pods that are meant to run on.
fn probe(container: &ContainerOf<'_>, name: &str, report: &mut Report<'_>) {
    let is_meant =
        container.container.role == ContainerRole::Main && container.pod.is_service_like();
    if is_meant && container.field(name).is_none() {
        report.fail(container.path(name), format!("{} has no {name}", container.label()));
    }
}
