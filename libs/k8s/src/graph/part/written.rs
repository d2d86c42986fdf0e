//! The keys that an object has: everything that a query of the graph can find it by.
//!
//! A query that finds objects in a new way needs its key here and its note there; the property that proves
//! the incremental run (`airside-checks`) finds what is forgotten.

use super::{Key, Place, Selecting, Topic, Word, own_places};
use crate::graph::selector::asked;
use crate::graph::{
    aggregation, escalation, exposure, hosts, isolation, links, mesh, policies, references,
    scaling, taken, usage,
};
use crate::object::Object;
use crate::rbac::{Bearer, GROUP, role_of, subjects};
use crate::workload::{PodSpec, is_custom, pod_specs};

/// The keys of an object, each once, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Under which it is found.
    pub found_by: Vec<Key>,
    /// Under which it is merely counted.
    pub counted: Vec<Key>,
    /// The words that it mentions.
    pub words: Vec<Word>,
}

/// The keys that an object has.
pub fn written(object: &Object<'_>) -> Written {
    let pods = pod_specs(object);
    let mut keys = Keys { object, found_by: Vec::new(), counted: Vec::new() };
    keys.name_and_kind();
    keys.pods(&pods);
    keys.selector();
    keys.of_kind();
    keys.mesh(&pods);
    let (found_by, counted) = policies::written(object);
    keys.found_by.extend(found_by);
    keys.counted.extend(counted);
    keys.mentions();
    let Keys { mut found_by, mut counted, .. } = keys;
    for list in [&mut found_by, &mut counted] {
        list.sort_unstable();
        list.dedup();
    }
    Written { found_by, counted, words: references::words(object) }
}

struct Keys<'k, 'a> {
    object: &'k Object<'a>,
    found_by: Vec<Key>,
    counted: Vec<Key>,
}

impl Keys<'_, '_> {
    /// Found by a topic at its own place and anywhere.
    fn find(&mut self, topic: Topic, parts: &[&str]) {
        let places = own_places(self.object.namespace());
        self.found_by.extend(places.map(|place| Key::of(topic, place, parts)));
    }

    fn find_anywhere(&mut self, topic: Topic, parts: &[&str]) {
        self.found_by.push(Key::of(topic, Place::Anywhere, parts));
    }

    /// Counted for a topic at its own place and anywhere.
    fn count(&mut self, topic: Topic, parts: &[&str]) {
        let places = own_places(self.object.namespace());
        self.counted.extend(places.map(|place| Key::of(topic, place, parts)));
    }

    fn name_and_kind(&mut self) {
        let object = self.object;
        let (group, kind) = (object.group(), object.kind());
        self.find(Topic::Named, &[group, kind, object.name()]);
        self.find(Topic::Kind, &[group, kind]);
        self.count(Topic::AnyOfKind, &[group, kind]);
        let known = if kind == "Namespace" {
            object.name()
        } else {
            object.namespace().unwrap_or_default()
        };
        self.counted.push(Key::of(Topic::Known, Place::Anywhere, &[known]));
        if (group, kind) == ("", "ServiceAccount") {
            self.count(Topic::Inhabitant, &[]);
        }
        if isolation::is_unread_policy(object) {
            self.count(Topic::UnreadPolicy, &[]);
        }
    }

    fn pods(&mut self, pods: &[PodSpec<'_>]) {
        if !pods.is_empty() {
            self.count(Topic::HasPods, &[]);
            self.count(Topic::Inhabitant, &[]);
        }
        for pod in pods {
            self.count(Topic::RunsAs, &[pod.service_account()]);
        }
        for labels in super::labels_of_pods(self.object, true) {
            self.find(Topic::Pods, &[]);
            for (name, value) in links::pairs(labels) {
                self.find(Topic::PodLabel, &[name, value]);
            }
        }
    }

    /// What selects pods by labels is found by one of those that it asks for, or by each of a list of which it
    /// asks for one.
    fn selector(&mut self) {
        let object = self.object;
        let spec = object.fields().get("spec");
        let (what, lists) = match (object.group(), object.kind()) {
            ("", "Service") => match links::service_labels(object) {
                Some(labels) => {
                    let lists = links::pairs(Some(labels)).map(|label| vec![label]);
                    (Selecting::Service, lists.collect())
                }
                None => return,
            },
            ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
                let selector = spec.and_then(|spec| spec.get("podSelector"));
                (Selecting::NetworkPolicy, selector.map(asked).unwrap_or_default())
            }
            ("policy", "PodDisruptionBudget") => match links::pod_selector(object) {
                Some(selector) => (Selecting::DisruptionBudget, asked(selector)),
                None => return,
            },
            _ => return,
        };
        self.selecting(what, lists);
    }

