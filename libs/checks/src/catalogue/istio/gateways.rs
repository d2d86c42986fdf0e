//! Checks on what Gateways let in: hosts, plaintext, versions of TLS.

use airside_k8s::fields::{maps, texts};
use airside_k8s::graph::host_matches;
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::virtual_services::{find_gateway, gateways};
use super::{NETWORKING, is_same_object, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "mesh-gateway-wildcard-host",
        title: "Gateway takes requests for every host",
        why: "Any VirtualService of any namespace can then publish a host through it, also one that belongs to somebody else.",
        fix: "List the hosts, with the namespace that may serve them: shop/www.example.com.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1190"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], wildcard_host),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web}, hosts: ['*']}]
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web}, hosts: [shop/www.example.com]}]
",
    },
    Check {
        id: "mesh-gateway-plaintext",
        title: "Gateway serves HTTP without sending clients to HTTPS",
        why: "Sessions and passwords cross the network in plaintext, and whoever stands on the way can change pages.",
        fix: "Set tls.httpsRedirect to true on the HTTP server, and serve the hosts on an HTTPS one.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], plaintext),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [www.example.com]}]
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, tls: {httpsRedirect: true}, hosts: [www.example.com]}]
",
    },
    Check {
        id: "mesh-gateway-old-tls",
        title: "Gateway accepts TLS 1.0 or 1.1",
        why: "Both versions have known attacks, and standards for payment and health data forbid them.",
        fix: "Set minProtocolVersion to TLSV1_2 or TLSV1_3, or remove it: 1.2 is Istio's default.",
        severity: Severity::Medium,
        category: Category::ServiceMesh,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], old_tls),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web, minProtocolVersion: TLSV1_0}, hosts: [www.example.com]}]
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web, minProtocolVersion: TLSV1_2}, hosts: [www.example.com]}]
",
    },
    Check {
        id: "mesh-gateway-passthrough",
        title: "Gateway passes TLS through unread",
        why: "Policies on paths, methods and tokens do not apply to what the gateway cannot read; only the workload behind it can enforce them.",
        fix: "End TLS at the gateway (mode SIMPLE or MUTUAL), unless the workload must hold the certificate itself.",
        severity: Severity::Info,
        category: Category::ServiceMesh,
        techniques: &[technique("T1190")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(NETWORKING, "Gateway")], passthrough),
        fails: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: [www.example.com]}]
",
        passes: r"apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: web}, hosts: [www.example.com]}]
",
    },
    Check {
        id: "virtual-service-wildcard-host",
        title: "VirtualService routes every host",
        why: "It takes requests that are meant for other hosts on the same gateway, whoever owns them.",
        fix: "Name the hosts that the VirtualService serves.",
        severity: Severity::Low,
        category: Category::ServiceMesh,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:istio/restrict-virtual-service-wildcard"],
        judge: Judge::Object(&[(NETWORKING, "VirtualService")], wildcard_route),
        fails: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: ['*.example.com'], http: [{redirect: {uri: /}}]}
",
        passes: r"apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [www.example.com], http: [{redirect: {uri: /}}]}
",
    },
];

/// The servers of a Gateway with their path.
pub(super) fn servers<'a>(
    gateway: &Object<'a>,
) -> impl Iterator<Item = (FieldPath, &'a Map)> + use<'a> {
    let servers = spec_map(gateway).into_iter().flat_map(|spec| maps(spec, "servers"));
    servers.map(|(index, server)| (FieldPath::of(&["spec", "servers"]).index(index), server))
}

/// A text of a server's `tls`.
pub(super) fn tls<'a>(server: &'a Map, name: &str) -> Option<&'a str> {
    server.get("tls")?.get(name)?.as_str()
}

/// The protocol of a server, in upper case.
pub(super) fn protocol(server: &Map) -> String {
    let protocol = server.get("port").and_then(|port| port.get("protocol"));
    protocol.and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase()
}

/// A server's host without the namespace that may serve it.
pub(super) fn without_namespace(host: &str) -> &str {
    host.split_once('/').map_or(host, |(_, host)| host)
}

fn wildcard_host(gateway: &Whole<'_>, report: &mut Report<'_>) {
    for (path, server) in servers(gateway.object) {
        for (index, host) in texts(server, "hosts") {
            let from_anywhere = host.split_once('/').is_none_or(|(namespace, _)| namespace == "*");
            if without_namespace(host) == "*" && from_anywhere {
                let path = path.key("hosts").index(index);
                report.fail(path, format!("`{host}` takes requests for every host"));
            }
        }
    }
}

fn plaintext(gateway: &Whole<'_>, report: &mut Report<'_>) {
    if is_egress(gateway) {
        return;
    }
    for (path, server) in servers(gateway.object) {
        let is_plain = matches!(protocol(server).as_str(), "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB");
        let redirects = server.get("tls").and_then(|tls| tls.get("httpsRedirect"));
        if is_plain && redirects != Some(&Value::Bool(true)) && !is_internal(server) {
            if gateway.graph.is_single_object() {
                return report
                    .undecided("VirtualServices that redirect to https are other objects");
            }
            if only_redirects(gateway, server) {
                continue;
            }
            let number = server.get("port").and_then(|port| port.get("number"));
            let number = number.and_then(Value::as_u64).unwrap_or_default();
            report.fail(
                path.keys(&["tls", "httpsRedirect"]),
                format!("port {number} serves plaintext and sends nobody to HTTPS"),
            );
        }
    }
}

