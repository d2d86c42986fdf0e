//! Which mode of mutual TLS holds for a workload, by the PeerAuthentications of the input.
//!
//! The narrowest policy decides: a port's, the workload's, the namespace's, the mesh's. `UNSET` and what is
//! not given come from the next wider one; where none says anything the mode is permissive.

use std::collections::BTreeSet;

use super::{Enrolment, MeshWorkload};
use crate::fields::down;
use crate::graph::{Graph, labels_match};
use crate::object::Object;
use crate::value::{Map, Value};

/// A mode of mutual TLS for what comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMode {
    /// Only mutual TLS.
    Strict,
    /// Mutual TLS, and plaintext too.
    Permissive,
    /// No mutual TLS.
    Disable,
}

impl TlsMode {
    /// Reads a mode; none for `UNSET` and for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "STRICT" => Some(Self::Strict),
            "PERMISSIVE" => Some(Self::Permissive),
            "DISABLE" => Some(Self::Disable),
            _ => None,
        }
    }

    /// The mode's name in Istio.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "STRICT",
            Self::Permissive => "PERMISSIVE",
            Self::Disable => "DISABLE",
        }
    }
}

/// What holds for a workload.
#[derive(Debug, Clone)]
pub struct MutualTls<'a> {
    /// The mode of all ports that have none of their own.
    pub mode: TlsMode,
    /// The policy that says so; none where it is the default.
    pub source: Option<Object<'a>>,
    /// Ports with a mode of their own.
    pub ports: Vec<(&'a str, TlsMode)>,
}

impl MutualTls<'_> {
    /// Whether nothing but mutual TLS comes in, on any port.
    pub fn is_strict(&self) -> bool {
        self.mode == TlsMode::Strict && self.ports.iter().all(|(_, mode)| *mode == TlsMode::Strict)
    }
}

impl<'a> Graph<'a> {
    /// The mode of mutual TLS for what comes into a workload.
    pub fn mutual_tls(&self, workload: &MeshWorkload<'a>) -> MutualTls<'a> {
        const KIND: &str = "PeerAuthentication";
        let namespace = workload.owner.namespace();
        let in_namespace = || self.mesh_objects_in(KIND, namespace);
        let own = in_namespace().find(|policy| {
            selector(policy).is_some_and(|labels| labels_match(labels, workload.labels))
        });
        let of_namespace = in_namespace().find(|policy| selector(policy).is_none());
        let of_mesh = self
            .mesh_objects_in(KIND, Some(self.root_namespace()))
            .find(|policy| selector(policy).is_none());
        let said = [own, of_namespace, of_mesh]
            .into_iter()
            .flatten()
            .find_map(|policy| Some((mode(policy)?, *policy)));
        let (mode, source) = match said {
            Some((mode, policy)) => (mode, Some(policy)),
            None => (TlsMode::Permissive, None),
        };
        let ports = own.map(ports).unwrap_or_default();
        if mode != TlsMode::Disable && ports.iter().all(|(_, mode)| *mode != TlsMode::Disable) {
            return MutualTls { mode, source, ports };
        }
        // The node's proxy takes mutual TLS whatever a policy says.
        let is_ambient = self.enrolment(workload) == Enrolment::Ambient;
        let taken = |mode| match mode {
            TlsMode::Disable if is_ambient => TlsMode::Permissive,
            mode => mode,
        };
        let ports = ports.into_iter().map(|(port, mode)| (port, taken(mode))).collect();
        MutualTls { mode: taken(mode), source, ports }
    }
}

impl<'a> Graph<'a> {
    /// All modes that workloads of a namespace can have; none where there are workloads that may be in any
    /// namespace. It is answered without looking at them.
    pub fn modes_in(&self, namespace: &str) -> Option<BTreeSet<TlsMode>> {
        const KIND: &str = "PeerAuthentication";
        if self.has_workloads_anywhere() {
            return None;
        }
        let own: Vec<_> = self.mesh_objects_in(KIND, Some(namespace)).collect();
        let (selecting, wide): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|policy| selector(policy).is_some());
        let of_mesh = self
            .mesh_objects_in(KIND, Some(self.root_namespace()))
            .find(|policy| selector(policy).is_none());
        let wider = wide.first().copied().into_iter().chain(of_mesh).find_map(mode);
        let modes = selecting.into_iter().filter_map(mode);
        Some(modes.chain([wider.unwrap_or(TlsMode::Permissive)]).collect())
    }
}

/// The labels that a policy selects; none for one that selects all.
fn selector<'a>(policy: &Object<'a>) -> Option<&'a Map> {
    let labels = down(policy.value(), &["spec", "selector", "matchLabels"])?.as_object()?;
    (!labels.is_empty()).then_some(labels)
}

fn mode(policy: &Object<'_>) -> Option<TlsMode> {
    TlsMode::parse(down(policy.value(), &["spec", "mtls", "mode"])?.as_str()?)
}

fn ports<'a>(policy: &Object<'a>) -> Vec<(&'a str, TlsMode)> {
    let ports = down(policy.value(), &["spec", "portLevelMtls"]).and_then(Value::as_object);
    let read = |(port, settings): (&'a str, &'a Value)| {
        Some((port, TlsMode::parse(settings.get("mode")?.as_str()?)?))
    };
    ports.into_iter().flatten().filter_map(read).collect()
}
