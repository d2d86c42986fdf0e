//! The check on where Ingresses lead.

use airside_k8s::fields::{down, elements};
use airside_k8s::{Object, Value};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const INGRESSES: &[(&str, &str)] = &[("networking.k8s.io", "Ingress"), ("extensions", "Ingress")];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "ingress-backend-missing",
    title: "Ingress leads to a Service or port that does not exist",
    why: "Every request for the path is answered with an error.",
    fix: "Correct the name and port of the backend; the Service must be in the Ingress' namespace.",
    severity: Severity::Low,
    category: Category::Reliability,
    techniques: &[],
    controls: &[],
    equivalents: &[
        "kube-linter:dangling-ingress",
        "kube-score:ingress-targets-service",
        "kubescape:C-0298",
        "popeye:1401",
    ],
    judge: Judge::Object(INGRESSES, backend_missing),
    fails: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: web}]
  defaultBackend: {service: {name: web, port: {number: 8080}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
",
    passes: r"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: web}]
  defaultBackend: {service: {name: web, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
",
}];

/// The backends of an Ingress with their paths.
fn backends<'a>(ingress: &Whole<'a>) -> Vec<(FieldPath, &'a Value)> {
    let mut found = Vec::new();
    for name in ["defaultBackend", "backend"] {
        if let Some(backend) = ingress.spec(name) {
            found.push((FieldPath::of(&["spec", name]), backend));
        }
    }
    for (index, rule) in elements(ingress.spec("rules")).iter().enumerate() {
        let rules = FieldPath::of(&["spec", "rules"]).index(index);
        let paths = down(rule, &["http", "paths"]);
        for (index, path) in elements(paths).iter().enumerate() {
            if let Some(backend) = path.get("backend").filter(|backend| !backend.is_null()) {
                let at = rules.keys(&["http", "paths"]).index(index).key("backend");
                found.push((at, backend));
            }
        }
    }
    found
}

/// The Service and port of a backend. The API versions before networking.k8s.io/v1 wrote them otherwise.
fn target<'a>(ingress: &Object<'_>, backend: &'a Value) -> Option<(&'a str, Option<&'a Value>)> {
    if ingress.group() == "networking.k8s.io" && ingress.version() == "v1" {
        let service = backend.get("service")?;
        let port = service.get("port");
        let port = port.and_then(|port| port.get("number").or_else(|| port.get("name")));
        Some((service.get("name")?.as_str()?, port))
    } else {
        Some((backend.get("serviceName")?.as_str()?, backend.get("servicePort")))
    }
}

fn backend_missing(ingress: &Whole<'_>, report: &mut Report<'_>) {
    for (path, backend) in backends(ingress) {
        if backend.get("resource").is_some_and(|resource| !resource.is_null()) {
            continue;
        }
        let Some((name, port)) = target(ingress.object, backend) else {
            let version = ingress.object.api_version();
            report.fail(path, format!("the backend names no Service as {version} wants it"));
            continue;
        };
        if is_action(ingress.object, name) {
            continue;
        }
        if ingress.graph.is_single_object() {
            report.undecided("the Service of the backend is another object");
            continue;
        }
        let mut services =
            ingress.graph.all_named("Service", ingress.object.namespace(), name).peekable();
        if services.peek().is_none() {
            report.missing(path, name, format!("there is no Service `{name}`"));
        } else if let Some(port) = port
            && !services.any(|service| offers(service, port))
        {
            report.fail(path, format!("Service `{name}` has no port {port}"));
        }
    }
}

/// The controller of AWS load balancers takes names of annotations for names of Services.
fn is_action(ingress: &Object<'_>, name: &str) -> bool {
    let key = format!("alb.ingress.kubernetes.io/actions.{name}");
    ingress.annotations().is_some_and(|annotations| annotations.contains_key(&key))
}

/// Whether a Service offers a port, by number or by name.
pub(super) fn offers(service: &Object<'_>, wanted: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    elements(down(service.value(), &["spec", "ports"])).iter().any(|port| {
        let by_number = port.get("port").and_then(number).zip(number(wanted));
        by_number.is_some_and(|(offered, wanted)| offered == wanted)
            || port.get("name").is_some_and(|name| name == wanted)
    })
}