/// Whether a gateway is where the mesh's own traffic leaves it: its callers are proxies of the mesh.
fn is_egress(gateway: &Whole<'_>) -> bool {
    let label = |name: &str| gateway.spec("selector").and_then(|labels| labels.get(name)?.as_str());
    label("istio") == Some("egressgateway") || label("app") == Some("istio-egressgateway")
}

/// Whether a server's port is a number.
fn is_port(server: &Map, number: Option<&Value>) -> bool {
    server.get("port").and_then(|port| port.get("number")) == number
}

/// Whether the VirtualServices of a gateway send everybody who comes to a server to https.
fn only_redirects(gateway: &Whole<'_>, server: &Map) -> bool {
    let graph = gateway.graph;
    let is_bound = |route: &&&Object<'_>| {
        gateways(route).any(|(_, name)| {
            let found = find_gateway(graph, name, route.namespace());
            found.is_some_and(|found| is_same_object(found, gateway.object))
        })
    };
    let serves = |route: &&&Object<'_>| {
        let hosts = || texts(server, "hosts").map(|(_, host)| without_namespace(host));
        let mut named = spec_map(route).into_iter().flat_map(|spec| texts(spec, "hosts"));
        named.any(|(_, own)| hosts().any(|host| host_matches(host, own) || host_matches(own, host)))
    };
    let routes = graph.routes_of_gateway(gateway.object);
    let routes = routes.iter().filter(is_bound).filter(serves);
    let mut redirecting = routes.map(|route| sends_to_https(route, server)).peekable();
    redirecting.peek().is_some() && redirecting.all(|redirects| redirects)
}

/// Whether the rules of a VirtualService answer what comes to a server's port by sending it to https, all but
/// what an authority asks for before it signs a certificate.
fn sends_to_https(route: &Object<'_>, server: &Map) -> bool {
    let rules = spec_map(route).into_iter().flat_map(|spec| maps(spec, "http"));
    let mut redirects = false;
    for (_, rule) in rules {
        let asked: Vec<&Map> = maps(rule, "match").map(|(_, entry)| entry).collect();
        let may_fit =
            |entry: &&Map| entry.get("port").is_none_or(|number| is_port(server, Some(number)));
        if !asked.is_empty() && !asked.iter().any(may_fit) {
            continue;
        }
        let scheme = rule.get("redirect").and_then(|redirect| redirect.get("scheme"));
        if scheme.and_then(Value::as_str) == Some("https") {
            redirects = true;
            let takes_all = |entry: &Map| {
                entry.keys().all(|key| matches!(key, "port" | "name"))
                    && entry.get("port").is_none_or(|number| is_port(server, Some(number)))
            };
            if asked.is_empty() || asked.into_iter().any(takes_all) {
                return true;
            }
        } else if asked.is_empty() || !asked.into_iter().all(is_challenge) {
            return false;
        }
    }
    redirects
}

/// Whether a match is for the answer to a challenge of a certificate authority (ACME), which comes over http.
fn is_challenge(entry: &Map) -> bool {
    let uri = entry.get("uri").and_then(Value::as_object);
    let mut uris = uri.into_iter().flatten().filter_map(|(_, uri)| uri.as_str()).peekable();
    uris.peek().is_some() && uris.all(|uri| uri.starts_with("/.well-known/acme-challenge"))
}

/// Whether a server is for the mesh's own hosts, as on an egress gateway.
fn is_internal(server: &Map) -> bool {
    texts(server, "hosts").any(|(_, host)| host.ends_with(".local"))
}

fn old_tls(gateway: &Whole<'_>, report: &mut Report<'_>) {
    for (path, server) in servers(gateway.object) {
        if let Some(version @ ("TLSV1_0" | "TLSV1_1")) = tls(server, "minProtocolVersion") {
            let path = path.keys(&["tls", "minProtocolVersion"]);
            report.fail(path, format!("clients may use {version}"));
        }
    }
}

fn passthrough(gateway: &Whole<'_>, report: &mut Report<'_>) {
    for (path, server) in servers(gateway.object) {
        if let Some(mode @ ("PASSTHROUGH" | "AUTO_PASSTHROUGH")) = tls(server, "mode") {
            report.fail(
                path.keys(&["tls", "mode"]),
                format!("{mode} hands TLS to the workload without reading it"),
            );
        }
    }
}

fn wildcard_route(route: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = spec_map(route.object) else { return };
    for (index, host) in texts(spec, "hosts").filter(|(_, host)| host.contains('*')) {
        let path = FieldPath::of(&["spec", "hosts"]).index(index);
        report.fail(path, format!("the host `{host}` stands for many"));
    }
}
