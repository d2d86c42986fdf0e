//! Whether pods are in the mesh: by a sidecar, by the node's proxy (ambient), or not at all.

use super::MeshWorkload;
use crate::fields::elements;
use crate::graph::Graph;
use crate::value::{Map, Value};

/// How pods are in the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// By a proxy of their own.
    Sidecar,
    /// By their node's proxy.
    Ambient,
    /// They are left out.
    Outside,
    /// The input does not say: their namespace is not in it.
    Unknown,
}

impl Enrolment {
    /// Whether the pods are in the mesh for certain.
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Sidecar | Self::Ambient)
    }
}

impl MeshWorkload<'_> {
    /// What the pods themselves say about a sidecar: the label counts before the annotation.
    pub fn wants_sidecar(&self) -> Option<bool> {
        const KEY: &str = "sidecar.istio.io/inject";
        let said = text(self.labels, KEY).or_else(|| text(self.annotations, KEY))?;
        match said {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Whether the manifest holds the proxy already, as one of the pod's containers.
    pub fn has_proxy(&self) -> bool {
        let lists = ["containers", "initContainers"].into_iter();
        let spec = self.spec;
        let mut containers = lists.flat_map(|list| elements(spec.and_then(|spec| spec.get(list))));
        containers
            .any(|container| container.get("name").and_then(Value::as_str) == Some("istio-proxy"))
    }

    /// Whether the pods are on their node's network, where no proxy can catch their traffic.
    pub fn is_on_host_network(&self) -> bool {
        self.spec.and_then(|spec| spec.get("hostNetwork")) == Some(&Value::Bool(true))
    }
}

impl Graph<'_> {
    /// How pods are in the mesh.
    pub fn enrolment(&self, workload: &MeshWorkload<'_>) -> Enrolment {
        if workload.is_on_host_network() {
            return Enrolment::Outside;
        }
        if workload.has_proxy() {
            return Enrolment::Sidecar;
        }
        let own = text(workload.labels, "istio.io/dataplane-mode");
        if text(workload.annotations, "ambient.istio.io/redirection") == Some("enabled") {
            return Enrolment::Ambient;
        }
        let by_namespace = self.namespace_enrolment(workload.owner.namespace());
        match (workload.wants_sidecar(), own, by_namespace) {
            (Some(true), _, Enrolment::Outside | Enrolment::Sidecar | Enrolment::Unknown) => {
                Enrolment::Sidecar
            }
            (_, Some("ambient"), _) => Enrolment::Ambient,
            (_, Some("none"), Enrolment::Ambient)
            | (Some(false), _, Enrolment::Sidecar | Enrolment::Unknown) => Enrolment::Outside,
            (None, _, Enrolment::Outside | Enrolment::Unknown)
                if text(workload.labels, "istio.io/rev").is_some() =>
            {
                Enrolment::Sidecar
            }
            (_, _, by_namespace) => by_namespace,
        }
    }

    /// What a namespace says about its pods.
    pub fn namespace_enrolment(&self, namespace: Option<&str>) -> Enrolment {
        let found = namespace.and_then(|name| self.find("", "Namespace", None, name));
        let Some(found) = found else { return Enrolment::Unknown };
        let labels = found.labels();
        match (text(labels, "istio-injection"), text(labels, "istio.io/rev")) {
            (Some("enabled"), _) => Enrolment::Sidecar,
            (None, Some(_)) if text(labels, "istio.io/dataplane-mode") != Some("ambient") => {
                Enrolment::Sidecar
            }
            _ if text(labels, "istio.io/dataplane-mode") == Some("ambient") => Enrolment::Ambient,
            (None, None) if self.injects_by_default() => Enrolment::Sidecar,
            _ => Enrolment::Outside,
        }
    }
}

fn text<'a>(fields: Option<&'a Map>, name: &str) -> Option<&'a str> {
    fields?.get(name)?.as_str().filter(|text| !text.is_empty())
}
