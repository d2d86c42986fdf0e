//! Checks on what Services lead to: pods, their ports, and the Service that a StatefulSet names.

use airside_k8s::fields::{down, elements, maps};
use airside_k8s::graph::{is_of_controllers, labels_match};
use airside_k8s::{Object, PodSpec, Value};
use airside_types::{FieldPath, Severity};

use super::ports::name_problem;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// Why a selector cannot be judged by manifests.
pub(super) const GIVEN_LATER: &str = "a controller gives pods labels that the selector asks for";

const SERVICES: &[(&str, &str)] = &[("", "Service")];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "service-selects-nothing",
        title: "Service leads to no pod",
        why: "Its selector fits no pod of the namespace: every connection to it fails. Whoever can create a pod with these labels gets the traffic.",
        fix: "Make the selector fit the labels of the pods, in the same namespace.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:dangling-service",
            "kube-score:service-targets-pod",
            "kubescape:C-0293",
            "popeye:1100",
        ],
        judge: Judge::Object(SERVICES, selects_nothing),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: wep}}
spec: {}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {}
",
    },
    Check {
        id: "service-port-unknown",
        title: "Service names a port that its pods do not have",
        why: "A targetPort given by name is looked up in the pods; where no container has a port of this name, the Service leads nowhere.",
        fix: "Use the name of a port of the container, or its number.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["popeye:1106"],
        judge: Judge::Object(SERVICES, port_unknown),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: htpp}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
",
    },
    Check {
        id: "service-target-port-invalid",
        title: "Service's target port cannot exist",
        why: "The API server refuses the object: a port has a number from 1 to 65535, or a name of 15 characters at most with a letter in it.",
        fix: "Correct targetPort.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:invalid-target-ports"],
        judge: Judge::Object(SERVICES, target_port_invalid),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80, targetPort: 70000}]}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80, targetPort: 7000}]}
",
    },
    Check {
        id: "stateful-set-service-missing",
        title: "StatefulSet names no Service that gives its pods names",
        why: "Without a headless Service that selects the pods, they have no names in DNS, and what finds its peers by name cannot.",
        fix: "Add a Service with clusterIP: None and the pods' labels as its selector, and name it in serviceName.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:statefulset-has-servicename"],
        judge: Judge::Object(&[("apps", "StatefulSet")], stateful_set_service),
        fails: r"apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  template: {metadata: {labels: {app: db}}, spec: {}}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 80}]}
",
        passes: r"apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  template: {metadata: {labels: {app: db}}, spec: {}}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, clusterIP: None, ports: [{port: 80}]}
",
    },
];

fn port_path(index: usize) -> FieldPath {
    FieldPath::of(&["spec", "ports"]).index(index).key("targetPort")
}

/// A Service without a selector has endpoints that somebody else writes.
fn selects_nothing(service: &Whole<'_>, report: &mut Report<'_>) {
    let selector = service.spec("selector").and_then(Value::as_object);
    let is_external = service.spec("type").and_then(Value::as_str) == Some("ExternalName");
    let Some(selector) = selector.filter(|labels| !labels.is_empty() && !is_external) else {
        return;
    };
    if service.graph.is_single_object() {
        return report.undecided("the pods that the Service selects are other objects");
    }
    if !service.graph.has_pods_of_service(service.object) {
        if selector.keys().any(is_of_controllers) {
            return report.undecided(GIVEN_LATER);
        }
        let labels: Vec<String> = selector
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
            .collect();
        report.fail(
            FieldPath::of(&["spec", "selector"]),
            format!("no pod has the labels {}", labels.join(",")),
        );
    }
}

fn port_unknown(service: &Whole<'_>, report: &mut Report<'_>) {
    let named: Vec<(usize, &str)> = elements(service.spec("ports"))
        .iter()
        .enumerate()
        .filter_map(|(index, port)| Some((index, port.get("targetPort")?.as_str()?)))
        .filter(|(_, name)| name.parse::<u16>().is_err())
        .collect();
    if named.is_empty() {
        return;
    }
    if service.graph.is_single_object() {
        return report.undecided("the pods that the Service selects are other objects");
    }
    let pods: Vec<_> = service.graph.pods_of_service(service.object).collect();
    for (index, name) in named {
        if !pods.is_empty() && !pods.iter().any(|pod| has_port(&pod.spec, name)) {
            report.fail(port_path(index), format!("none of its pods has a port `{name}`"));
        }
    }
}

/// Pods of operators' own kinds often leave out what the operator adds.
fn has_port(pod: &PodSpec<'_>, name: &str) -> bool {
    pod.containers.is_empty()
        || pod.containers.iter().any(|container| {
            let mut ports = maps(container.fields, "ports");
            ports.any(|(_, port)| port.get("name").and_then(Value::as_str) == Some(name))
        })
}

fn target_port_invalid(service: &Whole<'_>, report: &mut Report<'_>) {
    for (index, port) in elements(service.spec("ports")).iter().enumerate() {
        let problem = match port.get("targetPort") {
            Some(Value::Number(number)) => match number.as_u64() {
                Some(1..=65_535) => None,
                _ => Some(format!("{number} is no port")),
            },
            Some(Value::String(name)) => name_problem(name),
            _ => None,
        };
        if let Some(problem) = problem {
            report.fail(port_path(index), problem);
        }
    }
}

fn stateful_set_service(set: &Whole<'_>, report: &mut Report<'_>) {
    let name = set.spec("serviceName").and_then(Value::as_str).unwrap_or_default();
    if set.graph.is_single_object() {
        return report.undecided("the Service of the StatefulSet is another object");
    }
    let services: Vec<_> = set.graph.all_named("Service", set.object.namespace(), name).collect();
    let headless: Vec<_> = services.iter().filter(|service| is_headless(service)).collect();
    let problem = if name.is_empty() {
        "serviceName is not set".to_owned()
    } else if services.is_empty() {
        let message = format!("there is no Service `{name}`");
        return report.missing(FieldPath::of(&["spec", "serviceName"]), name, message);
    } else if headless.is_empty() {
        format!("Service `{name}` has a cluster address, so the pods get no names")
    } else if !headless.iter().any(|service| selects_pods(service, set)) {
        format!("Service `{name}` does not select the pods")
    } else {
        return;
    };
    report.fail(FieldPath::of(&["spec", "serviceName"]), problem);
}

fn is_headless(service: &Object<'_>) -> bool {
    down(service.value(), &["spec", "clusterIP"]).and_then(Value::as_str) == Some("None")
}

fn selects_pods(service: &Object<'_>, set: &Whole<'_>) -> bool {
    let wanted = down(service.value(), &["spec", "selector"]).and_then(Value::as_object);
    let labels = down(set.object.value(), &["spec", "template", "metadata", "labels"]);
    wanted.is_none_or(|wanted| labels_match(wanted, labels.and_then(Value::as_object)))
}
