//! What kustomize does, as far as lessons use it: written from its documentation, apart from the derivation.

use airside_k8s::{Map, Value};

use crate::teach::{Kustomization, Patch};

/// The objects after the kustomization.
pub(super) fn apply(mut objects: Vec<Value>, kustomization: &Kustomization) -> Vec<Value> {
    for patch in &kustomization.patches {
        let name = |value: &Value| value["metadata"]["name"].clone();
        match patch {
            Patch::Merge(patch) => {
                let place = objects.iter().position(|it| {
                    it["apiVersion"] == patch["apiVersion"]
                        && it["kind"] == patch["kind"]
                        && name(it) == name(patch)
                        && it["metadata"]["namespace"] == patch["metadata"]["namespace"]
                });
                let place = place.expect("the patched object is there");
                if patch["$patch"] == "delete" {
                    objects.remove(place);
                } else {
                    merge(&mut objects[place], patch);
                }
            }
            Patch::Operations { target, operations, .. } => {
                let object =
                    objects.iter_mut().find(|it| *it == target).expect("the target is there");
                for it in operations {
                    let after = (it["op"] != "remove").then(|| it["value"].clone());
                    operation(object, it["path"].as_str().unwrap(), after, it["op"] != "add");
                }
            }
        }
    }
    objects.extend(kustomization.resources.iter().cloned());
    objects
}

/// An operation of RFC 6902: `replace` and `remove` need the place to exist, `add` puts an element before it.
pub(super) fn operation(object: &mut Value, pointer: &str, after: Option<Value>, exists: bool) {
    assert!(object.pointer(pointer).is_some() || !exists, "{pointer} in {object}");
    if pointer.is_empty() {
        *object = after.expect("a document is not removed");
        return;
    }
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    match (object.pointer_mut(parent).expect("the parent exists"), after) {
        (Value::Object(map), Some(value)) => _ = map.insert(last, value),
        (Value::Object(map), None) => _ = map.remove(&last),
        (Value::Array(list), Some(value)) if exists => list[last.parse::<usize>().unwrap()] = value,
        (list, after) => {
            let changed = list.change_elements(|list| match after {
                Some(value) => list.insert(last.parse().unwrap(), value),
                None => _ = list.remove(last.parse().unwrap()),
            });
            changed.unwrap_or_else(|| panic!("{pointer}: {list} has no fields"));
        }
    }
}

/// A strategic merge: maps are merged, `null` removes, lists of maps are merged by their key.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return *object = patch.clone() };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let fields = object.as_object_mut().unwrap();
    for (key, value) in patch {
        match value {
            Value::Null => _ = fields.remove(key),
            Value::Array(list) if list.iter().any(Value::is_object) => {
                let existing = fields.or_insert_with(key, || Value::Array(Box::default()));
                existing.change_elements(|all| merge_list(all, list, merge_key(key))).unwrap();
            }
            other => merge(fields.or_insert_with(key, || Value::Null), other),
        }
    }
}

fn merge_key(list: &str) -> &'static str {
    if list == "volumeMounts" { "mountPath" } else { "name" }
}

fn merge_list(list: &mut Vec<Value>, patch: &[Value], key: &str) {
    for element in patch {
        // A new list, given whole, has no keys to merge by.
        let place = list.iter().position(|it| !it[key].is_null() && it[key] == element[key]);
        match place {
            Some(place) if element["$patch"] == "delete" => _ = list.remove(place),
            Some(place) => merge(&mut list[place], element),
            None => list.push(element.clone()),
        }
    }
}
