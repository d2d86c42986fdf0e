//! Writes the settings in force as a settings file.

use std::fmt::Write as _;

use airside_types::redact::redact;
use serde_json::{Map, Value as Json};

use crate::origin::{KeyPath, Origin, Origins};

/// The sections as TOML, with a comment behind each value that is not built in.
pub(crate) fn to_toml(sections: &[(&'static str, Json)], origins: &Origins) -> String {
    let mut text = String::new();
    for (name, values) in sections {
        if let Json::Object(fields) = values {
            table(&mut text, &mut vec![(*name).to_owned()], fields, origins);
        }
    }
    text
}

/// A table: first its own values, then the tables below it, as TOML wants it.
fn table(text: &mut String, path: &mut KeyPath, fields: &Map<String, Json>, origins: &Origins) {
    if !text.is_empty() {
        text.push('\n');
    }
    let name = path.iter().map(|part| key(part)).collect::<Vec<_>>().join(".");
    line(text, format_args!("[{name}]"));
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_object()) {
        path.push(name.clone());
        let comment = match origins.of(path) {
            Origin::Default => String::new(),
            origin => format!("  # {origin}"),
        };
        match plain(value) {
            Some(value) => line(text, format_args!("{} = {value}{comment}", key(name))),
            None => line(text, format_args!("# {} is not set", key(name))),
        }
        path.pop();
    }
    for (name, value) in fields {
        if let Json::Object(below) = value {
            path.push(name.clone());
            table(text, path, below, origins);
            path.pop();
        }
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    writeln!(text, "{content}").ok();
}

/// A key as TOML writes it: in quotes if it has other characters than letters, digits, `-` and `_`.
fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.is_empty() && name.bytes().all(bare) {
        name.to_owned()
    } else {
        toml::Value::from(name).to_string()
    }
}

/// A value as TOML writes it within a line; nothing for `null`, which TOML does not have.
fn plain(value: &Json) -> Option<toml::Value> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(value) => toml::Value::from(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => toml::Value::from(integer),
            None => toml::Value::from(number.as_f64()?),
        },
        Json::String(text) => toml::Value::from(redact(text)),
        Json::Array(items) => items.iter().filter_map(plain).collect::<Vec<_>>().into(),
        Json::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), plain(value)?)))
            .collect::<toml::Table>()
            .into(),
    })
}
