//! Texts. Positions are counted in letters (code points), not in bytes.

use super::super::Failure;
use super::super::budget::Budget;
use super::super::value::{Text, Value};
use super::{Call, Form, Function, Outcome, failed, member};

pub(super) const FUNCTIONS: &[Function] = &[
    member("contains", (2, 2), "bool", |call, budget| {
        two(call, budget, |text, part| text.contains(part))
    }),
    member("startsWith", (2, 2), "bool", |call, budget| {
        two(call, budget, |text, part| text.starts_with(part))
    }),
    member("endsWith", (2, 2), "bool", |call, budget| {
        two(call, budget, |text, part| text.ends_with(part))
    }),
    member("charAt", (2, 2), "string", char_at),
    member("lowerAscii", (1, 1), "string", |call, budget| {
        one(call, budget, str::to_ascii_lowercase)
    }),
    member("upperAscii", (1, 1), "string", |call, budget| {
        one(call, budget, str::to_ascii_uppercase)
    }),
    member("trim", (1, 1), "string", |call, budget| {
        one(call, budget, |text| text.trim().to_owned())
    }),
    member("replace", (3, 4), "string", replace),
    member("split", (2, 3), "list", split),
    member("join", (1, 2), "string", join),
    member("substring", (2, 3), "string", substring),
    Function {
        name: "strings.quote",
        form: Form::Global,
        arguments: (1, 1),
        gives: Some("string"),
        body: |call, budget| one(call, budget, quoted),
    },
];

fn size(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn one<'a>(call: Call<'_, 'a>, budget: &mut Budget, make: fn(&str) -> String) -> Outcome<'a> {
    let Some(text) = call.text(0) else { return Ok(None) };
    budget.charge_letters(size(text))?;
    Ok(Some(Value::text(make(text))))
}

fn two<'a>(call: Call<'_, 'a>, budget: &mut Budget, holds: fn(&str, &str) -> bool) -> Outcome<'a> {
    let (Some(text), Some(part)) = (call.text(0), call.text(1)) else { return Ok(None) };
    budget.charge_letters(size(text) + size(part))?;
    Ok(Some(Value::Bool(holds(text, part))))
}

/// A count as an int.
pub(super) fn counted<'a>(count: Option<usize>) -> Value<'a> {
    Value::Int(count.and_then(|count| i64::try_from(count).ok()).unwrap_or(-1))
}

fn position(position: i64, length: usize) -> Result<usize, Failure> {
    let index = usize::try_from(position).ok().filter(|index| *index <= length);
    index.ok_or_else(|| Failure::Error(format!("index out of range: {position}")))
}

fn char_at<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(text), Some(index)) = (call.text(0), call.int(1)) else { return Ok(None) };
    budget.charge_letters(size(text))?;
    let index = position(index, text.chars().count())?;
    Ok(Some(Value::text(text.chars().nth(index).map(String::from).unwrap_or_default())))
}

fn substring<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(text), Some(start)) = (call.text(0), call.int(1)) else { return Ok(None) };
    budget.charge_letters(size(text))?;
    let length = text.chars().count();
    let end = match (call.arguments.get(2), call.int(2)) {
        (None, _) => length,
        (Some(_), Some(end)) => position(end, length)?,
        (Some(_), None) => return Ok(None),
    };
    let start = position(start, length)?;
    let Some(count) = end.checked_sub(start) else {
        return failed(format!("substring: it would end at {end}, before it starts at {start}"));
    };
    Ok(Some(Value::text(text.chars().skip(start).take(count).collect::<String>())))
}

/// Where a part is found, from the left; `from` is counted in letters.
pub(super) fn index_of<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(text), Some(part)) = (call.text(0), call.text(1)) else { return Ok(None) };
    budget.charge_letters(size(text) + size(part))?;
    let from = match call.arguments.get(2) {
        None => 0,
        Some(Value::Int(from)) => position(*from, text.chars().count())?,
        Some(_) => return Ok(None),
    };
    let start = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at);
    let rest = text.get(start..).unwrap_or_default();
    Ok(Some(counted(rest.find(&**part).map(|at| from + letters_before(rest, at)))))
}

/// Where a part is found, from the right; it starts at `from` or before.
pub(super) fn last_index_of<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(text), Some(part)) = (call.text(0), call.text(1)) else { return Ok(None) };
    budget.charge_letters(size(text) + size(part))?;
    let end = match call.arguments.get(2) {
        None => text.len(),
        Some(Value::Int(from)) => {
            let from = position(*from, text.chars().count())?;
            let start = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at);
            let mut end = (start + part.len()).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            end
        }
        Some(_) => return Ok(None),
    };
    let searched = text.get(..end).unwrap_or_default();
    Ok(Some(counted(searched.rfind(&**part).map(|at| letters_before(text, at)))))
}

fn letters_before(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().chars().count()
}

fn replace<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(text), Some(from), Some(to)) = (call.text(0), call.text(1), call.text(2)) else {
        return Ok(None);
    };
    let limit = match (call.arguments.get(3), call.int(3)) {
        (None, _) => usize::MAX,
        (Some(_), Some(limit)) => usize::try_from(limit).unwrap_or(usize::MAX),
        (Some(_), None) => return Ok(None),
    };
    budget.charge_letters(size(text).saturating_mul(2))?;
    // An empty part is found between all letters, also before the first and behind the last.
    let found =
        if from.is_empty() { text.chars().count() + 1 } else { text.matches(&**from).count() };
    let added = u64::try_from(found.min(limit)).unwrap_or(u64::MAX).saturating_mul(size(to));
    budget.charge_letters(added)?;
    Ok(Some(Value::text(text.replacen(&**from, to, limit))))
}

fn split<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(text), Some(separator)) = (call.text(0), call.text(1)) else { return Ok(None) };
    let limit = match (call.arguments.get(2), call.int(2)) {
        (None, _) => None,
        (Some(_), Some(limit)) => usize::try_from(limit).ok(),
        (Some(_), None) => return Ok(None),
    };
    budget.charge(size(text))?;
    let parts: Vec<String> = match (separator.is_empty(), limit) {
        (_, Some(0)) => Vec::new(),
        // Between two letters each, as Go has it.
        (true, None) => text.chars().map(String::from).collect(),
        (true, Some(limit)) => {
            let mut parts: Vec<String> = text.chars().take(limit - 1).map(String::from).collect();
            let rest: String = text.chars().skip(limit - 1).collect();
            if !rest.is_empty() {
                parts.push(rest);
            }
            parts
        }
        (false, None) => text.split(&**separator).map(str::to_owned).collect(),
        (false, Some(limit)) => text.splitn(limit, &**separator).map(str::to_owned).collect(),
    };
    Ok(Some(Value::list(parts.into_iter().map(Value::text).collect())))
}

fn join<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let Some(list) = call.list(0) else { return Ok(None) };
    let separator = match (call.arguments.get(1), call.text(1)) {
        (None, _) => "",
        (Some(_), Some(separator)) => separator,
        (Some(_), None) => return Ok(None),
    };
    let mut joined = String::new();
    for (index, element) in list.iter().enumerate() {
        let Value::Text(text) = element else {
            return failed("join: the list holds other than texts");
        };
        budget.charge_letters((size(&text) + size(separator)).saturating_mul(2))?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&text);
    }
    Ok(Some(Value::text(joined)))
}

/// A text as a literal of an expression.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a value is a text, for the functions that lists have as well.
pub(super) const fn is_text(call: &Call<'_, '_>) -> bool {
    matches!(call.arguments.first(), Some(Value::Text(Text::Borrowed(_) | Text::Shared(_))))
}
