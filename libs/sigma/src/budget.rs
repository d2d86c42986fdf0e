//! What rules cost, found out before they are compiled: the comparisons with one event, and the memory of patterns.
//!
//! Rules of many tenants are asked in one process, and a short text can mean a lot: `1 of them` a thousand times,
//! `(x{99}){99}`, a value that a modifier writes in thousands of ways. A rule for which no room is left is refused with
//! what to do. How long texts may be is whose business it is from whom they come.

use std::collections::HashMap;

use airside_k8s::{Document, Value};
use airside_types::FieldPath;
use regex_automata::meta;
use regex_syntax::escape;
use rsigma_parser::{
    ConditionExpr, CorrelationCondition, CorrelationRule, Detection, DetectionItem, Modifier,
    SigmaRule, SigmaValue, SpecialChar, StringPart,
};

use crate::judge::Remark;
use crate::path::count_steps;

/// The most comparisons that one rule makes with one event.
const MAX_OF_RULE: usize = 10_000;
/// The most comparisons that all rules together make with one event, were none left out by the index.
const MAX_COMPARISONS: usize = 200_000;
/// The most regular expressions, those of texts with `*` or `?` within included. Each has a cache besides
/// [`MAX_PATTERN_BYTES`], of 2 MiB at most, once events are compared with it.
const MAX_PATTERNS: usize = 1_000;
/// The most memory that all regular expressions have, compiled.
const MAX_PATTERN_BYTES: usize = 64 << 20;
/// The largest regular expression, compiled: that of the `regex` crate.
const MAX_ONE_PATTERN: usize = 10 << 20;
/// The most bytes that all texts have, in all the ways in which modifiers write them.
const MAX_TEXT_BYTES: usize = 32 << 20;
/// The most rules, fields to group by and fields to count that a correlation rule names.
const MAX_NAMED: usize = 50;
/// The most steps of a field: each object on its way is asked for every step that is left.
const MAX_STEPS: usize = 64;
/// The most bytes of a field. The longest key of a label or an annotation has 317.
const MAX_FIELD_BYTES: usize = 1_000;
/// So many elements of a list are counted with, where each is compared.
const ELEMENTS: usize = 16;

/// What rules have cost so far.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    comparisons: usize,
    patterns: usize,
    pattern_bytes: usize,
    text_bytes: usize,
}

impl Budget {
    /// Takes what a rule costs. Says why where that is too much: then nothing is taken.
    pub(crate) fn take(&mut self, rule: &SigmaRule) -> Result<(), Remark> {
        let refuse = |at: &[&str], text| Remark { at: FieldPath::of(at), text };
        let condition = ["detection", "condition"];
        let detections = &rule.detection;
        let asked = detections.conditions.iter();
        let comparisons = sum(asked.map(|it| of_condition(it, &detections.named)));
        if comparisons > MAX_OF_RULE {
            let text = format!(
                "it may take {comparisons} comparisons with one event, of at most {MAX_OF_RULE}: name fewer selections and values, \
                 or write several rules"
            );
            return Err(refuse(&condition, text));
        }
        let comparisons = self.comparisons + comparisons;
        if comparisons > MAX_COMPARISONS {
            let text = format!(
                "with the rules before it, it takes {comparisons} comparisons with one event, of at most {MAX_COMPARISONS}: \
                 set fewer rules"
            );
            return Err(refuse(&condition, text));
        }
        let written = sum(detections.named.values().map(written_bytes));
        let text_bytes = self.text_bytes.saturating_add(written);
        if text_bytes > MAX_TEXT_BYTES {
            let text = format!(
                "with the rules before it, it takes {text_bytes} bytes for its texts in all the ways in which modifiers such as \
                 `windash` write them, of at most {MAX_TEXT_BYTES}: leave modifiers out, or write shorter texts"
            );
            return Err(refuse(&["detection"], text));
        }
        let (patterns, pattern_bytes) = self.with_patterns(rule)?;
        *self = Self { comparisons, patterns, pattern_bytes, text_bytes };
        Ok(())
    }

