//! Who points at whom by labels: pods by label, Services and disruption budgets by what they select.
//!
//! A selector asks for all of its labels, so it is kept under the one of them that the fewest pods bear and
//! found from there: neither direction walks over all objects.

use std::collections::BTreeMap;

use super::part::{Key, Place, Selecting, Topic};
use super::{Graph, PodNode, labels_match, same_namespace, selector, selects};
use crate::fields::down;
use crate::object::Object;
use crate::value::{Map, Value};

/// Lists of indices by the name and value of a label, or by the kind and name of an object.
#[derive(Debug, Default)]
pub(super) struct ByLabel<'a>(BTreeMap<&'a str, BTreeMap<&'a str, Vec<usize>>>);

impl<'a> ByLabel<'a> {
    pub(super) fn add(&mut self, (name, value): (&'a str, &'a str), index: usize) {
        self.0.entry(name).or_default().entry(value).or_default().push(index);
    }

    pub(super) fn get(&self, (name, value): (&str, &str)) -> &[usize] {
        let found = self.0.get(name).and_then(|values| values.get(value));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// The label of these that stands for the fewest; of several, the first by name and value.
    pub(super) fn rarest<'l>(&self, labels: Option<&'l Map>) -> Option<(&'l str, &'l str)> {
        self.rarest_of(pairs(labels))
    }

    fn rarest_of<'l>(
        &self,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> Option<(&'l str, &'l str)> {
        labels.min_by_key(|label| (self.get(*label).len(), *label))
    }
}

/// The indices, made once for a graph.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    pods: ByLabel<'a>,
    /// Pods by namespace as written.
    pods_in: BTreeMap<Option<&'a str>, Vec<usize>>,
    services: Selectors<'a>,
    budgets: Selectors<'a>,
    /// Objects that pods and Ingresses name, by kind and name.
    named: ByLabel<'a>,
}

/// Kinds of the core group that others refer to by name.
const NAMED: [&str; 3] = ["ConfigMap", "Secret", "Service"];

/// Objects with a selector, by one of the labels that it asks for.
#[derive(Debug, Default)]
struct Selectors<'a> {
    by_label: ByLabel<'a>,
    /// Those that ask for no label by its value.
    others: Vec<usize>,
}

impl<'a> Links<'a> {
    pub(super) fn new(graph: &Graph<'a>) -> Self {
        let mut links = Self::default();
        for (index, pod) in graph.pods.iter().enumerate() {
            let namespace = graph.owner(pod).and_then(Object::namespace);
            links.pods_in.entry(namespace).or_default().push(index);
            for label in pairs(pod.spec.labels()) {
                links.pods.add(label, index);
            }
        }
        for index in graph.indices("", "Service") {
            let Some(labels) = graph.objects.get(*index).and_then(service_labels) else { continue };
            let label = links.pods.rarest(Some(labels));
            links.services.add(label, *index);
        }
        for index in graph.indices("policy", "PodDisruptionBudget") {
            let Some(selector) = graph.objects.get(*index).and_then(pod_selector) else { continue };
            let labels = selector.get("matchLabels").and_then(Value::as_object);
            let label = links.pods.rarest(labels);
            links.budgets.add(label, *index);
        }
        for kind in NAMED {
            for index in graph.indices("", kind) {
                let Some(object) = graph.objects.get(*index) else { continue };
                links.named.add((object.kind(), object.name()), *index);
            }
        }
        links
    }
}

impl Links<'_> {
    /// The Services that send traffic to a pod with these labels, without a note.
    pub(super) fn services_of<'g, 'a>(
        &self,
        graph: &'g Graph<'a>,
        namespace: Option<&str>,
        labels: Option<&Map>,
    ) -> Vec<&'g Object<'a>> {
        let found = self.services.candidates(labels).into_iter();
        let found = found.filter_map(|index| graph.objects.get(index)).filter(|service| {
            same_namespace(service.namespace(), namespace)
                && service_labels(service).is_some_and(|wanted| labels_match(wanted, labels))
        });
        found.collect()
    }
}

