//! Equality and order of values: numbers of different types compare by their value, everything else only
//! with its own type.

use std::cmp::Ordering;

use super::Failure;
use super::budget::Budget;
use super::collection::{List, Map};
use super::value::Value;

/// Whether two values are equal; values of different types are not.
///
/// # Errors
/// The comparison costs more than is left.
pub(crate) fn equal(
    left: &Value<'_>,
    right: &Value<'_>,
    budget: &mut Budget,
) -> Result<bool, Failure> {
    budget.charge(1)?;
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left == right,
        (Value::Ip(left), Value::Ip(right)) => left == right,
        (Value::Cidr(left), Value::Cidr(right)) => left == right,
        (Value::Url(left), Value::Url(right)) => left == right,
        (Value::Format(left), Value::Format(right)) => std::ptr::eq(*left, *right),
        (Value::Text(left), Value::Text(right)) => {
            budget
                .charge_letters(u64::try_from(left.len().min(right.len())).unwrap_or(u64::MAX))?;
            **left == **right
        }
        (Value::Optional(Some(left)), Value::Optional(Some(right))) => equal(left, right, budget)?,
        (Value::Optional(left), Value::Optional(right)) => left.is_none() && right.is_none(),
        (Value::List(left), Value::List(right)) => lists(left, right, budget)?,
        (Value::Map(left), Value::Map(right)) => maps(left, right, budget)?,
        _ => order(left, right) == Some(Ordering::Equal),
    })
}

fn lists(left: &List<'_>, right: &List<'_>, budget: &mut Budget) -> Result<bool, Failure> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for (left, right) in left.iter().zip(right.iter()) {
        if !equal(&left, &right, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps(left: &Map<'_>, right: &Map<'_>, budget: &mut Budget) -> Result<bool, Failure> {
    if left.len() != right.len() {
        return Ok(false);
    }
    budget.charge(u64::try_from(left.len()).unwrap_or(u64::MAX))?;
    for (key, value) in left.entries() {
        budget.charge(right.search_cost())?;
        match right.get(&key) {
            Some(other) if equal(&value, &other, budget)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether two values are the same key of a map.
pub(crate) fn is_same_key(left: &Value<'_>, right: &Value<'_>) -> bool {
    order(left, right) == Some(Ordering::Equal)
}

/// The order of two values; none where there is none.
pub(crate) fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Some((**left).cmp(&**right)),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        (Value::Timestamp(left), Value::Timestamp(right)) => Some(left.cmp(right)),
        (Value::Quantity(left), Value::Quantity(right)) => Some(left.cmp(right)),
        // Build metadata does not count.
        (Value::Semver(left), Value::Semver(right)) => Some(left.cmp_precedence(right)),
        _ => numbers(left, right),
    }
}

fn numbers(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), _) => {
            whole(right).and_then(|right| with_double(right, *left)).map(Ordering::reverse)
        }
        (_, Value::Double(right)) => whole(left).and_then(|left| with_double(left, *right)),
        _ => Some(whole(left)?.cmp(&whole(right)?)),
    }
}

fn whole(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Uint(value) => Some(i128::from(*value)),
        _ => None,
    }
}

/// How a whole number of 64 bits compares with a double, without rounding it.
#[expect(clippy::cast_possible_truncation, reason = "bounded above: beyond it, the sign decides")]
fn with_double(whole: i128, double: f64) -> Option<Ordering> {
    const BEYOND: f64 = 1e30;
    if double.is_nan() {
        return None;
    }
    if double.abs() > BEYOND {
        return Some(if double > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let cut = double.trunc();
    Some(whole.cmp(&(cut as i128)).then_with(|| 0.0_f64.total_cmp(&(double - cut + 0.0))))
}
