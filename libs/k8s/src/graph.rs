//! The objects of an input as a graph: what names what, which pods a selector selects, who may do what,
//! and which policies of a mesh hold for whom.
//!
//! Built once from files, from one object at the gate, or from a cluster; checks ask it. It judges
//! nothing. What a manifest leaves open (its namespace) matches anything: a graph of files must not call
//! something missing that the one who applies them puts there.

mod aggregation;
mod bindings;
mod escalation;
mod exposure;
mod hosts;
mod isolation;
mod links;
mod mesh;
mod part;
pub mod policies;
mod reach;
mod references;
mod rights;
pub(crate) mod scaling;
mod selector;
#[cfg(test)]
mod tests;
mod usage;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::{PodSpec, pod_specs};

use aggregation::Aggregation;
use bindings::Bindings;
use escalation::Escalation;
pub use escalation::{Cloud, CloudIdentity, Goal, How, OwnSteps, Reach, Standing, Step, Ways, Who};
pub use exposure::{
    Backend, BackendPort, Clients, Entry, ServicePort, Way, backends, is_private, service_ports,
};
pub use hosts::{Taken, hosts, taken};
pub use mesh::{
    Claim, DEFAULT_NAMESPACE, Enrolment, GatewayName, Injector, MeshConfig, MeshSettings,
    MeshWorkload, MutualTls, ServiceName, TlsMode, claims, full_host, gateways_of, host_matches,
    hosts_overlap, is_exported_to, presented, serves_host,
};
pub use part::{Key, Read, Whole, Word, Written, written};
use part::{Place, Topic, pods_bearing, pods_selected};
pub use policies::Direction;
pub use reach::{Answer, Port, Reachability, Reason, Source};
pub use references::{Reference, Referent, keys, references};
pub use rights::Grant;
pub use scaling::{lowest_count, replicas, scale_target};
pub use selector::{asks_controllers, is_of_controllers, labels_match, selects};
use usage::Usage;

/// How much of the configuration the input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// One object, as at admission: what else the cluster holds is not known.
    SingleObject,
    /// Everything that is meant to be applied together: what is not there does not exist.
    WholeInput,
}

/// A pod or pod template of the input.
#[derive(Debug, Clone)]
pub struct PodNode<'a> {
    /// The index of the object that starts it.
    pub owner: usize,
    /// The specification.
    pub spec: PodSpec<'a>,
}

/// Name, kind, namespace as written, group: what tells objects apart soonest is compared first.
type Named<'a> = (&'a str, &'a str, Option<&'a str>, &'a str);

/// The objects of an input, and how they hang together.
#[derive(Debug)]
pub struct Graph<'a> {
    completeness: Completeness,
    objects: Vec<Object<'a>>,
    /// By kind, then by API group: few kinds have more than one.
    by_kind: BTreeMap<&'a str, Vec<(&'a str, Vec<usize>)>>,
    by_name: BTreeMap<Named<'a>, usize>,
    /// The first of a name, kind and group, in whatever namespace.
    first_of_name: BTreeMap<(&'a str, &'a str, &'a str), usize>,
    /// All pods, in the order of their owners.
    pods: Vec<PodNode<'a>>,
    /// For each object the first of its pods; one more at the end.
    first_pod: Vec<usize>,
    /// The bindings, by whom and what they name.
    bindings: Bindings<'a>,
    /// What uses service accounts, and what namespaces hold.
    usage: Usage<'a>,
    /// Which ClusterRoles take over the rules of which.
    aggregation: Aggregation<'a>,
    exposure: exposure::Exposure<'a>,
    /// Network policies of all kinds.
    policies: policies::Index<'a>,
    /// Ways to the administrator and to the cloud.
    escalation: Escalation<'a>,
    /// Istio's view.
    mesh: mesh::Index<'a>,
    /// Pods by label, and what selects them.
    links: links::Links<'a>,
    /// The Secrets with tokens of service accounts.
    token_secrets: Vec<usize>,
    /// The autoscalers, by kind and name of what they scale.
    autoscalers: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    /// Made when it is first asked for: reading all texts takes its time.
    referents: OnceLock<references::Referents>,
    hosts: hosts::Hosts<'a>,
    /// Where this is a part: who owns all objects.
    whole: Option<&'a dyn Whole>,
}

