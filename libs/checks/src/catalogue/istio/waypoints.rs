//! The check on what asks for a waypoint: that there is one.

use airside_types::{FieldPath, Severity};

use super::{GATEWAY_API, NETWORKING, PATCHED_LATER, is_patched_later};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[Check {
    id: "waypoint-missing",
    title: "Label asks for a waypoint that does not exist",
    why: "No proxy reads HTTP on the way, so policies and routes for HTTP hold for nobody, without a word.",
    fix: "Add the waypoint's Gateway, or correct its name; one of another namespace is named by the label istio.io/use-waypoint-namespace too.",
    severity: Severity::Low,
    category: Category::ServiceMesh,
    techniques: &[],
    controls: &[],
    equivalents: &[],
    judge: Judge::Object(
        &[("", "Namespace"), ("", "Service"), ("", "Pod"), (NETWORKING, "ServiceEntry")],
        missing,
    ),
    fails: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}
",
    passes: r"apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
",
}];

const WAYPOINT: &str = "istio.io/use-waypoint";
const WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";

fn missing(it: &Whole<'_>, report: &mut Report<'_>) {
    let (graph, object) = (it.graph, it.object);
    let label = |name: &str| object.labels().and_then(|labels| labels.get(name)?.as_str());
    let Some(name) = label(WAYPOINT).filter(|name| *name != "none") else { return };
    if graph.is_single_object() {
        return report.undecided("Gateways are other objects");
    }
    let own = if object.kind() == "Namespace" { Some(object.name()) } else { object.namespace() };
    let other = label(WAYPOINT_NAMESPACE).filter(|other| Some(*other) != own);
    if graph.find(GATEWAY_API, "Gateway", other.or(own), name).is_some() {
        return;
    }
    if other.is_some_and(|other| !graph.knows_namespace(other)) {
        return report.undecided("the input holds nothing of the waypoint's namespace");
    }
    if is_patched_later(graph) {
        return report.undecided(PATCHED_LATER);
    }
    let place = other
        .or(own)
        .map_or_else(|| "its namespace".to_owned(), |place| format!("namespace {place}"));
    report.missing(
        FieldPath::of(&["metadata", "labels", WAYPOINT]),
        name,
        format!("no Gateway `{name}` is in {place}"),
    );
}
