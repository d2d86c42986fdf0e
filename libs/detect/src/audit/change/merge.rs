//! Merge, strategic merge and apply patches: a part of the object, with `null` for what is removed and
//! directives that begin with `$`.

use airside_k8s::{Map, Value};
use airside_types::FieldPath;

/// Whether a patch may remove anything or hold a directive: for others there is nothing to take apart.
pub(super) fn may_hold_directives(text: &str) -> bool {
    // Any character may be written as an escape.
    ["null", "\"$", "\\u"].iter().any(|sign| text.contains(sign))
}

/// What a patch sets, and what it removes.
pub(super) fn taken_apart(patch: Value) -> (Value, Vec<FieldPath>) {
    let mut removed = Vec::new();
    let set = set(patch, &FieldPath::root(), &mut removed);
    (set, removed)
}

/// Recursive, as deep as a body is read.
fn set(value: Value, path: &FieldPath, removed: &mut Vec<FieldPath>) -> Value {
    match value {
        Value::Object(fields) => {
            let mut kept: Vec<(_, Value)> = Vec::new();
            for (key, value) in fields {
                let below = path.key(&key);
                if key.starts_with('$') {
                    directive(&key, &value, path, removed);
                } else if value.is_null() {
                    removed.push(below);
                } else {
                    kept.push((key, set(value, &below, removed)));
                }
            }
            Value::Object(kept.into_iter().collect::<Map>())
        }
        Value::Array(elements) => {
            let mut kept = Vec::new();
            for element in elements {
                if is_deletion(&element) {
                    removed.extend(element_path(&element, path));
                } else if is_replacement(&element) {
                    removed.push(path.clone());
                } else {
                    let below = path.index(kept.len());
                    kept.push(set(element, &below, removed));
                }
            }
            kept.into()
        }
        other => other,
    }
}

/// What a directive of a map says beside its fields.
fn directive(key: &str, value: &Value, path: &FieldPath, removed: &mut Vec<FieldPath>) {
    if key == "$retainKeys" || key == "$patch" && (*value == "replace" || *value == "delete") {
        // Whatever the patch does not set goes.
        removed.push(path.clone());
    } else if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
        let values = value.as_array().unwrap_or_default().iter().filter_map(Value::as_str);
        removed.extend(values.map(|value| path.keys(&[list, value])));
    }
}

fn is_deletion(element: &Value) -> bool {
    element.get("$patch").is_some_and(|it| *it == "delete")
}

/// An element that only says that the others replace the list.
fn is_replacement(element: &Value) -> bool {
    let only = element.as_object().is_some_and(|fields| fields.len() == 1);
    only && element.get("$patch").is_some_and(|it| *it == "replace")
}

/// An element of a list by the key that its list is merged by.
fn element_path(element: &Value, list: &FieldPath) -> Option<FieldPath> {
    const KEYS: [&str; 6] = ["name", "containerPort", "mountPath", "uid", "ip", "key"];
    let key = KEYS.iter().find_map(|key| element.get(*key))?;
    Some(list.key(&key.as_str().map_or_else(|| key.to_string(), str::to_owned)))
}
