//! What routes traffic from outside to Services: which Services an object names, and whether it comes from
//! outside at all.

use std::collections::BTreeMap;

use super::{
    BackendPort, Clients, Entry, Found, ServicePort, clients, gateway_api, own_entries, selector,
    service_ports,
};
use crate::fields::{down, field, maps, text, texts};
use crate::graph::part::{Key, Topic};
use crate::graph::{GatewayName, Graph, gateways_of, labels_match, serves_host};
use crate::object::Object;
use crate::value::{Map, Value};

/// A Service that a route names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backend<'a> {
    /// Its namespace, where it is known.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// The port that is meant; all of the Service where there is none.
    pub port: Option<BackendPort<'a>>,
}

/// The kinds that route, and what they open.
const ROUTES: [(&str, &str, Entry); 13] = [
    ("networking.k8s.io", "Ingress", Entry::Ingress),
    ("extensions", "Ingress", Entry::Ingress),
    ("projectcontour.io", "HTTPProxy", Entry::Ingress),
    ("traefik.io", "IngressRoute", Entry::Ingress),
    ("traefik.containo.us", "IngressRoute", Entry::Ingress),
    ("traefik.io", "IngressRouteTCP", Entry::Ingress),
    ("route.openshift.io", "Route", Entry::Ingress),
    (gateway_api::GROUP, "HTTPRoute", Entry::Gateway),
    (gateway_api::GROUP, "GRPCRoute", Entry::Gateway),
    (gateway_api::GROUP, "TLSRoute", Entry::Gateway),
    (gateway_api::GROUP, "TCPRoute", Entry::Gateway),
    (gateway_api::GROUP, "UDPRoute", Entry::Gateway),
    ("networking.istio.io", "VirtualService", Entry::Gateway),
];

/// Every route from outside to a Service of the input: the Service by its index, and the way to it.
pub(super) fn all<'a>(graph: &Graph<'a>) -> Vec<(usize, Found<'a>)> {
    let mut all = Vec::new();
    for (group, kind, entry) in ROUTES {
        for index in graph.indices(group, kind) {
            let Some(route) = graph.objects.get(*index) else { continue };
            let Some(gateways) = gateways(graph, route) else { continue };
            let own = clients::of_route(route);
            let mut before: Vec<(Vec<usize>, Clients)> = Vec::new();
            if gateways.is_empty() {
                before.push((vec![*index], own.clone()));
            }
            before.extend(gateways.iter().map(|gateway| {
                let clients = clients_of_gateway(graph, *gateway);
                (vec![*gateway, *index], clients::through([own.clone(), clients].into_iter()))
            }));
            let allowed = |backend: &Backend<'_>| gateway_api::may_refer(graph, route, backend);
            for backend in backends(route).into_iter().filter(allowed) {
                let service = graph.index_of("", "Service", backend.namespace, backend.name);
                let Some(service) = service else { continue };
                let Ok(ports) = ports(graph, route, service, &backend) else { continue };
                for (chain, clients) in &before {
                    let chain = chain.iter().copied().chain([service]).collect();
                    let (ports, clients) = (ports.clone(), clients.clone());
                    all.push((service, Found { entry, chain, clients, ports }));
                }
            }
        }
    }
    all
}

/// The Service has no port that a route means.
struct NoSuchPort;

/// The ports of a Service that a backend means, of the protocol that the route carries; none where the Service
/// lists no ports.
fn ports<'a>(
    graph: &Graph<'a>,
    route: &Object<'a>,
    service: usize,
    backend: &Backend<'a>,
) -> Result<Option<Vec<ServicePort<'a>>>, NoSuchPort> {
    let Some(mut ports) = graph.objects.get(service).and_then(service_ports) else {
        return Ok(None);
    };
    let protocol = if route.kind() == "UDPRoute" { "UDP" } else { "TCP" };
    ports.retain(|port| {
        port.protocol == protocol && backend.port.is_none_or(|wanted| port.is_meant_by(wanted))
    });
    if ports.is_empty() { Err(NoSuchPort) } else { Ok(Some(ports)) }
}

/// For whom a gateway is open: of Istio's, by the Services of its pods.
fn clients_of_gateway(graph: &Graph<'_>, gateway: usize) -> Clients {
    let Some(gateway) = graph.objects.get(gateway) else { return Clients::Anyone };
    if gateway.group() == gateway_api::GROUP {
        return clients::of_gateway(gateway);
    }
    let services = services_of_gateway(graph, gateway);
    clients::any_of(services.flat_map(own_entries).map(|(_, clients)| clients))
}

