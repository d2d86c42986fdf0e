//! One source of settings, read: its values, and where each of them stands.

mod environment;
mod file;
mod known;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use serde_json::Value as Json;

pub use environment::ENVIRONMENT_PREFIX;
pub(crate) use environment::{Texts, environment};
pub use file::MAX_FILE_BYTES;
pub(crate) use file::file;
pub(crate) use known::{hint, refuse_unknown};

use crate::error::ConfigError;
use crate::origin::{KeyPath, Origin, Origins};
use crate::section::Section;

/// The values of one source, as a table of sections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    pub(crate) values: Dict,
    pub(crate) origins: Origins,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        // Places are told by `Origins`, key by key.
        Metadata::named("settings")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// What is built in.
pub(crate) fn defaults(sections: &[Section]) -> Layer {
    let filled = sections.iter().filter(|section| !section.defaults.is_null());
    let values =
        filled.map(|section| (section.name.to_owned(), from_json(&section.defaults))).collect();
    Layer { values, origins: Origins::default() }
}

/// What flags of the command line say; `null` means that a flag was not given.
pub(crate) fn overrides(given: &Json, sections: &[Section]) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    if let Some(Value::Dict(_, values)) = without_nulls(given).as_ref().map(from_json) {
        record_origins(&values, &mut Vec::new(), &mut layer.origins, &|_| Origin::CommandLine);
        layer.values = values;
    }
    refuse_unknown(&layer, sections)?;
    Ok(layer)
}

/// The value without the parts that were not given.
fn without_nulls(value: &Json) -> Option<Json> {
    match value {
        Json::Null => None,
        Json::Object(fields) => {
            let given =
                fields.iter().filter_map(|(key, value)| Some((key.clone(), without_nulls(value)?)));
            Some(Json::Object(given.collect()))
        }
        other => Some(other.clone()),
    }
}

/// Records the origin of every key, tables included.
fn record_origins(
    values: &Dict,
    path: &mut KeyPath,
    origins: &mut Origins,
    origin: &dyn Fn(&[String]) -> Origin,
) {
    for (key, value) in values {
        path.push(key.clone());
        origins.set(path.clone(), origin(path));
        if let Value::Dict(_, below) = value {
            record_origins(below, path, origins, origin);
        }
        path.pop();
    }
}

/// The same value in figment's form.
fn from_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::from(figment::value::Empty::None),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => number
            .as_u64()
            .map(Value::from)
            .or_else(|| number.as_i64().map(Value::from))
            .unwrap_or_else(|| Value::from(number.as_f64().unwrap_or(f64::NAN))),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(fields) => Value::from(
            fields.iter().map(|(key, value)| (key.clone(), from_json(value))).collect::<Dict>(),
        ),
    }
}

/// The same value in figment's form; a date becomes its text.
fn from_toml(value: &toml::Value) -> Value {
    match value {
        toml::Value::Boolean(value) => Value::from(*value),
        toml::Value::Integer(number) => {
            u64::try_from(*number).map_or_else(|_| Value::from(*number), Value::from)
        }
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(items) => Value::from(items.iter().map(from_toml).collect::<Vec<_>>()),
        toml::Value::Table(fields) => Value::from(
            fields.iter().map(|(key, value)| (key.clone(), from_toml(value))).collect::<Dict>(),
        ),
    }
}
