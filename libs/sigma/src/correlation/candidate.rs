//! What correlation rules count of an event: judged where its bodies are known, and counted by whoever has the state.

use std::collections::{BTreeMap, BTreeSet};

use airside_detect::Intake;
use airside_detect::audit::own;
use airside_types::{CorrelationCandidate, Id, NamedValue};

use super::definition::Definition;
use crate::found::Values;
use crate::told::{Room, weight_of};

/// The most candidates of one event. The groups of a rule, 50 at most, are not divided: the last rule may go beyond it.
const MAX_CANDIDATES: usize = 100;

/// What a candidate takes besides its record.
const WITHOUT_RECORD: usize = 100;

/// What the rules count of an event that the rules with these ids match, and how many rules do not count it: those beyond
/// [`MAX_CANDIDATES`], and those for which no room is left, the last of the files.
pub(crate) fn candidates(
    definitions: &[Definition],
    matching: &BTreeSet<&str>,
    (values, room): (&mut Values<'_, '_>, &mut Room),
    intake: &Intake<'_>,
) -> (Vec<CorrelationCandidate>, usize) {
    let event = values.view.event();
    let counts = |it: &&Definition| it.rules.iter().any(|rule| matching.contains(rule.as_str()));
    let (mut all, mut uncounted) = (Vec::new(), 0);
    for definition in definitions.iter().filter(counts) {
        if all.len() >= MAX_CANDIDATES || room.is_full() {
            uncounted += 1;
            continue;
        }
        let value = value_id(definition, values);
        let groups = by_group(definition, matching, values).into_iter();
        let of_rule: Vec<_> = groups
            .map(|(group, (places, shown))| CorrelationCandidate {
                rule: definition.key,
                group,
                value,
                places,
                time: own::moment(event, intake),
                record: Box::new(own::record(&definition.info, event, intake, shown)),
            })
            .collect();
        let weight = |it: &CorrelationCandidate| WITHOUT_RECORD + weight_of(&it.record);
        if room.take(of_rule.iter().map(weight).sum()) {
            all.extend(of_rule);
        } else {
            uncounted += 1;
        }
    }
    (all, uncounted)
}

type Groups = BTreeMap<Id, (Vec<u32>, Vec<NamedValue>)>;

/// The places of the rules that found an event, by the group in which they did, with the group's values.
fn by_group(
    definition: &Definition,
    matching: &BTreeSet<&str>,
    values: &mut Values<'_, '_>,
) -> Groups {
    let mut groups = Groups::new();
    for ((place, rule), number) in definition.rules.iter().enumerate().zip(0_u32..) {
        if !matching.contains(rule.as_str()) {
            continue;
        }
        let mut id = Id::builder("sigma-group");
        for field in &definition.group_by {
            id = id.optional(values.id(field.of_rule(place)));
        }
        let mut shown = || {
            let fields = definition.group_by.iter().map(|field| field.of_rule(place));
            let correlation = named("correlation", definition.words.clone());
            std::iter::once(correlation).chain(fields.filter_map(|it| values.shown(it))).collect()
        };
        groups.entry(id.finish()).or_insert_with(|| (Vec::new(), shown())).0.push(number);
    }
    groups
}

fn named(name: &str, value: String) -> NamedValue {
    NamedValue { name: name.to_owned(), value }
}

/// The value that is counted; none where the event lacks a part of it.
fn value_id(definition: &Definition, values: &mut Values<'_, '_>) -> Option<Id> {
    let fields = definition.counted();
    let mut id = Id::builder("sigma-value");
    for field in fields {
        id = id.text(values.id(field).filter(|it| *it != "null")?);
    }
    (!fields.is_empty()).then(|| id.finish())
}
