//! Checks on whether Gateways can work: pods, ports, certificates, and each other.

use airside_k8s::fields::down;
use airside_k8s::graph::{claims, labels_match, presented};
use airside_k8s::{Graph, Map, Object, Value};
use airside_types::{FieldPath, Severity};

use super::gateways::servers;
use super::{NETWORKING, PATCHED_LATER, has_labels, is_patched_later, is_same_object};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-gateway-no-pods",
        title: "Gateway selects no pods",
        why: "No proxy takes over its servers, so none of its hosts is reachable.",
        fix: "Correct the labels of selector to those of the pods of the gateway's proxy.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0101", "kiali:KIA0302"],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], no_pods),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec: {selector: {istio: ingres}}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec: {selector: {istio: ingressgateway}}
",
    },
    Check {
        id: "mesh-gateway-port-not-on-service",
        title: "Gateway serves a port that its Service does not have",
        why: "The proxy listens, but nothing reaches the port from outside.",
        fix: "Add the port to the Service of the gateway's pods, or serve one that it has.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0162"],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], port_not_on_service),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: in, namespace: shop, labels: {app: in}}
spec: {containers: [{name: istio-proxy}]}
---
apiVersion: v1
kind: Service
metadata: {name: in, namespace: shop}
spec: {selector: {app: in}, ports: [{port: 443, name: https}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {app: in}
  servers: [{port: {number: 8443, name: tls, protocol: TLS}, hosts: [www.example.com]}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: in, namespace: shop, labels: {app: in}}
spec: {containers: [{name: istio-proxy}]}
---
apiVersion: v1
kind: Service
metadata: {name: in, namespace: shop}
spec: {selector: {app: in}, ports: [{port: 443, name: https}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {app: in}
  servers: [{port: {number: 443, name: tls, protocol: TLS}, hosts: [www.example.com]}]
",
    },
    Check {
        id: "mesh-gateways-share-certificate",
        title: "Gateways on the same pods present the same certificate",
        why: "Browsers reuse a connection for every host of a certificate, so requests for one gateway's hosts arrive at the other's and are answered with 404.",
        fix: "Put the hosts into one Gateway, or use a certificate of its own for each.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0138"],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], shares_certificate),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: a, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: both}, hosts: [a.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: b, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: both}, hosts: [b.example.com]}]
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: a, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: a}, hosts: [a.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: b, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: b}, hosts: [b.example.com]}]
",
    },
    Check {
        id: "mesh-gateways-conflict",
        title: "Gateways claim the same host and port of the same pods",
        why: "Only one of them can have it: which one depends on their age, and the other's routes are not served.",
        fix: "Give the host to one Gateway, or serve it on another port.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[],
        controls: &[],
        equivalents: &["istio:IST0145", "kiali:KIA0301"],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], conflicts),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: a, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: TLS}, hosts: [www.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: b, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: tcp, protocol: TCP}, hosts: [www.example.com]}]
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: a, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: TLS}, hosts: [www.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: b, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 81, name: tcp, protocol: TCP}, hosts: [www.example.com]}]
",
    },
];

/// The labels of the pods that a Gateway selects.
fn selector<'a>(gateway: &Object<'a>) -> Option<&'a Map> {
    let labels = down(gateway.value(), &["spec", "selector"])?.as_object()?;
    (!labels.is_empty()).then_some(labels)
}

/// Whether these labels are those of the proxies that Istio itself installs.
pub(super) fn is_built_in(labels: &Map) -> bool {
    const ROLES: [&str; 3] = ["ingressgateway", "egressgateway", "eastwestgateway"];
    let text = |name: &str| labels.get(name).and_then(Value::as_str).unwrap_or_default();
    ROLES.contains(&text("istio"))
        || text("app").strip_prefix("istio-").is_some_and(|role| ROLES.contains(&role))
}

fn no_pods(gateway: &Whole<'_>, report: &mut Report<'_>) {
    let Some(labels) = selector(gateway.object) else { return };
    if gateway.graph.is_single_object() {
        return report.undecided("the pods that it selects are other objects");
    }
    if is_patched_later(gateway.graph) {
        return report.undecided(PATCHED_LATER);
    }
    if !is_built_in(labels) && !has_labels(gateway.graph, None, labels) {
        let message = format!("no pods have the labels {}", shown(labels));
        report.fail(FieldPath::of(&["spec", "selector"]), message);
    }
}

fn shown(labels: &Map) -> String {
    let pairs =
        labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or("?")));
    pairs.collect::<Vec<_>>().join(",")
}

/// Ports of the Service that Istio installs for its ingress gateway: the outer and the inner ones.
const BUILT_IN_PORTS: [u64; 7] = [80, 443, 8080, 8443, 15021, 15443, 31400];