impl<'a> Graph<'a> {
    /// The graph of objects.
    pub fn new(objects: &[Object<'a>], completeness: Completeness) -> Self {
        Self::built(objects, completeness, None)
    }

    /// Does something with the graph of a single object that is judged for itself: it knows of nothing. Each thread has
    /// one, since to build one costs as much as most objects' checks.
    pub fn with_nothing<T>(judge: impl FnOnce(&Graph<'_>) -> T) -> T {
        thread_local! {
            static NOTHING: Graph<'static> = Graph::new(&[], Completeness::SingleObject);
        }
        NOTHING.with(judge)
    }

    fn built(
        objects: &[Object<'a>],
        completeness: Completeness,
        whole: Option<&'a dyn Whole>,
    ) -> Self {
        let mut graph = Self {
            completeness,
            objects: objects.to_vec(),
            by_kind: BTreeMap::new(),
            by_name: BTreeMap::new(),
            first_of_name: BTreeMap::new(),
            pods: Vec::new(),
            first_pod: Vec::with_capacity(objects.len() + 1),
            bindings: Bindings::default(),
            usage: Usage::default(),
            aggregation: Aggregation::default(),
            exposure: exposure::Exposure::default(),
            policies: policies::Index::default(),
            escalation: Escalation::default(),
            mesh: mesh::Index::default(),
            links: links::Links::default(),
            token_secrets: Vec::new(),
            autoscalers: BTreeMap::new(),
            referents: OnceLock::new(),
            hosts: hosts::Hosts::default(),
            whole: None,
        };
        // What goes for every cluster leads nobody anywhere where nobody is.
        if objects.is_empty() && whole.is_none() {
            return graph;
        }
        for (index, object) in objects.iter().enumerate() {
            graph.add_to_kind(object, index);
            let named = (object.name(), object.kind(), object.namespace(), object.group());
            graph.by_name.insert(named, index);
            let name = (object.name(), object.kind(), object.group());
            graph.first_of_name.entry(name).or_insert(index);
            graph.first_pod.push(graph.pods.len());
            let specs = pod_specs(object).into_iter();
            graph.pods.extend(specs.map(|spec| PodNode { owner: index, spec }));
        }
        graph.first_pod.push(graph.pods.len());
        graph.token_secrets = escalation::token_secrets(&graph);
        graph.bindings = Bindings::of(&graph);
        graph.usage = Usage::of(&graph);
        graph.aggregation = Aggregation::of(&graph);
        // Of a part, the whole knows it.
        if whole.is_none() {
            graph.escalation = Escalation::of(&graph);
        }
        graph.exposure = exposure::Exposure::of(&graph);
        graph.policies = policies::Index::of(&graph);
        graph.mesh = mesh::Index::new(&graph, whole);
        graph.links = links::Links::new(&graph);
        graph.autoscalers = scaling::autoscalers_by_target(&graph);
        graph.hosts = hosts::Hosts::of(&graph);
        // From here on queries tell what they look at.
        graph.whole = whole;
        graph
    }

    fn add_to_kind(&mut self, object: &Object<'a>, index: usize) {
        let groups = self.by_kind.entry(object.kind()).or_default();
        match groups.iter_mut().find(|(group, _)| *group == object.group()) {
            Some((_, indices)) => indices.push(index),
            None => groups.push((object.group(), vec![index])),
        }
    }

    /// Whether nothing but the judged object is known.
    pub fn is_single_object(&self) -> bool {
        self.completeness == Completeness::SingleObject
    }

    /// All objects, in the order of the input; of a part, those that it holds.
    pub fn objects(&self) -> &[Object<'a>] {
        &self.objects
    }

    /// The objects of a kind, in the order of the input.
    pub fn of_kind<'g>(
        &'g self,
        group: &str,
        kind: &str,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        self.note_all(|| vec![Key::of(Topic::Kind, Place::Anywhere, &[group, kind])]);
        self.held_of_kind(group, kind)
    }

    /// The same without a note: for what notes more narrowly what it looks at.
    fn held_of_kind<'g>(
        &'g self,
        group: &str,
        kind: &str,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        self.indices(group, kind).iter().filter_map(|index| self.objects.get(*index))
    }

    /// The objects of a kind that are, or may be, in a namespace, in the order of the input.
    pub fn of_kind_in<'g>(
        &'g self,
        group: &str,
        kind: &str,
        namespace: Option<&'g str>,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        self.note_all(|| Key::seen(Topic::Kind, namespace, &[group, kind]));
        self.held_of_kind(group, kind)
            .filter(move |object| same_namespace(object.namespace(), namespace))
    }

