//! The rules in force, and which of them fire on an event.

use airside_detect::audit::{Event, own};
use airside_detect::{Intake, RuleInfo};
use airside_types::{NamedValue, Place, Record, redact};
use rsigma_eval::evaluate_rule;

use crate::compile::{Compiled, Rule};
use crate::correlation::{Definition, candidates};
use crate::demand::Demand;
use crate::index::Index;
use crate::problem::Problem;
use crate::read::read;
use crate::view::View;

/// Rules, compiled and filed by what they demand.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    correlations: Vec<Definition>,
    places: Vec<Place>,
    index: Index,
}

/// A rule that an event satisfies.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub(crate) number: usize,
    /// The rule's id.
    pub(crate) rule: String,
    pub(crate) values: Vec<NamedValue>,
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
        let matches = self.matches(&view).into_iter().filter(|it| it.rule == id);
        let record = |it: Match| {
            Some(own::record(&self.rules.get(it.number)?.info, event, intake, it.values))
        };
        matches.filter_map(record).collect()
    }

    /// What one event tells: the detections of rules that stand alone, and what correlation rules count of it, for
    /// [`crate::Correlating::count`].
    pub fn judge(&self, event: &Event<'_>, intake: &Intake<'_>) -> own::Found {
        if self.is_empty() {
            return own::Found::default();
        }
        let view = View::new(event);
        let matches = self.matches(&view);
        let candidates = candidates(&self.correlations, &matches, &view, intake);
        own::Found { records: self.told(&matches, &view, intake), candidates }
    }

    pub(crate) fn correlations(&self) -> &[Definition] {
        &self.correlations
    }

    /// The rules that an event satisfies, in the order of the files.
    pub(crate) fn matches(&self, view: &View<'_>) -> Vec<Match> {
        let candidates = self.index.candidates(view.event()).into_iter();
        let found = candidates.filter_map(|number| {
            let rule = self.rules.get(number)?;
            let found = evaluate_rule(&rule.compiled, view)?;
            let fields = &found.as_detection()?.matched_fields;
            let mut values: Vec<NamedValue> = Vec::new();
            for field in fields {
                let value = shown(&field.field, &field.value, view.event());
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            // Selections are evaluated in no particular order.
            values.sort_by(|left, right| left.name.cmp(&right.name));
            Some(Match { number, rule: rule.info.id.clone(), values })
        });
        found.collect()
    }

    /// The detections of rules that stand alone.
    pub(crate) fn told(
        &self,
        matches: &[Match],
        view: &View<'_>,
        intake: &Intake<'_>,
    ) -> Vec<Record> {
        let of_rule = |found: &Match| {
            let rule = self.rules.get(found.number).filter(|rule| rule.stands_alone)?;
            Some(own::record(&rule.info, view.event(), intake, found.values.clone()))
        };
        matches.iter().filter_map(of_rule).collect()
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
