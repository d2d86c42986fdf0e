//! Checks on probes.

use airside_k8s::{ContainerRole, Value};
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::ContainerOf;

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
            "kube-linter:no-liveness-probe",
            "polaris:livenessProbeMissing",
            "kubescape:C-0056",
            "checkov:CKV_K8S_8",
            "gatekeeper-library:general/requiredprobes",
        ],
        judge: Judge::Container(|container, report| probe(container, "livenessProbe", report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        ports: [{containerPort: 80}]
        readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        ports: [{containerPort: 80}]
        readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}
        livenessProbe: {tcpSocket: {port: 80}}
",
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
            "kube-linter:no-readiness-probe",
            "polaris:readinessProbeMissing",
            "kubescape:C-0018",
            "checkov:CKV_K8S_9",
            "gatekeeper-library:general/requiredprobes",
        ],
        judge: Judge::Container(|container, report| probe(container, "readinessProbe", report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        ports: [{containerPort: 80}]
        livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        ports: [{containerPort: 80}]
        livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}
        readinessProbe: {tcpSocket: {port: 80}}
",
    },
    Check {
        id: "no-probe-at-all",
        title: "Kubernetes is told nothing about the container's state",
        why: "With no probe of any kind the container counts as working as long as its process exists.",
        fix: "Add a readinessProbe first, then a livenessProbe where a restart helps.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kyverno:best-practices/require-probes",
            "kyverno:best-practices/require-pod-probes",
        ],
        judge: Judge::Container(no_probe),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, ports: [{containerPort: 80}]}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{containerPort: 80}]
    startupProbe: {tcpSocket: {port: 80}}
",
    },
    Check {
        id: "probe-timeout-at-period",
        title: "Probe may take as long as the time until the next one",
        why: "The kubelet waits for one probe before it starts the next: with a timeout that is no shorter than the period, a container that hangs is noticed later than the period says.",
        fix: "Set timeoutSeconds below periodSeconds.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:best-practices/validate-probe-timeout-period"],
        judge: Judge::Container(timeouts),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{containerPort: 80}]
    livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: 10}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{containerPort: 80}]
    livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: 9}
",
    },
];

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

fn no_probe(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let has_any = PROBES.iter().any(|name| container.field(name).is_some());
    if is_probed(container) && !has_any {
        report
            .fail(container.path("readinessProbe"), format!("{} has no probe", container.label()));
    }
}

fn timeouts(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for name in PROBES {
        let Some(probe) = container.field(name) else { continue };
        let seconds = |field: &str, default| {
            probe.get(field).and_then(Value::as_u64).filter(|given| *given > 0).unwrap_or(default)
        };
        let (timeout, period) = (seconds("timeoutSeconds", 1), seconds("periodSeconds", 10));
        if timeout >= period {
            report.fail(
                container.path(name).key("timeoutSeconds"),
                format!("{}: timeout {timeout} s, period {period} s", container.label()),
            );
        }
    }
}

/// Main containers of pods that are meant to run on.
fn is_probed(container: &ContainerOf<'_>) -> bool {
    container.container.role == ContainerRole::Main && container.pod.is_service_like()
}

fn probe(container: &ContainerOf<'_>, name: &str, report: &mut Report<'_>) {
    if is_probed(container) && container.field(name).is_none() {
        report.fail(container.path(name), format!("{} has no {name}", container.label()));
    }
}
