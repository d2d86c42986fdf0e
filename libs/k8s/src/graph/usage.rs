//! What uses a service account beside bindings (pods, custom resources), and which namespaces have what.

use std::collections::{BTreeMap, BTreeSet};

use super::part::{Key, Place, Topic};
use super::{Graph, same_namespace};
use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::is_custom;

/// Indices of users.
#[derive(Debug, Default)]
pub(super) struct Usage<'a> {
    /// Pods, by the name of their service account.
    pods_of_account: BTreeMap<&'a str, Vec<usize>>,
    /// Namespaces, as written, with pods or service accounts.
    inhabited: BTreeSet<Option<&'a str>>,
    /// Names of service accounts that custom resources mention, for the pods that their operators make.
    mentioned: BTreeSet<&'a str>,
    /// API groups and kinds with the namespaces, as written, that have an object of them.
    kinds: BTreeSet<(&'a str, &'a str, Option<&'a str>)>,
}

impl<'a> Usage<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let mut found = Self::default();
        for (index, pod) in graph.pods.iter().enumerate() {
            found.pods_of_account.entry(pod.spec.service_account()).or_default().push(index);
            found.inhabited.extend(graph.owner(pod).map(Object::namespace));
        }
        found.inhabited.extend(graph.held_of_kind("", "ServiceAccount").map(Object::namespace));
        for object in graph.objects.iter().filter(|object| is_custom(object.group())) {
            found.mentioned.extend(mentioned(object));
        }
        found.kinds = graph
            .objects
            .iter()
            .map(|object| (object.group(), object.kind(), object.namespace()))
            .collect();
        found
    }
}

/// The names of service accounts that a custom resource mentions.
pub(super) fn mentioned<'a>(object: &Object<'a>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    add_mentioned(object.fields(), &mut found);
    found
}

/// Adds what stands in the fields of a map, however deep, that name a service account. The depth is that of
/// the value, which its reader has bounded.
fn add_mentioned<'a>(fields: &'a Map, mentioned: &mut BTreeSet<&'a str>) {
    for (key, value) in fields {
        match value {
            Value::String(name) if key.to_ascii_lowercase().contains("serviceaccount") => {
                mentioned.insert(name);
            }
            Value::Object(below) => add_mentioned(below, mentioned),
            Value::Array(elements) => {
                let maps = elements.iter().filter_map(Value::as_object);
                maps.for_each(|below| add_mentioned(below, mentioned));
            }
            _ => {}
        }
    }
}

impl<'a> Graph<'a> {
    /// Whether pods run as a service account.
    pub fn runs_as(&self, account: &Object<'a>) -> bool {
        let own = || {
            let named = self.usage.pods_of_account.get(account.name()).into_iter().flatten();
            let mut owners = named.filter_map(|at| self.owner(self.pods.get(*at)?));
            owners.any(|owner| same_namespace(owner.namespace(), account.namespace()))
        };
        self.has_any(|| Key::seen(Topic::RunsAs, account.namespace(), &[account.name()]), own)
    }

    /// Whether a custom resource mentions a service account of this name.
    pub fn mentions_account(&self, name: &str) -> bool {
        self.has_any(
            || vec![Key::of(Topic::NamesAccount, Place::Anywhere, &[name])],
            || self.usage.mentioned.contains(name),
        )
    }

    /// Whether the input has pods or service accounts in a namespace.
    pub fn runs_in(&self, namespace: Option<&str>) -> bool {
        let place = namespace.map_or(Place::Open, Place::In);
        self.has_any(
            || vec![Key::of(Topic::Inhabitant, place, &[])],
            || self.usage.inhabited.contains(&namespace),
        )
    }

    /// Whether a namespace has an object of a kind. One whose manifest leaves the namespace open counts for
    /// any.
    pub fn has_in_namespace(&self, group: &str, kind: &str, namespace: &str) -> bool {
        let own = || {
            let mut namespaces = [Some(namespace), None].into_iter();
            namespaces.any(|namespace| self.usage.kinds.contains(&(group, kind, namespace)))
        };
        self.has_any(|| Key::seen(Topic::AnyOfKind, Some(namespace), &[group, kind]), own)
    }
}
