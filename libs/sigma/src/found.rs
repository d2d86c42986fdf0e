//! What a rule finds in an event, and the values that made it fire.

use std::collections::{BTreeMap, BTreeSet};

use airside_detect::Intake;
use airside_detect::audit::{Event, own};
use airside_types::{Id, NamedValue, Record};
use rsigma_eval::compiler::eval_condition;
use rsigma_eval::{CompiledDetection, CompiledRule, EvaluationResult, Event as _, evaluate_rule};
use rsigma_parser::ConditionExpr;

use crate::compile::Rule;
use crate::told::shown;
use crate::view::{View, WHOLE, whole};

/// The most values of which `rsigma` makes copies for one rule: a rule that compares more often is shown by
/// [`fields_of`]. A value may be a whole body's text, and they are all there at once.
const MAX_COPIES: usize = 100;
/// The most values that are looked up for a detection, which shows fewer.
const MAX_SHOWN: usize = 16;
/// The longest text of a value that is looked at for people, and for the group or the value that a correlation rule counts.
/// What is longer is shown by its beginning, and counted by its hash.
const MAX_TEXT: usize = 4_096;

/// How often `rsigma` may copy a value for one event that a rule matches.
pub(crate) fn copies(rule: &CompiledRule) -> usize {
    let of_name = |name: &str| rule.detections.get(name).map_or(0, copies_of);
    let of_all = rule.conditions.iter().map(|condition| of_condition(condition, rule, &of_name));
    of_all.fold(0, usize::max)
}

fn of_condition(
    condition: &ConditionExpr,
    rule: &CompiledRule,
    of_name: &dyn Fn(&str) -> usize,
) -> usize {
    let sum = |all: &mut dyn Iterator<Item = usize>| all.fold(0, usize::saturating_add);
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            sum(&mut parts.iter().map(|it| of_condition(it, rule, of_name)))
        }
        ConditionExpr::Not(part) => of_condition(part, rule, of_name),
        ConditionExpr::Identifier(name) => of_name(name),
        ConditionExpr::Selector { pattern, .. } => {
            let names = rule.detections.keys().filter(|it| pattern.matches_detection_name(it));
            sum(&mut names.map(|it| of_name(it)))
        }
    }
}

fn copies_of(detection: &CompiledDetection) -> usize {
    match detection {
        CompiledDetection::AllOf(items) => items.len(),
        CompiledDetection::AnyOf(parts) | CompiledDetection::And(parts) => {
            parts.iter().map(copies_of).fold(0, usize::saturating_add)
        }
        // Of a list, so many elements at most are told, which are copied anyway when the list is looked into.
        CompiledDetection::ArrayMatch { body, .. } => copies_of(body),
        CompiledDetection::Conditional { named, .. } => {
            named.values().map(copies_of).fold(0, usize::saturating_add)
        }
        CompiledDetection::Keywords(_) => 0,
    }
}

/// A rule that an event satisfies.
#[derive(Debug)]
pub(crate) struct Match<'s> {
    pub(crate) rule: &'s Rule,
    found: Found,
}

#[derive(Debug)]
enum Found {
    /// With the values.
    Values(Box<EvaluationResult>),
    /// Of a rule that compares very often: the selections.
    Selections(BTreeSet<String>),
}

impl<'s> Match<'s> {
    /// Asks a rule.
    pub(crate) fn of(rule: &'s Rule, view: &View<'_>) -> Option<Self> {
        if rule.copies <= MAX_COPIES {
            let found = Found::Values(Box::new(evaluate_rule(&rule.compiled, view)?));
            return Some(Self { rule, found });
        }
        let CompiledRule { conditions, detections, .. } = &rule.compiled;
        conditions.iter().find_map(|condition| {
            let mut names = Vec::new();
            let is_met = eval_condition(condition, detections, view, &mut names);
            let found = Found::Selections(names.into_iter().collect());
            is_met.then_some(Self { rule, found })
        })
    }

