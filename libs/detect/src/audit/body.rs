//! The bodies of requests, as one kind of tree whichever way they were written.
//!
//! A patch is not the object: a merge or apply patch is a part of it, a JSON patch a list of operations.
//! [`decode`] turns all of them into the part of the object that the request sets, so that a rule asks one
//! question. What a patch leaves alone is not in the tree, so a rule fires on changes only.

use airside_k8s::Value;
use serde_json::Value as Json;

/// How many operations of a JSON patch are read, and how deep their paths may go.
const MAX_OPERATIONS: usize = 500;
const MAX_DEPTH: usize = 32;

/// The part of the object that a request body, as JSON, sets.
pub(super) fn decode(body: &str) -> Result<Value, serde_json::Error> {
    if body.starts_with('[') {
        let operations: Vec<Json> = serde_json::from_str(body)?;
        return Ok(apply(&operations).into());
    }
    serde_json::from_str(body)
}

/// The object that the `add` and `replace` operations of a JSON patch (RFC 6902) describe.
fn apply(operations: &[Json]) -> Json {
    let mut object = Json::Object(serde_json::Map::new());
    for operation in operations.iter().take(MAX_OPERATIONS) {
        let sets = matches!(word(operation, "op"), "add" | "replace");
        if let Some(value) = operation.get("value").filter(|_| sets) {
            let steps: Vec<&str> = word(operation, "path").split('/').skip(1).collect();
            if steps.len() <= MAX_DEPTH {
                set(&mut object, &steps, value);
            }
        }
    }
    object
}

/// Puts a value where a JSON pointer says. A number or `-` means an element of a list; elements are
/// appended, as the list's other elements are not known.
fn set(place: &mut Json, steps: &[&str], value: &Json) {
    let Some((step, rest)) = steps.split_first() else {
        *place = value.clone();
        return;
    };
    let is_element = *step == "-" || !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
    if is_element {
        if !place.is_array() {
            *place = Json::Array(Vec::new());
        }
        if let Some(list) = place.as_array_mut() {
            list.push(Json::Null);
            if let Some(element) = list.last_mut() {
                set(element, rest, value);
            }
        }
        return;
    }
    if !place.is_object() {
        *place = Json::Object(serde_json::Map::new());
    }
    if let Some(fields) = place.as_object_mut() {
        let key = step.replace("~1", "/").replace("~0", "~");
        set(fields.entry(key).or_insert(Json::Null), rest, value);
    }
}

/// The text of an operation's member; empty where there is none.
fn word<'v>(operation: &'v Json, key: &str) -> &'v str {
    operation.get(key).and_then(Json::as_str).unwrap_or_default()
}

/// The value under a path of keys; `Null` where there is none.
pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |value, key| value.get(*key).unwrap_or(&Value::Null))
}

/// The text under a key; empty where there is none.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of the list under a key; none where there is no list.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).unwrap_or_default()
}

/// The texts of the list under a key.
pub(super) fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    items(value, key).iter().filter_map(Value::as_str)
}

/// Whether the key is set to `true`.
pub(super) fn is_true(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &str) -> Value {
        decode(body).unwrap()
    }

    #[test]
    fn a_json_patch_reads_as_the_part_that_it_sets() {
        let patch = r#"[
            {"op":"test","path":"/metadata/name","value":"x"},
            {"op":"remove","path":"/metadata/labels"},
            {"op":"add","path":"/spec/template/spec/containers/0/securityContext","value":{"privileged":true}},
            {"op":"add","path":"/rules/-","value":{"verbs":["*"]}},
            {"op":"replace","path":"/metadata/labels/pod-security.kubernetes.io~1enforce","value":"privileged"}
        ]"#;
        assert_eq!(
            decoded(patch),
            airside_k8s::json!({
                "spec": {"template": {"spec": {"containers": [{"securityContext": {"privileged": true}}]}}},
                "rules": [{"verbs": ["*"]}],
                "metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
            })
        );
    }

    #[test]
    fn a_patch_is_read_only_as_far_as_its_bounds() {
        let deep = format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "/a".repeat(MAX_DEPTH + 1));
        assert_eq!(decoded(&deep), airside_k8s::json!({}));
        let operations = vec![r#"{"op":"add","path":"/l/-","value":1}"#; MAX_OPERATIONS + 7];
        let many = decoded(&format!("[{}]", operations.join(",")));
        assert_eq!(items(&many, "l").len(), MAX_OPERATIONS);
    }

    #[test]
    fn other_bodies_are_what_they_are() {
        assert_eq!(
            decoded(r#"{"spec":{"hostPID":true}}"#),
            airside_k8s::json!({"spec": {"hostPID": true}})
        );
        assert_eq!(decoded("3"), airside_k8s::json!(3));
    }
}
