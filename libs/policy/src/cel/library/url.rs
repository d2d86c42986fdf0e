//! URLs as Go's `url.ParseRequestURI` reads them, since Kubernetes does: absolute, or a path that begins with
//! a slash.

use std::rc::Rc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::super::budget::Budget;
use super::super::collection::Map;
use super::super::value::Value;
use super::{Call, Function, Outcome, failed, global, member};

/// A URL, in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Url {
    scheme: String,
    /// Host and port as written, without credentials.
    host: String,
    path: String,
    query: String,
}

pub(super) const FUNCTIONS: &[Function] = &[
    global("url", "kubernetes.URL", |call, budget| match read(call, budget)? {
        None => Ok(None),
        Some(Some(url)) => Ok(Some(Value::Url(Rc::new(url)))),
        Some(None) => failed("url: the text is neither an absolute URL nor a path"),
    }),
    global("isURL", "bool", |call, budget| {
        Ok(read(call, budget)?.map(|url| Value::Bool(url.is_some())))
    }),
    member("getScheme", (1, 1), "string", |call, _| part(call, |url| url.scheme.clone())),
    member("getHost", (1, 1), "string", |call, _| part(call, |url| url.host.clone())),
    member("getHostname", (1, 1), "string", |call, _| {
        part(call, |url| url.split_host().0.to_owned())
    }),
    member("getPort", (1, 1), "string", |call, _| part(call, |url| url.split_host().1.to_owned())),
    member("getEscapedPath", (1, 1), "string", |call, _| part(call, |url| url.path.clone())),
    member("getQuery", (1, 1), "map", query),
];

/// What Go escapes in a path.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

fn part<'a>(call: Call<'_, 'a>, part: fn(&Url) -> String) -> Outcome<'a> {
    match call.arguments.first() {
        Some(Value::Url(url)) => Ok(Some(Value::text(part(url)))),
        _ => Ok(None),
    }
}

/// The URL; none outside where the argument has another type.
fn read(call: Call<'_, '_>, budget: &mut Budget) -> Result<Option<Option<Url>>, super::Failure> {
    let Some(text) = call.text(0) else { return Ok(None) };
    budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
    Ok(Some(Url::parse(text)))
}

impl Url {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.chars().any(|it| it.is_ascii_control()) {
            return None;
        }
        let (scheme, rest) = scheme_of(text)?;
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !scheme.is_empty() && !before.starts_with('/') {
            // `mailto:x` has a scheme and no path, which no request has.
            return None;
        }
        if scheme.is_empty() && !before.starts_with('/') {
            return None;
        }
        let (host, path) = match before.strip_prefix("//") {
            Some(rest) if !scheme.is_empty() => {
                let end = rest.find('/').unwrap_or(rest.len());
                rest.split_at_checked(end)?
            }
            _ => ("", before),
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        if !is_host(host) || !has_good_escapes(path) {
            return None;
        }
        let path = utf8_percent_encode(path, IN_PATH).to_string();
        Some(Self { scheme, host: host.to_owned(), path, query: query.to_owned() })
    }

    /// Host and port; the brackets of an IPv6 address are left out.
    fn split_host(&self) -> (&str, &str) {
        if let Some(inner) = self.host.strip_prefix('[') {
            let (host, after) = inner.split_once(']').unwrap_or((inner, ""));
            return (host, after.strip_prefix(':').unwrap_or_default());
        }
        self.host.rsplit_once(':').unwrap_or((&self.host, ""))
    }
}

/// The scheme in lower case and what follows it; empty where there is none.
fn scheme_of(text: &str) -> Option<(String, &str)> {
    let end = text.find(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.')));
    let (scheme, rest) = text.split_at_checked(end?)?;
    match rest.strip_prefix(':') {
        Some(_) if !scheme.starts_with(|it: char| it.is_ascii_alphabetic()) => None,
        Some(after) => Some((scheme.to_ascii_lowercase(), after)),
        None => Some((String::new(), text)),
    }
}

fn is_host(host: &str) -> bool {
    let port = match host.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((_, "")) => "",
            Some((_, after)) => match after.strip_prefix(':') {
                Some(port) => port,
                None => return false,
            },
            None => return false,
        },
        None => host.split_once(':').map_or("", |(_, port)| port),
    };
    let is_letter = |it: char| {
        it.is_ascii_alphanumeric() || !it.is_ascii() || "-._~!$&'()*+,;=:[]<>\"%".contains(it)
    };
    port.chars().all(|it| it.is_ascii_digit())
        && host.chars().all(is_letter)
        && has_good_escapes(host)
}

/// Whether two hexadecimal digits follow each `%`.
fn has_good_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let mut digits = after.chars().take(2);
        (0..2).all(|_| digits.next().is_some_and(|it| it.is_ascii_hexdigit()))
    })
}

/// The values of each name of the query.
fn query<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let Some(Value::Url(url)) = call.arguments.first() else { return Ok(None) };
    let mut entries: Vec<(String, Vec<Value<'a>>)> = Vec::new();
    budget.charge_letters(u64::try_from(url.query.len()).unwrap_or(u64::MAX))?;
    for pair in url.query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        budget.charge(u64::try_from(entries.len()).unwrap_or(u64::MAX))?;
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !has_good_escapes(pair) {
            continue;
        }
        let (name, value) = (decoded(name), Value::text(decoded(value)));
        match entries.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => values.push(value),
            None => entries.push((name, vec![value])),
        }
    }
    let entries =
        entries.into_iter().map(|(name, values)| (Value::text(name), Value::list(values)));
    Ok(Some(Value::Map(Map::Own(entries.collect()))))
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
