//! What a scalar means: the rules of go-yaml v2, which `kubectl` and the API server read with.
//!
//! Verified against kubectl 1.32 (`kubectl label --local -o json`), value by value. Plain `y`, `yes` and
//! `on` are booleans, `0644` and `0o644` are 420, `089` is 89, a date is a text, `1e400` is a text, and a
//! float without fraction is an integer. Quoted scalars are always texts.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::Tag;
use serde_json::Number;

use super::error::Problem;
use crate::value::Value;

/// The longest piece of a value that an error shows.
const SHOWN_CHARS: usize = 40;

/// The meaning of an untagged plain scalar.
pub(super) fn plain(text: Cow<'_, str>) -> Result<Value, Problem> {
    let special = match text.bytes().next() {
        None => Some(Value::Null),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number(&text)?,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            word(&text)
        }
        Some(_) => None,
    };
    Ok(special.unwrap_or_else(|| Value::from(text.into_owned())))
}

/// The meaning of a scalar with a tag. A tag that is not YAML's own makes a text.
pub(super) fn tagged(tag: &Tag, text: Cow<'_, str>) -> Result<Value, Problem> {
    if tag.handle() != "tag:yaml.org,2002:" {
        return Ok(Value::from(text.into_owned()));
    }
    let wrong = |text: &str| Problem::WrongTag {
        tag: format!("!!{}", tag.suffix()),
        value: text.chars().take(SHOWN_CHARS).collect(),
    };
    match tag.suffix() {
        "int" => expect(&text, |value| value.is_i64() || value.is_u64(), wrong),
        "float" => expect(&text, Value::is_number, wrong),
        "bool" => expect(&text, Value::is_boolean, wrong),
        "null" => expect(&text, Value::is_null, wrong),
        "binary" => {
            let compact: String = text.split_ascii_whitespace().collect();
            let bytes = STANDARD.decode(compact).map_err(|_| wrong(&text))?;
            Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
        }
        _ => Ok(Value::from(text.into_owned())),
    }
}

fn expect(
    text: &str,
    fits: impl Fn(&Value) -> bool,
    wrong: impl Fn(&str) -> Problem,
) -> Result<Value, Problem> {
    let value = plain(Cow::Borrowed(text))?;
    if fits(&value) { Ok(value) } else { Err(wrong(text)) }
}

/// The text of a scalar that stands as a key; none for null.
pub(super) fn key_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn word(text: &str) -> Option<Value> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Value::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Value::Bool(false))
        }
        "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        _ => None,
    }
}

/// A number, or none for what only starts like one.
fn number(text: &str) -> Result<Option<Value>, Problem> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(Problem::NotFinite);
    }
    // go-yaml drops underscores anywhere after the first character.
    let digits: Cow<'_, str> =
        if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    Ok(integer(&digits).or_else(|| float(&digits)))
}

/// Go's `strconv.ParseInt` and `ParseUint` with base 0.
fn integer(text: &str) -> Option<Value> {
    let (negative, signless) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match signless.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, signless.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, signless.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, signless.get(2..)?),
        [b'0', _, ..] => (8, signless.get(1..)?),
        _ => (10, signless),
    };
    // `from_str_radix` takes a sign of its own.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        let value = i64::try_from(-i128::from(magnitude)).ok()?;
        return Some(Value::Number(value.into()));
    }
    // Unsigned numbers beyond i64 have no sign in Go.
    (magnitude <= i64::MAX as u64 || !text.starts_with('+'))
        .then(|| Value::Number(magnitude.into()))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, finite.
fn float(text: &str) -> Option<Value> {
    let starts_like_one = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    // Rust reads exactly this grammar once words such as `inf` are out of the way.
    let value = starts_like_one.then(|| text.parse::<f64>().ok()).flatten()?;
    value.is_finite().then(|| Value::Number(from_float(value)))
}

/// The number as JSON carries it: Go writes a float without fraction as an integer.
#[expect(clippy::cast_possible_truncation, reason = "whole and within the range of i64")]
fn from_float(value: f64) -> Number {
    const I64_RANGE: f64 = 9.2e18;
    if value.fract() == 0.0 && value.abs() < I64_RANGE {
        Number::from(value as i64)
    } else {
        Number::from_f64(value).unwrap_or_else(|| Number::from(0))
    }
}

/// A number of a JSON text, already known to have JSON's grammar.
pub(super) fn json_number(text: &str) -> Result<Value, Problem> {
    if let Ok(value) = text.parse::<i64>() {
        return Ok(Value::Number(value.into()));
    }
    if let Ok(value) = text.parse::<u64>() {
        return Ok(Value::Number(value.into()));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Value::Number(from_float(value))),
        _ => Err(Problem::JsonSyntax("a number out of range")),
    }
}