    /// The detection of it, with the values that made the rule fire.
    pub(crate) fn record(&self, values: &mut Values<'_, '_>, intake: &Intake<'_>) -> Record {
        let view = values.view;
        // Selections are evaluated in no particular order.
        let mut told: Told<'_> = BTreeMap::new();
        match &self.found {
            Found::Values(found) => {
                for it in found.as_detection().into_iter().flat_map(|it| &it.matched_fields) {
                    // An element's field is named by the place that the element has in what was found.
                    let of_element = it.field.strip_prefix(WHOLE);
                    let value = of_element.map(|_| (it.field.as_str(), &it.value));
                    told.insert(of_element.unwrap_or(&it.field), value);
                }
            }
            Found::Selections(names) => {
                for name in names {
                    let detection = self.rule.compiled.detections.get(name);
                    detection.into_iter().for_each(|it| fields_of(it, view, &mut told));
                }
            }
        }
        let told = told.into_iter().filter(|(name, _)| *name != "userAgent").take(MAX_SHOWN);
        let told = told.filter_map(|(name, value)| match value {
            Some((field, value)) => Some(values.shown_of_element(field, name, value)),
            None => values.shown(name),
        });
        let told = told.collect();
        own::record(&self.rule.info, view.event(), intake, told)
    }
}

/// Fields by their names; of those of elements also the values.
type Told<'t> = BTreeMap<&'t str, Option<(&'t str, &'t serde_json::Value)>>;

/// The fields of a selection that are as it says, as far as they fit.
fn fields_of<'d>(detection: &'d CompiledDetection, view: &View<'_>, told: &mut Told<'d>) {
    match detection {
        CompiledDetection::AllOf(items) => {
            for item in items {
                let Some(field) = item.field.as_deref().filter(|_| told.len() < MAX_SHOWN) else {
                    continue;
                };
                let value = view.get_field(field);
                if value.is_some_and(|value| item.matcher.matches(&value, view)) {
                    told.insert(field.trim_start_matches(WHOLE), None);
                }
            }
        }
        CompiledDetection::AnyOf(parts) | CompiledDetection::And(parts) => {
            parts.iter().for_each(|it| fields_of(it, view, told));
        }
        CompiledDetection::ArrayMatch { .. }
        | CompiledDetection::Conditional { .. }
        | CompiledDetection::Keywords(_) => {}
    }
}

/// The values of an event that detections show and correlation rules count by, each looked up once.
#[derive(Debug)]
pub(crate) struct Values<'v, 'e> {
    pub(crate) view: &'v View<'e>,
    known: BTreeMap<String, Option<Known>>,
}

#[derive(Debug)]
struct Known {
    /// As JSON, by which it is told apart from others.
    id: String,
    shown: NamedValue,
}

impl<'v, 'e> Values<'v, 'e> {
    pub(crate) const fn of(view: &'v View<'e>) -> Self {
        Self { view, known: BTreeMap::new() }
    }

    /// The value of a field, as people may see it.
    pub(crate) fn shown(&mut self, field: &str) -> Option<NamedValue> {
        self.known(field).map(|it| it.shown.clone())
    }

    /// What tells the value of a field apart from others: none where the event lacks it.
    pub(crate) fn id(&mut self, field: &str) -> Option<&str> {
        self.known(field).map(|it| it.id.as_str())
    }

    /// The value of a field of an element, as people may see it under a name.
    fn shown_of_element(
        &mut self,
        field: &str,
        name: &str,
        value: &serde_json::Value,
    ) -> NamedValue {
        let event = self.view.event();
        let known = self.known.entry(field.to_owned());
        let known = known.or_insert_with(|| Some(Known::of(name, value, event)));
        known.as_ref().map_or_else(|| shown(name, "", event), |it| it.shown.clone())
    }

    fn known(&mut self, field: &str) -> Option<&Known> {
        if !self.known.contains_key(field) {
            let value = self.view.get_field(&whole(field)).map(|it| it.to_json());
            let known = value.map(|value| Known::of(field, &value, self.view.event()));
            self.known.insert(field.to_owned(), known);
        }
        self.known.get(field)?.as_ref()
    }
}

impl Known {
    fn of(name: &str, value: &serde_json::Value, event: &Event<'_>) -> Self {
        let mut id = value.to_string();
        let mut shown = match value {
            serde_json::Value::String(text) => shown(name, text, event),
            _ => shown(name, &id, event),
        };
        shown.value.truncate(shown.value.floor_char_boundary(MAX_TEXT));
        if id.len() > MAX_TEXT {
            id = Id::builder("sigma-long-value").text(&id).finish().to_string();
        }
        Self { id, shown }
    }
}
