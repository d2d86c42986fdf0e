//! Checks on Istio's mesh: its security, and whether its objects do what they say.
//!
//! Owns the families' list and what they share. How pods, policies and hosts hang together is
//! `airside_k8s::graph`'s.

pub(super) mod annotations;
pub(super) mod authorization;
pub(super) mod authorization_gaps;
pub(super) mod authorization_identities;
pub(super) mod control_plane;
pub(super) mod credentials;
pub(super) mod destination_rules;
pub(super) mod destinations;
pub(super) mod envoy_filters;
pub(super) mod gateway_api;
pub(super) mod gateway_servers;
pub(super) mod gateways;
pub(super) mod injection;
pub(super) mod mutual_tls;
pub(super) mod outbound;
pub(super) mod patterns;
pub(super) mod policy_targets;
pub(super) mod ports;
pub(super) mod requests;
pub(super) mod route_order;
pub(super) mod service_entries;
pub(super) mod sidecars;
pub(super) mod virtual_services;
pub(super) mod waypoints;
mod workloads;

use airside_k8s::graph::same_namespace;
use airside_k8s::{Graph, Map, Object};

use crate::subject::Whole;

/// The API group of routing.
const NETWORKING: &str = "networking.istio.io";
/// The API group of policies.
const SECURITY: &str = "security.istio.io";

/// The API group of the Gateway API.
const GATEWAY_API: &str = "gateway.networking.k8s.io";
/// The API group of telemetry.
const TELEMETRY: &str = "telemetry.istio.io";

/// Why a check about what is missing cannot be decided in the sources of Kustomize.
const PATCHED_LATER: &str = "a kustomization may change names, namespaces and labels";

/// Whether the input is made for Kustomize, which changes names, namespaces and labels: what seems to be
/// missing may be there in the end.
fn is_patched_later(graph: &Graph<'_>) -> bool {
    ["Kustomization", "Component"]
        .iter()
        .any(|kind| graph.has_kind("kustomize.config.k8s.io", kind))
}

/// Whether two objects are one, or stand for one: variants of a manifest are not applied together.
fn is_same_object(left: &Object<'_>, right: &Object<'_>) -> bool {
    std::ptr::eq(left.value(), right.value())
        || (left.name() == right.name() && same_namespace(left.namespace(), right.namespace()))
}

/// An object's `spec`.
fn spec_map<'a>(object: &Object<'a>) -> Option<&'a Map> {
    object.fields().get("spec")?.as_object()
}

/// What a policy covers, as messages say it.
fn scope_of(policy: &Whole<'_>) -> &'static str {
    if policy.spec("selector").is_some() || policy.spec("targetRefs").is_some() {
        "to the workloads that the policy selects"
    } else if policy.object.namespace() == Some(policy.graph.root_namespace()) {
        "in the whole mesh"
    } else {
        "in the whole namespace"
    }
}

/// Whether pods of a namespace, or without one of any, bear labels.
fn has_labels(graph: &Graph<'_>, namespace: Option<&str>, labels: &Map) -> bool {
    graph.has_mesh_workloads(namespace, Some(labels), None)
}

/// Whether a namespace is filled by the cluster or by Istio's installation rather than by the input.
fn is_system_namespace(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "kube-public" | "istio-system")
}

#[cfg(test)]
mod tests;
