//! How pods are reached from outside the cluster: Services that open themselves, and what routes to Services.
//!
//! Ingress, Gateway API, Istio, Contour, Traefik and OpenShift routes are read. What the addresses mean (the
//! internet or an office's network) is not known here, and network policies are `isolation.rs`'s.

mod gateway_api;
mod routes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::part::{Key, Selecting, Topic};
use super::{Graph, labels_match, same_namespace};
use crate::fields::{elements, field};
use crate::object::Object;
use crate::value::{Map, Value};

pub(super) use gateway_api::{GROUP as GATEWAY_API, let_refer};
pub(super) use routes::is_route;
pub use routes::{Backend, backends};

/// What opens a way into the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// A Service on a port of every node.
    NodePort,
    /// A Service with a load balancer of the cloud.
    LoadBalancer,
    /// A Service with a load balancer that only the cloud's private network reaches.
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
}

impl Way<'_> {
    /// The chain, as messages show it: `Ingress shop/web → Service shop/web`.
    pub fn shown(&self) -> String {
        let links: Vec<String> = self.chain.iter().map(Object::to_string).collect();
        links.join(" → ")
    }
}

/// The Services that are reached from outside, so that those of a pod are found by its labels.
#[derive(Debug, Default)]
pub(super) struct Exposure<'a> {
    /// The ways to each Service, by the index of its object.
    ways: BTreeMap<usize, Vec<(Entry, Vec<usize>)>>,
    /// The Services with ways, by one label of their selector.
    by_label: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    /// All routes by the name of a Service that they name, whether they serve or not.
    named: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Exposure<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let mut exposure = Self::default();
        for index in graph.indices("", "Service") {
            let entries = graph.objects.get(*index).map(own_entries).unwrap_or_default();
            for entry in entries {
                exposure.add(*index, entry, Vec::new());
            }
        }
        for (entry, chain, service) in routes::all(graph) {
            exposure.add(service, entry, chain);
        }
        exposure.index_by_label(graph);
        exposure.named = routes::by_backend(graph);
        exposure
    }

    fn add(&mut self, service: usize, entry: Entry, mut chain: Vec<usize>) {
        chain.push(service);
        let ways = self.ways.entry(service).or_default();
        if ways.len() < WAYS && !ways.iter().any(|(_, other)| *other == chain) {
            ways.push((entry, chain));
        }
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
    /// The ways from outside the cluster to pods of a namespace with these labels, in the order of the
    /// Services. A pod or a Service without a namespace may be meant for any.
    pub fn ways_to(&self, namespace: Option<&str>, labels: Option<&Map>) -> Vec<Way<'a>> {
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
        ways.map(|(entry, chain)| Way {
            entry: *entry,
            chain: chain.iter().filter_map(|index| self.objects.get(*index).copied()).collect(),
        })
        .collect()
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

    /// The ways from outside the cluster to pods that an object starts and that have these labels. Knative
    /// publishes its Services by itself, unless they say otherwise.
    pub fn ways_to_pods_of(&self, owner: &Object<'a>, labels: Option<&Map>) -> Vec<Way<'a>> {
        const VISIBILITY: [&str; 2] =
            ["networking.knative.dev/visibility", "serving.knative.dev/visibility"];
        let mut ways = self.ways_to(owner.namespace(), labels);
        let own = owner.labels();
        let is_local = VISIBILITY.iter().any(|name| {
            own.and_then(|labels| labels.get(name)).and_then(Value::as_str) == Some("cluster-local")
        });
        if owner.group() == "serving.knative.dev" && owner.kind() == "Service" && !is_local {
            ways.push(Way { entry: Entry::Gateway, chain: vec![*owner] });
        }
        ways
    }
}

/// The selector of a Service, where it has one.
fn selector<'a>(service: &Object<'a>) -> Option<&'a Map> {
    let selector = service.fields().get("spec")?.get("selector")?.as_object()?;
    Some(selector).filter(|labels| !labels.is_empty())
}

/// How a Service opens itself.
fn own_entries(service: &Object<'_>) -> Vec<Entry> {
    let Some(spec) = service.fields().get("spec").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    match field(spec, "type").and_then(Value::as_str) {
        Some("NodePort") => entries.push(Entry::NodePort),
        Some("LoadBalancer") if is_private(service) => entries.push(Entry::PrivateLoadBalancer),
        Some("LoadBalancer") => entries.push(Entry::LoadBalancer),
        _ => {}
    }
    if !elements(spec.get("externalIPs")).is_empty() {
        entries.push(Entry::ExternalAddress);
    }
    entries
}

/// Whether annotations ask the cloud for a load balancer on its private network only.
pub fn is_private(service: &Object<'_>) -> bool {
    const INTERNAL: [(&str, &[&str]); 11] = [
        ("cloud.google.com/load-balancer-type", &["internal"]),
        ("networking.gke.io/load-balancer-type", &["internal"]),
        ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", &["intranet"]),
        ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true"]),
        ("service.beta.kubernetes.io/oci-load-balancer-internal", &["true"]),
        ("service.beta.kubernetes.io/openstack-internal-load-balancer", &["true"]),
        ("service.beta.kubernetes.io/scw-loadbalancer-private", &["true"]),
        ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", &["private"]),
        ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", &[]),
    ];
    let Some(annotations) = service.annotations() else { return false };
    INTERNAL.iter().any(|(name, values)| {
        let given = annotations.get(name).and_then(Value::as_str);
        given.is_some_and(|given| {
            values.is_empty() || values.iter().any(|value| value.eq_ignore_ascii_case(given))
        })
    })
}
