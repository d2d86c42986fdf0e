//! Reading a field that may be missing, null or of another type, and walking down several.

use airside_types::{FieldPath, Step};

use crate::value::{Map, Value};

/// The value at a path.
pub fn at<'a>(value: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.steps().try_fold(value, |value, step| below(value, &step))
}

/// The value one step down.
pub fn below<'a>(value: &'a Value, step: &Step<'_>) -> Option<&'a Value> {
    match step {
        Step::Key(key) => value.get(key.as_ref()),
        Step::Index(index) => value.get(*index),
    }
}

/// A field's value; null counts as missing, as it does for Kubernetes.
pub fn field<'a>(fields: &'a Map, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// The value below several keys; null counts as missing.
pub fn down<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value, |value, key| value.get(*key)).filter(|value| !value.is_null())
}

/// The elements of a list field; none where it is no list.
pub fn list<'a>(fields: &'a Map, name: &str) -> &'a [Value] {
    elements(fields.get(name))
}

/// The elements of a value; none where it is no list.
pub fn elements(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).unwrap_or_default()
}

/// The maps of a list field with their index; anything else in it is passed over.
pub fn maps<'a>(fields: &'a Map, name: &str) -> impl Iterator<Item = (usize, &'a Map)> + use<'a> {
    list(fields, name)
        .iter()
        .enumerate()
        .filter_map(|(index, value)| Some((index, value.as_object()?)))
}

/// The texts of a list field with their index; anything else in it is passed over.
pub fn texts<'a>(fields: &'a Map, name: &str) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    list(fields, name)
        .iter()
        .enumerate()
        .filter_map(|(index, value)| value.as_str().map(|text| (index, text)))
}

/// A text field that is not empty.
pub fn text<'a>(fields: &'a Map, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}
