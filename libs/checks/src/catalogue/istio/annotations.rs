//! Checks on Istio's annotations: mistyped, misplaced, unsettled, and those that lead traffic past the proxy.

mod known;

use airside_k8s::Value;
use airside_k8s::fields::maps;
use airside_k8s::workload::pod_specs;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::workloads::{is_gateway, of_pod};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};
use known::{Known, Maturity, OWN_DOMAINS, Place};

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-traffic-past-proxy",
        title: "Pod of the mesh leads traffic past its proxy",
        why: "What comes in past the proxy meets neither mutual TLS nor AuthorizationPolicies; what leaves past it escapes the mesh's rules for outside hosts.",
        fix: "Remove the annotation, or narrow it to the ports that cannot bear the proxy, and guard those with a NetworkPolicy.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(leads_past),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}, annotations: {sidecar.istio.io/inject: 'true', traffic.sidecar.istio.io/excludeInboundPorts: '8080'}}
spec: {containers: [{name: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, labels: {app: api}, annotations: {sidecar.istio.io/inject: 'true', traffic.sidecar.istio.io/excludeInterfaces: eth1}}
spec: {containers: [{name: api}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: api, labels: {app: api}, annotations: {sidecar.istio.io/inject: 'true', traffic.sidecar.istio.io/excludeInterfaces: eth1}}
spec: {containers: [{name: api}]}
",
    },
    Check {
        id: "istio-annotation-unknown",
        title: "Annotation is none that Istio reads",
        why: "It is in one of Istio's own domains but not known there, most likely mistyped: what it was meant to do does not happen.",
        fix: "Correct the annotation's name.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0108"],
        judge: Judge::Any(|whole, report| judge(whole, report, unknown)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sidecar.istio.io/injected: 'true'}}
spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sidecar.istio.io/inject: 'true'}}
spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "istio-annotation-misplaced",
        title: "Annotation of Istio's is on the wrong kind of object",
        why: "Istio does not look for it there, so what it was meant to do does not happen; for pods it belongs into the pod template.",
        fix: "Move the annotation: for workloads to spec.template.metadata.annotations.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0107"],
        judge: Judge::Any(|whole, report| judge(whole, report, misplaced)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {sidecar.istio.io/inject: 'true'}}
spec:
  template:
    metadata: {labels: {sidecar.istio.io/inject: 'true'}}
    spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {sidecar.istio.io/inject: 'true'}, annotations: {sidecar.istio.io/inject: 'true'}}
    spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "istio-annotation-invalid",
        title: "Annotation of Istio's has a value that it does not take",
        why: "Istio ignores the value, or the injector refuses the pod.",
        fix: "Correct the value: a number, true or false, or ports with commas between, as the annotation asks.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0125"],
        judge: Judge::Any(|whole, report| judge(whole, report, invalid)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sidecar.istio.io/rewriteAppHTTPProbers: sure}}
spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sidecar.istio.io/rewriteAppHTTPProbers: 'true'}}
spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "istio-annotation-deprecated",
        title: "Annotation of Istio's is deprecated",
        why: "A coming version no longer reads it, and nothing will say so.",
        fix: "Use proxy.istio.io/config, or the setting that has replaced it.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0135", "istio:IST0136"],
        judge: Judge::Any(|whole, report| judge(whole, report, deprecated)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sidecar.istio.io/discoveryAddress: 'istiod:15012'}}
spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {proxy.istio.io/config: 'discoveryAddress: istiod:15012'}}
spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "istio-annotation-alpha",
        title: "Annotation of Istio's is not settled yet",
        why: "It may change or go away with any version, without a warning.",
        fix: "Read the notes on each upgrade, or do without the annotation.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0136"],
        judge: Judge::Any(|whole, report| judge(whole, report, alpha)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {sidecar.istio.io/logLevel: debug}}
spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web}]}
",
    },
];

/// What a check says about one annotation of an object of a kind, or of a pod template: name, kind, value.
type Say = fn(&str, &str, &str) -> Option<String>;

