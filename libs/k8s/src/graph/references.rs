//! Who refers to which Secret and which ConfigMap.
//!
//! Pods, Ingresses and service accounts refer by fields that are known. Everything else (operators, their
//! resources, programmes that read an object by its name) refers by text: a name that stands somewhere as
//! a word of its own counts as a mention.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::FieldPath;

use super::part::{Key, Topic, Word};
use super::{Graph, same_namespace};
use crate::fields::{maps, text};
use crate::object::Object;
use crate::rbac::{self, Bearer, Rule};
use crate::value::{Map, Value};
use crate::workload::PodSpec;

/// What is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Referent {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}

impl Referent {
    /// The kind of the object.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// A reference of a pod to a Secret or ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Of what kind the object is.
    pub to: Referent,
    /// The object's name.
    pub name: &'a str,
    /// The key in it that is asked for; none for the whole object.
    pub key: Option<&'a str>,
    /// Whether the pod starts without it.
    pub is_optional: bool,
    /// Whether its value becomes an environment variable, not a file.
    pub is_environment: bool,
    /// The field that refers.
    pub path: FieldPath,
}

/// The references of a pod: environment, volumes, image pull secrets.
pub fn references<'a>(pod: &PodSpec<'a>) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    for container in &pod.containers {
        environment(container.fields, &container.path, &mut found);
    }
    for (index, volume) in maps(pod.fields, "volumes") {
        volume_references(volume, &pod.path.key("volumes").index(index), &mut found);
    }
    for (index, secret) in maps(pod.fields, "imagePullSecrets") {
        let path = pod.path.key("imagePullSecrets").index(index);
        add(Referent::Secret, Some(secret), "name", path, &mut found);
    }
    found
}

fn environment<'a>(container: &'a Map, path: &FieldPath, found: &mut Vec<Reference<'a>>) {
    for (index, variable) in maps(container, "env") {
        let Some(source) = variable.get("valueFrom").and_then(Value::as_object) else { continue };
        let path = path.key("env").index(index).key("valueFrom");
        for (to, field) in
            [(Referent::Secret, "secretKeyRef"), (Referent::ConfigMap, "configMapKeyRef")]
        {
            let chosen = source.get(field).and_then(Value::as_object);
            if add(to, chosen, "name", path.key(field), found) {
                set_last(found, chosen.and_then(|chosen| text(chosen, "key")));
            }
        }
    }
    for (index, source) in maps(container, "envFrom") {
        let path = path.key("envFrom").index(index);
        for (to, field) in [(Referent::Secret, "secretRef"), (Referent::ConfigMap, "configMapRef")]
        {
            let chosen = source.get(field).and_then(Value::as_object);
            if add(to, chosen, "name", path.key(field), found) {
                set_last(found, None);
            }
        }
    }
}

/// The last reference becomes one of the environment.
fn set_last<'a>(found: &mut [Reference<'a>], key: Option<&'a str>) {
    if let Some(last) = found.last_mut() {
        last.key = key;
        last.is_environment = true;
    }
}

fn volume_references<'a>(volume: &'a Map, path: &FieldPath, found: &mut Vec<Reference<'a>>) {
    const SOURCES: [(Referent, &str, &str); 2] =
        [(Referent::Secret, "secret", "secretName"), (Referent::ConfigMap, "configMap", "name")];
    for (to, field, name) in SOURCES {
        let source = volume.get(field).and_then(Value::as_object);
        items(to, source, name, &path.key(field), found);
    }
    let projected = volume.get("projected").and_then(Value::as_object);
    for (index, source) in projected.into_iter().flat_map(|projected| maps(projected, "sources")) {
        let path = path.keys(&["projected", "sources"]).index(index);
        for (to, field, _) in SOURCES {
            let source = source.get(field).and_then(Value::as_object);
            items(to, source, "name", &path.key(field), found);
        }
    }
    // CSI, CephFS, Azure Files, … name a Secret in one way or the other.
    for (driver, source) in volume {
        for (field, name) in [("nodePublishSecretRef", "name"), ("secretRef", "name")] {
            let secret = source.get(field).and_then(Value::as_object);
            add(Referent::Secret, secret, name, path.keys(&[driver, field]), found);
        }
        if driver == "azureFile" {
            let source = source.as_object();
            add(Referent::Secret, source, "secretName", path.key(driver), found);
        }
    }
}

