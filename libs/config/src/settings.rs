//! Merges the layers, checks every section by its type, and hands the sections out.

use std::path::PathBuf;

use figment::Figment;
use figment::error::Kind;
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use crate::error::ConfigError;
use crate::layer::{self, Layer, Texts, hint};
use crate::origin::{KeyPath, Origin, Origins};
use crate::problem::describe;
use crate::section::{Check, Section, TypeError};
use crate::show;

/// Where settings come from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file with a table for each section.
    pub file: Option<PathBuf>,
    /// `AIRSIDE_<SECTION>__<KEY>` variables and their values. Others are ignored, so that `main` may pass
    /// the whole environment.
    pub environment: Vec<(String, String)>,
    /// What flags say: an object of sections, in which `null` means "not given".
    pub overrides: serde_json::Value,
}

/// The settings that are in force.
#[derive(Debug, Clone)]
pub struct Settings {
    values: Dict,
    origins: Origins,
    /// Each section's values as its type shows them, secrets redacted, in the order of the sections.
    shown: Vec<(&'static str, serde_json::Value)>,
}

/// Merges defaults, file, environment and overrides, in this order: a later source wins, key by key; lists
/// are replaced as a whole.
///
/// # Errors
/// The first thing that is wrong, with its place: an unreadable file, an unknown key, a value that the
/// section's type does not take.
pub fn load(sections: &[Section], sources: &Sources) -> Result<Settings, ConfigError> {
    let mut layers = vec![layer::defaults(sections)];
    if let Some(path) = &sources.file {
        layers.push(layer::file(path, sections)?);
    }
    let (environment, mut texts) = layer::environment(&sources.environment, sections)?;
    layers.push(environment);
    layers.push(layer::overrides(&sources.overrides, sections)?);

    let (mut values, origins) = merge(layers)?;
    let mut shown = Vec::new();
    for section in sections {
        if let Some(check) = section.check {
            let value = values.entry(section.name.to_owned()).or_insert_with(empty_table);
            let effective = check_section(section.name, value, check, &mut texts)
                .map_err(|error| value_error(section.name, *error, &origins))?;
            shown.push((section.name, effective));
        }
    }
    Ok(Settings { values, origins, shown })
}

impl Settings {
    /// The settings of one section.
    ///
    /// # Errors
    /// [`ConfigError::NoSection`] for a section that was not loaded; [`ConfigError::Value`] or
    /// [`ConfigError::UnknownKey`] if `T` is another type than the section's.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let values = self
            .values
            .get(name)
            .ok_or_else(|| ConfigError::NoSection { section: name.to_owned() })?;
        values.deserialize().map_err(|error| value_error(name, error, &self.origins))
    }

    /// Where the value of a key such as `audit-ingest.max_body` comes from.
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.of(&key.split('.').map(str::to_owned).collect::<KeyPath>())
    }

    /// All settings in force, as a settings file: secrets are `«redacted»`, and a comment tells where each
    /// value comes from that is not built in. Sections of other programs are left out.
    pub fn to_toml(&self) -> String {
        show::to_toml(&self.shown, &self.origins)
    }
}

fn empty_table() -> Value {
    Value::from(Dict::new())
}

fn merge(layers: Vec<Layer>) -> Result<(Dict, Origins), ConfigError> {
    let mut figment = Figment::new();
    let mut origins = Origins::default();
    for layer in layers {
        origins.extend(layer.origins.clone());
        figment = figment.merge(layer);
    }
    let values = figment.extract().map_err(|error| value_error("", error, &origins))?;
    Ok((values, origins))
}

/// Checks a section by its type. A variable's text that was read as a number, a list or the like is put
/// back as it stands if the type wants that.
fn check_section(
    name: &str,
    values: &mut Value,
    check: Check,
    texts: &mut Texts,
) -> Result<serde_json::Value, TypeError> {
    loop {
        let error = match check(values) {
            Ok(shown) => return Ok(shown),
            Err(error) => error,
        };
        let path: KeyPath = [name.to_owned()].into_iter().chain(error.path.clone()).collect();
        let place = error.path.iter().try_fold(&mut *values, |value, key| match value {
            Value::Dict(_, fields) => fields.get_mut(key),
            _ => None,
        });
        // Each turn takes a text away, so there is an end.
        match (place, texts.remove(&path)) {
            (Some(place), Some(text)) => *place = Value::from(text),
            _ => return Err(error),
        }
    }
}

/// An error of a section's type, with its place.
fn value_error(section: &str, error: figment::Error, origins: &Origins) -> ConfigError {
    let mut path: KeyPath = [section.to_owned()].into_iter().chain(error.path).collect();
    // An error about a field names the field; only for some is it in the path too.
    if let Kind::UnknownField(name, _) = &error.kind
        && path.last() != Some(name)
    {
        path.push(name.clone());
    } else if let Kind::MissingField(name) = &error.kind {
        path.push(name.clone().into_owned());
    }
    let (origin, key) = (origins.place(&path), path.join("."));
    match error.kind {
        Kind::UnknownField(name, known) => {
            let hint = hint(&name, known.iter().copied(), str::to_owned);
            ConfigError::UnknownKey { origin, key, hint }
        }
        kind => ConfigError::Value { origin, key, problem: describe(&kind) },
    }
}

#[cfg(test)]
mod tests;
