//! Checks on where probes go: ports, each other, and the Services that wait for them.

use airside_k8s::fields::{down, field, maps};
use airside_k8s::{ContainerRole, Value};
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "probe-port-unknown",
        title: "Probe names a port that the container does not have",
        why: "The name is looked up in the container's TCP ports; where none has it, the probe fails for ever and the container is restarted or never ready.",
        fix: "Declare the port in the container's ports, or correct the probe.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:liveness-port",
            "kube-linter:readiness-port",
            "kube-linter:startup-port",
        ],
        judge: Judge::Container(|container, report| {
            port_unknown(container, Value::is_string, report)
        }),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{name: http, containerPort: 8080}]
    livenessProbe: {httpGet: {path: /alive, port: htpp}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{name: http, containerPort: 8080}]
    livenessProbe: {httpGet: {path: /alive, port: http}}
",
    },
    Check {
        id: "probe-port-undeclared",
        title: "Probe asks a port that is not among those that the container declares",
        why: "It works where the program listens on it, and is often a mistake of typing; people and policies go by the declared ports.",
        fix: "Declare the port in the container's ports, or correct the probe.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:liveness-port",
            "kube-linter:readiness-port",
            "kube-linter:startup-port",
        ],
        judge: Judge::Container(|container, report| {
            port_unknown(container, Value::is_number, report)
        }),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{name: http, containerPort: 8080}]
    livenessProbe: {httpGet: {path: /alive, port: 8008}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    ports: [{name: http, containerPort: 8080}]
    livenessProbe: {httpGet: {path: /alive, port: 8080}}
",
    },
    Check {
        id: "identical-probes",
        title: "Liveness and readiness are asked by the same probe",
        why: "A pod that is too busy to be ready is restarted instead of being spared for a while, and its load goes to the others, which then fail too.",
        fix: "Have readinessProbe ask whether the program can serve, and livenessProbe only whether a restart would help.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-score:pod-probes-identical",
            "kyverno:other/ensure-probes-different",
            "kyverno:other/validate-probes",
        ],
        judge: Judge::Container(identical),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    livenessProbe: {exec: {command: [check]}}
    readinessProbe: {exec: {command: [check]}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    livenessProbe: {exec: {command: [check, alive]}}
    readinessProbe: {exec: {command: [check]}}
",
    },
    Check {
        id: "service-without-readiness",
        title: "Service sends traffic to pods that are never asked whether they are ready",
        why: "Without a readinessProbe a pod gets traffic from its first second on, and an update goes on although the new version does not work.",
        fix: "Add a readinessProbe to the container that serves.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:pod-probes"],
        judge: Judge::Pod(without_readiness),
        fails: r"apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
",
        passes: r"apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web}]
      initContainers:
      - {name: proxy, restartPolicy: Always, readinessProbe: {exec: {command: [check]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
",
    },
];

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

/// Probes of another host are not about the container.
fn port_unknown(
    container: &ContainerOf<'_>,
    is_meant: fn(&Value) -> bool,
    report: &mut Report<'_>,
) {
    for probe in PROBES {
        for kind in ["httpGet", "tcpSocket", "grpc"] {
            let Some(target) = container.field(probe).and_then(|probe| down(probe, &[kind])) else {
                continue;
            };
            let of_other_host =
                target.get("host").and_then(Value::as_str).is_some_and(|host| !host.is_empty());
            let Some(port) = target.get("port").filter(|_| !of_other_host) else { continue };
            if is_meant(port) && !declares(container, port) {
                report.fail(
                    container.path(probe).keys(&[kind, "port"]),
                    format!(
                        "{}: {probe} asks port {port}, which is not declared",
                        container.label()
                    ),
                );
            }
        }
    }
}

/// Whether a container declares a TCP port, by name or number. Numbers are only judged when some port is
/// declared: the list is for people, and many leave it out.
fn declares(container: &ContainerOf<'_>, wanted: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    let ports: Vec<_> = maps(container.container.fields, "ports").map(|(_, port)| port).collect();
    if ports.is_empty() && number(wanted).is_some() {
        return true;
    }
    ports.iter().any(|port| {
        let is_tcp = field(port, "protocol").is_none_or(|protocol| protocol == "TCP");
        let by_number = field(port, "containerPort").and_then(number).zip(number(wanted));
        let by_name = field(port, "name").is_some_and(|name| name == wanted);
        is_tcp && (by_name || by_number.is_some_and(|(declared, wanted)| declared == wanted))
    })
}

/// The same question; how often it is asked does not matter.
fn identical(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let question = |probe: &str| {
        let probe = container.field(probe)?;
        ["httpGet", "tcpSocket", "exec", "grpc"].iter().find_map(|kind| down(probe, &[kind]))
    };
    if let (Some(liveness), Some(readiness)) =
        (question("livenessProbe"), question("readinessProbe"))
        && liveness == readiness
    {
        report.fail(
            container.path("livenessProbe"),
            format!("{}: livenessProbe and readinessProbe ask the same", container.label()),
        );
    }
}

fn without_readiness(pod: &Pod<'_>, report: &mut Report<'_>) {
    let mut serving = pod.containers().filter(|container| container.container.is_long_running());
    let has_probe = serving.any(|container| container.field("readinessProbe").is_some());
    let main = pod.spec.containers.iter().position(|c| c.role == ContainerRole::Main);
    let Some(first) = main.and_then(|index| pod.spec.containers.get(index)) else { return };
    if has_probe || !pod.is_service_like() {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("the Services that select the pod are other objects");
    }
    let services = pod.graph.services_selecting(pod.object.namespace(), pod.spec.labels());
    if let Some(service) = services.min_by_key(|service| service.name()) {
        report.fail(
            first.path.key("readinessProbe"),
            format!(
                "Service `{}` sends traffic to the pods, and no container has a readinessProbe",
                service.name()
            ),
        );
    }
}
