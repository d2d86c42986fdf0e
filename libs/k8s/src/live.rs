//! Live objects: what an API server has, without what only it needs.
//!
//! Owns what is taken out of an object when it is read ([`trim`]), the path that a live object is told by
//! ([`path`]), and which objects were made by the cluster itself ([`Origin`]). Reading them is an adapter's.

mod origin;

use std::collections::BTreeSet;

use crate::json;
use crate::value::{Map, Value};

pub use origin::{Origin, is_a_copy, is_kubernetes_own};

use crate::boarding_pass::LAST_APPLIED;
use crate::object::Object;
use crate::places::Places;
use crate::rbac;
use crate::yaml::Document;

/// The beginning of every live object's path. No file's path begins like this.
pub const ROOT: &str = "live:/";

/// Metadata that changes without anything else being different.
const COUNTERS: [&str; 3] = ["generation", "resourceVersion", "selfLink"];
/// Takes out of an object what nobody is told by: counters, who manages which field, and how Kubernetes' own
/// kinds are doing. Of roles and bindings it stays who has written them, which tells the API server's own from
/// those that somebody has changed. Of a Secret the keys stay, and the values go, here and in what kubectl wrote beside them.
pub fn trim(object: &mut Value) {
    let is_secret = is_secret(object);
    let kept_status = kept_status(object);
    let is_rbac = Object::new(object).is_ok_and(|object| object.group() == rbac::GROUP);
    let Some(fields) = object.as_object_mut() else { return };
    match kept_status {
        KeptStatus::All => {}
        KeptStatus::Fields(kept) => {
            if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut) {
                status.retain(|key, _| kept.contains(&key));
            }
        }
        KeptStatus::Nothing => _ = fields.remove("status"),
    }
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        COUNTERS.iter().for_each(|counter| _ = metadata.remove(counter));
        let managers = metadata.remove("managedFields").filter(|_| is_rbac);
        if let Some(managers) = managers.as_ref().and_then(Value::as_array) {
            metadata.insert("managedFields".to_owned(), names_of(managers));
        }
        let annotations = metadata.get_mut("annotations").and_then(Value::as_object_mut);
        if let Some(annotations) = annotations.filter(|_| is_secret) {
            annotations.remove(LAST_APPLIED);
        }
    }
    if is_secret {
        for field in ["data", "stringData"] {
            let values = fields.get_mut(field).and_then(Value::as_object_mut);
            values.into_iter().flat_map(Map::values_mut).for_each(|value| *value = "".into());
        }
    }
}

/// How much of a status is a fact about configuration.
enum KeptStatus {
    All,
    Fields(&'static [&'static str]),
    Nothing,
}

/// A node's status says what runs on it and where it is. Those of custom resources are their operators' word.
fn kept_status(object: &Value) -> KeptStatus {
    let Ok(object) = Object::new(object) else { return KeptStatus::All };
    match (object.group(), object.kind()) {
        ("", "Node") => KeptStatus::Fields(&["addresses", "nodeInfo"]),
        ("" | "apps" | "autoscaling" | "batch" | "policy", _) => KeptStatus::Nothing,
        _ => KeptStatus::All,
    }
}

/// Managed fields without the fields.
fn names_of(managers: &[Value]) -> Value {
    let names: BTreeSet<&str> =
        managers.iter().filter_map(|it| it.get("manager").and_then(Value::as_str)).collect();
    names.into_iter().map(|name| json!({ "manager": name })).collect()
}

fn is_secret(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("Secret")
        && object.get("apiVersion").and_then(Value::as_str) == Some("v1")
}

/// The folder of the paths of a kind's objects, in all namespaces or in one: `live:/deployment.apps/` and
/// `live:/deployment.apps/shop/`.
pub fn folder(group: &str, kind: &str, namespace: Option<&str>) -> String {
    let mut folder = format!("{ROOT}{}", kind.to_lowercase());
    if !group.is_empty() {
        folder = format!("{folder}.{group}");
    }
    folder.push('/');
    if let Some(namespace) = namespace {
        folder = format!("{folder}{namespace}/");
    }
    folder
}

/// The path that stands for a live object where a manifest's object has its file. It does not change while
/// the object keeps its name: `live:/deployment.apps/shop/web`, `live:/clusterrole.rbac.authorization.k8s.io/view`.
pub fn path(object: &Object<'_>) -> String {
    folder(object.group(), object.kind(), object.namespace()) + object.name()
}

/// An object without places: it stands in no text.
pub fn document(value: Value) -> Document {
    Document { value, places: Places::default(), line: 0, template: None }
}

#[cfg(test)]
mod tests;
