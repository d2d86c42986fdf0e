//! Values as pieces of YAML and JSON.

use std::borrow::Cow;

use super::super::scalar;
use super::layout::Form;
use crate::value::Value;

/// How lists and maps in brackets are spaced and quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FlowStyle {
    /// Keys and texts in double quotes, as in JSON.
    pub(super) is_quoted: bool,
    pub(super) space_after_colon: bool,
    pub(super) space_after_comma: bool,
}

impl FlowStyle {
    pub(super) const YAML: Self =
        Self { is_quoted: false, space_after_colon: true, space_after_comma: true };

    pub(super) fn key(self, key: &str) -> String {
        let colon = if self.space_after_colon { ": " } else { ":" };
        let key = if self.is_quoted { quoted(key) } else { plain_or_quoted(key) };
        format!("{key}{colon}")
    }

    pub(super) const fn comma(self) -> &'static str {
        if self.space_after_comma { ", " } else { "," }
    }

    /// A value on one line.
    pub(super) fn inline(self, value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let entries: Vec<String> = map
                    .iter()
                    .map(|(key, value)| format!("{}{}", self.key(key), self.inline(value)))
                    .collect();
                format!("{{{}}}", entries.join(self.comma()))
            }
            Value::Array(list) => {
                let items: Vec<String> = list.iter().map(|item| self.inline(item)).collect();
                format!("[{}]", items.join(self.comma()))
            }
            Value::String(text) if !self.is_quoted => plain_or_quoted(text),
            other => other.to_string(),
        }
    }

    /// A value on lines of its own, all but the first indented.
    pub(super) fn expanded(
        self,
        value: &Value,
        indentation: &str,
        step: &str,
        newline: &str,
    ) -> String {
        let inner = format!("{indentation}{step}");
        let (open, close, pieces): (_, _, Vec<String>) = match value {
            Value::Object(map) if !map.is_empty() => {
                let piece = |(key, value): (&str, &Value)| {
                    format!(
                        "{inner}{}{}",
                        self.key(key),
                        self.expanded(value, &inner, step, newline)
                    )
                };
                ('{', '}', map.iter().map(piece).collect())
            }
            Value::Array(list) if !list.is_empty() => {
                let piece =
                    |item: &Value| format!("{inner}{}", self.expanded(item, &inner, step, newline));
                ('[', ']', list.iter().map(piece).collect())
            }
            other => return self.inline(other),
        };
        let body = pieces.join(&format!(",{newline}"));
        format!("{open}{newline}{body}{newline}{indentation}{close}")
    }
}

/// How block style is indented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockStyle {
    /// The spaces by which a map is indented below its key.
    pub(super) step: usize,
    /// Whether the dashes of a list are indented below its key.
    pub(super) indents_dashes: bool,
}

impl BlockStyle {
    /// A whole document.
    pub(super) fn document(self, value: &Value) -> String {
        let lines: Vec<String> = match value {
            Value::Object(map) if !map.is_empty() => {
                map.iter().map(|(key, value)| self.entry(key, value, 0, "\n")).collect()
            }
            Value::Array(list) if !list.is_empty() => {
                list.iter().map(|item| self.item(item, 0, "\n")).collect()
            }
            other => vec![FlowStyle::YAML.inline(other)],
        };
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// A key with its value, the first line without its indentation.
    pub(super) fn entry(self, key: &str, value: &Value, column: usize, newline: &str) -> String {
        format!("{}:{}", plain_or_quoted(key), self.below(value, column, newline))
    }

    /// What follows a key's colon, for a key in this column.
    pub(super) fn below(self, value: &Value, column: usize, newline: &str) -> String {
        match value {
            Value::Object(map) if !map.is_empty() => {
                let column = column + self.step;
                let lines = map.iter().map(|(key, value)| self.entry(key, value, column, newline));
                lines.map(|line| format!("{newline}{:column$}{line}", "")).collect()
            }
            Value::Array(list) if !list.is_empty() => {
                let column = if self.indents_dashes { column + self.step } else { column };
                let lines = list.iter().map(|item| self.item(item, column, newline));
                lines.map(|line| format!("{newline}{:column$}{line}", "")).collect()
            }
            other => format!(" {}", FlowStyle::YAML.inline(other)),
        }
    }

    /// An element with its dash, for a dash in this column; the first line without its indentation.
    pub(super) fn item(self, value: &Value, column: usize, newline: &str) -> String {
        let Value::Object(map) = value else {
            return format!("- {}", FlowStyle::YAML.inline(value));
        };
        if map.is_empty() {
            return "- {}".to_owned();
        }
        let column = column + 2;
        let lines: Vec<String> =
            map.iter().map(|(key, value)| self.entry(key, value, column, newline)).collect();
        format!("- {}", lines.join(&format!("{newline}{:column$}", "")))
    }
}

/// A scalar, with the quotes of the one that it replaces where both are texts.
pub(super) fn scalar_like(value: &Value, old: Option<Form>, in_block: bool) -> String {
    let Value::String(text) = value else { return FlowStyle::YAML.inline(value) };
    match old {
        Some(Form::Single) if !text.contains(['\'', '\n', '\r']) => format!("'{text}'"),
        Some(Form::Double) => quoted(text),
        _ if in_block && text.contains(' ') && text.split(' ').all(is_plain_word) => {
            text.to_string()
        }
        _ => plain_or_quoted(text),
    }
}

fn plain_or_quoted(text: &str) -> String {
    let stays_text = scalar::plain(Cow::Borrowed(text)).is_ok_and(|value| value.is_string());
    if stays_text && is_plain_word(text) { text.to_owned() } else { quoted(text) }
}

/// Whether a text needs no quotes anywhere, whoever reads it.
fn is_plain_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with(':')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/@:-".contains(&byte))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
