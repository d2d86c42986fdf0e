//! Istio's view of the objects: which pods are in the mesh, which policies apply to them, and what the
//! mesh-wide configuration says.
//!
//! Owns the indices of it, which are built only where the input shows a mesh. Finding hosts is
//! [`hosts`]'s, the mode of mutual TLS [`mutual_tls`]'s.

mod enrolment;
mod hosts;
mod injector;
mod mutual_tls;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Graph, labels_match, same_namespace};
use crate::fields::{down, field};
use crate::object::Object;
use crate::yaml::{self, Limits};

pub use enrolment::Enrolment;
pub use hosts::{DEFAULT_NAMESPACE, ServiceName, full_host, host_matches, is_exported_to};
pub use injector::Injector;
pub use mutual_tls::{MutualTls, TlsMode};

/// The namespace whose policies hold in the whole mesh, unless the mesh says another.
const ROOT_NAMESPACE: &str = "istio-system";

/// Pods that Istio's selectors select: a pod or a pod template, even one whose manifest has no containers.
#[derive(Debug, Clone, Copy)]
pub struct MeshWorkload<'a> {
    /// The object that starts the pods.
    pub owner: Object<'a>,
    /// The labels of the pods.
    pub labels: Option<&'a Map<String, Value>>,
    /// The annotations of the pods.
    pub annotations: Option<&'a Map<String, Value>>,
    /// The pod's specification.
    pub spec: Option<&'a Map<String, Value>>,
}

/// Mesh-wide configuration: the `istio` ConfigMap, or an IstioOperator.
#[derive(Debug, Clone)]
pub struct MeshConfig {
    /// The index of the object that holds it.
    pub object: usize,
    /// The content of `meshConfig`.
    pub value: Value,
}

/// What is looked up often, by its key.
#[derive(Debug, Default)]
pub(super) struct Index<'a> {
    is_meshed: bool,
    configs: Vec<MeshConfig>,
    injectors: Vec<Injector<'a>>,
    /// Istio's own objects by kind and namespace; an open namespace is empty.
    by_namespace: HashMap<(&'a str, &'a str), Vec<usize>>,
    workloads: Vec<MeshWorkload<'a>>,
    workloads_of_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    workloads_of_namespace: HashMap<&'a str, Vec<usize>>,
    /// Services by the first label of their selector.
    services_of_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    entries_of_host: HashMap<&'a str, Vec<usize>>,
    rules_of_host: HashMap<String, Vec<usize>>,
    /// VirtualServices for what goes from workload to workload.
    routes_of_host: HashMap<String, Vec<usize>>,
    namespaces: HashSet<&'a str>,
}

impl<'a> Index<'a> {
    pub(super) fn new(graph: &Graph<'a>) -> Self {
        let mut index = Self { is_meshed: shows_mesh(graph), ..Self::default() };
        if !index.is_meshed {
            return index;
        }
        for (number, object) in graph.objects.iter().enumerate() {
            index.add_object(number, object);
        }
        for pod in &graph.pods {
            if let Some(owner) = graph.objects.get(pod.owner) {
                let (labels, annotations) = (pod.spec.labels(), pod.spec.annotations());
                let spec = Some(pod.spec.fields);
                index.add_workload(MeshWorkload { owner: *owner, labels, annotations, spec });
            }
        }
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
            ("", "Pod") if !object.fields().contains_key("spec") => {
                let (labels, annotations) = (object.labels(), object.annotations());
                self.add_workload(MeshWorkload { owner: *object, labels, annotations, spec: None });
            }
            ("", "Service") => {
                if let Some((name, value)) = selector_of(object).and_then(|all| all.iter().next()) {
                    let label = (name.as_str(), value.as_str().unwrap_or_default());
                    self.services_of_label.entry(label).or_default().push(number);
                }
            }
            ("networking.istio.io", "ServiceEntry") => {
                for host in spec_texts(object, "hosts") {
                    self.entries_of_host.entry(host).or_default().push(number);
                }
            }
            ("networking.istio.io", "VirtualService") if is_for_mesh(object) => {
                for host in spec_texts(object, "hosts") {
                    let routes = self.routes_of_host.entry(full_host(host, object.namespace()));
                    routes.or_default().push(number);
                }
            }
            ("networking.istio.io", "DestinationRule") => {
                let host = object.fields().get("spec").and_then(|spec| spec.get("host"));
                if let Some(host) = host.and_then(Value::as_str) {
                    let host = full_host(host, object.namespace());
                    self.rules_of_host.entry(host).or_default().push(number);
                }
            }
            _ => {
                let config = mesh_config(object);
                self.configs.extend(config.map(|value| MeshConfig { object: number, value }));
                self.injectors.extend(Injector::read(object));
            }
        }
    }

    fn add_workload(&mut self, workload: MeshWorkload<'a>) {
        let number = self.workloads.len();
        for (name, value) in workload.labels.into_iter().flatten() {
            let label = (name.as_str(), value.as_str().unwrap_or_default());
            self.workloads_of_label.entry(label).or_default().push(number);
        }
        let namespace = workload.owner.namespace().unwrap_or_default();
        self.workloads_of_namespace.entry(namespace).or_default().push(number);
        self.workloads.push(workload);
    }
}

impl<'a> Graph<'a> {
    /// Whether the input shows that its cluster has a mesh: objects of Istio's, or labels for it.
    pub const fn has_mesh(&self) -> bool {
        self.mesh.is_meshed
    }

    /// The mesh-wide configurations of the input.
    pub fn mesh_configs(&self) -> &[MeshConfig] {
        &self.mesh.configs
    }

