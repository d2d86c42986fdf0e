//! How pods are reached from outside the cluster: Services that open themselves, and what routes to Services.
//!
//! Ingress, Gateway API, Istio, Contour, Traefik and OpenShift routes are read. A way knows the ports that it leads
//! to (`service_ports.rs`, `host_ports.rs`) and for whom it is open (`clients.rs`). What network policies say to it is
//! `reach/outside.rs`'s.

mod clients;
mod gateway_api;
mod host_ports;
mod routes;
mod service_ports;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::part::{Key, Selecting, Topic};
use super::{Graph, Port, labels_match, same_namespace};
use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::PodSpec;

use clients::own_entries;
pub use clients::{Clients, is_private};
pub(super) use gateway_api::{GROUP as GATEWAY_API, let_refer};
pub(super) use host_ports::ways as host_ways;
pub(super) use routes::is_route;
pub use routes::{Backend, backends};
pub use service_ports::{BackendPort, ServicePort, service_ports};

/// What opens a way into the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// A Service on a port of every node.
    NodePort,
    /// A port of the pod's own node.
    HostPort,
    /// A Service with a load balancer of the cloud.
    LoadBalancer,
    /// A Service with a load balancer that only private networks reach.
    PrivateLoadBalancer,
    /// A Service that takes addresses by `externalIPs`.
    ExternalAddress,
    /// An Ingress, or an ingress controller's own kind of route.
    Ingress,
    /// A route of a Gateway (Gateway API or Istio).
    Gateway,
}

/// A way from outside the cluster to pods.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    /// What opens it.
    pub entry: Entry,
    /// The objects that it goes through, outermost first; the last is the Service.
    pub chain: Vec<Object<'a>>,
    /// For whom it is open.
    pub clients: Clients,
    /// The ports of the Service that it goes through; none where the Service lists none.
    ports: Option<Vec<ServicePort<'a>>>,
}

impl<'a> Way<'a> {
    /// The chain, as messages show it: `Ingress shop/web → Service shop/web`.
    pub fn shown(&self) -> String {
        let links: Vec<String> = self.chain.iter().map(Object::to_string).collect();
        let links = links.join(" → ");
        if self.entry == Entry::HostPort { format!("host port of {links}") } else { links }
    }

    /// The ports of a pod that it leads to; none where that is not known, so that it may be any.
    pub fn ports_of(&self, pod: &PodSpec<'_>) -> Option<Vec<Port<'a>>> {
        let ports = self.ports.as_ref()?.iter();
        let of_pod = ports.flat_map(|port| {
            let numbers = port.of_pod(pod).into_iter();
            numbers.map(|number| Port { number, protocol: port.protocol })
        });
        Some(of_pod.collect())
    }

    /// Whether it leads to any port of a pod.
    fn leads_to(&self, pod: &PodSpec<'_>) -> bool {
        self.ports_of(pod).is_none_or(|ports| !ports.is_empty())
    }
}

/// A way to a Service of the input, by indices.
#[derive(Debug)]
struct Found<'a> {
    entry: Entry,
    chain: Vec<usize>,
    clients: Clients,
    ports: Option<Vec<ServicePort<'a>>>,
}

/// The Services that are reached from outside, so that those of a pod are found by its labels.
#[derive(Debug, Default)]
pub(super) struct Exposure<'a> {
    /// The ways to each Service, by the index of its object.
    ways: BTreeMap<usize, Vec<Found<'a>>>,
    /// The Services with ways, by one label of their selector.
    by_label: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    /// All routes by the name of a Service that they name, whether they serve or not.
    named: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Exposure<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let mut exposure = Self::default();
        for index in graph.indices("", "Service") {
            let Some(service) = graph.objects.get(*index) else { continue };
            for (entry, clients) in own_entries(service) {
                let ports = service_ports(service);
                exposure.add(*index, Found { entry, chain: vec![*index], clients, ports });
            }
        }
        for (service, found) in routes::all(graph) {
            exposure.add(service, found);
        }
        exposure.index_by_label(graph);
        exposure.named = routes::by_backend(graph);
        exposure
    }

    /// Adds a way, or its ports to those of the same way.
    fn add(&mut self, service: usize, found: Found<'a>) {
        let ways = self.ways.entry(service).or_default();
        let Some(known) = ways.iter_mut().find(|way| way.chain == found.chain) else {
            if ways.len() < WAYS {
                ways.push(found);
            }
            return;
        };
        known.ports = match (known.ports.take(), found.ports) {
            (Some(mut ports), Some(more)) => {
                let new = more.into_iter().filter(|port| !ports.contains(port));
                let new: Vec<_> = new.collect();
                ports.extend(new);
                Some(ports)
            }
            _ => None,
        };
    }

    /// Files each Service under the label of its selector that the fewest others ask for.
    fn index_by_label(&mut self, graph: &Graph<'a>) {
        let services: Vec<usize> = self.ways.keys().copied().collect();
        let pairs = |service: &usize| {
            let selector = graph.objects.get(*service).and_then(selector);
            let pairs = selector.into_iter().flatten();
            pairs.filter_map(|(key, value)| Some((key, value.as_str()?)))
        };
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        services.iter().flat_map(pairs).for_each(|pair| *counts.entry(pair).or_default() += 1);
        for service in &services {
            let rarest = pairs(service).min_by_key(|pair| (counts.get(pair).copied(), *pair));
            if let Some(pair) = rarest {
                self.by_label.entry(pair).or_default().push(*service);
            }
        }
    }
}

