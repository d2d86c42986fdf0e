//! Says in people's words what a section's type found wrong with a value.

use airside_types::redact::redact;
use figment::error::{Actual, Kind};

use crate::layer::hint;

/// The problem, to be read behind the key's name. Of a value that is quoted, what may be a credential is
/// redacted.
pub(crate) fn describe(kind: &Kind) -> String {
    match kind {
        Kind::MissingField(_) => "is missing: it has no default".to_owned(),
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("is {}; expected {}", shown(found), people_say(expected))
        }
        Kind::UnknownVariant(found, known) => {
            let hint = hint(found, known.iter().copied(), str::to_owned);
            format!("cannot be `{}`{hint}", redact(found))
        }
        Kind::Message(message) => format!("is wrong: {}", redact(message)),
        other => format!("is wrong: {other}"),
    }
}

/// What was found, as a settings file writes it.
fn shown(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => format!("`{value}`"),
        Actual::Unsigned(value) => format!("`{value}`"),
        Actual::Signed(value) => format!("`{value}`"),
        Actual::Float(value) => format!("`{value}`"),
        Actual::Str(text) => format!("the text {:?}", redact(text)),
        Actual::Unit | Actual::Option => "not set".to_owned(),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// What a type expects; the names of Rust's types mean nothing to who writes settings.
fn people_say(expected: &str) -> String {
    let whole = |least: i128, most: i128| format!("a whole number from {least} to {most}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => "a whole number".to_owned(),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}
