//! How many comparisons with one event a rule may take.

use std::collections::HashMap;

use rsigma_parser::{ConditionExpr, Detection, DetectionItem, Modifier, SigmaValue};

use crate::fields::in_body;

/// At so many comparisons the comparisons of a rule are no longer counted.
const ENOUGH: usize = 1_000_000;
/// So many elements of a list are counted with, where each is compared.
const ELEMENTS: usize = 16;
/// So many comparisons a part of a body is counted as that is taken whole (`whole.rs`): of 1 MiB it takes some
/// milliseconds.
pub(super) const WHOLE: usize = 200;

pub(super) fn sum(costs: impl Iterator<Item = usize>) -> usize {
    costs.fold(0, usize::saturating_add)
}

/// The sum, counted on only until it is more than [`ENOUGH`].
pub(super) fn sum_enough(mut costs: impl Iterator<Item = usize>) -> usize {
    let add = |sum: usize, cost| {
        let sum = sum.saturating_add(cost);
        if sum > ENOUGH { Err(sum) } else { Ok(sum) }
    };
    costs.try_fold(0, add).unwrap_or_else(|sum| sum)
}

pub(super) type Named = HashMap<String, Detection>;

/// The comparisons of a condition in which none is spared.
pub(super) fn of_condition(condition: &ConditionExpr, named: &Named) -> usize {
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            sum_enough(parts.iter().map(|it| of_condition(it, named)))
        }
        ConditionExpr::Not(part) => of_condition(part, named),
        // Nothing that is asked is free, be it no selection.
        ConditionExpr::Identifier(name) => named.get(name).map_or(1, of_detection),
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
        // All texts of the event are looked at, those of its bodies included.
        Detection::Keywords(values) => values.len().saturating_add(WHOLE),
        Detection::ArrayMatch { field, body, .. } => {
            let whole = if in_body(field).is_some() { WHOLE } else { 0 };
            of_detection(body).saturating_mul(ELEMENTS).saturating_add(whole)
        }
        Detection::Conditional { named, condition } => of_condition(condition, named),
    }
}

fn of_item(item: &DetectionItem) -> usize {
    let written = sum(item.values.iter().map(|value| writings(item, value))).max(1);
    let whole = compared_whole(item) + usize::from(item.field.name.is_none());
    written.saturating_add(whole.saturating_mul(WHOLE))
}

/// How many parts of bodies an item takes whole: both sides where it compares fields.
fn compared_whole(item: &DetectionItem) -> usize {
    if !item.field.has_modifier(Modifier::FieldRef) {
        return 0;
    }
    let others = item.values.iter().filter_map(|value| match value {
        SigmaValue::String(text) => Some(text.original.as_str()),
        _ => None,
    });
    let named = others.chain(item.field.name.as_deref());
    named.filter(|field| in_body(field).is_some()).count()
}

/// In how many ways modifiers write a value.
pub(super) fn writings(item: &DetectionItem, value: &SigmaValue) -> usize {
    let SigmaValue::String(text) = value else { return 1 };
    let dashes = match item.field.has_modifier(Modifier::WindAsh) {
        true => text.original.bytes().filter(|byte| *byte == b'-').count(),
        false => 0,
    };
    // Of each dash five, and of each offset one.
    let ways = 5_usize.saturating_pow(u32::try_from(dashes).unwrap_or(u32::MAX));
    if item.field.has_modifier(Modifier::Base64Offset) { ways.saturating_mul(3) } else { ways }
}
