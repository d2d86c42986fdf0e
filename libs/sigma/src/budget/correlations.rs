//! What correlation rules cost: what they ask of each event, and what they remember.

use std::collections::BTreeSet;

use airside_types::FieldPath;
use rsigma_parser::{CorrelationCondition, CorrelationRule};

use super::comparisons::{Named, WHOLE, of_condition, sum};
use super::fields::of_field;
use crate::fields::in_body;
use crate::judge::Remark;

/// The most rules, fields to group by and fields to count that a correlation rule names.
const MAX_NAMED: usize = 50;

/// The fields of which a correlation rule counts values.
fn counted(rule: &CorrelationRule) -> &[String] {
    match &rule.condition {
        CorrelationCondition::Threshold { field: Some(fields), .. } => fields,
        _ => &[],
    }
}

/// The fields that a correlation rule names, each with the key under which it does.
fn fields_of(rule: &CorrelationRule) -> impl Iterator<Item = (&'static str, &String)> {
    let grouped = rule.group_by.iter().map(|field| ("group-by", field));
    let counted = counted(rule).iter().map(|field| ("condition", field));
    let aliased = rule.aliases.iter().flat_map(|alias| alias.mapping.values());
    grouped.chain(counted).chain(aliased.map(|field| ("aliases", field)))
}

/// Says what a correlation rule names too many of, or too long.
pub(crate) fn of_named(rule: &CorrelationRule) -> Result<(), Remark> {
    let at = |what: &str| FieldPath::of(&["correlation", what]);
    for (what, named) in [
        ("rules", rule.rules.len()),
        ("group-by", rule.group_by.len()),
        ("condition", counted(rule).len()),
        ("aliases", rule.aliases.len()),
    ] {
        if named > MAX_NAMED {
            let text = format!("it names {named}, and may name {MAX_NAMED}");
            return Err(Remark { at: at(what), text });
        }
    }
    fields_of(rule).try_for_each(|(what, field)| of_field(field, &at(what)))
}

/// What a correlation rule asks of one event: whether each of its rules found it, for each of them the fields of the group,
/// and whether its condition holds. A part of a body is taken once, and whole.
pub(super) fn of_event(rule: &CorrelationRule) -> usize {
    let groups = rule.rules.len().saturating_mul(rule.group_by.len() + 1);
    let in_bodies: BTreeSet<_> =
        fields_of(rule).map(|(_, field)| field).filter(|it| in_body(it).is_some()).collect();
    let condition = match &rule.condition {
        CorrelationCondition::Extended(expression) => of_condition(expression, &Named::new()),
        CorrelationCondition::Threshold { .. } => 0,
    };
    sum([groups, counted(rule).len(), condition, in_bodies.len().saturating_mul(WHOLE)].into_iter())
}

/// The most events, values or rules that a correlation rule remembers in one group.
pub(super) fn of_group(rule: &CorrelationRule) -> usize {
    let counts = match &rule.condition {
        CorrelationCondition::Threshold { predicates, .. } => {
            predicates.iter().map(|(_, bound)| usize::try_from(*bound).unwrap_or(usize::MAX)).max()
        }
        CorrelationCondition::Extended(_) => None,
    };
    counts.unwrap_or(0).saturating_add(1).max(rule.rules.len())
}