impl<'a> Selectors<'a> {
    fn add(&mut self, label: Option<(&'a str, &'a str)>, index: usize) {
        match label {
            Some(label) => self.by_label.add(label, index),
            None => self.others.push(index),
        }
    }

    /// The objects that may select these labels, in the order of the input.
    fn candidates(&self, labels: Option<&Map>) -> Vec<usize> {
        let listed = pairs(labels).flat_map(|label| self.by_label.get(label));
        let mut found: Vec<usize> = listed.chain(&self.others).copied().collect();
        found.sort_unstable();
        found
    }
}

/// The labels that have a text as value.
pub(super) fn pairs(labels: Option<&Map>) -> impl Iterator<Item = (&str, &str)> {
    labels.into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)))
}

/// The labels that a Service asks for; none for one without a selector.
pub(super) fn service_labels<'a>(service: &Object<'a>) -> Option<&'a Map> {
    let selector = down(service.value(), &["spec", "selector"])?;
    selector.as_object().filter(|labels| !labels.is_empty())
}

/// The selector of a disruption budget; one without counts no pods.
pub(super) fn pod_selector<'a>(budget: &Object<'a>) -> Option<&'a Value> {
    down(budget.value(), &["spec", "selector"])
}

impl<'a> Graph<'a> {
    /// Pods among which all are that are, or may be, in a namespace and bear all of these labels, in the
    /// order of the input: those of the rarest label or of the namespace, whichever are fewer.
    pub(super) fn pods_among<'g, 'l>(
        &'g self,
        namespace: Option<&str>,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> impl Iterator<Item = &'g PodNode<'a>> {
        let bearing = self.links.pods.rarest_of(labels).map(|label| self.links.pods.get(label));
        let in_place =
            |place| self.links.pods_in.get(&place).map(Vec::as_slice).unwrap_or_default();
        let within = namespace.map(|name| (in_place(Some(name)), in_place(None)));
        let (mut some, all) = match (bearing, within) {
            (None, None) => (Vec::new(), self.pods.as_slice()),
            (Some(bearing), None) => (bearing.to_vec(), [].as_slice()),
            (Some(bearing), Some((own, open))) if bearing.len() <= own.len() + open.len() => {
                (bearing.to_vec(), [].as_slice())
            }
            (_, Some((own, open))) => ([own, open].concat(), [].as_slice()),
        };
        some.sort_unstable();
        some.into_iter().filter_map(|index| self.pods.get(index)).chain(all)
    }

    /// All ConfigMaps, Secrets or Services of a name: variants of one application, in files that are not meant
    /// to be applied together, have several.
    pub fn all_named<'g, 'n>(
        &'g self,
        kind: &str,
        namespace: Option<&'n str>,
        name: &str,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'n, 'a> {
        self.note_all(|| Key::seen(Topic::Named, namespace, &["", kind, name]));
        let found = self.links.named.get((kind, name)).iter();
        found
            .filter_map(|index| self.objects.get(*index))
            .filter(move |object| same_namespace(object.namespace(), namespace))
    }

    /// The Services that send traffic to a pod with these labels.
    pub fn services_selecting<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        self.note_all(|| Selecting::Service.keys(namespace, labels));
        self.links.services_of(self, namespace, labels).into_iter()
    }

    /// The other Services of the namespace that ask for the same labels.
    pub fn services_alike<'g>(
        &'g self,
        service: &'g Object<'a>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        let wanted = service_labels(service);
        self.note_all(|| Selecting::Service.keys(service.namespace(), wanted));
        let label = self.links.pods.rarest(wanted);
        let found = label.map(|label| self.links.services.by_label.get(label)).unwrap_or_default();
        found.iter().filter_map(|index| self.objects.get(*index)).filter(move |other| {
            other.name() != service.name()
                && same_namespace(other.namespace(), service.namespace())
                && service_labels(other) == wanted
        })
    }