fn judge(whole: &Whole<'_>, report: &mut Report<'_>, say: Say) {
    if !whole.graph.has_mesh() {
        return;
    }
    let own = FieldPath::of(&["metadata", "annotations"]);
    if whole.object.kind() != "Pod" {
        for (name, value) in whole.object.annotations().into_iter().flatten() {
            if let Some(message) = value.as_str().and_then(|v| say(name, whole.object.kind(), v)) {
                report.fail(own.key(name), message);
            }
        }
    }
    for pod in pod_specs(whole.object) {
        if is_written_by_istio(&pod) {
            continue;
        }
        let path = pod.path.parent().unwrap_or_default().keys(&["metadata", "annotations"]);
        for (name, value) in pod.annotations().into_iter().flatten() {
            if let Some(message) = value.as_str().and_then(|value| say(name, "Pod", value)) {
                report.fail(path.key(name), message);
            }
        }
    }
}

/// Istio's plugin for the pod network writes annotations of its own.
fn is_written_by_istio(pod: &airside_k8s::PodSpec<'_>) -> bool {
    pod.containers.iter().any(|container| container.name() == "istio-validation")
}

fn unknown(name: &str, _: &str, _: &str) -> Option<String> {
    let (domain, _) = name.split_once('/')?;
    let is_unknown = OWN_DOMAINS.contains(&domain) && Known::find(name).is_none();
    is_unknown.then(|| format!("Istio does not read `{name}`"))
}

fn misplaced(name: &str, kind: &str, _: &str) -> Option<String> {
    let place = match Known::find(name)?.place {
        Place::Any => return None,
        Place::Pod => "Pod",
        Place::Kind(kind) => kind,
    };
    (place != kind).then(|| format!("`{name}` belongs on a {place}, not on a {kind}"))
}

fn invalid(name: &str, _: &str, value: &str) -> Option<String> {
    let known = Known::find(name)?;
    (!known.accepts(value)).then(|| format!("`{name}` does not take the value `{value}`"))
}

fn deprecated(name: &str, _: &str, _: &str) -> Option<String> {
    let known = Known::find(name)?;
    (known.maturity == Maturity::Deprecated).then(|| format!("`{name}` is deprecated"))
}

fn alpha(name: &str, _: &str, _: &str) -> Option<String> {
    let known = Known::find(name)?;
    (known.maturity == Maturity::Alpha).then(|| format!("`{name}` may change with any version"))
}

/// Annotations that lead traffic past the proxy when they name anything.
const PAST: [&str; 3] = ["excludeInboundPorts", "excludeOutboundPorts", "excludeOutboundIPRanges"];

/// Annotations that lead everything past the proxy but what they name; a star stands for all.
const ONLY: [&str; 2] = ["includeInboundPorts", "includeOutboundIPRanges"];

/// Whether a list of ports names all those of the containers.
fn has_all_ports(pod: &Pod<'_>, part: &str, list: &str) -> bool {
    let listed: Vec<u64> = list.split(',').filter_map(|port| port.trim().parse().ok()).collect();
    let containers = pod.spec.containers.iter();
    let mut ports = containers
        .flat_map(|container| maps(container.fields, "ports"))
        .filter_map(|(_, port)| port.get("containerPort")?.as_u64())
        .peekable();
    part == "includeInboundPorts"
        && ports.peek().is_some()
        && ports.all(|port| listed.contains(&port))
}

fn leads_past(pod: &Pod<'_>, report: &mut Report<'_>) {
    let Some(annotations) = pod.spec.annotations() else { return };
    let workload = of_pod(pod);
    if is_gateway(&workload) || workload.wants_sidecar() == Some(false) {
        return;
    }
    let path = pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "annotations"]);
    for part in PAST {
        let name = format!("traffic.sidecar.istio.io/{part}");
        let value = annotations.get(&name).and_then(Value::as_str).unwrap_or_default();
        // Istio's own ports are excluded anyway.
        let is_own = |port: &str| matches!(port.trim(), "" | "15020" | "15021" | "15090");
        if !value.split(',').all(is_own) {
            report.fail(path.key(&name), format!("{part} leads {value} past the proxy"));
        }
    }
    for part in ONLY {
        let name = format!("traffic.sidecar.istio.io/{part}");
        let given = annotations.get(&name).and_then(Value::as_str).map(str::trim);
        if let Some(value) = given.filter(|value| *value != "*" && !has_all_ports(pod, part, value))
        {
            let message = match value {
                "" => format!("{part} leads nothing through the proxy"),
                _ => format!("{part} leads all but {value} past the proxy"),
            };
            report.fail(path.key(&name), message);
        }
    }
    let mode = annotations.get("sidecar.istio.io/interceptionMode").and_then(Value::as_str);
    if mode == Some("NONE") {
        let path = path.key("sidecar.istio.io/interceptionMode");
        report.fail(path, "no traffic is led through the proxy".to_owned());
    }
}