/// Ways to one Service that are kept; more would only repeat the point.
const WAYS: usize = 64;

impl<'a> Graph<'a> {
    /// The ways from outside the cluster to a pod of a namespace, in the order of the Services. A pod or a
    /// Service without a namespace may be meant for any.
    pub fn ways_to(&self, namespace: Option<&str>, pod: &PodSpec<'_>) -> Vec<Way<'a>> {
        let labels = pod.labels();
        self.note_ways(namespace, labels);
        let exposure = &self.exposure;
        let pairs = labels.into_iter().flatten();
        let pairs = pairs.filter_map(|(key, value)| Some((key, value.as_str()?)));
        let mut services: Vec<usize> =
            pairs.filter_map(|pair| exposure.by_label.get(&pair)).flatten().copied().collect();
        services.sort_unstable();
        services.retain(|service| {
            self.objects.get(*service).is_some_and(|service| {
                same_namespace(service.namespace(), namespace)
                    && selector(service).is_some_and(|wanted| labels_match(wanted, labels))
            })
        });
        let ways = services.iter().filter_map(|service| exposure.ways.get(service)).flatten();
        let ways = ways.map(|found| Way {
            entry: found.entry,
            chain: found.chain.iter().filter_map(|it| self.objects.get(*it).copied()).collect(),
            clients: found.clients.clone(),
            ports: found.ports.clone(),
        });
        ways.filter(|way| way.leads_to(pod)).collect()
    }
}

impl<'a> Graph<'a> {
    /// Notes what ways rest on: the Services of the pods, what routes to these, and what decides whether it
    /// does.
    fn note_ways(&self, namespace: Option<&str>, labels: Option<&Map>) {
        if self.whole.is_none() {
            return;
        }
        self.note_all(|| Selecting::Service.keys(namespace, labels));
        let services = self.links.services_of(self, namespace, labels);
        for service in services {
            let (own, name) = (service.namespace(), service.name());
            self.note_all(|| Key::seen(Topic::RoutesTo, own, &[name]));
            let named = self.exposure.named.get(name).into_iter().flatten();
            for route in named.filter_map(|index| self.objects.get(*index)) {
                routes::note(self, route, name);
            }
        }
    }

    /// The ways from outside the cluster to a pod that an object starts. Knative publishes its Services by
    /// itself, unless they say otherwise.
    pub fn ways_to_pod_of(&self, owner: &Object<'a>, pod: &PodSpec<'_>) -> Vec<Way<'a>> {
        const VISIBILITY: [&str; 2] =
            ["networking.knative.dev/visibility", "serving.knative.dev/visibility"];
        let mut ways = self.ways_to(owner.namespace(), pod);
        let own = owner.labels();
        let is_local = VISIBILITY.iter().any(|name| {
            own.and_then(|labels| labels.get(name)).and_then(Value::as_str) == Some("cluster-local")
        });
        if owner.group() == "serving.knative.dev" && owner.kind() == "Service" && !is_local {
            let (chain, clients) = (vec![*owner], Clients::Anyone);
            ways.push(Way { entry: Entry::Gateway, chain, clients, ports: None });
        }
        ways
    }
}

/// The selector of a Service, where it has one.
fn selector<'a>(service: &Object<'a>) -> Option<&'a Map> {
    let selector = service.fields().get("spec")?.get("selector")?.as_object()?;
    Some(selector).filter(|labels| !labels.is_empty())
}
