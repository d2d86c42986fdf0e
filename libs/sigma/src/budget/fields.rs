//! How long and how deep what a rule names may be.

use airside_k8s::{Document, Map, Value};
use airside_types::FieldPath;

use crate::judge::Remark;
use crate::path::count_steps;
use crate::view;

/// The most steps of a field: each object on its way is asked for every step that is left.
const MAX_STEPS: usize = 64;
/// The most bytes of a field. The longest key of a label or an annotation has 317.
const MAX_FIELD_BYTES: usize = 1_000;
/// The longest name of a selection, in bytes: it is noted each time that an event meets the selection.
const MAX_NAME_BYTES: usize = 1_000;
/// The longest condition, in bytes: the parser takes as long as the square of it.
const MAX_CONDITION_BYTES: usize = 8 << 10;

/// Says where a rule names a field that costs too much, or has a condition that does. It is asked before the rule is parsed:
/// the parser calls itself for each `[any]` of a field, and makes one field of keys that stand below each other.
pub(crate) fn of_fields(document: &Document) -> Result<(), Remark> {
    let detection = document.value.as_object().and_then(|rule| rule.get("detection"));
    let selections = detection.and_then(Value::as_object);
    for (name, selection) in selections.into_iter().flat_map(Map::iter) {
        let at = FieldPath::of(&["detection", name]);
        if name == "condition" {
            of_condition(selection, &at)?;
            continue;
        }
        if name.len() > MAX_NAME_BYTES {
            let text = format!("the name of a selection has {MAX_NAME_BYTES} bytes at most");
            return Err(Remark { at, text });
        }
        of_keys(selection, &at, "")?;
    }
    let correlation = document.value.as_object().and_then(|rule| rule.get("correlation"));
    let condition = correlation.and_then(|it| it.get("condition"));
    condition.map_or(Ok(()), |it| of_condition(it, &FieldPath::of(&["correlation", "condition"])))
}

/// Says where a condition is too long to be parsed.
fn of_condition(condition: &Value, at: &FieldPath) -> Result<(), Remark> {
    if texts(condition).all(|text| text.len() <= MAX_CONDITION_BYTES) {
        return Ok(());
    }
    let text = format!(
        "a condition has {MAX_CONDITION_BYTES} bytes at most: name selections alike and write `1 of name*`, or write several \
         rules"
    );
    Err(Remark { at: at.clone(), text })
}

/// The keys of a part of a selection; `above` are those that it stands below, each with a dot behind it.
fn of_keys(part: &Value, at: &FieldPath, above: &str) -> Result<(), Remark> {
    match part {
        Value::Object(map) => {
            for (key, value) in map.iter() {
                let at = at.key(key);
                // The elements of a list may be asked by a condition of their own.
                if key == "condition" {
                    of_condition(value, &at)?;
                }
                let (name, modifiers) = key.split_once('|').unwrap_or((key, ""));
                let field = format!("{above}{name}");
                of_field(&field, &at)?;
                if modifiers.split('|').any(|it| matches!(it, "fieldref" | "expand")) {
                    texts(value).try_for_each(|other| of_field(other, &at))?;
                }
                of_keys(value, &at, &format!("{field}."))?;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                of_keys(item, &at.index(index), above)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The text that a value is, or the texts of a list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().unwrap_or_default();
    items.iter().chain([value]).filter_map(Value::as_str)
}

pub(super) fn of_field(field: &str, at: &FieldPath) -> Result<(), Remark> {
    if field.contains(view::WHOLE) {
        let text = "no field has a NUL in its name".to_owned();
        return Err(Remark { at: at.clone(), text });
    }
    if field.len() <= MAX_FIELD_BYTES && count_steps(field) <= MAX_STEPS {
        return Ok(());
    }
    let text = format!(
        "a field has {MAX_STEPS} steps and {MAX_FIELD_BYTES} bytes at most: name one that is less deep"
    );
    Err(Remark { at: at.clone(), text })
}
