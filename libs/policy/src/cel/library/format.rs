//! `'…%s…'.format([…])`: what a text says with values in it.

use super::super::Failure;
use super::super::budget::Budget;
use super::super::value::Value;
use super::conversions::{base64_text, double_text};
use super::strings::quoted;
use super::times::{duration_text, timestamp_text};
use super::{Call, Function, Outcome, member};

pub(super) const FUNCTIONS: &[Function] = &[member("format", (2, 2), "string", format)];

/// The most digits behind the point that a clause may ask for.
const MAX_PRECISION: usize = 100;

fn format<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(pattern), Some(values)) = (call.text(0), call.list(1)) else { return Ok(None) };
    budget.charge_letters(u64::try_from(pattern.len()).unwrap_or(u64::MAX))?;
    let mut out = String::new();
    let mut letters = pattern.chars();
    let mut next = 0;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut clause = letters.next();
        if clause == Some('%') {
            out.push('%');
            continue;
        }
        let mut precision = None;
        if clause == Some('.') {
            let mut digits = String::new();
            clause = letters.next();
            while let Some(digit) = clause.filter(char::is_ascii_digit) {
                digits.push(digit);
                clause = letters.next();
            }
            precision = digits.parse().ok();
        }
        let value = values.get(next).ok_or_else(|| wrong("there are more clauses than values"))?;
        next += 1;
        clause_text(clause, precision, &value, &mut out, budget)?;
    }
    if next < values.len() {
        return Err(wrong("there are more values than clauses"));
    }
    Ok(Some(Value::text(out)))
}

fn wrong(problem: &str) -> Failure {
    Failure::Error(format!("format: {problem}"))
}

fn clause_text(
    clause: Option<char>,
    precision: Option<usize>,
    value: &Value<'_>,
    out: &mut String,
    budget: &mut Budget,
) -> Result<(), Failure> {
    let unfit = |clause: char| wrong(&format!("%{clause} is not for a {}", value.type_name()));
    if precision.is_some_and(|precision| precision > MAX_PRECISION) {
        return Err(wrong("the precision is too great"));
    }
    budget.charge(1)?;
    match (clause, value) {
        (Some('s'), _) => shown(value, out, budget)?,
        (Some('d'), Value::Int(_) | Value::Uint(_)) => shown(value, out, budget)?,
        (Some('f'), Value::Double(number)) if number.is_finite() => {
            out.push_str(&grouped(&format!("{number:.*}", precision.unwrap_or(6))));
        }
        // Releases show these in different ways.
        (Some(clause @ ('e' | 'f')), Value::Double(_)) => {
            let problem = format!("how %{clause} shows {} is not known here", value.type_name());
            return Err(Failure::Unknown(problem));
        }
        (Some('b'), Value::Bool(value)) => out.push_str(if *value { "1" } else { "0" }),
        (Some(clause @ ('b' | 'o' | 'x' | 'X')), Value::Int(_) | Value::Uint(_)) => {
            out.push_str(&digits(clause, value));
        }
        (Some(clause @ ('x' | 'X')), Value::Text(_) | Value::Bytes(_)) => {
            budget.charge_letters(value.extent())?;
            let bytes: &[u8] = match value {
                Value::Text(text) => text.as_bytes(),
                Value::Bytes(bytes) => bytes,
                _ => &[],
            };
            for byte in bytes {
                out.push_str(&if clause == 'x' {
                    format!("{byte:02x}")
                } else {
                    format!("{byte:02X}")
                });
            }
        }
        (Some(clause @ ('d' | 'b' | 'e' | 'f' | 'o' | 'x' | 'X')), _) => return Err(unfit(clause)),
        (other, _) => {
            let clause = other.map(String::from).unwrap_or_default();
            return Err(wrong(&format!(
                "`%{clause}` is no clause: use %s %d %f %e %b %o %x %X %%"
            )));
        }
    }
    Ok(())
}

/// A decimal number with a comma before each three digits, as English has it.
fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut grouped = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

fn digits(clause: char, value: &Value<'_>) -> String {
    let (is_negative, size) = match value {
        Value::Int(value) => (*value < 0, value.unsigned_abs()),
        Value::Uint(value) => (false, *value),
        _ => (false, 0),
    };
    let digits = match clause {
        'b' => format!("{size:b}"),
        'o' => format!("{size:o}"),
        'x' => format!("{size:x}"),
        _ => format!("{size:X}"),
    };
    if is_negative { format!("-{digits}") } else { digits }
}

/// A value within a list or map: as it would be written in an expression.
fn literal(value: &Value<'_>, out: &mut String, budget: &mut Budget) -> Result<(), Failure> {
    let mut text = String::new();
    match value {
        Value::Double(value) => text = format!("{value:.6}"),
        _ => shown(value, &mut text, budget)?,
    }
    out.push_str(&match value {
        Value::Text(_) => quoted(&text),
        Value::Bytes(_) => format!("b{}", quoted(&text)),
        Value::Duration(_) => format!("duration({})", quoted(&text)),
        Value::Timestamp(_) => format!("timestamp({})", quoted(&text)),
        _ => text,
    });
    Ok(())
}

/// A value as `%s` shows it. Map keys are in order, so that a message is the same at each run.
fn shown(value: &Value<'_>, out: &mut String, budget: &mut Budget) -> Result<(), Failure> {
    budget.charge(1)?;
    match value {
        Value::Text(text) => {
            budget.charge_letters(value.extent())?;
            out.push_str(text);
        }
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Uint(value) => out.push_str(&value.to_string()),
        Value::Double(value) => out.push_str(&double_text(*value)),
        Value::Type(name) => out.push_str(name),
        Value::Duration(value) => out.push_str(&duration_text(*value)),
        Value::Timestamp(value) => out.push_str(&timestamp_text(*value)?),
        Value::Bytes(bytes) => {
            budget.charge_letters(value.extent())?;
            out.push_str(
                std::str::from_utf8(bytes)
                    .map_or_else(|_| base64_text(bytes), str::to_owned)
                    .as_str(),
            );
        }
        Value::List(list) => {
            out.push('[');
            for (index, element) in list.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                literal(&element, out, budget)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            let mut entries = Vec::new();
            for (key, value) in map.entries() {
                let mut key_text = String::new();
                literal(&key, &mut key_text, budget)?;
                let mut text = format!("{key_text}:");
                literal(&value, &mut text, budget)?;
                entries.push((key_text, text));
            }
            entries.sort();
            let texts: Vec<_> = entries.into_iter().map(|(_, text)| text).collect();
            out.push_str(&format!("{{{}}}", texts.join(", ")));
        }
        Value::Optional(_)
        | Value::Quantity(_)
        | Value::Ip(_)
        | Value::Cidr(_)
        | Value::Url(_)
        | Value::Semver(_)
        | Value::Format(_) => {
            return Err(wrong(&format!("%s is not for a {}", value.type_name())));
        }
    }
    Ok(())
}
