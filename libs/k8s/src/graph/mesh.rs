//! Istio's view of the objects: which pods are in the mesh, which policies apply to them, and what the
//! mesh-wide configuration says.
//!
//! Owns the indices of it, which are built only where the input shows a mesh. Finding hosts is
//! [`hosts`]'s, the mode of mutual TLS [`mutual_tls`]'s, what holds for the whole mesh [`settings`]'s.

mod enrolment;
mod gateways;
mod hosts;
mod injector;
mod mutual_tls;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::part::{self, Key, Place, Read, Selecting, Topic, Whole};
use super::{Graph, labels_match, same_namespace};
use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::{PodSpec, pod_specs};

pub use enrolment::Enrolment;
pub use gateways::{Claim, GatewayName, claims, gateways_of, presented, serves_host};
pub use hosts::{
    DEFAULT_NAMESPACE, ServiceName, full_host, host_matches, hosts_overlap, is_exported_to,
};
pub use injector::Injector;
pub use mutual_tls::{MutualTls, TlsMode};
pub use settings::{MeshConfig, MeshSettings};

const NETWORKING: &str = "networking.istio.io";

/// Pods that Istio's selectors select: a pod or a pod template, even one whose manifest has no containers.
#[derive(Debug, Clone, Copy)]
pub struct MeshWorkload<'a> {
    /// The object that starts the pods.
    pub owner: Object<'a>,
    /// The labels of the pods.
    pub labels: Option<&'a Map>,
    /// The annotations of the pods.
    pub annotations: Option<&'a Map>,
    /// The pod's specification.
    pub spec: Option<&'a Map>,
}

/// What is looked up often, by its key.
#[derive(Debug, Default)]
pub(super) struct Index<'a> {
    is_meshed: bool,
    configs: Vec<MeshConfig>,
    injectors: Vec<Injector<'a>>,
    settings: MeshSettings,
    /// Istio's own objects by kind and namespace; an open namespace is empty.
    by_namespace: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    workloads: Vec<MeshWorkload<'a>>,
    workloads_of_label: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    workloads_of_namespace: BTreeMap<&'a str, Vec<usize>>,
    /// Services by the first label of their selector.
    services_of_label: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    entries_of_host: BTreeMap<String, Vec<usize>>,
    rules_of_host: BTreeMap<String, Vec<usize>>,
    gateways: gateways::Gateways<'a>,
    /// VirtualServices for what goes from workload to workload.
    routes_of_host: BTreeMap<String, Vec<usize>>,
    namespaces: BTreeSet<&'a str>,
}

impl<'a> Index<'a> {
    /// The index of objects; of a part, the whole knows whether there is a mesh.
    pub(super) fn new(graph: &Graph<'a>, whole: Option<&dyn Whole>) -> Self {
        let is_meshed = match whole {
            None => shows_mesh(graph),
            Some(whole) => whole.has_any(&[sign()]),
        };
        let mut index = Self { is_meshed, ..Self::default() };
        if !index.is_meshed {
            return index;
        }
        for (number, object) in graph.objects.iter().enumerate() {
            index.add_object(number, object);
            if is_bare(object) {
                let (labels, annotations) = (object.labels(), object.annotations());
                index.add_workload(MeshWorkload {
                    owner: *object,
                    labels,
                    annotations,
                    spec: None,
                });
            }
            for pod in graph.pods_of(number) {
                let (labels, annotations) = (pod.spec.labels(), pod.spec.annotations());
                let spec = Some(pod.spec.fields);
                index.add_workload(MeshWorkload { owner: *object, labels, annotations, spec });
            }
        }
        index.settings = MeshSettings::joined(index.configs.iter(), index.injectors.iter());
        index
    }

