//! Reads a body as the API server does: what its parser takes must not be lost on ours.
//!
//! Patches are logged as they were sent. The API server's parser takes halves of surrogate pairs, which
//! become the replacement character, and nests to a depth of ten thousand. Here what lies deeper than any field of
//! an object is skipped, and that it is there is told.

use std::cell::Cell;

use airside_k8s::{Map, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Why;

/// How deep a body is read. The deepest fields of Kubernetes' own objects (schemas of custom resources aside) lie at
/// about twenty.
pub(super) const MAX_DEPTH: usize = 100;

/// The value of a text, and what of it is not known.
pub(super) fn decode(text: &str) -> (Value, Option<Why>) {
    if let Ok(value) = serde_json::from_str(text) {
        return (value, None);
    }
    let whole = without_lone_surrogates(text);
    let is_cut = Cell::new(false);
    let mut json = serde_json::Deserializer::from_str(&whole);
    let read = Bounded { depth: 0, is_cut: &is_cut }.deserialize(&mut json);
    match read.and_then(|value| json.end().map(|()| value)) {
        Ok(value) => (value, is_cut.get().then_some(Why::Deep)),
        Err(_) => (Value::Null, Some(Why::NotJson)),
    }
}

/// The text with the replacement character for each escape of half a surrogate pair.
fn without_lone_surrogates(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let unit = |from: usize| {
            let digits = escape.get(from..from + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        let is_pair = matches!((unit(0), unit(6)), (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)));
        let length = match unit(0) {
            _ if is_pair => 12,
            Some(_) => 6,
            // The character after the backslash may be one of several bytes; no escape is.
            None => 2,
        };
        let (taken, after) = escape.split_at_checked(length).unwrap_or((escape, ""));
        let is_lone = !is_pair && matches!(unit(0), Some(0xD800..=0xDFFF));
        whole.push_str(if is_lone { "\\ufffd" } else { taken });
        rest = after;
    }
    whole.push_str(rest);
    whole
}

/// Reads a value down to a depth.
struct Bounded<'c> {
    depth: usize,
    is_cut: &'c Cell<bool>,
}

impl Bounded<'_> {
    fn below(&self) -> Self {
        Bounded { depth: self.depth + 1, is_cut: self.is_cut }
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth < MAX_DEPTH {
            return deserializer.deserialize_any(self);
        }
        self.is_cut.set(true);
        // Skipped without recursion.
        deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Value::Null)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(self.below())? {
            elements.push(element);
        }
        Ok(elements.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            entries.push((key, map.next_value_seed(self.below())?));
        }
        Ok(entries.into_iter().collect::<Map>().into())
    }
}

#[cfg(test)]
mod tests {
    use airside_k8s::json;

    use super::*;

    #[test]
    fn what_an_api_server_takes_is_read() {
        for (text, expected) in [
            (r#"{"a":"\ud800","b":"\udc00x"}"#, json!({ "a": "\u{fffd}", "b": "\u{fffd}x" })),
            (r#"{"a":"\ud83d\ude00","\ud800":1}"#, json!({ "a": "😀", "\u{fffd}": 1 })),
            (r#"{"a":"\\ud800"}"#, json!({ "a": "\\ud800" })),
            (r#"{"a":"\\\ud800"}"#, json!({ "a": "\\\u{fffd}" })),
            (r#"{"a":"\ud800\n\ud800A","b":1}"#, json!({ "a": "\u{fffd}\n\u{fffd}A", "b": 1 })),
            (r#"{"a":1,"a":2,"x":"\ud800"}"#, json!({ "a": 2, "x": "\u{fffd}" })),
        ] {
            assert_eq!(decode(text), (expected, None), "{text}");
        }
    }

    #[test]
    fn what_is_too_deep_is_told_and_the_rest_is_read() {
        for depth in [MAX_DEPTH - 2, MAX_DEPTH + 40, 9_000] {
            let text = format!(r#"{{"x":{}1{},"b":[1]}}"#, "[".repeat(depth), "]".repeat(depth));
            let (value, why) = decode(&text);
            assert_eq!(value.get("b"), Some(&json!([1])));
            assert_eq!(why, (depth > MAX_DEPTH).then_some(Why::Deep), "{depth}");
        }
    }

    #[test]
    fn what_is_no_json_is_told() {
        for text in
            ["{", r#"{"a":"\ud8"#, r#"{"a":1}}"#, "spec: {}", r#"{"a":"\ud8zz"}"#, "\\é", "\\"]
        {
            assert_eq!(decode(text), (Value::Null, Some(Why::NotJson)), "{text}");
        }
    }
}
