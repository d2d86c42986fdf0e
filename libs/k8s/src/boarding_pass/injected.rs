//! What a service mesh adds to a pod that asks for it, by a label or annotation of its manifest.
//!
//! A mesh also injects where only the namespace asks. A pod's manifest does not say that, so what is added then is
//! told.

use airside_types::Step;

use super::leaf::{self, Context};
use super::scanned::Scanned;
use crate::object::Object;
use crate::value::Value;

/// A mesh: what asks for it, and how it calls what it adds.
struct Mesh {
    key: &'static str,
    asks: &'static [&'static str],
    containers: &'static [&'static str],
    volumes: &'static [&'static str],
    /// How the keys of its labels and annotations begin.
    metadata: &'static [&'static str],
}

const MESHES: [Mesh; 2] = [
    Mesh {
        key: "sidecar.istio.io/inject",
        asks: &["true"],
        containers: &["istio-init", "istio-proxy", "istio-validation"],
        volumes: &[
            "credential-socket",
            "istio-data",
            "istio-envoy",
            "istio-podinfo",
            "istio-token",
            "istiod-ca-cert",
            "workload-certs",
            "workload-socket",
        ],
        metadata: &[
            "istio.io/",
            "prometheus.io/",
            "security.istio.io/",
            "service.istio.io/",
            "sidecar.istio.io/",
        ],
    },
    Mesh {
        key: "linkerd.io/inject",
        asks: &["enabled", "ingress"],
        containers: &["linkerd-init", "linkerd-network-validator", "linkerd-proxy"],
        volumes: &[
            "linkerd-identity-end-entity",
            "linkerd-identity-token",
            "linkerd-proxy-init-xtables-lock",
        ],
        metadata: &["linkerd.io/", "viz.linkerd.io/"],
    },
];

/// The mesh that a pod asks for, if it asks for one.
pub(super) struct Injected(Option<&'static Mesh>);

impl Injected {
    pub(super) fn of(live: &Object<'_>, scanned: &Scanned<'_>) -> Self {
        let asks = |mesh: &&Mesh| {
            let said = |field: &str| scanned.at(&["metadata", field, mesh.key])?.digest;
            let wanted =
                mesh.asks.iter().map(|it| leaf::digest("", &Value::from(*it), Context::default()));
            let said = [said("annotations"), said("labels")];
            wanted.flatten().any(|wanted| said.contains(&Some(wanted)))
        };
        let is_pod = live.group().is_empty() && live.kind() == "Pod";
        Self(MESHES.iter().find(asks).filter(|_| is_pod))
    }

    /// Whether what is added in a pod is the mesh's, by its name.
    pub(super) fn has(&self, in_pod: Option<&str>, path: &[Step<'_>], value: &Value) -> bool {
        let (Some(mesh), Some(in_pod)) = (self.0, in_pod) else { return false };
        let is_element = matches!(path.last(), Some(Step::Index(_)));
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        let names = match in_pod {
            "containers[]" | "initContainers[]" => mesh.containers,
            "volumes[]" => mesh.volumes,
            _ => return false,
        };
        is_element && names.contains(&name)
    }

    /// Whether the key of a label or annotation is the mesh's.
    pub(super) fn annotates(&self, key: &str) -> bool {
        self.0.is_some_and(|mesh| mesh.metadata.iter().any(|it| key.starts_with(it)))
    }
}
