//! Istio's Gateways by what two of them can quarrel about (hosts on ports, and certificates), and the
//! VirtualServices that are bound to them.

use std::collections::{BTreeMap, BTreeSet};

use super::NETWORKING;
use super::hosts::hosts_overlap;
use crate::fields::{maps, text, texts};
use crate::graph::part::{Key, Place, Topic, own_places};
use crate::graph::{Graph, same_namespace};
use crate::object::Object;
use crate::value::{Map, Value};

/// A host that a server claims on a port, without the namespace that may serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim<'a> {
    /// The port's number.
    pub port: u64,
    /// The host.
    pub host: &'a str,
    /// Whether it is plain HTTP.
    pub is_http: bool,
}

impl<'a> Claim<'a> {
    /// Whether only one of two servers can have it. Plain HTTP servers share a port and their hosts
    /// peacefully: Istio joins their routes.
    pub fn contests(self, other: Claim<'_>) -> bool {
        (self.port, self.host) == (other.port, other.host) && !(self.is_http && other.is_http)
    }

    /// The claims that contest it.
    fn contesting(self) -> impl Iterator<Item = Self> {
        let both = [false, true].map(|is_http| Self { is_http, ..self });
        both.into_iter().filter(move |other| self.contests(*other))
    }

    fn key(self) -> Key {
        let (port, is_http) = (self.port.to_string(), self.is_http.to_string());
        Key::of(Topic::Claim, Place::Anywhere, &[&port, self.host, &is_http])
    }
}

/// What a server of a Gateway claims; nothing where its port has no number.
pub fn claims(server: &Map) -> impl Iterator<Item = Claim<'_>> {
    let port = server.get("port").and_then(Value::as_object);
    let number = port.and_then(|port| port.get("number")?.as_u64());
    let protocol = port.and_then(|port| text(port, "protocol")).unwrap_or_default();
    let is_http = ["HTTP", "HTTP2"].iter().any(|it| it.eq_ignore_ascii_case(protocol));
    number.into_iter().flat_map(move |port| {
        let hosts = texts(server, "hosts").map(|(_, host)| host);
        let hosts = hosts.map(|host| host.split_once('/').map_or(host, |(_, host)| host));
        hosts.map(move |host| Claim { port, host, is_http })
    })
}

/// Whether a Gateway, of Istio or of the Gateway API, serves a host of a VirtualService, or a part of what a
/// wildcard stands for, for the VirtualService's namespace.
pub fn serves_host(gateway: &Object<'_>, host: &str, namespace: Option<&str>) -> bool {
    let spec = gateway.fields().get("spec").and_then(Value::as_object);
    if gateway.group() != NETWORKING {
        let mut listeners = spec.into_iter().flat_map(|spec| maps(spec, "listeners"));
        return listeners.any(|(_, listener)| {
            text(listener, "hostname").is_none_or(|given| hosts_overlap(given, host))
        });
    }
    servers(gateway).flat_map(|server| texts(server, "hosts")).any(|(_, given)| {
        let (allowed, given) = given.split_once('/').unwrap_or(("*", given));
        let is_allowed = match allowed {
            "*" => true,
            "." => same_namespace(gateway.namespace(), namespace),
            named => same_namespace(Some(named), namespace),
        };
        is_allowed && hosts_overlap(given, host)
    })
}

/// The name of the certificate that a server of a Gateway presents.
pub fn presented(server: &Map) -> Option<&str> {
    server.get("tls")?.get("credentialName")?.as_str()
}

/// A Gateway as a VirtualService names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayName<'a> {
    /// Its namespace, as far as that is known.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
}

impl<'a> GatewayName<'a> {
    /// Reads `name`, `namespace/name`, `./name`, or a host as older VirtualServices have it, beside an object
    /// of a namespace.
    pub fn parse(written: &'a str, own: Option<&'a str>) -> Self {
        match written.split_once('/') {
            Some((".", name)) => Self { namespace: own, name },
            Some((namespace, name)) => Self { namespace: Some(namespace), name },
            None => match written.split_once('.') {
                Some((name, rest)) => Self { namespace: rest.split('.').next(), name },
                None => Self { namespace: own, name: written },
            },
        }
    }
}

/// The gateways that a VirtualService is bound to, as it writes them, with their index in its list. The mesh
/// is none.
pub fn gateways_of<'a>(route: &Object<'a>) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    let spec = route.fields().get("spec").and_then(Value::as_object);
    let named = spec.into_iter().flat_map(|spec| texts(spec, "gateways"));
    named.filter(|(_, name)| *name != "mesh")
}

