//! A section of the settings: what one service can be told.

use figment::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a section's merged values as its type and shows them again, secrets redacted.
pub(crate) type Check = fn(&Value) -> Result<serde_json::Value, TypeError>;

/// What a section's type found wrong; boxed because it is large.
pub(crate) type TypeError = Box<figment::Error>;

/// One section, `[name]` in the settings file.
#[derive(Debug, Clone)]
pub struct Section {
    /// The section's name, in lower case with `-` between words, such as `audit-ingest`.
    pub name: &'static str,
    /// The value of every key when nothing sets it. `null`, an empty list and an empty table stand for
    /// anything that the section's type takes.
    pub defaults: serde_json::Value,
    /// Absent for a section that this program knows by name only.
    pub(crate) check: Option<Check>,
}

impl Section {
    /// The section of a type. Its defaults are the type's; its values are checked by the type when settings
    /// are loaded. The type should refuse unknown fields, and its `Serialize` must leave no field out, or
    /// the field counts as unknown.
    pub fn of<T: Default + Serialize + DeserializeOwned>(name: &'static str) -> Self {
        // A type that cannot be shown as JSON is a mistake in the program: `load` then refuses this value.
        let defaults = serde_json::to_value(T::default()).unwrap_or(serde_json::Value::Bool(false));
        Self { name, defaults, check: Some(check::<T>) }
    }

    /// A section of another program that shares the settings file: whatever it holds is accepted and not
    /// looked at.
    pub const fn foreign(name: &'static str) -> Self {
        Self { name, defaults: serde_json::Value::Null, check: None }
    }
}

fn check<T: Serialize + DeserializeOwned>(values: &Value) -> Result<serde_json::Value, TypeError> {
    let typed: T = values.deserialize()?;
    serde_json::to_value(typed).map_err(|error| Box::new(error.to_string().into()))
}
