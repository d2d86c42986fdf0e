//! A detection as one line of JSON, which is a contract with other programs.

use airside_types::{Detection, Entity, LinkRole};
use serde_json::{Value, json};

/// A detection for programs.
pub(super) fn detection_json(detection: &Detection) -> Value {
    let techniques: Vec<_> = detection.techniques.iter().map(|technique| technique.id()).collect();
    let values: serde_json::Map<_, _> =
        detection.values.iter().map(|value| (value.name.clone(), json!(value.value))).collect();
    // The actor is who did it; without one the target is what it is about.
    let entity = detection.linked(LinkRole::Actor).chain(detection.linked(LinkRole::Target)).next();
    let causes: Vec<_> = detection.linked(LinkRole::Cause).map(entity_json).collect();
    json!({
        "rule": detection.rule,
        "title": detection.title,
        "severity": detection.severity.as_str(),
        "tactic": detection.tactic.as_str(),
        "techniques": techniques,
        "input": detection.origin.as_ref().map(|at| json!({ "path": at.path, "line": at.line })),
        "entity": entity.map_or_else(|| json!({}), entity_json),
        "caused_by": causes,
        "message": detection.message,
        "values": values,
    })
}

fn entity_json(entity: &Entity) -> Value {
    let object = entity.as_object();
    json!({
        "kind": entity.kind(),
        "namespace": object.and_then(|object| object.namespace.as_deref()),
        "name": entity.name(),
        "uid": object.and_then(|object| object.uid.as_deref()),
    })
}