    /// Found by what it asks for: a label of each of these lists.
    fn selecting(&mut self, what: Selecting, lists: Vec<Vec<(&str, &str)>>) {
        let what = what.word();
        // A long value is seldom that of many.
        let longest = |list: &Vec<(&str, &str)>| list.iter().map(|(_, value)| value.len()).min();
        match lists.into_iter().max_by_key(|list| (longest(list), list.clone())) {
            Some(list) => {
                list.iter()
                    .for_each(|(name, value)| self.find(Topic::Selects, &[what, name, value]));
            }
            None => self.find(Topic::SelectsAny, &[what]),
        }
    }

    fn of_kind(&mut self) {
        let object = self.object;
        match (object.group(), object.kind()) {
            ("", "Service") => {
                for (name, value) in links::pairs(object.labels()) {
                    self.find(Topic::ServiceLabel, &[name, value]);
                }
                for (name, value) in links::pairs(links::service_labels(object)) {
                    self.find_anywhere(Topic::ServiceAsks, &[name, value]);
                }
            }
            ("", "Secret") if escalation::is_token(object) => {
                self.find(Topic::TokenSecret, &[]);
            }
            ("", "Node") => self.counted.extend(escalation::control_plane_keys(object)),
            (GROUP, "RoleBinding" | "ClusterRoleBinding") => self.binding(),
            (GROUP, "ClusterRole") => {
                for selector in aggregation::selectors(object) {
                    self.selecting(Selecting::ClusterRole, asked(selector));
                }
                for (name, value) in links::pairs(object.labels()) {
                    self.find_anywhere(Topic::RoleLabel, &[name, value]);
                }
            }
            ("networking.k8s.io" | "extensions", "Ingress") => {
                for taken in taken(object) {
                    self.find_anywhere(Topic::Takes, &[taken.host, taken.path]);
                }
                for (_, host) in hosts(object) {
                    self.find_anywhere(Topic::Host, &[host]);
                }
            }
            (exposure::GATEWAY_API, "ReferenceGrant") => {
                for (kind, namespace) in exposure::let_refer(object) {
                    self.find(Topic::LetsRefer, &[kind, namespace]);
                }
            }
            _ => {}
        }
        if scaling::is_autoscaler(object)
            && let Some((kind, name)) = scaling::scale_target(object)
        {
            self.find(Topic::Scales, &[kind, name]);
        }
        if exposure::is_route(object) {
            for backend in exposure::backends(object) {
                let places = own_places(backend.namespace);
                let keys = places.map(|place| Key::of(Topic::RoutesTo, place, &[backend.name]));
                self.found_by.extend(keys);
            }
        }
    }

    fn binding(&mut self) {
        if let Some((kind, name)) = role_of(self.object) {
            self.count(Topic::Gives, &[kind, name]);
        }
        for (_, bearer) in subjects(self.object) {
            self.found_by.push(Key::bearer(&bearer));
            match bearer {
                Bearer::ServiceAccount(namespace, name) => {
                    let places = own_places(namespace);
                    let keys = places.map(|place| Key::of(Topic::Account, place, &[name]));
                    self.found_by.extend(keys);
                }
                Bearer::Group(name) => self.find_anywhere(Topic::Group, &[name]),
                Bearer::User(_) => {}
            }
        }
    }

    fn mesh(&mut self, pods: &[PodSpec<'_>]) {
        let object = self.object;
        if mesh::is_sign(object) || pods.iter().any(mesh::is_sign_of_pod) {
            self.counted.push(Key::of(Topic::MeshSign, Place::Anywhere, &[]));
        }
        if mesh::is_mesh_group(object.group()) {
            self.find(Topic::MeshKind, &[object.kind()]);
        }
        for (topic, host) in mesh::hosts_of(object) {
            self.find_anywhere(topic, &[&host]);
        }
        let (found_by, counted) = mesh::written(object);
        self.found_by.extend(found_by);
        self.counted.extend(counted);
    }

    fn mentions(&mut self) {
        let object = self.object;
        if is_custom(object.group()) {
            for name in usage::mentioned(object) {
                self.counted.push(Key::of(Topic::NamesAccount, Place::Anywhere, &[name]));
            }
        }
    }
}
