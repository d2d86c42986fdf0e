//! Hosts as Istio reads them: short names, wildcards, and what has a name.

use super::{selector_of, spec_texts};
use crate::fields::{maps, text};
use crate::graph::part::{Key, Place, Topic};
use crate::graph::{Graph, same_namespace};
use crate::object::Object;
use crate::value::{Map, Value};

/// The namespace that an object without one comes into, unless the one who applies it says another.
pub const DEFAULT_NAMESPACE: &str = "default";

const CLUSTER_SUFFIX: &str = ".svc.cluster.local";

/// The name of a Service within the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceName<'h> {
    /// Its name.
    pub name: &'h str,
    /// Its namespace.
    pub namespace: &'h str,
}

impl<'h> ServiceName<'h> {
    /// Reads `name.namespace.svc.cluster.local`.
    pub fn parse(host: &'h str) -> Option<Self> {
        let (name, namespace) = host.strip_suffix(CLUSTER_SUFFIX)?.split_once('.')?;
        let is_plain = !namespace.contains('.') && !name.starts_with('*');
        is_plain.then_some(Self { name, namespace })
    }
}

/// A host in full: a name without a dot is that of a Service beside the object that names it.
pub fn full_host(host: &str, namespace: Option<&str>) -> String {
    if host.contains('.') || host.contains('*') {
        return host.to_owned();
    }
    format!("{host}.{}{CLUSTER_SUFFIX}", namespace.unwrap_or(DEFAULT_NAMESPACE))
}

/// Whether a host with or without a wildcard (`*`, `*.example.com`) covers another one.
pub fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.strip_prefix('*').unwrap_or(host).ends_with(suffix),
        None => pattern == host,
    }
}

/// Whether there is a host that two with or without a wildcard both cover.
pub fn hosts_overlap(one: &str, other: &str) -> bool {
    host_matches(one, other) || host_matches(other, one)
}

/// Whether an object is visible in a namespace, by a list such as `exportTo`. An empty list is everywhere.
pub fn is_exported_to<'e>(
    exports: impl IntoIterator<Item = &'e str>,
    own: Option<&str>,
    namespace: Option<&str>,
) -> bool {
    let mut is_listed = false;
    for export in exports {
        is_listed = true;
        let visible = match export {
            "*" => true,
            "." => same_namespace(own, namespace),
            named => same_namespace(Some(named), namespace),
        };
        if visible {
            return true;
        }
    }
    !is_listed
}

impl<'a> Graph<'a> {
    /// The Service behind a full host name, when the input holds it and shows it to a namespace.
    pub fn service_of_host(&self, host: &str, namespace: Option<&str>) -> Option<&Object<'a>> {
        let name = ServiceName::parse(host)?;
        let service = self.find("", "Service", Some(name.namespace), name.name)?;
        let exports = service.annotations().and_then(|all| all.get("networking.istio.io/exportTo"));
        let exports = exports.and_then(Value::as_str).filter(|exports| !exports.trim().is_empty());
        let listed = exports.into_iter().flat_map(|exports| exports.split(',').map(str::trim));
        is_exported_to(listed, Some(name.namespace), namespace).then_some(service)
    }

    /// The ServiceEntries that cover a full host name and are visible in a namespace.
    pub fn service_entries<'g>(
        &'g self,
        host: &'g str,
        namespace: Option<&'g str>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        self.note_hosts(Topic::EntryHost, || covering(host).collect());
        covering(host)
            .flat_map(|pattern| {
                self.mesh
                    .entries_of_host
                    .get(pattern.as_str())
                    .map(Vec::as_slice)
                    .unwrap_or_default()
            })
            .filter_map(|index| self.objects.get(*index))
            .filter(move |entry| {
                is_exported_to(spec_texts(entry, "exportTo"), entry.namespace(), namespace)
            })
    }

    /// The ServiceEntries that name exactly this host.
    pub fn service_entries_of<'g>(
        &'g self,
        host: &str,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        self.note_hosts(Topic::EntryHost, || vec![host.to_owned()]);
        let found = self.mesh.entries_of_host.get(host).map(Vec::as_slice).unwrap_or_default();
        found.iter().filter_map(|index| self.objects.get(*index))
    }

    /// Whether a DestinationRule for a full host name, or for a wildcard that covers it, defines a subset.
    pub fn defines_subset(&self, host: &str, subset: &str) -> bool {
        let own = || {
            let rules = covering(host).filter_map(|pattern| self.mesh.rules_of_host.get(&pattern));
            let mut rules = rules.flatten().filter_map(|index| self.objects.get(*index));
            rules.any(|rule| subset_names(rule).any(|name| name == subset))
        };
        let keys = || covering(host).map(|pattern| subset_key(&pattern, subset)).collect();
        self.has_mesh() && self.has_any(keys, own)
    }

    /// The VirtualServices for a full host name that route from workload to workload.
    pub fn mesh_routes<'g>(
        &'g self,
        host: &str,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        self.note_hosts(Topic::RouteHost, || vec![host.to_owned()]);
        let found = self.mesh.routes_of_host.get(host).map(Vec::as_slice).unwrap_or_default();
        found.iter().filter_map(|index| self.objects.get(*index))
    }

    /// Whether a Service selects pods with some of these labels besides its own.
    pub fn has_pods_with(&self, service: &Object<'a>, labels: &Map) -> bool {
        let Some(selector) = selector_of(service) else { return false };
        self.has_mesh_workloads(service.namespace(), Some(selector), Some(labels))
    }

    fn note_hosts(&self, topic: Topic, hosts: impl FnOnce() -> Vec<String>) {
        self.note_of_mesh(|| {
            let hosts = hosts();
            hosts.iter().map(|host| Key::of(topic, Place::Anywhere, &[host])).collect()
        });
    }
}

/// The keys of the subsets that a DestinationRule defines.
pub(super) fn subsets(rule: &Object<'_>) -> Vec<Key> {
    let Some(host) = host_of_rule(rule) else { return Vec::new() };
    subset_names(rule).map(|name| subset_key(&host, name)).collect()
}

/// The full host that a DestinationRule is for.
pub(super) fn host_of_rule(rule: &Object<'_>) -> Option<String> {
    let host = rule.fields().get("spec")?.get("host")?.as_str()?;
    Some(full_host(host, rule.namespace()))
}

fn subset_key(host: &str, subset: &str) -> Key {
    Key::of(Topic::Subset, Place::Anywhere, &[host, subset])
}

fn subset_names<'a>(rule: &Object<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let spec = rule.fields().get("spec").and_then(Value::as_object);
    let subsets = spec.into_iter().flat_map(|spec| maps(spec, "subsets"));
    subsets.filter_map(|(_, subset)| text(subset, "name"))
}

/// A host and the wildcards that cover it, from the most specific on.
fn covering(host: &str) -> impl Iterator<Item = String> {
    let mut patterns = vec![host.to_owned()];
    let mut rest = host.trim_start_matches('*').trim_start_matches('.');
    if host.starts_with("*.") {
        rest = host.split_once('.').map(|(_, rest)| rest).unwrap_or_default();
    }
    while let Some((_, below)) = rest.split_once('.') {
        patterns.push(format!("*.{below}"));
        rest = below;
    }
    patterns.push("*".to_owned());
    patterns.into_iter()
}
