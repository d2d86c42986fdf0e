//! Checks on routes and policies of the Gateway API: plaintext beside TLS, backends of other namespaces, old
//! TLS. Its Gateways are `istio/gateway_api.rs`'.

use airside_k8s::fields::{down, elements, maps, text};
use airside_k8s::graph::{Backend, same_namespace};
use airside_k8s::{Map, Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::covers;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const GATEWAY_API: &str = "gateway.networking.k8s.io";
const ROUTES: &[(&str, &str)] = &[(GATEWAY_API, "HTTPRoute"), (GATEWAY_API, "GRPCRoute")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "gateway-route-in-plaintext",
        title: "Route answers in plaintext beside TLS",
        why: "It names the Gateway as a whole, so the plaintext listener serves it like the encrypted one: who types the address stays unencrypted, and nothing leads him on.",
        fix: "Name the encrypted listener in parentRefs[].sectionName, and redirect on the plaintext one by a route with a RequestRedirect to https.",
        severity: Severity::Low,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GATEWAY_API, "HTTPRoute")], in_plaintext),
        fails: r"apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: in}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: in, namespace: shop}
spec:
  gatewayClassName: edge
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: shop}]}}
",
        passes: r"apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: in, sectionName: https}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: in, namespace: shop}
spec:
  gatewayClassName: edge
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: shop}]}}
",
    },
    Check {
        id: "gateway-backend-not-granted",
        title: "Route names a backend of another namespace, which does not allow it",
        why: "Without a ReferenceGrant of the backend's namespace the Gateway answers with an error instead of sending the requests there.",
        fix: "Add a ReferenceGrant to the backend's namespace that names this kind of route, its namespace and the Service.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ROUTES, not_granted),
        fails: r"apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: edge}
spec:
  parentRefs: [{name: in}]
  rules: [{backendRefs: [{name: web, namespace: shop, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: edge, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}]
  to: [{group: '', kind: Service}]
",
        passes: r"apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: edge}
spec:
  parentRefs: [{name: in}]
  rules: [{backendRefs: [{name: web, namespace: shop, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: edge, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: edge}]
  to: [{group: '', kind: Service}]
",
    },
    Check {
        id: "envoy-gateway-old-tls",
        title: "Envoy Gateway speaks TLS versions that are broken",
        why: "TLS 1.0 and 1.1 have known attacks that read or change what they carry.",
        fix: "Set tls.minVersion to 1.2 or 1.3, or remove it: 1.2 is the default.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("gateway.envoyproxy.io", "ClientTrafficPolicy")], old_tls),
        fails: r#"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: {name: in, namespace: edge}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: in}], tls: {minVersion: "1.0"}}
"#,
        passes: r#"apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: {name: in, namespace: edge}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: in}], tls: {minVersion: "1.2"}}
"#,
    },
];

fn in_plaintext(route: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = route.spec_fields() else { return };
    let redirects = |rule: &Map| {
        maps(rule, "filters").any(|(_, filter)| text(filter, "type") == Some("RequestRedirect"))
    };
    if maps(spec, "rules").all(|(_, rule)| redirects(rule)) {
        return;
    }
    for (index, parent) in maps(spec, "parentRefs") {
        let is_whole = !["sectionName", "port"].iter().any(|name| parent.contains_key(name));
        let kind = text(parent, "kind").unwrap_or("Gateway");
        let Some(name) = text(parent, "name").filter(|_| is_whole && kind == "Gateway") else {
            continue;
        };
        if route.graph.is_single_object() {
            return report.undecided("the Gateway is another object");
        }
        let namespace = text(parent, "namespace").or_else(|| route.object.namespace());
        let Some(gateway) = route.graph.find(GATEWAY_API, "Gateway", namespace, name) else {
            continue;
        };
        let takes = |protocol| listener(gateway, route, protocol);
        if let (Some(plain), Some(_)) = (takes("HTTP"), takes("HTTPS")) {
            let plain = text(plain, "name").unwrap_or_default();
            let message = format!("the plaintext listener `{plain}` of {gateway} serves the route");
            report.fail(FieldPath::of(&["spec", "parentRefs"]).index(index), message);
        }
    }
}

/// A listener of a protocol that takes the route's hosts.
fn listener<'a>(gateway: &Object<'a>, route: &Whole<'_>, protocol: &str) -> Option<&'a Map> {
    let spec = gateway.fields().get("spec")?.as_object()?;
    let hosts: Vec<&str> =
        elements(route.spec("hostnames")).iter().filter_map(Value::as_str).collect();
    let takes_hosts = |listener: &Map| {
        let own = text(listener, "hostname").filter(|own| !own.is_empty());
        let meets = |own: &str, host: &str| covers(own, host) || covers(host, own);
        own.is_none_or(|own| hosts.is_empty() || hosts.iter().any(|host| meets(own, host)))
    };
    let mut listeners = maps(spec, "listeners").map(|(_, listener)| listener);
    listeners.find(|it| text(it, "protocol") == Some(protocol) && takes_hosts(it))
}

/// Where the input lacks the Service, its namespace and what that allows is somebody else's.
fn not_granted(route: &Whole<'_>, report: &mut Report<'_>) {
    let rules = elements(route.spec("rules")).iter().enumerate();
    for (rule, fields) in rules {
        for (index, backend) in elements(fields.get("backendRefs")).iter().enumerate() {
            let field = |name| down(backend, &[name]).and_then(Value::as_str);
            let (Some(name), Some(namespace)) = (field("name"), field("namespace")) else {
                continue;
            };
            if same_namespace(route.object.namespace(), Some(namespace)) {
                continue;
            }
            if route.graph.is_single_object() {
                return report.undecided("the ReferenceGrant is another object");
            }
            let is_known = route.graph.find("", "Service", Some(namespace), name).is_some();
            let backend = Backend { namespace: Some(namespace), name, port: None };
            if is_known && !route.graph.may_refer(route.object, &backend) {
                let path = FieldPath::of(&["spec", "rules"]).index(rule).key("backendRefs");
                report.fail(
                    path.index(index).key("namespace"),
                    format!("no ReferenceGrant of namespace {namespace} allows Service `{name}`"),
                );
            }
        }
    }
}

fn old_tls(policy: &Whole<'_>, report: &mut Report<'_>) {
    let version = policy.spec("tls").and_then(|tls| down(tls, &["minVersion"])?.as_str());
    if let Some(version) = version.filter(|version| matches!(*version, "1.0" | "1.1")) {
        let path = FieldPath::of(&["spec", "tls", "minVersion"]);
        report.fail(path, format!("minVersion is {version}"));
    }
}
