//! Reads `AIRSIDE_<SECTION>__<KEY>=<value>` variables.
//!
//! `__` separates section, key, and key within the key; a single `_` stands for `_` or `-`, whichever the
//! known name has. Variables without `__` are left alone: Kubernetes sets `AIRSIDE_PORT` and the like in
//! every pod beside a Service named `airside`.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::{Layer, from_toml, hint, record_origins, refuse_unknown};
use crate::error::ConfigError;
use crate::origin::{KeyPath, Origin};
use crate::section::Section;

/// What the name of every variable that is a setting begins with.
pub const ENVIRONMENT_PREFIX: &str = "AIRSIDE_";

/// The texts of variables whose values could be read otherwise: as they stand.
pub(crate) type Texts = BTreeMap<KeyPath, String>;

/// What environment variables say, in the order in which they are given.
pub(crate) fn environment(
    variables: &[(String, String)],
    sections: &[Section],
) -> Result<(Layer, Texts), ConfigError> {
    let mut layer = Layer::default();
    let mut texts = Texts::new();
    for (variable, text) in variables {
        let Some(name) = variable.strip_prefix(ENVIRONMENT_PREFIX).filter(|n| n.contains("__"))
        else {
            continue;
        };
        let (path, default) = resolve(variable, name, sections)?;
        let value = read(text, default);
        if value.as_str() != Some(text) {
            texts.insert(path.clone(), text.clone());
        }
        let origin = Origin::Environment { variable: variable.clone() };
        if let Value::Dict(_, below) = &value {
            record_origins(below, &mut path.clone(), &mut layer.origins, &|_| origin.clone());
        }
        if !insert(&mut layer.values, &path, value) {
            let problem = "is set both as a whole and in parts: drop one of the variables";
            let (key, problem) = (path.join("."), problem.to_owned());
            return Err(ConfigError::Value { origin, key, problem });
        }
        layer.origins.set(path, origin);
    }
    refuse_unknown(&layer, sections)?;
    Ok((layer, texts))
}

/// The setting that a variable names, and its default if one is known.
fn resolve<'a>(
    variable: &str,
    name: &str,
    sections: &'a [Section],
) -> Result<(KeyPath, Option<&'a Json>), ConfigError> {
    let mut parts = name.split("__").map(str::to_ascii_lowercase);
    let wanted = parts.next().unwrap_or_default();
    let section = sections.iter().find(|section| spelt_alike(section.name, &wanted));
    let Some(section) = section else {
        let names = sections.iter().map(|section| section.name);
        return Err(unknown(variable, &[], &wanted, names));
    };
    let mut path = vec![section.name.to_owned()];
    let mut default = Some(&section.defaults);
    for part in parts {
        let known = match default {
            Some(Json::Object(fields)) if !fields.is_empty() => Some(fields),
            Some(_) | None => None,
        };
        default = match known.map(|fields| fields.iter().find(|(key, _)| spelt_alike(key, &part))) {
            Some(Some((key, value))) => {
                path.push(key.clone());
                Some(value)
            }
            Some(None) => {
                let names = known.into_iter().flat_map(|fields| fields.keys().map(String::as_str));
                return Err(unknown(variable, &path, &part, names));
            }
            None => {
                path.push(part);
                None
            }
        };
    }
    Ok((path, default))
}

fn spelt_alike(known: &str, part: &str) -> bool {
    known.replace('-', "_") == part.replace('-', "_")
}

fn unknown<'a>(
    variable: &str,
    above: &[String],
    part: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> ConfigError {
    let as_variable = |name: &str| {
        let parts: Vec<&str> = above.iter().map(String::as_str).chain([name]).collect();
        let tail = if above.is_empty() { "__…" } else { "" };
        let name = parts.join("__").replace('-', "_").to_ascii_uppercase();
        format!("{ENVIRONMENT_PREFIX}{name}{tail}")
    };
    let key = above.iter().map(String::as_str).chain([part]).collect::<Vec<_>>().join(".");
    let origin = Origin::Environment { variable: variable.to_owned() };
    ConfigError::UnknownKey { origin, key, hint: hint(part, known, as_variable) }
}

/// A variable's text has no type: the default's type says how it is read. Where that does not say
/// (an absent default), what looks like a TOML value other than a string is one.
fn read(text: &str, default: Option<&Json>) -> Value {
    if matches!(default, Some(Json::String(_))) {
        return Value::from(text);
    }
    let typed = toml::de::ValueDeserializer::parse(text).and_then(toml::Value::deserialize);
    match (typed, default) {
        (Ok(typed), _) => from_toml(&typed),
        (Err(_), Some(Json::Array(_))) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::from(items.map(Value::from).collect::<Vec<_>>())
        }
        (Err(_), _) => Value::from(text),
    }
}

/// Puts a value into its place; fails where another value stands on the way or in the place.
fn insert(values: &mut Dict, path: &[String], value: Value) -> bool {
    match path {
        [] => false,
        [key] => values.insert(key.clone(), value).is_none(),
        [key, below @ ..] => {
            let table = values.entry(key.clone()).or_insert_with(|| Value::from(Dict::new()));
            match table {
                Value::Dict(_, fields) => insert(fields, below, value),
                _ => false,
            }
        }
    }
}