    fn add_object(&mut self, number: usize, object: &Object<'a>) {
        let namespace = object.namespace().unwrap_or_default();
        self.namespaces.insert(if object.kind() == "Namespace" {
            object.name()
        } else {
            namespace
        });
        if is_mesh_group(object.group()) {
            self.by_namespace.entry((object.kind(), namespace)).or_default().push(number);
        }
        match (object.group(), object.kind()) {
            ("", "Service") => {
                if let Some((name, value)) = selector_of(object).and_then(|all| all.iter().next()) {
                    let label = (name, value.as_str().unwrap_or_default());
                    self.services_of_label.entry(label).or_default().push(number);
                }
            }
            (NETWORKING, "Gateway") => self.gateways.add(number, object),
            (NETWORKING, "DestinationRule") => {
                if let Some(host) = hosts::host_of_rule(object) {
                    self.rules_of_host.entry(host).or_default().push(number);
                }
            }
            (NETWORKING, "ServiceEntry" | "VirtualService") => {
                if object.kind() == "VirtualService" {
                    self.gateways.add_route(number, object);
                }
                for (topic, host) in hosts_of(object) {
                    let of_host = match topic {
                        Topic::EntryHost => &mut self.entries_of_host,
                        _ => &mut self.routes_of_host,
                    };
                    of_host.entry(host).or_default().push(number);
                }
            }
            _ => {
                self.configs.extend(MeshConfig::read(number, object));
                self.injectors.extend(Injector::read(object));
            }
        }
    }

    fn add_workload(&mut self, workload: MeshWorkload<'a>) {
        let number = self.workloads.len();
        for (name, value) in workload.labels.into_iter().flatten() {
            let label = (name, value.as_str().unwrap_or_default());
            self.workloads_of_label.entry(label).or_default().push(number);
        }
        let namespace = workload.owner.namespace().unwrap_or_default();
        self.workloads_of_namespace.entry(namespace).or_default().push(number);
        self.workloads.push(workload);
    }
}

impl<'a> Graph<'a> {
    /// Whether the input shows that its cluster has a mesh: objects of Istio's, or labels for it.
    pub fn has_mesh(&self) -> bool {
        self.has_any(|| vec![sign()], || self.mesh.is_meshed)
    }

    /// Notes objects that an answer about the mesh rests on; nothing where there is none.
    fn note_of_mesh(&self, keys: impl FnOnce() -> Vec<Key>) {
        if self.whole.is_some() && self.has_mesh() {
            self.note_all(keys);
        }
    }

