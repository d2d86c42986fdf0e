//! The rules in force, and which of them fire on an event.

use std::collections::BTreeSet;

use airside_detect::audit::{Event, own};
use airside_detect::{Intake, RuleInfo};
use airside_types::{NamedValue, Payload, Place, Record, redact};
use rsigma_eval::{EvaluationResult, evaluate_rule};

use crate::compile::{Compiled, Rule};
use crate::correlation::{Definition, candidates};
use crate::demand::Demand;
use crate::index::Index;
use crate::problem::Problem;
use crate::read::read;
use crate::view::View;

/// The most detections that are told of one event. Of the rules that match beyond it, the last of the files, only their
/// number is told.
const MAX_TOLD: usize = 100;

/// Rules, compiled and filed by what they demand.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    correlations: Vec<Definition>,
    places: Vec<Place>,
    index: Index,
}

/// A rule that an event satisfies.
#[derive(Debug)]
pub(crate) struct Match<'s> {
    pub(crate) rule: &'s Rule,
    found: EvaluationResult,
}

impl Match<'_> {
    /// The detection of it, with the values that made the rule fire.
    fn record(&self, event: &Event<'_>, intake: &Intake<'_>) -> Record {
        let mut values: Vec<NamedValue> = Vec::new();
        for field in self.found.as_detection().into_iter().flat_map(|it| &it.matched_fields) {
            let value = shown(&field.field, &field.value, event);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        // Selections are evaluated in no particular order.
        values.sort_by(|left, right| left.name.cmp(&right.name));
        own::record(&self.rule.info, event, intake, values)
    }
}

impl RuleSet {
    /// Reads the rules of files, each with its path and text. What is wrong is told in the order of the files; a rule
    /// with an error is left out, and keeps none of the others out.
    pub fn read<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut sources = Vec::new();
        for (path, text) in files {
            sources.extend(read(path, text, &mut problems));
        }
        let Compiled { rules, correlations, problems, .. } = Compiled::of(&sources, problems);
        let demands: Vec<&Demand> = rules.iter().map(|rule| &rule.demand).collect();
        let index = Index::of(&demands);
        let (correlations, places) = correlations.into_iter().unzip();
        (Self { rules, correlations, places, index }, problems)
    }

    /// Whether no rule is in force.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.correlations.is_empty()
    }

    /// The rules in force with their places: detection rules, then correlation rules.
    pub fn listed(&self) -> impl Iterator<Item = (&RuleInfo, &Place)> {
        let rules = self.rules.iter().map(|rule| (&rule.info, &rule.place));
        rules.chain(self.correlations.iter().map(|it| &it.info).zip(&self.places))
    }

    /// Whether a rule, by its id, only serves correlation rules and does not fire by itself.
    pub fn only_correlates(&self, id: &str) -> bool {
        self.rules.iter().any(|rule| rule.info.id == id && !rule.stands_alone)
    }

    /// The rule that is meant by an id, name or title.
    pub fn find(&self, name: &str) -> Option<&RuleInfo> {
        let is_meant = |info: &&RuleInfo| info.id.eq_ignore_ascii_case(name) || info.title == name;
        let named = self.rules.iter().find(|rule| rule.names.iter().any(|it| it == name));
        named.map(|rule| &rule.info).or_else(|| self.listed().map(|(info, _)| info).find(is_meant))
    }

    /// The detection of one rule, even of one that only serves correlation rules.
    pub(crate) fn alone(&self, id: &str, event: &Event<'_>, intake: &Intake<'_>) -> Vec<Record> {
        let view = View::new(event);
        let matches = self.matches(&view).filter(|it| it.rule.info.id == id);
        matches.map(|it| it.record(event, intake)).collect()
    }

    /// What one event tells: the detections of rules that stand alone, and what correlation rules count of it, for
    /// [`crate::Correlating::count`]. Of very many of them the first, and how many more there are.
    pub fn judge(&self, event: &Event<'_>, intake: &Intake<'_>) -> own::Found {
        if self.is_empty() {
            return own::Found::default();
        }
        let view = View::new(event);
        let mut found = own::Found::default();
        let (mut ids, mut untold) = (BTreeSet::new(), 0);
        for it in self.matches(&view) {
            ids.insert(it.rule.info.id.as_str());
            if !it.rule.stands_alone {
                continue;
            }
            if found.records.len() < MAX_TOLD {
                found.records.push(it.record(event, intake));
            } else {
                untold += 1;
            }
        }
        let (counted, uncounted) = candidates(&self.correlations, &ids, &view, intake);
        found.candidates = counted;
        tell_of_rest(&mut found, untold, uncounted);
        found
    }

    pub(crate) fn correlations(&self) -> &[Definition] {
        &self.correlations
    }

    /// The rules that an event satisfies, in the order of the files. Each is asked when its turn comes.
    pub(crate) fn matches<'s>(&'s self, view: &'s View<'_>) -> impl Iterator<Item = Match<'s>> {
        self.index.candidates(view.event()).into_iter().filter_map(move |number| {
            let rule = self.rules.get(number)?;
            Some(Match { rule, found: evaluate_rule(&rule.compiled, view)? })
        })
    }
}

/// Says how many rules are left out: with the last detection, and with all that correlation rules may tell, since nobody
/// knows yet which of those will be.
fn tell_of_rest(found: &mut own::Found, untold: usize, uncounted: usize) {
    let rest = [("untold", untold, "rules"), ("uncounted", uncounted, "correlation rules")];
    let rest = rest.into_iter().filter(|(_, count, _)| *count > 0);
    let rest: Vec<NamedValue> = rest
        .map(|(name, count, what)| NamedValue {
            name: name.to_owned(),
            value: format!("{count} more {what}"),
        })
        .collect();
    let counted = found.candidates.iter_mut().map(|it| &mut *it.record);
    for record in found.records.last_mut().into_iter().chain(counted) {
        if let Payload::Detection(detection) = &mut record.payload {
            detection.values.extend_from_slice(&rest);
        }
    }
}

/// A value that made a rule fire, as people may see it.
pub(crate) fn shown(field: &str, value: &serde_json::Value, event: &Event<'_>) -> NamedValue {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let name = field.rsplit('.').next().unwrap_or(field);
    let hidden = holds_secrets(field, event) || redact::is_redacted(name, &text);
    let value = if hidden { redact::REDACTED.to_owned() } else { text };
    NamedValue { name: field.to_owned(), value }
}

/// Whether a field is of the content of a secret, a token, or the environment of a container.
fn holds_secrets(field: &str, event: &Event<'_>) -> bool {
    let Some((_, below)) = crate::fields::in_body(field) else { return false };
    let below = below.unwrap_or_default();
    let target = event.object_ref.as_ref();
    let is_secret = target.is_some_and(|it| it.resource == "secrets" || it.subresource == "token");
    is_secret && !below.starts_with("metadata.")
        || below.ends_with("env") && below.contains("ontainers")
        || below.contains("env.value")
        || below.is_empty()
}
