//! Regular expressions, in linear time. A pattern that an expression names is compiled once, when the
//! expression is read; one that it makes is compiled at each call, and paid for.

use regex::{Regex, RegexBuilder};

use super::super::Failure;
use super::super::budget::Budget;
use super::super::value::Value;
use super::{Call, Form, Function, Outcome, failed, member};

pub(super) const FUNCTIONS: &[Function] = &[
    member("matches", (2, 2), "bool", matches),
    Function {
        name: "matches",
        form: Form::Global,
        arguments: (2, 2),
        gives: Some("bool"),
        body: matches,
    },
    member("find", (2, 2), "string", |call, budget| {
        with_pattern(call, budget, |pattern, text| {
            Value::text(pattern.find(text).map(|found| found.as_str()).unwrap_or_default())
        })
    }),
    member("findAll", (2, 3), "list", find_all),
];

/// The most memory of a compiled pattern, in bytes.
const MAX_BYTES: usize = 1 << 18;
/// What it costs to compile a pattern, beside a share for each of its letters.
const COMPILATION: u64 = 1_000;

/// Compiles a pattern.
///
/// # Errors
/// It is none, or too large: what is wrong.
pub(in super::super) fn compile(pattern: &str) -> Result<Regex, String> {
    let compiled =
        RegexBuilder::new(pattern).size_limit(MAX_BYTES).dfa_size_limit(MAX_BYTES).build();
    compiled.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("`{pattern}` is no pattern: {last}")
    })
}

fn matches<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    with_pattern(call, budget, |pattern, text| Value::Bool(pattern.is_match(text)))
}

fn find_all<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let limit = match (call.arguments.get(2), call.int(2)) {
        (None, _) => usize::MAX,
        (Some(_), Some(limit)) => usize::try_from(limit).unwrap_or(usize::MAX),
        (Some(_), None) => return Ok(None),
    };
    with_pattern(call, budget, |pattern, text| {
        Value::list(
            pattern.find_iter(text).take(limit).map(|it| Value::text(it.as_str())).collect(),
        )
    })
}

fn with_pattern<'a>(
    call: Call<'_, 'a>,
    budget: &mut Budget,
    apply: impl FnOnce(&Regex, &str) -> Value<'a>,
) -> Outcome<'a> {
    let (Some(text), Some(pattern)) = (call.text(0), call.text(1)) else { return Ok(None) };
    charge(text, pattern, budget)?;
    if let Some(compiled) = call.pattern {
        return Ok(Some(apply(compiled, text)));
    }
    let letters = u64::try_from(pattern.len()).unwrap_or(u64::MAX);
    budget.charge(letters.saturating_mul(20).saturating_add(COMPILATION))?;
    match compile(pattern) {
        Ok(compiled) => Ok(Some(apply(&compiled, text))),
        Err(problem) => failed(problem),
    }
}

fn charge(text: &str, pattern: &str, budget: &mut Budget) -> Result<(), Failure> {
    let letters = u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(1).div_ceil(10);
    let parts = u64::try_from(pattern.len()).unwrap_or(u64::MAX).div_ceil(4);
    budget.charge(letters.saturating_mul(parts))
}