    /// Istio's objects of a kind that are, or may be, in a namespace.
    pub fn mesh_objects_in<'g>(
        &'g self,
        kind: &'g str,
        namespace: Option<&'g str>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        self.note_of_mesh(|| Key::seen(Topic::MeshKind, namespace, &[kind]));
        let of = |namespace| {
            self.mesh.by_namespace.get(&(kind, namespace)).map(Vec::as_slice).unwrap_or_default()
        };
        let (named, open): (&[usize], &[usize]) = match namespace {
            Some(namespace) => (of(namespace), of("")),
            None => (&[], &[]),
        };
        let any = namespace.is_none().then(|| {
            let all = self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default();
            all.iter().filter(|(group, _)| is_mesh_group(group)).flat_map(|(_, indices)| indices)
        });
        let indices = named.iter().chain(open).chain(any.into_iter().flatten());
        indices.filter_map(|index| self.objects.get(*index))
    }

    /// Whether the input holds anything of a namespace.
    pub fn knows_namespace(&self, namespace: &str) -> bool {
        self.has_mesh()
            && self.has_any(
                || vec![Key::of(Topic::Known, Place::Anywhere, &[namespace])],
                || self.mesh.namespaces.contains(namespace),
            )
    }

    /// The workloads that a plain label selector selects, in one namespace or, without one, wherever they
    /// are. A workload without a namespace may be in any. No labels select everything.
    pub fn mesh_workloads<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map>,
    ) -> impl Iterator<Item = MeshWorkload<'a>> + 'g {
        // Of a part, one by one from the whole: a policy may hold for all pods of a cluster.
        let owners = match self.whole.filter(|_| self.has_mesh()) {
            None => Vec::new(),
            Some(whole) => {
                let lists = part::pods_bearing(namespace, labels);
                whole.note(Read::AnySelected(lists.clone()));
                whole.selected(&lists)
            }
        };
        let held = self.whole.is_none().then(|| self.held_workloads(namespace, labels));
        let of_whole = owners.into_iter().flat_map(workloads_of).filter(move |workload| {
            same_namespace(workload.owner.namespace(), namespace)
                && labels.is_none_or(|wanted| labels_match(wanted, workload.labels))
        });
        held.into_iter().flatten().copied().chain(of_whole)
    }

    /// Whether there are workloads whose manifests leave the namespace open.
    fn has_workloads_anywhere(&self) -> bool {
        self.has_mesh()
            && self.has_selected(
                || vec![vec![Key::of(Topic::Pods, Place::Open, &[])]],
                &|_| true,
                || self.mesh.workloads_of_namespace.contains_key(""),
            )
    }

    /// Whether there is a workload that a plain label selector selects and that bears further labels.
    pub fn has_mesh_workloads(
        &self,
        namespace: Option<&str>,
        labels: Option<&Map>,
        further: Option<&Map>,
    ) -> bool {
        let is_such = |own: Option<&Map>| {
            let wanted = [labels, further].into_iter().flatten();
            wanted.into_iter().all(|wanted| labels_match(wanted, own))
        };
        self.has_mesh()
            && self.has_selected(
                || part::pods_bearing(namespace, labels),
                &|object| part::labels_of_pods(object, true).into_iter().any(is_such),
                || self.held_workloads(namespace, labels).any(|it| is_such(it.labels)),
            )
    }

    fn held_workloads<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map>,
    ) -> impl Iterator<Item = &'g MeshWorkload<'a>> + 'g {
        let (all, listed) = self.candidates(namespace, labels);
        let listed = listed.into_iter().filter_map(|number| self.mesh.workloads.get(number));
        all.iter().chain(listed).filter(move |workload| {
            same_namespace(workload.owner.namespace(), namespace)
                && labels.is_none_or(|wanted| labels_match(wanted, workload.labels))
        })
    }

    /// Few workloads among which are all of a namespace with these labels: all there are, or some by number.
    fn candidates<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map>,
    ) -> (&'g [MeshWorkload<'a>], Vec<usize>) {
        let mesh = &self.mesh;
        let of_label = labels.and_then(|labels| labels.iter().next()).map(|(name, value)| {
            let label = (name, value.as_str().unwrap_or_default());
            mesh.workloads_of_label.get(&label).map(Vec::as_slice).unwrap_or_default()
        });
        let of_namespace = namespace.map(|namespace| {
            [namespace, ""].map(|name| {
                mesh.workloads_of_namespace.get(name).map(Vec::as_slice).unwrap_or_default()
            })
        });
        match (of_label, of_namespace) {
            (None, None) => (&mesh.workloads, Vec::new()),
            (Some(some), None) => (&[], some.to_vec()),
            (Some(some), Some([named, open])) if some.len() <= named.len() + open.len() => {
                (&[], some.to_vec())
            }
            (_, Some(some)) => {
                let mut numbers = some.concat();
                numbers.sort_unstable();
                (&[], numbers)
            }
        }
    }

    /// The Services of a namespace that select pods with these labels.
    pub fn services_of<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        self.note_of_mesh(|| Selecting::Service.keys(namespace, labels));
        let found = labels.into_iter().flatten().flat_map(|(name, value)| {
            let label = (name, value.as_str().unwrap_or_default());
            self.mesh.services_of_label.get(&label).map(Vec::as_slice).unwrap_or_default()
        });
        found.filter_map(|index| self.objects.get(*index)).filter(move |service| {
            same_namespace(service.namespace(), namespace)
                && selector_of(service).is_some_and(|wanted| labels_match(wanted, labels))
        })
    }
}

/// Whether a VirtualService is for what goes from workload to workload: without a gateway, or with `mesh`.
fn is_for_mesh(route: &Object<'_>) -> bool {
    let mut gateways = spec_texts(route, "gateways").peekable();
    gateways.peek().is_none() || gateways.any(|gateway| gateway == "mesh")
}

/// The group of the operator that installs Istio from objects of its own.
const OPERATOR: &str = "sailoperator.io";

