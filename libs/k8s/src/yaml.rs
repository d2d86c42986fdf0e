//! YAML and JSON text to values with places, as Kubernetes reads them.
//!
//! Owns which documents a text holds and what their scalars mean. The reference is `kubectl`, that is
//! sigs.k8s.io/yaml over go-yaml v2 (YAML 1.1 for plain scalars: `0644` is 420, `yes` and `y` are true):
//! see its `scalar` module. It departs in two things, both in favour of people: a key given twice is told, though
//! the last is taken as Kubernetes does, and one broken document does not hide the others of the text.

mod build;
pub mod edit;
mod error;
mod events;
mod json;
mod limits;
mod scalar;
mod split;
#[cfg(test)]
mod tests;

use crate::value::Value;

pub use error::{Problem, YamlError};
pub use limits::Limits;

use crate::places::Places;

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The content.
    pub value: Value,
    /// Where each key and value stands.
    pub places: Places,
    /// The line of the document's first key or value, from 1.
    pub line: u32,
    /// The template that rendered the document, from Helm's `# Source: chart/templates/x.yaml`.
    pub template: Option<String>,
}

/// What a text holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// The documents that could be read, in the order of the text; empty ones are left out.
    pub documents: Vec<Document>,
    /// What is wrong, in the order of the text: for each document what made it unreadable, or the keys that
    /// it gives twice.
    pub errors: Vec<YamlError>,
}

impl Parsed {
    /// Whether every document could be read, whatever else is wrong.
    pub fn is_whole(&self) -> bool {
        !self.errors.iter().any(|error| error.problem.loses_document())
    }
}

/// Reads all documents of a text: YAML, JSON, or several JSON values one after the other.
pub fn parse(text: &str, limits: &Limits) -> Parsed {
    if text.len() > limits.max_bytes {
        return too_large(limits);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if json::looks_like_json(text) {
        let as_json = json::parse(text, limits);
        if !as_json.errors.iter().any(|it| matches!(it.problem, Problem::JsonSyntax(_))) {
            return as_json;
        }
        // Flow style YAML begins like JSON.
        let as_yaml = events::parse(text, limits);
        return if as_yaml.is_whole() { as_yaml } else { as_json };
    }
    events::parse(text, limits)
}

/// A value as YAML in block style, with a newline at its end; [`parse`] reads it as the same value.
pub fn to_yaml(value: &Value) -> String {
    edit::written(value)
}

/// Reads all documents of a file's bytes, which must be UTF-8.
pub fn parse_bytes(bytes: &[u8], limits: &Limits) -> Parsed {
    if bytes.len() > limits.max_bytes {
        return too_large(limits);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text, limits),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Parsed { documents: Vec::new(), errors: vec![YamlError::not_utf8(before)] }
        }
    }
}

fn too_large(limits: &Limits) -> Parsed {
    let problem = Problem::TooLarge(limits.max_bytes);
    Parsed { documents: Vec::new(), errors: vec![YamlError::at_start(problem)] }
}