    /// The namespace whose policies hold in the whole mesh.
    pub fn root_namespace(&self) -> &str {
        let given = self.mesh.configs.iter().find_map(|config| {
            config.value.get("rootNamespace")?.as_str().filter(|name| !name.is_empty())
        });
        given.unwrap_or(ROOT_NAMESPACE)
    }

    /// Istio's objects of a kind that are, or may be, in a namespace.
    pub fn mesh_objects_in<'g>(
        &'g self,
        kind: &'g str,
        namespace: Option<&'g str>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
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
        self.mesh.namespaces.contains(namespace)
    }

    /// The workloads that a plain label selector selects, in one namespace or, without one, wherever they
    /// are. A workload without a namespace may be in any. No labels select everything.
    pub fn mesh_workloads<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map<String, Value>>,
    ) -> impl Iterator<Item = &'g MeshWorkload<'a>> + 'g {
        let mesh = &self.mesh;
        let first = labels.and_then(|labels| labels.iter().next());
        let (some, all) = match (first, namespace) {
            (Some((name, value)), _) => {
                let label = (name.as_str(), value.as_str().unwrap_or_default());
                (mesh.workloads_of_label.get(&label), None)
            }
            (None, Some(namespace)) => (
                mesh.workloads_of_namespace.get(namespace),
                mesh.workloads_of_namespace.get("").map(|open| open.iter()),
            ),
            (None, None) => {
                return Selected::All(mesh.workloads.iter());
            }
        };
        let numbers = some.into_iter().flatten().chain(all.into_iter().flatten());
        Selected::Some(numbers.filter_map(|number| mesh.workloads.get(*number)).filter(
            move |workload| {
                same_namespace(workload.owner.namespace(), namespace)
                    && labels.is_none_or(|wanted| labels_match(wanted, workload.labels))
            },
        ))
    }

    /// The Services of a namespace that select pods with these labels.
    pub fn services_of<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map<String, Value>>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        let found = labels.into_iter().flatten().flat_map(|(name, value)| {
            let label = (name.as_str(), value.as_str().unwrap_or_default());
            self.mesh.services_of_label.get(&label).map(Vec::as_slice).unwrap_or_default()
        });
        found.filter_map(|index| self.objects.get(*index)).filter(move |service| {
            same_namespace(service.namespace(), namespace)
                && selector_of(service).is_some_and(|wanted| labels_match(wanted, labels))
        })
    }
}

/// Either of two ways to go over workloads.
enum Selected<All, Some> {
    All(All),
    Some(Some),
}

impl<Item, All: Iterator<Item = Item>, Some: Iterator<Item = Item>> Iterator
    for Selected<All, Some>
{
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        match self {
            Self::All(all) => all.next(),
            Self::Some(some) => some.next(),
        }
    }
}

/// Whether a VirtualService is for what goes from workload to workload: without a gateway, or with `mesh`.
fn is_for_mesh(route: &Object<'_>) -> bool {
    let mut gateways = spec_texts(route, "gateways").peekable();
    gateways.peek().is_none() || gateways.any(|gateway| gateway == "mesh")
}

fn is_mesh_group(group: &str) -> bool {
    group.ends_with(".istio.io")
}

fn shows_mesh(graph: &Graph<'_>) -> bool {
    let is_marked = |labels: Option<&Map<String, Value>>| {
        labels.into_iter().flat_map(Map::keys).any(|key| {
            key == "istio-injection"
                || key.split_once('/').is_some_and(|(domain, _)| is_domain(domain))
        })
    };
    graph.objects.iter().any(|object| {
        is_mesh_group(object.group())
            || is_marked(object.labels())
            || is_marked(object.annotations())
            || mesh_config_text(object).is_some()
            || Injector::read(object).is_some()
    }) || graph
        .pods
        .iter()
        .any(|pod| is_marked(pod.spec.labels()) || is_marked(pod.spec.annotations()))
}

fn is_domain(domain: &str) -> bool {
    domain == "istio.io" || domain.ends_with(".istio.io")
}

/// The plain selector of a Service, when it selects anything.
fn selector_of<'a>(service: &Object<'a>) -> Option<&'a Map<String, Value>> {
    let selector = service.fields().get("spec")?.get("selector")?.as_object()?;
    (!selector.is_empty()).then_some(selector)
}

/// The texts of a list in an object's `spec`.
fn spec_texts<'a>(object: &Object<'a>, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let listed = object.fields().get("spec").and_then(|spec| spec.get(name));
    listed.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Istio names its ConfigMap `istio`, and `istio-<revision>` for a revision of the control plane.
fn mesh_config_text<'a>(object: &Object<'a>) -> Option<&'a str> {
    let is_it = (object.group(), object.kind()) == ("", "ConfigMap")
        && (object.name() == "istio" || object.name().starts_with("istio-"));
    object.fields().get("data").filter(|_| is_it)?.get("mesh")?.as_str()
}

fn mesh_config(object: &Object<'_>) -> Option<Value> {
    if let Some(text) = mesh_config_text(object) {
        let parsed = yaml::parse(text, &Limits::default());
        return parsed.documents.into_iter().next().map(|document| document.value);
    }
    if !matches!(object.kind(), "IstioOperator" | "Istio" | "IstioRevision") {
        return None;
    }
    let spec = object.fields().get("spec")?;
    let config =
        field(spec.as_object()?, "meshConfig").or_else(|| down(spec, &["values", "meshConfig"]));
    Some(config?.clone())
}