/// A volume's source: the object, and each key that is asked for.
fn items<'a>(
    to: Referent,
    source: Option<&'a Map>,
    name: &str,
    path: &FieldPath,
    found: &mut Vec<Reference<'a>>,
) {
    if !add(to, source, name, path.clone(), found) {
        return;
    }
    for (index, item) in source.into_iter().flat_map(|source| maps(source, "items")) {
        let path = path.key("items").index(index).key("key");
        if let Some(key) = text(item, "key")
            && add(to, source, name, path, found)
            && let Some(last) = found.last_mut()
        {
            last.key = Some(key);
        }
    }
}

fn add<'a>(
    to: Referent,
    source: Option<&'a Map>,
    name: &str,
    path: FieldPath,
    found: &mut Vec<Reference<'a>>,
) -> bool {
    let Some(source) = source else { return false };
    let Some(name) = text(source, name) else { return false };
    let is_optional = source.get("optional").and_then(Value::as_bool) == Some(true);
    found.push(Reference { to, name, key: None, is_optional, is_environment: false, path });
    true
}

/// Which names of Secrets and ConfigMaps are mentioned by other objects.
#[derive(Debug, Default)]
pub(super) struct Referents {
    /// By whom a name is mentioned: the first two objects are enough to know that another one does.
    mentions: BTreeMap<String, [Option<usize>; 2]>,
    /// The namespaces of service accounts that may read all objects of a kind somewhere.
    readers: BTreeSet<(Referent, Option<String>)>,
}

impl Referents {
    fn new(graph: &Graph<'_>) -> Self {
        let mut referents = Self::default();
        for to in [Referent::Secret, Referent::ConfigMap] {
            for index in graph.indices("", to.kind()) {
                let Some(object) = graph.objects.get(*index) else { continue };
                referents.mentions.insert(object.name().to_owned(), [None; 2]);
            }
        }
        if !referents.mentions.is_empty() {
            let shapes = Shapes::of(referents.mentions.keys());
            for (index, object) in graph.objects.iter().enumerate() {
                referents.read_object(index, object, &shapes);
            }
            referents.add_readers(graph);
        }
        referents
    }

    fn add_readers(&mut self, graph: &Graph<'_>) {
        let kinds = ["RoleBinding", "ClusterRoleBinding"];
        let bindings = kinds.iter().flat_map(|kind| graph.of_kind(rbac::GROUP, kind));
        for binding in bindings {
            for to in graph.read_by(binding) {
                for (_, bearer) in rbac::subjects(binding) {
                    if let Bearer::ServiceAccount(namespace, _) = bearer {
                        self.readers.insert((to, namespace.map(str::to_owned)));
                    }
                }
            }
        }
    }

    fn read_object(&mut self, owner: usize, object: &Object<'_>, shapes: &Shapes) {
        each_word(object, &mut |word| {
            if let Some(seen) =
                shapes.may_be_name(word).then(|| self.mentions.get_mut(word)).flatten()
            {
                match seen {
                    [None, _] => *seen = [Some(owner), None],
                    [Some(first), second @ None] if *first != owner => *second = Some(owner),
                    _ => {}
                }
            }
        });
    }
}

