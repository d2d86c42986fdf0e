//! From the text of a file to rules, each with its place, and what is wrong with it.
//!
//! Airside's own YAML reader tells where things stand; `rsigma-parser` tells what they mean. Each document is judged by
//! itself: a broken one keeps none of the others out of force.

use airside_k8s::yaml::{Limits, Problem as Wrong, parse};
use airside_k8s::{Document, Position};
use airside_types::{FieldPath, Place};
use rsigma_parser::{CorrelationRule, SigmaRule, Status, parse_sigma_yaml};

use crate::budget;
use crate::judge::Remark;
use crate::problem::{Gravity, Problem};

/// The largest file of rules, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A rule as it is written.
#[derive(Debug)]
pub(crate) enum Written {
    Rule(Box<SigmaRule>),
    Correlation(Box<CorrelationRule>),
}

/// A document with a rule.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) document: Document,
    pub(crate) written: Written,
}

impl Source {
    /// A problem at a field of the rule.
    pub(crate) fn problem(&self, gravity: Gravity, remark: Remark) -> Problem {
        problem(&self.path, &self.document, gravity, remark)
    }
}

fn problem(path: &str, document: &Document, gravity: Gravity, remark: Remark) -> Problem {
    let Position { line, column } = document.places.root().resolve(&remark.at);
    Problem { place: Place { path: path.into(), line, column }, gravity, text: remark.text }
}

/// Reads the rules of a file.
pub(crate) fn read(path: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Source> {
    let limits = Limits { max_bytes: MAX_BYTES, ..Limits::default() };
    let parsed = parse(text, &limits);
    let mut repeated: Vec<u32> = Vec::new();
    for error in parsed.errors {
        let Position { line, column } = error.position;
        let place = Place { path: path.into(), line, column };
        let text = match error.problem {
            Wrong::DuplicateKey(key) => {
                repeated.push(line);
                format!(
                    "the key `{key}` is given twice in this map: write two selections, or one list of values"
                )
            }
            other => other.to_string(),
        };
        problems.push(Problem { place, gravity: Gravity::Error, text });
    }
    // In the order of the text, however they were found.
    repeated.sort_unstable();
    let starts: Vec<u32> = parsed.documents.iter().map(|document| document.line).collect();
    let mut sources = Vec::new();
    for (index, document) in parsed.documents.into_iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(u32::MAX);
        // A key that stands twice makes the rule another than it seems.
        let before = repeated.partition_point(|line| *line < document.line);
        if repeated.get(before).is_some_and(|line| *line < end) {
            continue;
        }
        match of_document(&document) {
            Ok((Some(written), warnings)) => {
                let path = path.to_owned();
                let warning = |it| problem(&path, &document, Gravity::Warning, it);
                problems.extend(warnings.into_iter().map(warning));
                sources.push(Source { path, document, written });
            }
            Ok((None, warnings)) => {
                let warning = |it| problem(path, &document, Gravity::Warning, it);
                problems.extend(warnings.into_iter().map(warning));
            }
            Err(remark) => problems.push(problem(path, &document, Gravity::Error, remark)),
        }
    }
    sources
}

type Read = (Option<Written>, Vec<Remark>);

fn of_document(document: &Document) -> Result<Read, Remark> {
    let refuse = |at: &[&str], text: &str| Remark { at: FieldPath::of(at), text: text.to_owned() };
    let Some(map) = document.value.as_object() else {
        return Err(refuse(&[], "a rule is a map with `title`, `logsource` and `detection`"));
    };
    for (key, text) in [
        ("action", "`action` is of Sigma 1: write each rule out"),
        ("filter", "filters are not supported: write the exception into the rule's condition"),
    ] {
        if map.contains_key(key) {
            return Err(refuse(&[key], text));
        }
    }
    budget::of_fields(document)?;
    let as_json = serde_json::to_string(&document.value).unwrap_or_default();
    let collection =
        parse_sigma_yaml(&as_json).map_err(|error| at_cause(map, &error.to_string()))?;
    let warnings: Vec<_> = collection.errors.iter().map(|it| at_cause(map, it)).collect();
    if let Some(correlation) = collection.correlations.into_iter().next() {
        return Ok((Some(Written::Correlation(Box::new(correlation))), warnings));
    }
    let Some(rule) = collection.rules.into_iter().next() else {
        return Err(warnings.into_iter().next().unwrap_or_else(|| refuse(&[], "this is no rule")));
    };
    if rsigma_parser::is_unsupported(rule.sigma_version) {
        return Err(refuse(
            &["sigma-version"],
            "there is no such version of Sigma; 3 is the newest",
        ));
    }
    if rule.status == Some(Status::Unsupported) {
        return Err(refuse(&["status"], "the rule says that it is unsupported"));
    }
    if !map.contains_key("logsource") {
        let text =
            "it gives no `logsource`: write `logsource: {product: kubernetes, service: audit}`";
        return Err(refuse(&["title"], text));
    }
    if !is_for_audit(&rule) {
        let text = "not read: it is for another log than `product: kubernetes`, `service: audit`";
        return Ok((None, vec![refuse(&["logsource"], text)]));
    }
    Ok((Some(Written::Rule(Box::new(rule))), warnings))
}

