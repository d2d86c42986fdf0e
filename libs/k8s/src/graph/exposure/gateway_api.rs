//! Which routes of the Gateway API take effect: a listener of the Gateway must take the route, by its
//! namespace, kind and hosts, and the backend's namespace must allow the route.

use super::Backend;
use crate::fields::{down, field, maps, text, texts};
use crate::graph::part::{Key, Topic};
use crate::graph::{Graph, hosts_overlap, same_namespace};
use crate::object::Object;
use crate::value::{Map, Value};

/// The API group.
pub(in crate::graph) const GROUP: &str = "gateway.networking.k8s.io";

/// The Gateways of the input that a route is attached to. Empty where the route names only Gateways that
/// the input lacks; none where it serves the mesh only, or where those that it names do not take it.
pub(super) fn gateways<'a>(
    graph: &Graph<'a>,
    route: &Object<'a>,
    spec: &'a Map,
) -> Option<Vec<usize>> {
    let mut attached = Vec::new();
    let mut may_be_attached = false;
    for (_, parent) in maps(spec, "parentRefs") {
        match text(parent, "kind").unwrap_or("Gateway") {
            "Gateway" => {}
            "Service" => continue,
            // A set of listeners belongs to a Gateway.
            _ => {
                may_be_attached = true;
                continue;
            }
        }
        let Backend { namespace, name, .. } = named(parent, route);
        match graph.index_of(GROUP, "Gateway", namespace, name) {
            None => may_be_attached = true,
            Some(index) => {
                let gateway = graph.objects.get(index);
                if gateway.is_some_and(|gateway| takes(gateway, route, parent)) {
                    attached.push(index);
                }
            }
        }
    }
    (may_be_attached || !attached.is_empty()).then_some(attached)
}

/// The Gateways that a route names.
pub(super) fn parents<'a>(route: &Object<'a>) -> Vec<Backend<'a>> {
    let spec = route.fields().get("spec").and_then(Value::as_object);
    let parents = spec.into_iter().flat_map(|spec| maps(spec, "parentRefs"));
    let gateways =
        parents.filter(|(_, parent)| text(parent, "kind").unwrap_or("Gateway") == "Gateway");
    gateways.map(|(_, parent)| named(parent, route)).collect()
}

fn named<'a>(parent: &'a Map, route: &Object<'a>) -> Backend<'a> {
    Backend {
        namespace: text(parent, "namespace").or_else(|| route.namespace()),
        name: text(parent, "name").unwrap_or_default(),
        port: None,
    }
}

/// Whether a listener of a Gateway takes a route: the one that the route means, where it means one.
fn takes(gateway: &Object<'_>, route: &Object<'_>, parent: &Map) -> bool {
    let Some(spec) = gateway.fields().get("spec").and_then(Value::as_object) else { return true };
    let is_beside = same_namespace(gateway.namespace(), route.namespace());
    let mut listeners = maps(spec, "listeners").map(|(_, listener)| listener).peekable();
    listeners.peek().is_none()
        || listeners.any(|listener| {
            is_meant(listener, parent)
                && takes_namespace(listener, is_beside)
                && takes_kind(listener, route.kind())
                && serves_a_host_of(listener, route)
        })
}

/// By its name or its port.
fn is_meant(listener: &Map, parent: &Map) -> bool {
    let is_named =
        text(parent, "sectionName").is_none_or(|wanted| text(listener, "name") == Some(wanted));
    let port = field(parent, "port");
    is_named && port.is_none_or(|wanted| field(listener, "port") == Some(wanted))
}

/// By default only routes of the Gateway's own namespace.
fn takes_namespace(listener: &Map, is_beside: bool) -> bool {
    let from = listener.get("allowedRoutes").and_then(|a| down(a, &["namespaces", "from"]));
    match from.and_then(Value::as_str) {
        Some("All" | "Selector") => true,
        Some("None") => false,
        _ => is_beside,
    }
}

/// By the protocol, within which the kinds may be limited further. Protocols of one's own take what they like.
fn takes_kind(listener: &Map, kind: &str) -> bool {
    let by_protocol = match text(listener, "protocol") {
        Some("HTTP" | "HTTPS") => matches!(kind, "HTTPRoute" | "GRPCRoute"),
        Some("TLS") => matches!(kind, "TLSRoute" | "TCPRoute"),
        Some("TCP") => kind == "TCPRoute",
        Some("UDP") => kind == "UDPRoute",
        _ => true,
    };
    let allowed = listener.get("allowedRoutes").and_then(Value::as_object);
    let mut kinds = allowed.into_iter().flat_map(|allowed| maps(allowed, "kinds")).peekable();
    by_protocol && (kinds.peek().is_none() || kinds.any(|(_, it)| text(it, "kind") == Some(kind)))
}

/// Routes of bytes have no hosts; those that leave their hosts open take the listener's.
fn serves_a_host_of(listener: &Map, route: &Object<'_>) -> bool {
    let served = text(listener, "hostname").filter(|host| !host.is_empty());
    let spec = route.fields().get("spec").and_then(Value::as_object);
    let hosts = spec.into_iter().flat_map(|spec| texts(spec, "hostnames"));
    let mut hosts = hosts.map(|(_, host)| host).peekable();
    served.is_none_or(|served| {
        hosts.peek().is_none() || hosts.any(|host| hosts_overlap(served, host))
    })
}

/// Whether a route may send to a backend: in its own namespace, or where a ReferenceGrant says so.
pub(super) fn may_refer(graph: &Graph<'_>, route: &Object<'_>, backend: &Backend<'_>) -> bool {
    if !needs_leave(route, backend) {
        return true;
    }
    graph.held_of_kind(GROUP, "ReferenceGrant").any(|grant| {
        let Some(spec) = grant.fields().get("spec").and_then(Value::as_object) else {
            return false;
        };
        let from_here = let_refer(grant)
            .any(|(kind, from)| kind == route.kind() && Some(from) == route.namespace());
        let to_there = maps(spec, "to").any(|(_, to)| {
            text(to, "kind") == Some("Service")
                && text(to, "name").is_none_or(|name| name == backend.name)
        });
        same_namespace(grant.namespace(), backend.namespace) && from_here && to_there
    })
}

/// Notes the grants that may let a route refer to a backend.
pub(super) fn note_grants(graph: &Graph<'_>, route: &Object<'_>, backend: &Backend<'_>) {
    if let Some(from) = route.namespace().filter(|_| needs_leave(route, backend)) {
        graph.note_all(|| Key::seen(Topic::LetsRefer, backend.namespace, &[route.kind(), from]));
    }
}

fn needs_leave(route: &Object<'_>, backend: &Backend<'_>) -> bool {
    route.group() == GROUP && !same_namespace(route.namespace(), backend.namespace)
}

/// The kinds and namespaces of the routes that a grant lets refer.
pub(in crate::graph) fn let_refer<'a>(
    grant: &Object<'a>,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let spec = grant.fields().get("spec").and_then(Value::as_object);
    let from = spec.into_iter().flat_map(|spec| maps(spec, "from"));
    from.filter_map(|(_, from)| Some((text(from, "kind")?, text(from, "namespace")?)))
}

impl Graph<'_> {
    /// Whether a route may send to a backend: in its own namespace, or where a ReferenceGrant says so.
    pub fn may_refer(&self, route: &Object<'_>, backend: &Backend<'_>) -> bool {
        note_grants(self, route, backend);
        may_refer(self, route, backend)
    }
}