/// The words of an object that may be the names of others.
pub(super) fn words(object: &Object<'_>) -> Vec<Word> {
    let mut found = Vec::new();
    each_word(object, &mut |word| found.push(Word::of(word)));
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether an object mentions a name.
pub(super) fn mentions(object: &Object<'_>, name: &str) -> bool {
    let mut is_mentioned = false;
    each_word(object, &mut |word| is_mentioned |= word == name);
    is_mentioned
}

/// What an object is called and labelled is no mention of what is called alike. A definition of fields names
/// no object, and holds more text than all the rest.
fn each_word<'a>(object: &Object<'a>, each: &mut dyn FnMut(&'a str)) {
    if object.kind() == "CustomResourceDefinition" {
        return;
    }
    let fields = object.fields().iter().filter(|(name, _)| *name != "metadata");
    fields.for_each(|(_, value)| each_word_of(value, each));
    if let Some(annotations) = object.annotations() {
        annotations.values().for_each(|value| each_word_of(value, each));
    }
}

/// The depth is that of the value, which its reader has bounded.
fn each_word_of<'a>(value: &'a Value, each: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => {
            let is_name =
                |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
            text.split(|letter| !is_name(letter))
                .map(|word| word.trim_matches('.'))
                .filter(|word| !word.is_empty())
                .for_each(each);
        }
        Value::Array(values) => values.iter().for_each(|value| each_word_of(value, each)),
        Value::Object(fields) => fields.values().for_each(|value| each_word_of(value, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Which lengths names have, by their first letter: most words of texts are none, and are told apart here.
struct Shapes(BTreeMap<u8, Vec<bool>>);

impl Shapes {
    fn of<'n>(names: impl Iterator<Item = &'n String>) -> Self {
        let mut shapes: BTreeMap<u8, Vec<bool>> = BTreeMap::new();
        for name in names {
            let Some(first) = name.bytes().next() else { continue };
            let lengths = shapes.entry(first).or_default();
            lengths.resize(lengths.len().max(name.len() + 1), false);
            if let Some(has) = lengths.get_mut(name.len()) {
                *has = true;
            }
        }
        Self(shapes)
    }

    fn may_be_name(&self, word: &str) -> bool {
        let lengths = word.bytes().next().and_then(|first| self.0.get(&first));
        lengths.and_then(|lengths| lengths.get(word.len())).is_some_and(|has| *has)
    }
}

impl<'a> Graph<'a> {
    fn referents(&self) -> &Referents {
        self.referents.get_or_init(|| Referents::new(self))
    }

    /// The Secrets or ConfigMaps that a name may mean in a namespace.
    pub fn referred(&self, to: Referent, namespace: Option<&str>, name: &str) -> Vec<&Object<'a>> {
        self.all_named(to.kind(), namespace, name).collect()
    }

    /// Whether another object of the input mentions a Secret or ConfigMap by its name.
    pub fn is_mentioned(&self, object: &Object<'a>) -> bool {
        let itself = |index: usize| {
            self.objects.get(index).is_some_and(|other| std::ptr::eq(other.value(), object.value()))
        };
        let own = || {
            let seen = self.referents().mentions.get(object.name());
            seen.into_iter().flatten().flatten().any(|index| !itself(*index))
        };
        self.mentioned_beside(object, own)
    }

    /// Whether a service account of a namespace may read all Secrets or ConfigMaps: its program may know
    /// names that stand in no manifest.
    pub fn has_reader_in(&self, to: Referent, namespace: Option<&str>) -> bool {
        let own = || {
            let readers = self.referents().readers.iter();
            readers
                .filter(|(kind, _)| *kind == to)
                .any(|(_, reader)| same_namespace(reader.as_deref(), namespace))
        };
        self.has_any(|| Key::seen(Topic::Reader, namespace, &[to.kind()]), own)
    }

    /// Of which of Secrets and ConfigMaps a bearer may read all objects somewhere.
    pub fn reads_all_of(&self, bearer: Bearer<'a>) -> Vec<Referent> {
        let bindings = self.bindings_of_bearer(bearer);
        let mut found: Vec<_> =
            bindings.into_iter().flat_map(|binding| self.read_by(binding)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Of which of Secrets and ConfigMaps a binding lets read all objects.
    fn read_by(&self, binding: &Object<'a>) -> Vec<Referent> {
        let Some(role) = self.role(binding) else { return Vec::new() };
        let kinds = [(Referent::Secret, "secrets"), (Referent::ConfigMap, "configmaps")];
        let read = kinds.into_iter().filter(|(_, resource)| {
            self.rules_naming(role, resource).iter().any(|(_, rule)| reads_all(rule, resource))
        });
        read.map(|(to, _)| to).collect()
    }

    /// Whether pods of the input may run in a namespace.
    pub fn has_pods_in(&self, namespace: Option<&str>) -> bool {
        let own = || {
            let mut owners = self.pods.iter().filter_map(|pod| self.owner(pod));
            owners.any(|owner| same_namespace(owner.namespace(), namespace))
        };
        self.has_any(|| Key::seen(Topic::HasPods, namespace, &[]), own)
    }
}

/// Whether a rule allows to read all objects of a core resource.
fn reads_all(rule: &Rule<'_>, resource: &str) -> bool {
    rule.reaches("", resource)
        && rule.allows_verb(&["get", "list", "watch"])
        && !rule.names_its_objects()
}

/// The keys of a Secret or ConfigMap, whatever they hold.
pub fn keys<'a>(object: &Object<'a>) -> Vec<&'a str> {
    let fields = ["data", "stringData", "binaryData"];
    let maps = fields.iter().filter_map(|field| object.fields().get(field)?.as_object());
    maps.flat_map(|map| map.keys()).collect()
}

#[cfg(test)]
mod tests;
