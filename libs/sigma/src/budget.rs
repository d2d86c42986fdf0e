//! What rules cost, found out before they are compiled: the comparisons with one event, and the memory of patterns.
//!
//! Rules of many tenants are asked in one process, and a short text can mean a lot: `1 of them` a thousand times,
//! `(x{99}){99}`, a value that a modifier writes in thousands of ways. Correlation rules ask of each event, and remember. A
//! rule for which no room is left is refused with what to do. How long texts may be is whose business it is from whom they
//! come.

mod comparisons;
mod correlations;
mod fields;

use airside_types::FieldPath;
use regex_automata::meta;
use regex_syntax::escape;
use rsigma_parser::{
    CorrelationRule, Detection, DetectionItem, Modifier, SigmaRule, SigmaValue, SpecialChar,
    StringPart,
};

use crate::judge::Remark;
use comparisons::{of_condition, sum, sum_enough, writings};
use correlations::{of_event, of_group};

pub(crate) use correlations::of_named;
pub(crate) use fields::of_fields;

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
/// The most correlation rules. Each has its state in each cluster, and looks at each event that counts.
const MAX_CORRELATIONS: usize = 1_000;
/// The most events, values and rules that all correlation rules together remember in one group each. A longer timespan takes
/// no more of them. How many groups there are the state bounds itself ([`crate::Limits`]).
const MAX_REMEMBERED: usize = 500_000;

/// What rules have cost so far.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    comparisons: usize,
    patterns: usize,
    pattern_bytes: usize,
    text_bytes: usize,
    correlations: usize,
    /// In one group of each correlation rule.
    remembered: usize,
}

impl Budget {
    /// Takes what a rule costs. Says why where that is too much: then nothing is taken.
    pub(crate) fn take(&mut self, rule: &SigmaRule) -> Result<(), Remark> {
        let refuse = |at: &[&str], text| Remark { at: FieldPath::of(at), text };
        let condition = ["detection", "condition"];
        let detections = &rule.detection;
        let asked = detections.conditions.iter();
        let comparisons = sum_enough(asked.map(|it| of_condition(it, &detections.named)));
        let instead = "name fewer selections and values, or write several rules";
        let comparisons =
            self.with_comparisons(comparisons, instead).map_err(|text| refuse(&condition, text))?;
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
        *self = Self { comparisons, patterns, pattern_bytes, text_bytes, ..*self };
        Ok(())
    }

    /// Takes what a correlation rule costs that names no more than it may. Says why where that is too much: then nothing is
    /// taken.
    pub(crate) fn take_correlation(&mut self, rule: &CorrelationRule) -> Result<(), Remark> {
        let refuse = |at: &[&str], text| Remark { at: FieldPath::of(at), text };
        let correlations = self.correlations + 1;
        if correlations > MAX_CORRELATIONS {
            let text = format!(
                "with the rules before it, there are more than {MAX_CORRELATIONS} correlation rules: set fewer"
            );
            return Err(refuse(&["correlation"], text));
        }
        let instead = "name fewer rules and fields";
        let comparisons = self
            .with_comparisons(of_event(rule), instead)
            .map_err(|text| refuse(&["correlation", "rules"], text))?;
        let remembered = self.remembered.saturating_add(of_group(rule));
        if remembered > MAX_REMEMBERED {
            let text = format!(
                "with the rules before it, {remembered} events or values may have to be remembered in one group of each \
                 correlation rule, of at most {MAX_REMEMBERED}: count to less, or set fewer rules"
            );
            return Err(refuse(&["correlation", "condition"], text));
        }
        *self = Self { comparisons, correlations, remembered, ..*self };
        Ok(())
    }

    /// How many comparisons there are with those of a rule; why that is too much, with what to do instead.
    fn with_comparisons(&self, of_rule: usize, instead: &str) -> Result<usize, String> {
        if of_rule > MAX_OF_RULE {
            return Err(format!(
                "it may take {of_rule} comparisons with one event, of at most {MAX_OF_RULE}: {instead}"
            ));
        }
        let comparisons = self.comparisons + of_rule;
        if comparisons > MAX_COMPARISONS {
            return Err(format!(
                "with the rules before it, it takes {comparisons} comparisons with one event, of at most {MAX_COMPARISONS}: \
                 set fewer rules"
            ));
        }
        Ok(comparisons)
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