fn is_for_audit(rule: &SigmaRule) -> bool {
    let of = &rule.logsource;
    let is = |text: &Option<String>, wanted: &str| {
        text.as_ref().is_some_and(|text| text.eq_ignore_ascii_case(wanted))
    };
    is(&of.product, "kubernetes")
        && (of.service.is_none() || is(&of.service, "audit"))
        && (of.category.is_none() || is(&of.category, "application") || is(&of.category, "audit"))
}

/// Puts what the parser says at the part of the rule that it is about. What it says of conditions has places of its
/// own, within the condition.
fn at_cause(map: &airside_k8s::Map, said: &str) -> Remark {
    let about = [
        ("Condition", &["detection", "condition"][..]),
        ("condition", &["detection", "condition"][..]),
        ("correlation", &["correlation"][..]),
        ("timeframe", &["correlation"][..]),
        ("timespan", &["correlation", "timespan"][..]),
        ("level", &["level"][..]),
        ("status", &["status"][..]),
        ("related", &["related"][..]),
        ("detection", &["detection"][..]),
    ];
    let at = about.iter().find(|(word, path)| {
        said.contains(word) && path.first().is_some_and(|first| map.contains_key(first))
    });
    let mut at = FieldPath::of(at.map_or(&[][..], |(_, path)| path));
    // A modifier is named without its place: the selection that has it.
    if let Some(name) = said.strip_prefix("Unknown modifier '").and_then(|it| it.strip_suffix('\''))
    {
        at = with_modifier(map, name).unwrap_or_else(|| FieldPath::of(&["detection"]));
        let known = "contains, startswith, endswith, all, re, cidr, exists, cased, base64, base64offset, wide, windash, \
                     fieldref, gt, gte, lt, lte, neq";
        return Remark { at, text: format!("there is no modifier `{name}`; there are {known}") };
    }
    Remark { at, text: plainly(said) }
}

/// What the parser says, in one line and with what to do.
fn plainly(said: &str) -> String {
    let last = said.lines().last().unwrap_or(said).trim().trim_start_matches("= ");
    if let Some(place) = said.strip_prefix("Condition parse error at ") {
        let column = place.split(':').nth(1).unwrap_or_default();
        // Of conditions in brackets each level says the same of the one within.
        let last = match last.starts_with("Condition parse error at ") {
            true => last.rsplit(": ").next().unwrap_or(last),
            false => last,
        };
        return format!("the condition is not understood at its character {column}: {last}");
    }
    if said.starts_with("Invalid timespan") {
        return format!("{said}: write it as 30s, 5m, 1h or 7d");
    }
    if let Some(level) = said.strip_prefix("invalid level: ") {
        let level = level.trim_matches('\'');
        return format!(
            "`level` is never `{level}`: it is one of informational, low, medium, high, critical; the rule counts as medium"
        );
    }
    said.to_owned()
}

/// The key with a modifier.
fn with_modifier(map: &airside_k8s::Map, modifier: &str) -> Option<FieldPath> {
    fn find(value: &airside_k8s::Value, at: &FieldPath, modifier: &str) -> Option<FieldPath> {
        use airside_k8s::Value;
        match value {
            Value::Object(map) => map.iter().find_map(|(key, value)| {
                let has = key.split('|').skip(1).any(|it| it == modifier);
                if has { Some(at.key(key)) } else { find(value, &at.key(key), modifier) }
            }),
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.find_map(|(index, item)| find(item, &at.index(index), modifier))
            }
            _ => None,
        }
    }
    find(map.get("detection")?, &FieldPath::of(&["detection"]), modifier)
}