/// Whether an object is of a kind that routes.
pub(in crate::graph) fn is_route(object: &Object<'_>) -> bool {
    ROUTES.iter().any(|(group, kind, _)| (*group, *kind) == (object.group(), object.kind()))
}

/// The routes by the names of the Services that they name.
pub(super) fn by_backend<'a>(graph: &Graph<'a>) -> BTreeMap<&'a str, Vec<usize>> {
    let mut found: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (group, kind, _) in ROUTES {
        for index in graph.indices(group, kind) {
            for backend in graph.objects.get(*index).map(backends).unwrap_or_default() {
                let named = found.entry(backend.name).or_default();
                if named.last() != Some(index) {
                    named.push(*index);
                }
            }
        }
    }
    found
}

/// Notes what decides whether a route leads to a Service of a name: which Service the route means, its
/// gateways, the grants between namespaces, and where the gateways serve.
pub(super) fn note(graph: &Graph<'_>, route: &Object<'_>, service: &str) {
    for backend in backends(route).into_iter().filter(|backend| backend.name == service) {
        let parts = ["", "Service", backend.name];
        graph.note_all(|| Key::seen(Topic::Named, backend.namespace, &parts));
        gateway_api::note_grants(graph, route, &backend);
    }
    match route.group() {
        gateway_api::GROUP => {
            for gateway in gateway_api::parents(route) {
                let parts = [gateway_api::GROUP, "Gateway", gateway.name];
                graph.note_all(|| Key::seen(Topic::Named, gateway.namespace, &parts));
            }
        }
        "networking.istio.io" => {
            for gateway in named_gateways(route) {
                let parts = [route.group(), "Gateway", gateway.name];
                graph.note_all(|| Key::seen(Topic::Named, gateway.namespace, &parts));
                let found =
                    graph.index_of(route.group(), "Gateway", gateway.namespace, gateway.name);
                let found = found.and_then(|index| graph.objects.get(index));
                if let Some(wanted) = found.and_then(selected_by) {
                    graph.note_services_asking(wanted);
                }
            }
        }
        _ => {}
    }
}

/// The Istio gateways that a route names, the mesh left out.
fn named_gateways<'a>(route: &Object<'a>) -> Vec<GatewayName<'a>> {
    let own = route.namespace();
    gateways_of(route).map(|(_, written)| GatewayName::parse(written, own)).collect()
}

/// The gateways of a route that the input holds; none where the route serves the mesh only.
fn gateways<'a>(graph: &Graph<'a>, route: &Object<'a>) -> Option<Vec<usize>> {
    let spec = route.fields().get("spec").and_then(Value::as_object)?;
    let named = match route.group() {
        gateway_api::GROUP => return gateway_api::gateways(graph, route, spec),
        "networking.istio.io" => {
            let named = named_gateways(route);
            if named.is_empty() {
                return None;
            }
            named
        }
        _ => return Some(Vec::new()),
    };
    let mut open = Vec::new();
    let mut is_closed = !named.is_empty();
    for gateway in &named {
        match graph.index_of(route.group(), "Gateway", gateway.namespace, gateway.name) {
            Some(index)
                if graph.objects.get(index).is_some_and(|gateway| {
                    !serves(gateway, route, spec) || serves_inside(graph, gateway)
                }) => {}
            found => {
                is_closed = false;
                open.extend(found);
            }
        }
    }
    (!is_closed).then_some(open)
}

/// Whether an Istio gateway serves a host of a VirtualService.
fn serves(gateway: &Object<'_>, route: &Object<'_>, spec: &Map) -> bool {
    let mut hosts = texts(spec, "hosts").map(|(_, host)| host).peekable();
    hosts.peek().is_none() || hosts.any(|host| serves_host(gateway, host, route.namespace()))
}

/// Whether the Services of an Istio gateway's pods are in the input, and none of them is open.
fn serves_inside(graph: &Graph<'_>, gateway: &Object<'_>) -> bool {
    let mut own = services_of_gateway(graph, gateway).peekable();
    own.peek().is_some() && own.all(|service| own_entries(service).is_empty())
}

/// The Services of an Istio gateway's pods.
fn services_of_gateway<'g, 'a>(
    graph: &'g Graph<'a>,
    gateway: &Object<'a>,
) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
    let wanted = selected_by(gateway);
    graph
        .held_of_kind("", "Service")
        .filter(move |service| wanted.is_some_and(|wanted| labels_match(wanted, selector(service))))
}

