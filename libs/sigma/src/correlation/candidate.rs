//! What correlation rules count of an event: judged where its bodies are known, and counted by whoever has the state.

use std::collections::{BTreeMap, BTreeSet};

use airside_detect::Intake;
use airside_detect::audit::own;
use airside_types::{CorrelationCandidate, Id, NamedValue};
use rsigma_eval::Event as _;

use super::definition::Definition;
use crate::set::shown;
use crate::view::View;

/// The most candidates of one event. The groups of a rule, 50 at most, are not divided: the last rule may go beyond it.
const MAX_CANDIDATES: usize = 100;

/// What the rules count of an event that the rules with these ids match, and how many rules beyond
/// [`MAX_CANDIDATES`], the last of the files, do not count it.
pub(crate) fn candidates(
    definitions: &[Definition],
    matching: &BTreeSet<&str>,
    view: &View<'_>,
    intake: &Intake<'_>,
) -> (Vec<CorrelationCandidate>, usize) {
    let event = view.event();
    let counts = |it: &&Definition| it.rules.iter().any(|rule| matching.contains(rule.as_str()));
    let (mut all, mut uncounted) = (Vec::new(), 0);
    for definition in definitions.iter().filter(counts) {
        if all.len() >= MAX_CANDIDATES {
            uncounted += 1;
            continue;
        }
        for (group, (places, values)) in by_group(definition, matching, view) {
            all.push(CorrelationCandidate {
                rule: definition.key,
                group,
                value: value_id(definition, view),
                places,
                time: own::moment(event, intake),
                record: Box::new(own::record(&definition.info, event, intake, values)),
            });
        }
    }
    (all, uncounted)
}

type Groups = BTreeMap<Id, (Vec<u32>, Vec<NamedValue>)>;

/// The places of the rules that found an event, by the group in which they did, with the group's values.
fn by_group(definition: &Definition, matching: &BTreeSet<&str>, view: &View<'_>) -> Groups {
    let mut groups = Groups::new();
    for ((place, rule), number) in definition.rules.iter().enumerate().zip(0_u32..) {
        if !matching.contains(rule.as_str()) {
            continue;
        }
        let mut id = Id::builder("sigma-group");
        let mut values = vec![named("correlation", definition.words.clone())];
        for field in &definition.group_by {
            let value = view.get_field(field.of_rule(place)).map(|it| it.to_json());
            id = id.optional(value.as_ref().map(ToString::to_string).as_deref());
            values.extend(value.map(|value| shown(field.of_rule(place), &value, view.event())));
        }
        groups.entry(id.finish()).or_insert((Vec::new(), values)).0.push(number);
    }
    groups
}

fn named(name: &str, value: String) -> NamedValue {
    NamedValue { name: name.to_owned(), value }
}

/// The value that is counted; none where the event lacks a part of it.
fn value_id(definition: &Definition, view: &View<'_>) -> Option<Id> {
    let fields = definition.counted();
    let mut id = Id::builder("sigma-value");
    for field in fields {
        id = id.text(&view.get_field(field).filter(|it| !it.is_null())?.to_json().to_string());
    }
    (!fields.is_empty()).then(|| id.finish())
}
