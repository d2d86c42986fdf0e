//! Conversions between types, and what they all have: `size`, `type`, `dyn`.

use base64::Engine;

use super::super::Failure;
use super::super::budget::Budget;
use super::super::value::Value;
use super::{Call, Form, Function, Outcome, duration, failed, global, member, timestamp};

pub(super) const FUNCTIONS: &[Function] = &[
    global("size", "int", size),
    member("size", (1, 1), "int", size),
    global("type", "type", |call, _| {
        Ok(call.arguments.first().map(|it| Value::Type(it.type_name())))
    }),
    Function {
        name: "dyn",
        form: Form::Global,
        arguments: (1, 1),
        gives: None,
        body: |call, _| Ok(call.arguments.first().cloned()),
    },
    global("int", "int", int),
    global("uint", "uint", uint),
    global("double", "double", double),
    global("string", "string", string),
    global("bool", "bool", boolean),
    global("bytes", "bytes", bytes),
    global("duration", "google.protobuf.Duration", to_duration),
    global("timestamp", "google.protobuf.Timestamp", to_timestamp),
];

fn size<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let count = match call.arguments.first() {
        Some(Value::Text(text)) => {
            budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
            text.chars().count()
        }
        Some(Value::Bytes(bytes)) => bytes.len(),
        Some(Value::List(list)) => list.len(),
        Some(Value::Map(map)) => map.len(),
        _ => return Ok(None),
    };
    Ok(Some(Value::Int(i64::try_from(count).unwrap_or(i64::MAX))))
}

fn out_of_range(kind: &str) -> Failure {
    Failure::Error(format!("{kind}: the value is out of range"))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn int<'a>(call: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    // The first doubles beyond 64 bits.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    Ok(Some(Value::Int(match call.arguments.first() {
        Some(Value::Int(value)) => *value,
        Some(Value::Uint(value)) => i64::try_from(*value).map_err(|_| out_of_range("int"))?,
        Some(Value::Double(value)) if value.abs() < BEYOND => *value as i64,
        Some(Value::Double(_)) => return Err(out_of_range("int")),
        Some(Value::Text(text)) => match text.parse() {
            Ok(value) => value,
            Err(_) => return failed(format!("int: `{text}` is no whole number")),
        },
        Some(Value::Timestamp(at)) => at.unix_timestamp(),
        _ => return Ok(None),
    })))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn uint<'a>(call: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    const BEYOND: f64 = 18_446_744_073_709_551_616.0;
    Ok(Some(Value::Uint(match call.arguments.first() {
        Some(Value::Uint(value)) => *value,
        Some(Value::Int(value)) => u64::try_from(*value).map_err(|_| out_of_range("uint"))?,
        Some(Value::Double(value)) if (0.0..BEYOND).contains(value) => *value as u64,
        Some(Value::Double(_)) => return Err(out_of_range("uint")),
        Some(Value::Text(text)) => match text.parse() {
            Ok(value) => value,
            Err(_) => return failed(format!("uint: `{text}` is no whole number without sign")),
        },
        _ => return Ok(None),
    })))
}

#[expect(clippy::cast_precision_loss, reason = "that is what the conversion is")]
fn double<'a>(call: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    Ok(Some(Value::Double(match call.arguments.first() {
        Some(Value::Double(value)) => *value,
        Some(Value::Int(value)) => *value as f64,
        Some(Value::Uint(value)) => *value as f64,
        Some(Value::Text(text)) => match text.parse() {
            Ok(value) => value,
            Err(_) => return failed(format!("double: `{text}` is no number")),
        },
        _ => return Ok(None),
    })))
}

fn string<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let Some(value) = call.arguments.first() else { return Ok(None) };
    budget.charge_letters(value.extent())?;
    Ok(Some(match value {
        Value::Text(_) => value.clone(),
        Value::Bool(value) => Value::text(value.to_string()),
        Value::Int(value) => Value::text(value.to_string()),
        Value::Uint(value) => Value::text(value.to_string()),
        Value::Double(value) => Value::text(double_text(*value)),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::text(text),
            Err(_) => return failed("string: the bytes are no UTF-8"),
        },
        Value::Duration(value) => Value::text(super::times::duration_text(*value)),
        Value::Timestamp(value) => Value::text(super::times::timestamp_text(*value)?),
        Value::Ip(value) => Value::text(value.to_string()),
        Value::Cidr(value) => Value::text(value.to_string()),
        _ => return Ok(None),
    }))
}

/// A double as Go writes it shortest (`%g`): with an exponent below 1e-4 and from a million on.
pub(super) fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if value != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{value:e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = match power.strip_prefix('-') {
            Some(power) => ('-', power),
            None => ('+', power),
        };
        return format!("{digits}e{sign}{power:0>2}");
    }
    value.to_string()
}

fn boolean<'a>(call: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    Ok(Some(Value::Bool(match call.arguments.first() {
        Some(Value::Bool(value)) => *value,
        Some(Value::Text(text)) => match &**text {
            "1" | "t" | "T" | "true" | "True" | "TRUE" => true,
            "0" | "f" | "F" | "false" | "False" | "FALSE" => false,
            other => return failed(format!("bool: `{other}` is neither true nor false")),
        },
        _ => return Ok(None),
    })))
}

fn bytes<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let Some(value) = call.arguments.first() else { return Ok(None) };
    budget.charge_letters(value.extent())?;
    Ok(match value {
        Value::Bytes(_) => Some(value.clone()),
        Value::Text(text) => Some(Value::Bytes(text.as_bytes().into())),
        _ => None,
    })
}

fn to_duration<'a>(call: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    Ok(match call.arguments.first() {
        Some(value @ Value::Duration(_)) => Some(value.clone()),
        Some(Value::Text(text)) => match duration(text) {
            Some(duration) => Some(Value::Duration(duration)),
            None => return failed(format!("duration: `{text}` is none, such as 1h30m or 90s")),
        },
        _ => None,
    })
}

fn to_timestamp<'a>(call: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    Ok(match call.arguments.first() {
        Some(value @ Value::Timestamp(_)) => Some(value.clone()),
        Some(Value::Int(seconds)) => {
            let at = time::OffsetDateTime::from_unix_timestamp(*seconds);
            Some(Value::Timestamp(at.map_err(|_| out_of_range("timestamp"))?))
        }
        Some(Value::Text(text)) => match timestamp(text) {
            Some(at) => Some(Value::Timestamp(at)),
            None => {
                return failed(format!(
                    "timestamp: `{text}` is none, such as 2027-01-31T00:00:00Z"
                ));
            }
        },
        _ => None,
    })
}

/// Bytes in base64, as the `%s` of a text that holds them.
pub(super) fn base64_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
