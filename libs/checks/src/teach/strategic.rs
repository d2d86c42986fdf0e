//! A pair of objects as a strategic merge patch: what people write into a kustomization by hand.
//!
//! Only where such a patch says it exactly: maps are merged, lists of texts and numbers are given anew, and
//! of lists of maps only those that kustomize merges by a key everywhere. For all else there are operations
//! (`kustomize.rs`).

use airside_k8s::{Map, Value, json};

use super::change::Pair;

/// The lists of a pod that are merged, with the key by which.
const MERGED: [(&str, &str); 6] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("volumes", "name"),
    ("env", "name"),
    ("volumeMounts", "mountPath"),
    ("imagePullSecrets", "name"),
];

/// The kinds of which kustomize knows the lists.
const KNOWN: [&str; 7] =
    ["Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"];

/// The patch; none where a strategic merge patch does not say it exactly.
pub(super) fn patch(pair: &Pair) -> Option<Value> {
    let is_known = pair.before.get("kind").and_then(Value::as_str);
    let merges = is_known.is_some_and(|kind| KNOWN.contains(&kind));
    let mut patch = merge(&pair.before, &pair.after, merges)?;
    let fields = patch.as_object_mut()?;
    for key in ["apiVersion", "kind"] {
        fields.insert(key.to_owned(), pair.before.get(key)?.clone());
    }
    let metadata = fields.or_insert_with("metadata", || json!({})).as_object_mut()?;
    for key in ["name", "namespace"] {
        if let Some(value) = pair.before.get("metadata").and_then(|it| it.get(key)) {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    Some(patch)
}

fn merge(before: &Value, after: &Value, merges: bool) -> Option<Value> {
    let (old, new) = (before.as_object()?, after.as_object()?);
    let mut patch = Map::new();
    for (key, value) in old {
        let change = match (value, new.get(key)) {
            (_, Some(other)) if other == value => continue,
            (_, None) => Value::Null,
            (Value::Object(_), Some(other @ Value::Object(_))) => merge(value, other, merges)?,
            (Value::Array(old), Some(Value::Array(new))) => list(key, old, new, merges)?,
            (_, Some(other)) => whole(other)?,
        };
        patch.insert(key, change);
    }
    for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(key)) {
        patch.insert(key, whole(value)?);
    }
    Some(Value::Object(patch))
}

/// A value that is given as it is: `null` in it would remove.
fn whole(value: &Value) -> Option<Value> {
    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(list) => list.iter().any(has_null),
            Value::Object(map) => map.is_empty() || map.values().any(has_null),
            _ => false,
        }
    }
    (!has_null(value)).then(|| value.clone())
}

fn list(name: &str, old: &[Value], new: &[Value], merges: bool) -> Option<Value> {
    if !old.iter().chain(new).any(Value::is_object) {
        // Lists of texts that are merged are few: finalizers and their like.
        return (name != "finalizers" && !new.is_empty()).then(|| Value::from(new.to_vec()));
    }
    let (_, key) = MERGED.iter().find(|(list, _)| merges && *list == name)?;
    let mut patch = Vec::new();
    for element in new {
        let own = element.get(*key)?;
        match only(old, key, own)? {
            Some(before) if before == element => {}
            Some(before) => {
                let mut change = merge(before, element, merges)?;
                change.as_object_mut()?.insert((*key).to_owned(), own.clone());
                patch.push(change);
            }
            None => patch.push(whole(element)?),
        }
    }
    for element in old {
        let own = element.get(*key)?;
        if only(new, key, own)?.is_none() {
            patch.push(json!({ *key: own, "$patch": "delete" }));
        }
    }
    Some(Value::from(patch))
}

/// The element with this key: none where there is none, nothing where there are several.
fn only<'v>(list: &'v [Value], key: &str, value: &Value) -> Option<Option<&'v Value>> {
    let mut found = list.iter().filter(|element| element.get(key) == Some(value));
    let first = found.next();
    found.next().is_none().then_some(first)
}