/// The labels of an Istio gateway's pods.
fn selected_by<'a>(gateway: &Object<'a>) -> Option<&'a Map> {
    let wanted = down(gateway.value(), &["spec", "selector"]).and_then(Value::as_object);
    wanted.filter(|labels| !labels.is_empty())
}

/// The Services that a route names, in its order.
pub fn backends<'a>(route: &Object<'a>) -> Vec<Backend<'a>> {
    let Some(spec) = route.fields().get("spec").and_then(Value::as_object) else {
        return Vec::new();
    };
    match (route.group(), route.kind()) {
        (_, "Ingress") => ingress(spec, route),
        (gateway_api::GROUP, _) => references(spec, "rules", "backendRefs", route),
        ("networking.istio.io", _) => virtual_service(spec, route),
        ("projectcontour.io", _) => {
            let mut found = references(spec, "routes", "services", route);
            let tcp = spec.get("tcpproxy").and_then(Value::as_object);
            let services = tcp.into_iter().flat_map(|tcp| maps(tcp, "services"));
            found.extend(services.filter_map(|(_, service)| reference(service, route)));
            found
        }
        ("traefik.io" | "traefik.containo.us", _) => references(spec, "routes", "services", route),
        ("route.openshift.io", _) => {
            let first = spec.get("to").and_then(Value::as_object).into_iter();
            let others = maps(spec, "alternateBackends").map(|(_, other)| other);
            let named = first.chain(others).filter_map(|service| reference(service, route));
            let port = down(route.value(), &["spec", "port", "targetPort"]);
            let port = port.map(BackendPort::OfTarget);
            named.map(|backend| Backend { port, ..backend }).collect()
        }
        _ => Vec::new(),
    }
}

/// A reference by name to a Service; in the route's namespace, where it names none.
fn reference<'a>(fields: &'a Map, route: &Object<'a>) -> Option<Backend<'a>> {
    let namespace = text(fields, "namespace").or_else(|| route.namespace());
    let port = field(fields, "port").map(BackendPort::OfService);
    Some(Backend { namespace, name: text(fields, "name")?, port })
}

/// The references of a list within each element of a list.
fn references<'a>(spec: &'a Map, outer: &str, inner: &str, route: &Object<'a>) -> Vec<Backend<'a>> {
    let all = maps(spec, outer).flat_map(|(_, rule)| maps(rule, inner).map(|(_, named)| named));
    let services = all.filter(|named| text(named, "kind").unwrap_or("Service") == "Service");
    services.filter_map(|named| reference(named, route)).collect()
}

fn ingress<'a>(spec: &'a Map, route: &Object<'a>) -> Vec<Backend<'a>> {
    let paths = maps(spec, "rules").flat_map(|(_, rule)| {
        let http = rule.get("http").and_then(Value::as_object);
        http.into_iter().flat_map(|http| maps(http, "paths").map(|(_, path)| path))
    });
    let backends = paths.filter_map(|path| path.get("backend"));
    let default = spec.get("defaultBackend").or_else(|| spec.get("backend"));
    let all = default.into_iter().chain(backends);
    all.filter_map(|backend| {
        let name = down(backend, &["service", "name"]).or_else(|| backend.get("serviceName"));
        let port = down(backend, &["service", "port", "number"])
            .or_else(|| down(backend, &["service", "port", "name"]))
            .or_else(|| down(backend, &["servicePort"]));
        let port = port.map(BackendPort::OfService);
        Some(Backend { namespace: route.namespace(), name: name?.as_str()?, port })
    })
    .collect()
}

/// The destinations of a VirtualService that are Services: `web`, `web.shop`, `web.shop.svc.cluster.local`.
fn virtual_service<'a>(spec: &'a Map, route: &Object<'a>) -> Vec<Backend<'a>> {
    let rules = ["http", "tls", "tcp"].into_iter().flat_map(|list| maps(spec, list));
    let destinations = rules.flat_map(|(_, rule)| {
        maps(rule, "route").filter_map(|(_, to)| {
            let destination = to.get("destination")?;
            Some((destination.get("host")?.as_str()?, down(destination, &["port", "number"])))
        })
    });
    destinations
        .map(|(host, port)| {
            let mut parts = host.split('.');
            let name = parts.next().unwrap_or_default();
            let namespace = parts.next().or_else(|| route.namespace());
            Backend { namespace, name, port: port.map(BackendPort::OfService) }
        })
        .collect()
}
