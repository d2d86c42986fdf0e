//! Which pods come onto the nodes that the control plane runs on.
//!
//! Root on such a node has the keys of the API server. Clouds that run the control plane themselves have no
//! such node, so a toleration alone says something only where the input has one.

use crate::fields::{down, elements, maps, text};
use crate::graph::Graph;
use crate::graph::part::{Key, Place, Topic};
use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::PodSpec;

/// The labels and taints of such nodes, by their present and their former name.
const ROLES: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/// How a pod comes onto a node of the control plane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Placement {
    /// It asks for one.
    Chosen,
    /// It runs on the node of this name.
    Named(Box<str>),
    /// It may be placed on any, if there is one.
    Tolerated,
}

impl Placement {
    /// How a pod comes onto one, as far as its specification says.
    pub(super) fn of(pod: &PodSpec<'_>) -> Option<Self> {
        if let Some(name) = text(pod.fields, "nodeName") {
            return Some(Self::Named(name.into()));
        }
        let selector = pod.field("nodeSelector").and_then(Value::as_object);
        let mut keys = selector.into_iter().flat_map(Map::keys);
        if keys.clone().any(|key| ROLES.contains(&key)) || asks_for_one(pod) {
            return Some(Self::Chosen);
        }
        let is_of_any_node = keys.all(|key| key.starts_with("kubernetes.io/"));
        (is_of_any_node && tolerates(pod)).then_some(Self::Tolerated)
    }
}

/// Whether each term of a pod's required node affinity asks for such a node.
fn asks_for_one(pod: &PodSpec<'_>) -> bool {
    const TERMS: [&str; 3] =
        ["nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
    let terms = elements(pod.field("affinity").and_then(|affinity| down(affinity, &TERMS)));
    let asks = |term: &Value| {
        elements(term.get("matchExpressions")).iter().any(|expression| {
            let of = |name: &str| expression.get(name).and_then(Value::as_str);
            of("key").is_some_and(|key| ROLES.contains(&key))
                && matches!(of("operator"), Some("Exists" | "In"))
        })
    };
    !terms.is_empty() && terms.iter().all(asks)
}

fn tolerates(pod: &PodSpec<'_>) -> bool {
    maps(pod.fields, "tolerations").any(|(_, toleration)| {
        let of = |name: &str| text(toleration, name).filter(|text| !text.is_empty());
        let is_of_taint = match of("key") {
            Some(key) => ROLES.contains(&key),
            None => of("operator") == Some("Exists"),
        };
        is_of_taint && matches!(of("effect"), None | Some("NoSchedule"))
    })
}

/// Whether an object is a node of the control plane.
pub(in crate::graph) fn is_node(object: &Object<'_>) -> bool {
    let is_labelled = |labels: &Map| ROLES.iter().any(|role| labels.contains_key(role));
    (object.group(), object.kind()) == ("", "Node") && object.labels().is_some_and(is_labelled)
}

/// The keys by which such a node is counted.
pub(in crate::graph) fn keys(object: &Object<'_>) -> Vec<Key> {
    if !is_node(object) {
        return Vec::new();
    }
    [&[][..], &[object.name()]].map(key).to_vec()
}

fn key(parts: &[&str]) -> Key {
    Key::of(Topic::ControlPlaneNode, Place::Anywhere, parts)
}

impl Graph<'_> {
    /// Whether the input has a node of the control plane.
    pub(super) fn has_control_plane_nodes(&self) -> bool {
        self.has_any(|| vec![key(&[])], || self.control_plane_nodes().next().is_some())
    }

    /// Whether a pod comes onto a node of the control plane.
    pub fn is_on_control_plane(&self, pod: &PodSpec<'_>) -> bool {
        match Placement::of(pod) {
            None => false,
            Some(Placement::Chosen) => true,
            Some(Placement::Tolerated) => self.has_control_plane_nodes(),
            Some(Placement::Named(name)) => self.has_any(
                || vec![key(&[&name])],
                || self.control_plane_nodes().any(|node| node.name() == &*name),
            ),
        }
    }

    fn control_plane_nodes(&self) -> impl Iterator<Item = &Object<'_>> {
        self.held_of_kind("", "Node").filter(|object| is_node(object))
    }
}