    fn indices<'g>(&'g self, group: &str, kind: &str) -> &'g [usize] {
        let groups = self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default();
        let found = groups.iter().find(|(given, _)| *given == group);
        found.map(|(_, indices)| indices.as_slice()).unwrap_or_default()
    }

    /// Whether the input holds an object of a kind.
    pub fn has_kind(&self, group: &str, kind: &str) -> bool {
        self.has_any(
            || vec![Key::of(Topic::AnyOfKind, Place::Anywhere, &[group, kind])],
            || !self.indices(group, kind).is_empty(),
        )
    }

    /// The object of a name. One whose manifest leaves the namespace open is found in any namespace.
    pub fn find(
        &self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&Object<'a>> {
        self.objects.get(self.index_of(group, kind, namespace, name)?)
    }

    /// The index of the object of a name, by the same rule.
    pub fn index_of(
        &self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<usize> {
        self.note_all(|| Key::seen(Topic::Named, namespace, &[group, kind, name]));
        let named = |namespace| self.by_name.get(&(name, kind, namespace, group)).copied();
        let index = named(namespace).or_else(|| namespace.and_then(|_| named(None)));
        match (index, namespace) {
            (None, None) => self.first_of_name.get(&(name, kind, group)).copied(),
            (index, _) => index,
        }
    }

    /// All pods and pod templates, in the order of the input; of a part, those that it holds.
    pub fn pods(&self) -> &[PodNode<'a>] {
        &self.pods
    }

    /// Whether the input has any pod or pod template.
    pub fn has_pods(&self) -> bool {
        self.has_any(
            || vec![Key::of(Topic::HasPods, Place::Anywhere, &[])],
            || !self.pods.is_empty(),
        )
    }

    /// Whether a pod's manifest puts it into a namespace.
    pub fn has_pods_written_in(&self, namespace: &str) -> bool {
        let own = || {
            let mut owners = self.pods.iter().filter_map(|pod| self.owner(pod));
            owners.any(|owner| owner.namespace() == Some(namespace))
        };
        self.has_any(|| vec![Key::of(Topic::HasPods, Place::In(namespace), &[])], own)
    }

    /// The object that starts a pod.
    pub fn owner(&self, pod: &PodNode<'a>) -> Option<&Object<'a>> {
        self.objects.get(pod.owner)
    }

    /// The pods that an object starts, by its index.
    pub fn pods_of(&self, object: usize) -> &[PodNode<'a>] {
        let bounds = self.first_pod.get(object).zip(self.first_pod.get(object + 1));
        bounds.and_then(|(from, to)| self.pods.get(*from..*to)).unwrap_or_default()
    }

    /// The pods of a namespace that a label selector (`matchLabels`, `matchExpressions`) selects.
    pub fn pods_selected<'g>(
        &'g self,
        namespace: Option<&'g str>,
        selector: &'g Value,
    ) -> impl Iterator<Item = &'g PodNode<'a>> + 'g {
        self.note_selected(|| pods_selected(namespace, selector));
        self.bearing_selected(namespace, selector)
    }

    /// Whether a label selector selects pods of a namespace.
    pub fn has_pods_selected(&self, namespace: Option<&str>, selector: &Value) -> bool {
        self.has_selected(
            || pods_selected(namespace, selector),
            &|object| {
                let labels = part::labels_of_pods(object, false);
                labels.into_iter().any(|labels| selects(selector, labels))
            },
            || self.bearing_selected(namespace, selector).next().is_some(),
        )
    }

    fn bearing_selected<'g>(
        &'g self,
        namespace: Option<&'g str>,
        selector: &'g Value,
    ) -> impl Iterator<Item = &'g PodNode<'a>> + 'g {
        let wanted = selector.get("matchLabels").and_then(Value::as_object);
        self.pods_among(namespace, links::pairs(wanted))
            .filter(move |pod| self.is_in(pod, namespace) && selects(selector, pod.spec.labels()))
    }

    /// The pods of a Service, by its selector; none for a Service without one.
    pub fn pods_of_service<'g>(
        &'g self,
        service: &'g Object<'a>,
    ) -> impl Iterator<Item = &'g PodNode<'a>> + 'g {
        let wanted = links::service_labels(service);
        if wanted.is_some() {
            self.note_selected(|| pods_bearing(service.namespace(), wanted));
        }
        self.bearing_labels(service.namespace(), wanted)
    }

    /// Whether a Service has pods, by its selector.
    pub fn has_pods_of_service(&self, service: &Object<'a>) -> bool {
        let Some(wanted) = links::service_labels(service) else { return false };
        self.has_selected(
            || pods_bearing(service.namespace(), Some(wanted)),
            &|object| {
                let labels = part::labels_of_pods(object, false);
                labels.into_iter().any(|labels| labels_match(wanted, labels))
            },
            || self.bearing_labels(service.namespace(), Some(wanted)).next().is_some(),
        )
    }

    fn bearing_labels<'g>(
        &'g self,
        namespace: Option<&'g str>,
        wanted: Option<&'g Map>,
    ) -> impl Iterator<Item = &'g PodNode<'a>> + 'g {
        wanted.into_iter().flat_map(move |wanted| {
            self.pods_among(namespace, links::pairs(Some(wanted))).filter(move |pod| {
                self.is_in(pod, namespace) && labels_match(wanted, pod.spec.labels())
            })
        })
    }

    fn is_in(&self, pod: &PodNode<'a>, namespace: Option<&str>) -> bool {
        self.owner(pod).is_some_and(|owner| same_namespace(owner.namespace(), namespace))
    }
}

/// Whether two namespaces may be the same: one that a manifest leaves open may be any.
pub fn same_namespace(left: Option<&str>, right: Option<&str>) -> bool {
    left.is_none() || right.is_none() || left == right
}
