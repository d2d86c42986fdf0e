//! Checks on the Gateway API: who may attach to a Gateway, cross namespaces, and speak plaintext.
//!
//! Holds for every controller of the API, Istio's among them.

use airside_k8s::fields::{elements, maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::{GATEWAY_API, spec_map};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "gateway-routes-from-all",
        title: "Gateway lets routes of every namespace attach",
        why: "Whoever may create a route anywhere in the cluster can publish through the Gateway, or take over a host of somebody else's.",
        fix: "Set allowedRoutes.namespaces.from to Same, or to Selector with the labels of the namespaces that may.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1190"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GATEWAY_API, "Gateway")], routes_from_all),
        fails: r"apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: in, namespace: edge}
spec:
  gatewayClassName: istio
  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: in}]}, allowedRoutes: {namespaces: {from: All}}}]
",
        passes: r"apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: in, namespace: edge}
spec:
  gatewayClassName: istio
  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: in}]}, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {edge: shop}}}}}]
",
    },
    Check {
        id: "gateway-listener-plaintext",
        title: "Gateway serves plaintext only",
        why: "Sessions and passwords cross the network in plaintext, and whoever stands on the way can change pages.",
        fix: "Add a listener with the protocol HTTPS and a certificate, and redirect the plaintext one with an HTTPRoute.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GATEWAY_API, "Gateway")], plaintext),
        fails: r"apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: in, namespace: edge}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
",
        passes: r"apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: in, namespace: edge}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}, {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: in}]}}]
",
    },
    Check {
        id: "reference-grant-wide",
        title: "ReferenceGrant opens all Secrets of its namespace",
        why: "It names no single object, so every Secret can be used from the other namespace, among them certificates and keys that are not meant for it.",
        fix: "Give the name of the object in to[].name, one entry for each.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(GATEWAY_API, "ReferenceGrant")], wide_grant),
        fails: r"apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: edge, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}]
  to: [{group: '', kind: Secret}]
",
        passes: r"apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: edge, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}]
  to: [{group: '', kind: Secret, name: www}]
",
    },
];

fn listeners<'a>(gateway: &Whole<'a>) -> impl Iterator<Item = (FieldPath, &'a Map)> + use<'a> {
    let listeners = spec_map(gateway.object).into_iter().flat_map(|spec| maps(spec, "listeners"));
    listeners.map(|(index, fields)| (FieldPath::of(&["spec", "listeners"]).index(index), fields))
}

/// Whether a Gateway is a waypoint: the mesh's own, which takes traffic of the mesh only.
fn is_waypoint(gateway: &Whole<'_>) -> bool {
    let class = gateway.spec("gatewayClassName").and_then(Value::as_str).unwrap_or_default();
    class.contains("waypoint") || class.contains("mesh")
}

fn routes_from_all(gateway: &Whole<'_>, report: &mut Report<'_>) {
    if is_waypoint(gateway) {
        return;
    }
    for (path, listener) in listeners(gateway) {
        let Some(namespaces) = listener.get("allowedRoutes").and_then(|it| it.get("namespaces"))
        else {
            continue;
        };
        let given = |name| namespaces.get(name);
        let field = match given("from").and_then(Value::as_str) {
            Some("All") => "from",
            Some("Selector") if given("selector").is_some_and(selects_all) => "selector",
            _ => continue,
        };
        let name = text(listener, "name").unwrap_or_default();
        let message = format!("routes of every namespace attach to the listener `{name}`");
        report.fail(path.keys(&["allowedRoutes", "namespaces", field]), message);
    }
}

/// Whether a selector of labels asks for nothing.
fn selects_all(selector: &Value) -> bool {
    let is_empty = |name: &str| match selector.get(name) {
        Some(Value::Object(labels)) => labels.is_empty(),
        Some(Value::Array(expressions)) => expressions.is_empty(),
        _ => true,
    };
    is_empty("matchLabels") && is_empty("matchExpressions")
}

fn plaintext(gateway: &Whole<'_>, report: &mut Report<'_>) {
    if is_waypoint(gateway) {
        return;
    }
    let is = |listener: &Map, protocols: &[&str]| {
        text(listener, "protocol").is_some_and(|protocol| protocols.contains(&protocol))
    };
    // Where a listener speaks TLS, the plaintext one is most often there to redirect.
    if listeners(gateway).any(|(_, listener)| is(listener, &["HTTPS", "TLS"])) {
        return;
    }
    if let Some((path, listener)) = listeners(gateway).find(|(_, listener)| is(listener, &["HTTP"]))
    {
        let port = listener.get("port").and_then(Value::as_u64).unwrap_or_default();
        let message = format!("port {port} serves plaintext, and no listener speaks TLS");
        report.fail(path.key("protocol"), message);
    }
}

fn wide_grant(grant: &Whole<'_>, report: &mut Report<'_>) {
    for (index, target) in elements(grant.spec("to")).iter().enumerate() {
        let Some(target) = target.as_object().filter(|target| text(target, "name").is_none())
        else {
            continue;
        };
        let kind = text(target, "kind").unwrap_or_default();
        if kind == "Secret" {
            let path = FieldPath::of(&["spec", "to"]).index(index).key("name");
            report.fail(
                path,
                format!("every {kind} of the namespace can be used from the other one"),
            );
        }
    }
}
