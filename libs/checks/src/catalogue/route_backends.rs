//! The check on where routes lead: those of the Gateway API, and OpenShift's.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_types::{FieldPath, Severity};

use super::ingress_backends::offers;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const GATEWAY_API: &str = "gateway.networking.k8s.io";

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "route-backend-missing",
    title: "Route leads to a Service or port that does not exist",
    why: "Every request that the route takes is answered with an error.",
    fix: "Correct the name, namespace and port of the backend.",
    severity: Severity::Low,
    category: Category::Reliability,
    techniques: &[],
    controls: &[],
    equivalents: &["kubescape:C-0302"],
    judge: Judge::Object(
        &[
            (GATEWAY_API, "GRPCRoute"),
            (GATEWAY_API, "HTTPRoute"),
            (GATEWAY_API, "TCPRoute"),
            (GATEWAY_API, "TLSRoute"),
            (GATEWAY_API, "UDPRoute"),
            ("route.openshift.io", "Route"),
        ],
        backend_missing,
    ),
    fails: r"apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {rules: [{backendRefs: [{name: web, port: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
",
    passes: r"apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
",
}];

/// The references of a route to what takes its requests, with their paths.
fn references<'a>(route: &Whole<'a>) -> Vec<(FieldPath, &'a Value)> {
    let listed = |path: FieldPath, list: Option<&'a Value>| {
        let entries = elements(list).iter().enumerate();
        entries.map(|(index, entry)| (path.index(index), entry)).collect::<Vec<_>>()
    };
    if route.object.group() == GATEWAY_API {
        let rules = listed(FieldPath::of(&["spec", "rules"]), route.spec("rules"));
        let backends = rules
            .into_iter()
            .map(|(path, rule)| listed(path.key("backendRefs"), rule.get("backendRefs")));
        return backends.flatten().collect();
    }
    let others = FieldPath::of(&["spec", "alternateBackends"]);
    let mut found = listed(others, route.spec("alternateBackends"));
    found.extend(route.spec("to").map(|target| (FieldPath::of(&["spec", "to"]), target)));
    found
}

fn backend_missing(route: &Whole<'_>, report: &mut Report<'_>) {
    for (path, backend) in references(route) {
        let text = |name| down(backend, &[name]).and_then(Value::as_str);
        let is_service = text("kind").is_none_or(|kind| kind == "Service")
            && text("group").is_none_or(str::is_empty);
        let Some(name) = text("name").filter(|_| is_service) else { continue };
        if route.graph.is_single_object() {
            return report.undecided("the Service of the backend is another object");
        }
        let namespace = text("namespace").or_else(|| route.object.namespace());
        let mut services = route.graph.all_named("Service", namespace, name).peekable();
        if services.peek().is_none() {
            report.missing(path.key("name"), name, format!("there is no Service `{name}`"));
        } else if let Some(port) = down(backend, &["port"])
            && !services.any(|service| offers(service, port))
        {
            report.fail(path.key("port"), format!("Service `{name}` has no port {port}"));
        }
    }
}
