//! Refuses keys that no section has.

use figment::value::{Dict, Value};
use serde_json::Value as Json;

use super::Layer;
use crate::error::ConfigError;
use crate::nearest::nearest;
use crate::section::Section;

/// Refuses the first key of a layer that is in no section's defaults. Where the defaults have `null`, a
/// list, an empty table or a plain value, the section's type has the last word.
pub(crate) fn refuse_unknown(layer: &Layer, sections: &[Section]) -> Result<(), ConfigError> {
    for (name, values) in &layer.values {
        let Some(section) = sections.iter().find(|section| section.name == name) else {
            let known = sections.iter().map(|section| section.name);
            return Err(unknown(layer, std::slice::from_ref(name), name, known));
        };
        match values {
            Value::Dict(_, fields) => {
                refuse_below(layer, &mut vec![name.clone()], fields, &section.defaults)?;
            }
            _ => {
                let path = [name.clone()];
                return Err(ConfigError::Value {
                    origin: layer.origins.place(&path),
                    key: name.clone(),
                    problem: format!("is a section: write its keys below `[{name}]`"),
                });
            }
        }
    }
    Ok(())
}

fn refuse_below(
    layer: &Layer,
    path: &mut Vec<String>,
    fields: &Dict,
    defaults: &Json,
) -> Result<(), ConfigError> {
    let Json::Object(known) = defaults else { return Ok(()) };
    if known.is_empty() {
        return Ok(());
    }
    for (key, value) in fields {
        path.push(key.clone());
        let default = known
            .get(key)
            .ok_or_else(|| unknown(layer, path, key, known.keys().map(String::as_str)))?;
        if let Value::Dict(_, below) = value {
            refuse_below(layer, path, below, default)?;
        }
        path.pop();
    }
    Ok(())
}

fn unknown<'a>(
    layer: &Layer,
    path: &[String],
    key: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> ConfigError {
    ConfigError::UnknownKey {
        origin: layer.origins.place(path),
        key: path.join("."),
        hint: hint(key, known, str::to_owned),
    }
}

/// What to write instead of an unknown name, to be put behind the message.
pub(crate) fn hint<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    show: impl Fn(&str) -> String,
) -> String {
    if let Some(meant) = nearest(name, known.clone()) {
        return format!("; did you mean `{}`?", show(meant));
    }
    let names: Vec<String> = known.map(|name| format!("`{}`", show(name))).collect();
    if names.is_empty() { String::new() } else { format!("; there are {}", names.join(", ")) }
}
