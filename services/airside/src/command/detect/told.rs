//! A detection as one line of JSON, which is a contract with other programs.

use airside_types::{Detection, Entity, Link, LinkRole, Timestamp};
use serde_json::{Map, Value, json};

/// A detection for programs.
pub(super) fn detection_json(detection: &Detection, time: Timestamp) -> Value {
    let techniques: Vec<_> = detection.techniques.iter().map(|technique| technique.id()).collect();
    let values: Map<_, _> =
        detection.values.iter().map(|value| (value.name.clone(), json!(value.value))).collect();
    // The actor is who did it; without one the target is what it is about.
    let entity = detection.linked(LinkRole::Actor).chain(detection.linked(LinkRole::Target)).next();
    let causes: Vec<_> = detection.linked(LinkRole::Cause).map(entity_json).collect();
    let entities: Vec<_> = detection.links.iter().map(linked_json).collect();
    // An event without a time has none.
    let time = Some(time).filter(|time| *time != Timestamp::EPOCH).map(|time| time.to_string());
    json!({
        "time": time,
        "rule": detection.rule,
        "title": detection.title,
        "severity": detection.severity.as_str(),
        "tactic": detection.tactic.as_str(),
        "techniques": techniques,
        "input": detection.origin.as_ref().map(|at| json!({ "path": at.path, "line": at.line })),
        "entity": entity.map_or_else(|| json!({}), entity_json),
        "entities": entities,
        "caused_by": causes,
        "native_id": detection.native_id,
        "message": detection.message,
        "values": values,
    })
}

/// An entity with its part in what happened.
fn linked_json(link: &Link) -> Value {
    let mut fields = entity_fields(&link.entity);
    fields.insert("role".to_owned(), json!(link.role.as_str()));
    Value::Object(fields)
}

fn entity_json(entity: &Entity) -> Value {
    Value::Object(entity_fields(entity))
}

fn entity_fields(entity: &Entity) -> Map<String, Value> {
    let object = entity.as_object();
    let fields = [
        ("kind", json!(entity.kind())),
        ("namespace", json!(object.and_then(|object| object.namespace.as_deref()))),
        ("name", json!(entity.name())),
        ("uid", json!(object.and_then(|object| object.uid.as_deref()))),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