    /// How many regular expressions there are with those of a rule, and the memory that they take.
    fn with_patterns(&self, rule: &SigmaRule) -> Result<(usize, usize), Remark> {
        let refuse = |text| Remark { at: FieldPath::of(&["detection"]), text };
        let (mut patterns, mut bytes) = (self.patterns, self.pattern_bytes);
        for (pattern, times) in rule.detection.named.values().flat_map(patterns_of) {
            patterns = patterns.saturating_add(times);
            if patterns > MAX_PATTERNS {
                let text = format!(
                    "with the rules before it, it has more than {MAX_PATTERNS} regular expressions, which texts with `*` or `?` \
                     within are, too: use `contains`, `startswith` or `endswith`"
                );
                return Err(refuse(text));
            }
            bytes = bytes.saturating_add(compiled_bytes(&pattern).saturating_mul(times));
            if bytes > MAX_PATTERN_BYTES {
                let text = format!(
                    "with the rules before it, it takes more than {} MiB for regular expressions: write smaller ones, with fewer \
                     repetitions such as `{{1,99}}`",
                    MAX_PATTERN_BYTES >> 20
                );
                return Err(refuse(text));
            }
        }
        Ok((patterns, bytes))
    }
}

/// Says why a correlation rule costs too much.
pub(crate) fn of_correlation(rule: &CorrelationRule) -> Result<(), Remark> {
    let at = |what: &str| FieldPath::of(&["correlation", what]);
    let counted: &[String] = match &rule.condition {
        CorrelationCondition::Threshold { field: Some(fields), .. } => fields,
        _ => &[],
    };
    for (what, named) in [
        ("rules", rule.rules.len()),
        ("group-by", rule.group_by.len()),
        ("condition", counted.len()),
    ] {
        if named > MAX_NAMED {
            let text = format!("it names {named}, and may name {MAX_NAMED}");
            return Err(Remark { at: at(what), text });
        }
    }
    let grouped = rule.group_by.iter().map(|field| ("group-by", field));
    let counted = counted.iter().map(|field| ("condition", field));
    let aliased = rule.aliases.iter().flat_map(|alias| alias.mapping.values());
    let aliased = aliased.map(|field| ("aliases", field));
    for (what, field) in grouped.chain(counted).chain(aliased) {
        of_field(field, &at(what))?;
    }
    Ok(())
}

/// Says where a rule names a field that costs too much. It is asked before the rule is parsed: the parser calls itself for
/// each `[any]` of a field, and makes one field of keys that stand below each other.
pub(crate) fn of_fields(document: &Document) -> Result<(), Remark> {
    let detection = document.value.as_object().and_then(|rule| rule.get("detection"));
    let Some(selections) = detection.and_then(Value::as_object) else { return Ok(()) };
    for (name, selection) in selections.iter() {
        of_keys(selection, &FieldPath::of(&["detection", name]), "")?;
    }
    Ok(())
}