pub(super) fn is_mesh_group(group: &str) -> bool {
    group.ends_with(".istio.io")
}

/// The workloads of an object, in the order of the index.
fn workloads_of<'a>(owner: Object<'a>) -> Vec<MeshWorkload<'a>> {
    let (labels, annotations) = (owner.labels(), owner.annotations());
    let bare = is_bare(&owner).then_some(MeshWorkload { owner, labels, annotations, spec: None });
    let specs = pod_specs(&owner).into_iter();
    let pods = specs.map(|pod| MeshWorkload {
        owner,
        labels: pod.labels(),
        annotations: pod.annotations(),
        spec: Some(pod.fields),
    });
    bare.into_iter().chain(pods).collect()
}

/// Whether a manifest is one of a Pod without specification: it starts none, but a mesh selects it.
pub(super) fn is_bare(object: &Object<'_>) -> bool {
    (object.group(), object.kind()) == ("", "Pod") && !object.fields().contains_key("spec")
}

fn sign() -> Key {
    Key::of(Topic::MeshSign, Place::Anywhere, &[])
}

fn shows_mesh(graph: &Graph<'_>) -> bool {
    graph.objects.iter().any(is_sign) || graph.pods.iter().any(|pod| is_sign_of_pod(&pod.spec))
}

/// Whether an object shows that its cluster has a mesh.
pub(super) fn is_sign(object: &Object<'_>) -> bool {
    is_mesh_group(object.group())
        || object.group() == OPERATOR
        || is_marked(object.labels())
        || is_marked(object.annotations())
        || settings::mesh_config_text(object).is_some()
        || Injector::read(object).is_some()
}

/// Whether a pod shows that its cluster has a mesh.
pub(super) fn is_sign_of_pod(pod: &PodSpec<'_>) -> bool {
    is_marked(pod.labels()) || is_marked(pod.annotations())
}

fn is_marked(labels: Option<&Map>) -> bool {
    labels.into_iter().flatten().any(|(key, value)| {
        let is_istios = key == "istio-injection"
            || key.split_once('/').is_some_and(|(domain, _)| is_domain(domain));
        // Charts keep their pods out of a mesh to be on the safe side, whether there is one or not.
        is_istios && !matches!(value.as_str(), Some("false" | "disabled" | "none"))
    })
}

/// The hosts by which an object of Istio's is asked for.
pub(super) fn hosts_of(object: &Object<'_>) -> Vec<(Topic, String)> {
    match (object.group(), object.kind()) {
        (NETWORKING, "ServiceEntry") => {
            let hosts = spec_texts(object, "hosts");
            hosts.map(|host| (Topic::EntryHost, host.to_owned())).collect()
        }
        (NETWORKING, "VirtualService") if is_for_mesh(object) => {
            let hosts = spec_texts(object, "hosts");
            hosts.map(|host| (Topic::RouteHost, full_host(host, object.namespace()))).collect()
        }
        _ => Vec::new(),
    }
}

/// The keys of further things that an object of Istio's says: those that it is found by, and those that it is
/// counted under.
pub(super) fn written(object: &Object<'_>) -> (Vec<Key>, Vec<Key>) {
    match (object.group(), object.kind()) {
        (NETWORKING, "Gateway") => (gateways::keys(object), Vec::new()),
        (NETWORKING, "VirtualService") => (gateways::keys_of_route(object), Vec::new()),
        (NETWORKING, "DestinationRule") => (Vec::new(), hosts::subsets(object)),
        _ => (settings::keys(object), Vec::new()),
    }
}

fn is_domain(domain: &str) -> bool {
    domain == "istio.io" || domain.ends_with(".istio.io")
}

/// The plain selector of a Service, when it selects anything.
fn selector_of<'a>(service: &Object<'a>) -> Option<&'a Map> {
    let selector = service.fields().get("spec")?.get("selector")?.as_object()?;
    (!selector.is_empty()).then_some(selector)
}

/// The texts of a list in an object's `spec`.
fn spec_texts<'a>(object: &Object<'a>, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let listed = object.fields().get("spec").and_then(|spec| spec.get(name));
    listed.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
