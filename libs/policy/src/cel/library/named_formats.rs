//! `format.dns1123Label().validate(…)`: whether texts are of the forms that Kubernetes asks for in many places.

use super::super::budget::Budget;
use super::super::value::Value;
use super::times::timestamp;
use super::url::Url;
use super::{Call, Function, Outcome, global, member};

/// A form of texts.
#[derive(Debug)]
pub(crate) struct Named {
    name: &'static str,
    /// What a text of the form looks like.
    what: &'static str,
    is_of: fn(&str) -> bool,
}

pub(super) const FUNCTIONS: &[Function] = &[
    global("format.named", "optional_type", |call, _| {
        let Some(name) = call.text(0) else { return Ok(None) };
        let found = FORMATS.iter().find(|format| *format.name == **name);
        Ok(Some(Value::optional(found.map(Value::Format))))
    }),
    constant("format.dns1123Label", |_, _| of(0)),
    constant("format.dns1123Subdomain", |_, _| of(1)),
    constant("format.dns1035Label", |_, _| of(2)),
    constant("format.qualifiedName", |_, _| of(3)),
    constant("format.dns1123LabelPrefix", |_, _| of(4)),
    constant("format.dns1123SubdomainPrefix", |_, _| of(5)),
    constant("format.dns1035LabelPrefix", |_, _| of(6)),
    constant("format.labelValue", |_, _| of(7)),
    constant("format.uri", |_, _| of(8)),
    constant("format.uuid", |_, _| of(9)),
    constant("format.byte", |_, _| of(10)),
    constant("format.date", |_, _| of(11)),
    constant("format.datetime", |_, _| of(12)),
    member("validate", (2, 2), "optional_type", validate),
];

const fn constant(name: &'static str, body: super::Body) -> Function {
    global(name, "kubernetes.NamedFormat", body).with(0, 0)
}

const fn named(name: &'static str, what: &'static str, is_of: fn(&str) -> bool) -> Named {
    Named { name, what, is_of }
}

/// The forms, in the order of their functions.
static FORMATS: [Named; 13] = [
    named("dns1123Label", LABEL, is_label),
    named("dns1123Subdomain", SUBDOMAIN, is_subdomain),
    named("dns1035Label", OLD_LABEL, is_old_label),
    named("qualifiedName", "a name with an optional prefix such as example.com/", is_qualified),
    named("dns1123LabelPrefix", LABEL, |text| is_label(&masked(text))),
    named("dns1123SubdomainPrefix", SUBDOMAIN, |text| is_subdomain(&masked(text))),
    named("dns1035LabelPrefix", OLD_LABEL, |text| is_old_label(&masked(text))),
    named(
        "labelValue",
        "at most 63 letters, digits, -, _ and ., none of these at an end",
        |text| text.is_empty() || is_name(text),
    ),
    named("uri", "an absolute address or path", |text| Url::parse(text).is_some()),
    named("uuid", "32 hexadecimal digits in groups of 8, 4, 4, 4 and 12", is_uuid),
    named("byte", "bytes in base64", is_base64),
    named("date", "a day such as 2027-01-31", |text| {
        text.len() == 10 && timestamp(&format!("{text}T00:00:00Z")).is_some()
    }),
    named("datetime", "a moment such as 2027-01-31T00:00:00Z", |text| timestamp(text).is_some()),
];

const LABEL: &str =
    "at most 63 lower-case letters, digits and -, with a letter or digit at both ends";
const SUBDOMAIN: &str =
    "at most 253 letters: parts of lower-case letters, digits and - between points";
const OLD_LABEL: &str =
    "at most 63 lower-case letters, digits and -, with a letter first and no - at the end";

fn of<'a>(index: usize) -> Outcome<'a> {
    Ok(FORMATS.get(index).map(Value::Format))
}

/// Nothing where the text is of the form, else why not.
fn validate<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (Some(Value::Format(format)), Some(text)) = (call.arguments.first(), call.text(1)) else {
        return Ok(None);
    };
    budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    if (format.is_of)(text) {
        return Ok(Some(Value::optional(None)));
    }
    let problem = Value::text(format!("must be {}", format.what));
    Ok(Some(Value::optional(Some(Value::list(vec![problem])))))
}

/// The longest label, in letters.
const LONGEST_LABEL: usize = 63;
/// The longest subdomain.
const LONGEST_SUBDOMAIN: usize = 253;

fn is_part(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let has_end = text.starts_with('-') || text.ends_with('-');
    !text.is_empty() && text.bytes().all(is_known) && !has_end
}

fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL && is_part(text)
}

fn is_old_label(text: &str) -> bool {
    is_label(text) && text.starts_with(|first: char| first.is_ascii_lowercase())
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= LONGEST_SUBDOMAIN && text.split('.').all(is_part)
}

/// A prefix may end in `-`: what a generated name adds comes behind it.
fn masked(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        _ => text.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let (first, last) = (text.bytes().next(), text.bytes().last());
    text.len() <= LONGEST_LABEL && is_end(first) && is_end(last) && text.bytes().all(is_known)
}

fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(text),
    }
}

/// The dashes may be left out.
fn is_uuid(text: &str) -> bool {
    let mut rest = text;
    for (index, size) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, behind)) = rest.split_at_checked(size) else { return false };
        if !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}

fn is_base64(text: &str) -> bool {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let fill = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    fill <= 2 && text.len().is_multiple_of(4) && text.iter().rev().skip(fill).all(is_known)
}
