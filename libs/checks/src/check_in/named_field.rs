//! Fields by what the elements of their lists are called: a container that moves is the same one, and another
//! one at its place is not.

use airside_k8s::{Map, Value};
use airside_types::{FieldPath, Step};

/// What elements are called by, the first that they have, as Kubernetes merges lists of them. A mount's name is
/// that of its volume.
const NAMES: [&str; 7] =
    ["mountPath", "devicePath", "name", "containerPort", "port", "host", "secretName"];

/// The field with its elements by name, as `spec.containers[name=web].image`; none for a field without any.
pub(super) fn named_field(object: &Value, field: &FieldPath) -> Option<Box<str>> {
    if !field.as_str().contains('[') {
        return None;
    }
    let (mut value, mut named, mut has_name) = (Some(object), String::new(), false);
    for step in field.steps() {
        let below = value.and_then(|value| match &step {
            Step::Key(key) => value.get(key.as_ref()),
            Step::Index(index) => value.as_array()?.get(*index),
        });
        match (&step, value) {
            (Step::Key(key), _) => {
                if !named.is_empty() {
                    named.push('.');
                }
                named.push_str(key);
            }
            (Step::Index(index), Some(Value::Array(list))) => match name_of(list, *index) {
                Some(name) => {
                    has_name = true;
                    named.push_str(&format!("[{name}]"));
                }
                None => named.push_str(&format!("[{index}]")),
            },
            (Step::Index(index), _) => named.push_str(&format!("[{index}]")),
        }
        value = below;
    }
    has_name.then(|| named.into_boxed_str())
}

/// What an element is called; none where another one of the list is called alike.
fn name_of(list: &[Value], index: usize) -> Option<String> {
    let element = list.get(index)?.as_object()?;
    let key = NAMES.into_iter().find(|key| element.contains_key(key))?;
    let name = scalar(element, key)?;
    let is_alike = |other: &&Value| other.as_object().and_then(|it| scalar(it, key)) == Some(name);
    let alike = list.iter().filter(is_alike).count();
    (alike == 1).then(|| match name {
        Value::String(name) => format!("{key}={name}"),
        other => format!("{key}={other}"),
    })
}

fn scalar<'v>(element: &'v Map, key: &str) -> Option<&'v Value> {
    element.get(key).filter(|value| value.is_string() || value.is_number())
}

#[cfg(test)]
mod tests {
    use airside_k8s::json;

    use super::*;

    #[test]
    fn elements_are_called_by_their_names_where_these_tell_them_apart() {
        let object = json!({ "spec": {
            "containers": [
                { "name": "a", "args": ["x"], "ports": [{ "containerPort": 80 }] },
                { "name": "b", "volumeMounts": [{ "name": "v", "mountPath": "/x" }] },
                { "name": "b" },
            ],
            "rules": [{ "verbs": ["get"] }],
        } });
        for (field, expected) in [
            ("spec", None),
            ("spec.containers", None),
            ("spec.containers[0].image", Some("spec.containers[name=a].image")),
            ("spec.containers[0].args[0]", Some("spec.containers[name=a].args[0]")),
            (
                "spec.containers[0].ports[0]",
                Some("spec.containers[name=a].ports[containerPort=80]"),
            ),
            ("spec.containers[1].image", None),
            (
                "spec.containers[1].volumeMounts[0]",
                Some("spec.containers[1].volumeMounts[mountPath=/x]"),
            ),
            ("spec.containers[7].image", None),
            ("spec.rules[0].verbs[0]", None),
        ] {
            let path = FieldPath::parse(field).unwrap();
            assert_eq!(named_field(&object, &path).as_deref(), expected, "{field}");
        }
    }
}
