//! Checks on what Gateways let in: hosts, plaintext, versions of TLS.

use airside_k8s::fields::{maps, texts};
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{NETWORKING, spec_map};
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
    for (path, server) in servers(gateway.object) {
        let is_plain = matches!(protocol(server).as_str(), "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB");
        let redirects = server.get("tls").and_then(|tls| tls.get("httpsRedirect"));
        if is_plain && redirects != Some(&Value::Bool(true)) && !is_internal(server) {
            let number = server.get("port").and_then(|port| port.get("number"));
            let number = number.and_then(Value::as_u64).unwrap_or_default();
            report.fail(
                path.keys(&["tls", "httpsRedirect"]),
                format!("port {number} serves plaintext and sends nobody to HTTPS"),
            );
        }
    }
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