/// The keys of a part of a selection; `above` are those that it stands below, each with a dot behind it.
fn of_keys(part: &Value, at: &FieldPath, above: &str) -> Result<(), Remark> {
    match part {
        Value::Object(map) => {
            for (key, value) in map.iter() {
                let at = at.key(key);
                let (name, modifiers) = key.split_once('|').unwrap_or((key, ""));
                let field = format!("{above}{name}");
                of_field(&field, &at)?;
                if modifiers.split('|').any(|it| matches!(it, "fieldref" | "expand")) {
                    texts(value).try_for_each(|other| of_field(other, &at))?;
                }
                of_keys(value, &at, &format!("{field}."))?;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                of_keys(item, &at.index(index), above)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The text that a value is, or the texts of a list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().unwrap_or_default();
    items.iter().chain([value]).filter_map(Value::as_str)
}

fn of_field(field: &str, at: &FieldPath) -> Result<(), Remark> {
    if field.len() <= MAX_FIELD_BYTES && count_steps(field) <= MAX_STEPS {
        return Ok(());
    }
    let text = format!(
        "a field has {MAX_STEPS} steps and {MAX_FIELD_BYTES} bytes at most: name one that is less deep"
    );
    Err(Remark { at: at.clone(), text })
}

fn sum(costs: impl Iterator<Item = usize>) -> usize {
    costs.fold(0, usize::saturating_add)
}

type Named = HashMap<String, Detection>;

/// The comparisons of a condition in which none is spared.
fn of_condition(condition: &ConditionExpr, named: &Named) -> usize {
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            sum(parts.iter().map(|it| of_condition(it, named)))
        }
        ConditionExpr::Not(part) => of_condition(part, named),
        ConditionExpr::Identifier(name) => named.get(name).map_or(0, of_detection),
        ConditionExpr::Selector { pattern, .. } => {
            // Each name is compared with the pattern.
            let meant = named.iter().filter(|(name, _)| pattern.matches_detection_name(name));
            sum(meant.map(|(_, detection)| of_detection(detection))).saturating_add(named.len())
        }
    }
}

fn of_detection(detection: &Detection) -> usize {
    match detection {
        Detection::AllOf(items) => sum(items.iter().map(of_item)),
        Detection::AnyOf(parts) | Detection::And(parts) => sum(parts.iter().map(of_detection)),
        Detection::Keywords(values) => values.len(),
        Detection::ArrayMatch { body, .. } => of_detection(body).saturating_mul(ELEMENTS),
        Detection::Conditional { named, condition } => of_condition(condition, named),
    }
}

fn of_item(item: &DetectionItem) -> usize {
    sum(item.values.iter().map(|value| writings(item, value))).max(1)
}

/// In how many ways modifiers write a value.
fn writings(item: &DetectionItem, value: &SigmaValue) -> usize {
    let SigmaValue::String(text) = value else { return 1 };
    let dashes = match item.field.has_modifier(Modifier::WindAsh) {
        true => text.original.bytes().filter(|byte| *byte == b'-').count(),
        false => 0,
    };
    // Of each dash five, and of each offset one.
    let ways = 5_usize.saturating_pow(u32::try_from(dashes).unwrap_or(u32::MAX));
    if item.field.has_modifier(Modifier::Base64Offset) { ways.saturating_mul(3) } else { ways }
}

/// The bytes of a selection's texts, in all the ways in which they are written.
fn written_bytes(detection: &Detection) -> usize {
    let written = |item: &DetectionItem| {
        let of_value = |value: &SigmaValue| match value {
            SigmaValue::String(text) => writings(item, value).saturating_mul(text.original.len()),
            _ => 0,
        };
        sum(item.values.iter().map(of_value))
    };
    match detection {
        Detection::AllOf(items) => sum(items.iter().map(written)),
        Detection::AnyOf(parts) | Detection::And(parts) => sum(parts.iter().map(written_bytes)),
        // Nothing else is written in several ways.
        Detection::Keywords(_) => 0,
        Detection::ArrayMatch { body, .. } => written_bytes(body),
        Detection::Conditional { named, .. } => sum(named.values().map(written_bytes)),
    }
}

/// The regular expressions of a selection, each with how often it is there in about this form.
fn patterns_of(detection: &Detection) -> Vec<(String, usize)> {
    match detection {
        Detection::AllOf(items) => items.iter().flat_map(patterns_of_item).collect(),
        Detection::AnyOf(parts) | Detection::And(parts) => {
            parts.iter().flat_map(patterns_of).collect()
        }
        Detection::Keywords(values) => {
            values.iter().filter_map(|value| Some((with_wildcards(value)?, 1))).collect()
        }
        Detection::ArrayMatch { body, .. } => patterns_of(body),
        Detection::Conditional { named, .. } => named.values().flat_map(patterns_of).collect(),
    }
}

fn patterns_of_item(item: &DetectionItem) -> Vec<(String, usize)> {
    let has = |modifier| item.field.has_modifier(modifier);
    let pattern = |value: &SigmaValue| {
        let written = match value {
            SigmaValue::String(text) if has(Modifier::Re) && has(Modifier::IgnoreCase) => {
                format!("(?i){}", text.original)
            }
            SigmaValue::String(text) if has(Modifier::Re) => text.original.clone(),
            _ => with_wildcards(value)?,
        };
        Some((written, writings(item, value)))
    };
    item.values.iter().filter_map(pattern).collect()
}

/// The regular expression that a text with wildcards is.
fn with_wildcards(value: &SigmaValue) -> Option<String> {
    let SigmaValue::String(text) = value else { return None };
    if text.is_plain() {
        return None;
    }
    let part = |part: &StringPart| match part {
        StringPart::Plain(text) => escape(text),
        StringPart::Special(SpecialChar::WildcardMulti) => ".*".to_owned(),
        StringPart::Special(SpecialChar::WildcardSingle) => ".".to_owned(),
    };
    Some(format!("(?i)^{}$", text.parts.iter().map(part).collect::<String>()))
}

/// The memory that a regular expression takes when it is compiled; nothing where it cannot be: that is told by whoever
/// compiles it.
fn compiled_bytes(pattern: &str) -> usize {
    let settings = meta::Config::new().nfa_size_limit(Some(MAX_ONE_PATTERN));
    let compiled = meta::Builder::new().configure(settings).build(pattern);
    compiled.map_or(0, |compiled| compiled.memory_usage())
}
