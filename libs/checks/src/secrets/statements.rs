//! Names and values as languages write them: SQL's users, constants of PHP, users of proxies.

use memchr::memmem;

use super::assignments::{Assignment, MAX_ASSIGNMENTS};

/// What languages say by statements of their own, in no particular order.
pub(super) fn statements(text: &str) -> Vec<Assignment<'_>> {
    let mut found = users(text);
    found.extend(constants(text));
    found.extend(logins(text));
    found
}

/// The quoted text at the start of a text, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|letter| matches!(letter, '\'' | '"'))?;
    let (value, rest) = text.get(1..)?.split_once(quote)?;
    (!value.is_empty() && !value.contains('\n')).then_some((value, rest))
}

/// `CREATE USER shop WITH PASSWORD 'foo'` and `IDENTIFIED BY 'foo'`.
fn users(text: &str) -> Vec<Assignment<'_>> {
    const MARKS: [&str; 4] = ["PASSWORD '", "password '", "IDENTIFIED BY '", "identified by '"];
    let marks = MARKS.iter().flat_map(|mark| {
        memmem::find_iter(text.as_bytes(), *mark)
            .take(MAX_ASSIGNMENTS)
            .map(|at| at + mark.len() - 1)
    });
    let values = marks.filter_map(|at| Some((at, quoted(text.get(at..)?)?.0)));
    values.map(|(at, value)| Assignment { name: "password", value, at, is_literal: true }).collect()
}

/// `define( 'DB_PASSWORD', 'foo' )`.
fn constants(text: &str) -> Vec<Assignment<'_>> {
    let calls = memmem::find_iter(text.as_bytes(), "define(").take(MAX_ASSIGNMENTS);
    let constant = |at: usize| {
        let (name, rest) = quoted(text.get(at + "define(".len()..)?.trim_start())?;
        let (value, _) = quoted(rest.trim_start().strip_prefix(',')?.trim_start())?;
        Some(Assignment { name, value, at, is_literal: true })
    };
    calls.filter_map(constant).collect()
}

/// `stats auth admin:foo` of HAProxy, and `user shop insecure-password foo` of its lists.
fn logins(text: &str) -> Vec<Assignment<'_>> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n').take(MAX_ASSIGNMENTS) {
        let words: Vec<&str> = line.split_ascii_whitespace().take(5).collect();
        let value = match words.as_slice() {
            ["stats", "auth", pair] => pair.split_once(':').map(|(_, password)| password),
            ["user", _, "insecure-password", password, ..] => Some(*password),
            _ => None,
        };
        found.extend(value.map(|value| Assignment {
            name: "password",
            value,
            at,
            is_literal: true,
        }));
        at += line.len();
    }
    found
}