/// The Gateways by claim and by certificate, and the VirtualServices by the name of a gateway.
#[derive(Debug, Default)]
pub(super) struct Gateways<'a> {
    of_claim: BTreeMap<Claim<'a>, BTreeSet<usize>>,
    of_certificate: BTreeMap<&'a str, BTreeSet<usize>>,
    routes: BTreeMap<&'a str, BTreeSet<usize>>,
}

impl<'a> Gateways<'a> {
    pub(super) fn add(&mut self, index: usize, gateway: &Object<'a>) {
        for server in servers(gateway) {
            for claim in claims(server) {
                self.of_claim.entry(claim).or_default().insert(index);
            }
            if let Some(name) = presented(server) {
                self.of_certificate.entry(name).or_default().insert(index);
            }
        }
    }

    pub(super) fn add_route(&mut self, index: usize, route: &Object<'a>) {
        for gateway in bound_to(route) {
            self.routes.entry(gateway.name).or_default().insert(index);
        }
    }
}

fn bound_to<'a>(route: &Object<'a>) -> impl Iterator<Item = GatewayName<'a>> + use<'a> {
    let own = route.namespace();
    gateways_of(route).map(move |(_, written)| GatewayName::parse(written, own))
}

/// The keys that a VirtualService is found by: its gateways.
pub(super) fn keys_of_route(route: &Object<'_>) -> Vec<Key> {
    bound_to(route)
        .flat_map(|gateway| {
            let places = own_places(gateway.namespace);
            places.map(|place| Key::of(Topic::GatewayRoute, place, &[gateway.name]))
        })
        .collect()
}

/// The keys that a Gateway is found by.
pub(super) fn keys(gateway: &Object<'_>) -> Vec<Key> {
    let certificate = |name| Key::of(Topic::Certificate, Place::Anywhere, &[name]);
    let of = |server| claims(server).map(Claim::key).chain(presented(server).map(certificate));
    servers(gateway).flat_map(of).collect()
}

fn servers<'a>(gateway: &Object<'a>) -> impl Iterator<Item = &'a Map> + use<'a> {
    debug_assert_eq!(gateway.group(), NETWORKING);
    let spec = gateway.fields().get("spec").and_then(Value::as_object);
    spec.into_iter().flat_map(|spec| maps(spec, "servers")).map(|(_, server)| server)
}

impl<'a> Graph<'a> {
    /// Istio's Gateways that contest what a Gateway claims, itself perhaps among them, in the order of the
    /// input.
    pub fn gateways_contesting(&self, gateway: &Object<'a>) -> Vec<&Object<'a>> {
        let claims: BTreeSet<_> = servers(gateway).flat_map(claims).collect();
        let contesting: BTreeSet<_> = claims.into_iter().flat_map(Claim::contesting).collect();
        self.note_all(|| contesting.iter().map(|claim| claim.key()).collect());
        let found = contesting.iter().filter_map(|claim| self.mesh.gateways.of_claim.get(claim));
        self.in_order(found)
    }

    /// Istio's Gateways that present one of the certificates of a Gateway, itself among them, in the order of
    /// the input.
    pub fn gateways_presenting(&self, gateway: &Object<'a>) -> Vec<&Object<'a>> {
        let names: BTreeSet<_> = servers(gateway).filter_map(presented).collect();
        self.note_all(|| {
            let key = |name: &&str| Key::of(Topic::Certificate, Place::Anywhere, &[name]);
            names.iter().map(key).collect()
        });
        let found = names.iter().filter_map(|name| self.mesh.gateways.of_certificate.get(name));
        self.in_order(found)
    }

    /// The VirtualServices that may be bound to an Istio Gateway, in the order of the input: they name it, in
    /// its namespace or in one that is not known.
    pub fn routes_of_gateway(&self, gateway: &Object<'a>) -> Vec<&Object<'a>> {
        let (namespace, name) = (gateway.namespace(), gateway.name());
        self.note_all(|| Key::seen(Topic::GatewayRoute, namespace, &[name]));
        let mut found = self.in_order(self.mesh.gateways.routes.get(name).into_iter());
        found.retain(|route| {
            let mut named = bound_to(route).filter(|named| named.name == name);
            named.any(|named| same_namespace(named.namespace, namespace))
        });
        found
    }

    fn in_order<'g>(
        &'g self,
        lists: impl Iterator<Item = &'g BTreeSet<usize>>,
    ) -> Vec<&'g Object<'a>> {
        let indices: BTreeSet<usize> = lists.flatten().copied().collect();
        indices.into_iter().filter_map(|index| self.objects.get(index)).collect()
    }
}
