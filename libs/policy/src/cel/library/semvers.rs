//! Versions by semver.org: `semver('1.2.3')`, with `true` read leniently.

use std::cmp::Ordering;
use std::rc::Rc;

use semver::Version;

use super::super::budget::Budget;
use super::super::value::Value;
use super::quantities::compared;
use super::{Call, Function, Outcome, failed, global, member};

pub(super) const FUNCTIONS: &[Function] = &[
    global("semver", "kubernetes.Semver", |call, budget| match read(call, budget)? {
        None => Ok(None),
        Some(Some(version)) => Ok(Some(Value::Semver(Rc::new(version)))),
        Some(None) => failed("semver: the text is no version, such as 1.2.3"),
    })
    .with(1, 2),
    global("isSemver", "bool", |call, budget| {
        Ok(read(call, budget)?.map(|version| Value::Bool(version.is_some())))
    })
    .with(1, 2),
    member("major", (1, 1), "int", |call, _| part(call, |version| version.major)),
    member("minor", (1, 1), "int", |call, _| part(call, |version| version.minor)),
    member("patch", (1, 1), "int", |call, _| part(call, |version| version.patch)),
    member("isLessThan", (2, 2), "bool", |call, budget| {
        compared(call, budget, |order| Value::Bool(order == Ordering::Less))
    }),
    member("isGreaterThan", (2, 2), "bool", |call, budget| {
        compared(call, budget, |order| Value::Bool(order == Ordering::Greater))
    }),
    member("compareTo", (2, 2), "int", |call, budget| {
        compared(call, budget, |order| Value::Int(order as i64))
    }),
];

fn part<'a>(call: Call<'_, 'a>, part: fn(&Version) -> u64) -> Outcome<'a> {
    let Some(Value::Semver(version)) = call.arguments.first() else { return Ok(None) };
    match i64::try_from(part(version)) {
        Ok(part) => Ok(Some(Value::Int(part))),
        Err(_) => failed("the part of the version does not fit into 64 bits"),
    }
}

/// The version; none outside where the arguments have other types.
fn read(
    call: Call<'_, '_>,
    budget: &mut Budget,
) -> Result<Option<Option<Version>>, super::Failure> {
    let is_lenient = match call.arguments.get(1) {
        None => false,
        Some(Value::Bool(is_lenient)) => *is_lenient,
        Some(_) => return Ok(None),
    };
    let Some(text) = call.text(0) else { return Ok(None) };
    budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    if is_lenient {
        return Ok(Some(Version::parse(&normalised(text)).ok()));
    }
    Ok(Some(Version::parse(text).ok()))
}

/// `v1.2` is 1.2.0, and `01.2.3` is 1.2.3.
fn normalised(text: &str) -> String {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut parts: Vec<String> = core
        .split('.')
        .map(|part| {
            let trimmed = part.trim_start_matches('0');
            let is_zero = trimmed.is_empty() && !part.is_empty();
            if is_zero { "0".to_owned() } else { trimmed.to_owned() }
        })
        .collect();
    while parts.len() < 3 {
        parts.push("0".to_owned());
    }
    parts.join(".") + rest
}
