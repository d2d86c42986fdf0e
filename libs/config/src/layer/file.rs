//! Reads the settings file, and remembers on which line each key stands.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{Layer, from_toml, record_origins, refuse_unknown};
use crate::error::ConfigError;
use crate::origin::{KeyPath, Origin};
use crate::section::Section;

/// The largest settings file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// What the settings file says.
pub(crate) fn file(path: &Path, sections: &[Section]) -> Result<Layer, ConfigError> {
    let text = read(path)?;
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        line: line_at(&text, error.span().map_or(0, |span| span.start)),
        // The reader can add the line itself, which may hold a secret; its message has one line only.
        problem: error.message().lines().next().unwrap_or_default().to_owned(),
    };
    let table: toml::Table = toml::from_str(&text).map_err(syntax)?;
    let spans = DeTable::parse(&text).map_err(syntax)?;
    let mut lines = BTreeMap::new();
    record_lines(&text, spans.get_ref(), &mut Vec::new(), &mut lines);

    let mut layer = Layer {
        values: table.iter().map(|(key, value)| (key.clone(), from_toml(value))).collect(),
        ..Layer::default()
    };
    record_origins(&layer.values, &mut Vec::new(), &mut layer.origins, &|key| Origin::File {
        path: path.to_owned(),
        line: lines.get(key).copied().unwrap_or(1),
    });
    refuse_unknown(&layer, sections)?;
    Ok(layer)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::ReadFile { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::FileTooLarge { path: path.to_owned(), limit: MAX_FILE_BYTES });
    }
    Ok(text)
}

fn record_lines(
    text: &str,
    table: &DeTable<'_>,
    path: &mut KeyPath,
    lines: &mut BTreeMap<KeyPath, usize>,
) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        lines.insert(path.clone(), line_at(text, key.span().start));
        if let DeValue::Table(below) = value.get_ref() {
            record_lines(text, below, path, lines);
        }
        path.pop();
    }
}

/// The line, counted from 1, of a position in bytes.
fn line_at(text: &str, position: usize) -> usize {
    1 + text.bytes().take(position).filter(|byte| *byte == b'\n').count()
}
