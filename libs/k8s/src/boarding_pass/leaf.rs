//! The digest of one leaf: its value in the one form that all spellings share.

use std::borrow::Cow;

use airside_types::redact::is_redacted;
use serde_json::Number;

use crate::quantity::Quantity;
use crate::value::Value;

/// Keys below which values are quantities: resources, storage, quotas, limit ranges, overhead.
const QUANTITY_KEYS: [&str; 15] = [
    "allocatable",
    "averageValue",
    "capacity",
    "default",
    "defaultRequest",
    "divisor",
    "hard",
    "limits",
    "max",
    "maxLimitRequestRatio",
    "min",
    "podFixed",
    "requests",
    "sizeLimit",
    "storage",
];

/// The longest text that is searched for credentials. Longer ones cannot be guessed from a digest.
const MAX_GUESSABLE_BYTES: usize = 512;

/// What the keys above a leaf say about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context {
    is_quantity: bool,
}

impl Context {
    /// The context one key further down.
    pub(super) fn below(self, key: &str) -> Self {
        Self { is_quantity: self.is_quantity || QUANTITY_KEYS.binary_search(&key).is_ok() }
    }
}

/// The digest of a scalar; none for null.
pub(super) fn digest(name: &str, value: &Value, context: Context) -> Option<u64> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) if may_be_secret(name, text) => Some(credential()),
        _ => Some(digest_of(value, context)),
    }
}

/// What stands for every credential: that there is one.
pub(super) fn credential() -> u64 {
    hash(b"c")
}

/// What stands for an empty map.
pub(super) fn empty() -> u64 {
    hash(b"e")
}

fn digest_of(value: &Value, context: Context) -> u64 {
    let text: Cow<'_, str> = match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(number_text(number)),
        other => Cow::Owned(other.to_string()),
    };
    let quantity = if context.is_quantity { Quantity::parse(&text) } else { None };
    let (kind, text) = match (quantity, value) {
        (Some(quantity), _) => (b'q', Cow::Owned(quantity.to_string())),
        // A port may be a number or a name: `80` and `"80"` are different values.
        (None, Value::String(_)) => (b's', text),
        (None, _) => (b'v', text),
    };
    let mut content = Vec::with_capacity(1 + text.len());
    content.push(kind);
    content.extend_from_slice(text.as_bytes());
    hash(&content)
}

fn hash(content: &[u8]) -> u64 {
    let hash = blake3::hash(content);
    hash.as_bytes().first_chunk().map(|first| u64::from_be_bytes(*first)).unwrap_or_default()
}

/// `1.0` and `1` are the same number.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 => format!("{value:.0}"),
        _ => number.to_string(),
    }
}

/// Whether a text, or a text under such a name, is what the rest of Airside would redact.
fn may_be_secret(name: &str, text: &str) -> bool {
    text.len() <= MAX_GUESSABLE_BYTES && is_redacted(name, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantity_keys_can_be_searched() {
        assert!(QUANTITY_KEYS.is_sorted());
    }
}