fn port_not_on_service(gateway: &Whole<'_>, report: &mut Report<'_>) {
    let Some(labels) = selector(gateway.object) else { return };
    let graph = gateway.graph;
    if graph.is_single_object() {
        return report.undecided("the Service of its pods is another object");
    }
    let is_ingress = labels.get("istio").and_then(Value::as_str) == Some("ingressgateway");
    let ports = service_ports(graph, labels);
    let Some(ports) = ports.or_else(|| is_ingress.then(|| BUILT_IN_PORTS.to_vec())) else { return };
    for (path, server) in servers(gateway.object) {
        let number = server.get("port").and_then(|port| port.get("number")).and_then(Value::as_u64);
        if let Some(number) = number.filter(|number| !ports.contains(number)) {
            report.fail(
                path.keys(&["port", "number"]),
                format!("no Service of the gateway's pods has the port {number}"),
            );
        }
    }
}

/// Ports and target ports of the Services of the selected pods; none when there is no such Service, or when
/// a target port is a name that only the pods know.
fn service_ports(graph: &Graph<'_>, labels: &Map) -> Option<Vec<u64>> {
    let of_pods = graph
        .mesh_workloads(None, Some(labels))
        .flat_map(|workload| graph.services_of(workload.owner.namespace(), workload.labels));
    // The pods may be installed by something else, and the input hold further Services for them.
    let of_labels = graph.services_of(None, Some(labels));
    let mut ports = Vec::new();
    for service in of_pods.chain(of_labels) {
        let listed = down(service.value(), &["spec", "ports"]).and_then(Value::as_array);
        for port in listed.into_iter().flatten() {
            let target = port.get("targetPort");
            if target.is_some_and(Value::is_string) {
                return None;
            }
            ports.extend(port.get("port").and_then(Value::as_u64));
            ports.extend(target.and_then(Value::as_u64));
        }
    }
    (!ports.is_empty()).then_some(ports)
}

/// Whether a Gateway is for all proxies of another one, as far as their labels show it.
fn is_beside(gateway: &Object<'_>, other: &Object<'_>) -> bool {
    let labels = selector(gateway).zip(selector(other));
    labels.is_some_and(|(mine, theirs)| labels_match(mine, Some(theirs)))
}

/// Whether two Gateways have a proxy in common, by their labels or by a pod that both select.
fn share_pods(graph: &Graph<'_>, gateway: &Object<'_>, other: &Object<'_>) -> bool {
    let both_select =
        |(mine, theirs): (&Map, &Map)| graph.has_mesh_workloads(None, Some(mine), Some(theirs));
    is_beside(gateway, other)
        || is_beside(other, gateway)
        || selector(gateway).zip(selector(other)).is_some_and(both_select)
}

fn shares_certificate(gateway: &Whole<'_>, report: &mut Report<'_>) {
    let named: Vec<_> = servers(gateway.object)
        .filter_map(|(path, server)| Some((path, presented(server)?)))
        .collect();
    if named.is_empty() {
        return;
    }
    if gateway.graph.is_single_object() {
        return report.undecided("other Gateways are other objects");
    }
    let own = gateway.object;
    let presenting = gateway.graph.gateways_presenting(own).into_iter();
    for other in presenting.filter(|other| !is_same_object(other, own)) {
        for (path, name) in &named {
            let mut theirs = servers(other);
            let presents = theirs.any(|(_, server)| presented(server) == Some(name));
            if presents && is_beside(own, other) {
                return report.fail(
                    path.keys(&["tls", "credentialName"]),
                    format!("{other} presents the certificate `{name}` on the same pods"),
                );
            }
        }
    }
}

fn conflicts(gateway: &Whole<'_>, report: &mut Report<'_>) {
    let graph = gateway.graph;
    if graph.is_single_object() {
        return report.undecided("other Gateways are other objects");
    }
    let own = gateway.object;
    let contesting = graph.gateways_contesting(own).into_iter();
    for other in contesting.filter(|other| !is_same_object(other, own)) {
        for (path, server) in servers(own) {
            let contested = servers(other).find_map(|(_, theirs)| contested_host(server, theirs));
            if let Some(host) = contested.filter(|_| share_pods(graph, own, other)) {
                let message = format!("{other} claims the host `{host}` on the same port");
                return report.fail(path.key("hosts"), message);
            }
        }
    }
}

/// A host that two servers claim on one port, where only one can have it.
fn contested_host<'a>(server: &'a Map, other: &Map) -> Option<&'a str> {
    let contested = claims(server).find(|mine| claims(other).any(|theirs| mine.contests(theirs)));
    contested.map(|claim| claim.host)
}
