//! Which Ingresses take a host and path.

use std::collections::BTreeMap;

use super::Graph;
use super::part::{Key, Place, Topic};
use crate::fields::{maps, text};
use crate::object::Object;
use crate::value::Value;

/// A host and path that an Ingress takes; the host is empty where it takes every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Taken<'a> {
    /// The index of the rule.
    pub rule: usize,
    /// The index of the path within the rule.
    pub place: usize,
    /// The host.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
}

/// The hosts and paths that an Ingress takes.
pub fn taken<'a>(ingress: &Object<'a>) -> impl Iterator<Item = Taken<'a>> + use<'a> {
    let spec = ingress.fields().get("spec").and_then(Value::as_object);
    let rules = spec.into_iter().flat_map(|spec| maps(spec, "rules"));
    rules.flat_map(|(rule, fields)| {
        let host = text(fields, "host").unwrap_or_default();
        let http = fields.get("http").and_then(Value::as_object);
        let paths = http.into_iter().flat_map(|http| maps(http, "paths"));
        paths.map(move |(place, path)| {
            let is_prefix = text(path, "pathType") == Some("Prefix");
            let path = text(path, "path").unwrap_or("/");
            // A prefix is compared element by element, so a slash at its end says nothing.
            let bare = path.trim_end_matches('/');
            let path = if is_prefix && !bare.is_empty() { bare } else { path };
            Taken { rule, place, host, path }
        })
    })
}

/// The Ingresses by what they take.
#[derive(Debug, Default)]
pub(super) struct Hosts<'a> {
    by_place: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    by_host: BTreeMap<&'a str, Vec<usize>>,
}

/// The hosts of an Ingress with the index of their rule; rules without a host are passed over.
pub fn hosts<'a>(ingress: &Object<'a>) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    let spec = ingress.fields().get("spec").and_then(Value::as_object);
    let rules = spec.into_iter().flat_map(|spec| maps(spec, "rules"));
    rules.filter_map(|(rule, fields)| Some((rule, text(fields, "host")?)))
}

impl<'a> Hosts<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let mut found = Self::default();
        for group in ["networking.k8s.io", "extensions"] {
            for index in graph.indices(group, "Ingress") {
                let Some(ingress) = graph.objects.get(*index) else { continue };
                for taken in taken(ingress) {
                    add(found.by_place.entry((taken.host, taken.path)).or_default(), *index);
                }
                for (_, host) in hosts(ingress) {
                    add(found.by_host.entry(host).or_default(), *index);
                }
            }
        }
        found
    }
}

fn add(ingresses: &mut Vec<usize>, index: usize) {
    if ingresses.last() != Some(&index) {
        ingresses.push(index);
    }
}

impl<'a> Graph<'a> {
    /// The Ingresses that take exactly a host and path, in the order of the input.
    pub fn ingresses_taking<'g>(
        &'g self,
        host: &'g str,
        path: &'g str,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        self.note_all(|| vec![Key::of(Topic::Takes, Place::Anywhere, &[host, path])]);
        let indices = self.hosts.by_place.get(&(host, path)).map(Vec::as_slice);
        indices.unwrap_or_default().iter().filter_map(|index| self.objects.get(*index))
    }
}

impl<'a> Graph<'a> {
    /// The Ingresses that have a rule for a host, in the order of the input.
    pub fn ingresses_of_host<'g>(
        &'g self,
        host: &'g str,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        self.note_all(|| vec![Key::of(Topic::Host, Place::Anywhere, &[host])]);
        let indices = self.hosts.by_host.get(host).map(Vec::as_slice);
        indices.unwrap_or_default().iter().filter_map(|index| self.objects.get(*index))
    }
}

#[cfg(test)]
mod tests {
    use crate::json;

    use super::*;
    use crate::graph::Completeness;

    #[test]
    fn ingresses_are_found_by_host_and_path() {
        let ingress = |name: &str, host: Value, path: Value| {
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": name },
                "spec": { "rules": [{ "host": host, "http": { "paths": [{ "path": path }] } }] },
            })
        };
        let prefix = |name: &str, path: &str| {
            let mut prefix = ingress(name, json!("y.test"), json!(path));
            prefix["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = json!("Prefix");
            prefix
        };
        let values = [
            prefix("e", "/api"),
            prefix("f", "/api/"),
            prefix("g", "/"),
            ingress("h", json!("y.test"), json!("/api/")),
            ingress("a", json!("x.test"), json!("/")),
            ingress("b", json!("x.test"), json!(null)),
            ingress("c", json!(null), json!("/")),
            ingress("d", json!("x.test"), json!("/d")),
        ];
        let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
        let graph = Graph::new(&objects, Completeness::WholeInput);
        let names = |host, path| -> Vec<&str> {
            graph.ingresses_taking(host, path).map(Object::name).collect()
        };
        let of_host: Vec<&str> = graph.ingresses_of_host("x.test").map(Object::name).collect();
        assert_eq!(of_host, ["a", "b", "d"]);
        assert_eq!(names("x.test", "/"), ["a", "b"]);
        assert_eq!(names("", "/"), ["c"]);
        assert_eq!(names("x.test", "/d"), ["d"]);
        assert_eq!(names("y.test", "/api"), ["e", "f"]);
        assert_eq!(names("y.test", "/"), ["g"]);
        assert_eq!(
            names("y.test", "/api/"),
            ["h"],
            "what no prefix says is taken as it is written"
        );
    }
}