    /// Whether a selector selects a Service of a namespace by its own labels.
    pub fn has_services_labelled(&self, namespace: Option<&str>, selector: &Value) -> bool {
        let lists = || {
            let of = |(name, value): (&str, &str)| {
                Key::seen(Topic::ServiceLabel, namespace, &[name, value])
            };
            let asked = selector::asked(selector).into_iter();
            let mut lists: Vec<Vec<Key>> =
                asked.map(|labels| labels.into_iter().flat_map(of).collect()).collect();
            if lists.is_empty() {
                lists.push(Key::seen(Topic::Kind, namespace, &["", "Service"]));
            }
            lists
        };
        let own = || {
            let mut services = self.held_of_kind("", "Service");
            services.any(|service| {
                same_namespace(service.namespace(), namespace)
                    && selects(selector, service.labels())
            })
        };
        self.has_selected(lists, &|service| selects(selector, service.labels()), own)
    }

    /// Notes the Services that ask for all of these labels, wherever they are.
    pub(super) fn note_services_asking(&self, wanted: &Map) {
        self.note_selected(|| {
            let of = |(name, value): (&str, &str)| {
                vec![Key::of(Topic::ServiceAsks, Place::Anywhere, &[name, value])]
            };
            let mut lists: Vec<_> = pairs(Some(wanted)).map(of).collect();
            if lists.is_empty() {
                lists.push(Key::seen(Topic::Kind, None, &["", "Service"]));
            }
            lists
        });
    }

    /// The disruption budgets that count a pod with these labels.
    pub fn budgets_selecting<'g>(
        &'g self,
        namespace: Option<&'g str>,
        labels: Option<&'g Map>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        self.note_all(|| Selecting::DisruptionBudget.keys(namespace, labels));
        let found = self.links.budgets.candidates(labels).into_iter();
        found.filter_map(|index| self.objects.get(index)).filter(move |budget| {
            same_namespace(budget.namespace(), namespace)
                && pod_selector(budget).is_some_and(|selector| selects(selector, labels))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::json;

    use super::super::Completeness;
    use super::*;

    fn names<'a>(objects: impl Iterator<Item = &'a Object<'a>>) -> Vec<&'a str> {
        objects.map(Object::name).collect()
    }

    #[test]
    fn services_and_budgets_are_found_from_the_labels_of_a_pod() {
        let object = |version: &str, kind: &str, name: &str, selector: Value| {
            json!({
                "apiVersion": version, "kind": kind,
                "metadata": { "name": name, "namespace": "shop" }, "spec": { "selector": selector },
            })
        };
        let values = [
            object("v1", "Service", "both", json!({ "app": "web", "tier": "front" })),
            object("v1", "Service", "other-tier", json!({ "app": "web", "tier": "back" })),
            object("v1", "Service", "nobody", json!({})),
            object("v1", "Service", "both", json!({ "app": "db" })),
            object("v1", "Service", "twin", json!({ "app": "web", "tier": "front" })),
            object("policy/v1", "PodDisruptionBudget", "every", json!({})),
            object(
                "policy/v1",
                "PodDisruptionBudget",
                "web",
                json!({ "matchLabels": { "app": "web" } }),
            ),
            object(
                "policy/v1",
                "PodDisruptionBudget",
                "not-web",
                json!({
                    "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["web"] }],
                }),
            ),
        ];
        let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
        let graph = Graph::new(&objects, Completeness::WholeInput);
        let labels = json!({ "app": "web", "tier": "front" });
        let labels = labels.as_object();
        assert_eq!(names(graph.services_selecting(Some("shop"), labels)), ["both", "twin"]);
        assert_eq!(names(graph.services_selecting(None, labels)), ["both", "twin"]);
        assert_eq!(names(graph.services_selecting(Some("bank"), labels)), [""; 0]);
        assert_eq!(names(graph.budgets_selecting(Some("shop"), labels)), ["every", "web"]);
        assert_eq!(names(graph.budgets_selecting(Some("shop"), None)), ["every", "not-web"]);
        let alike = |index: usize| names(graph.services_alike(&objects[index]));
        assert_eq!((alike(0), alike(1), alike(2)), (vec!["twin"], vec![], vec![]));
        assert_eq!(graph.all_named("Service", Some("shop"), "both").count(), 2);
        assert_eq!(graph.all_named("Service", Some("bank"), "both").count(), 0);
    }
}
