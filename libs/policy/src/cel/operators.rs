//! Operators: fields and indices, arithmetic without overflow, comparison, membership, concatenation.

use time::Duration;

use super::Failure;
use super::budget::Budget;
use super::collection::List;
use super::compare::{equal, is_same_key, order};
use super::evaluate::Result;
use super::syntax::Binary;
use super::value::Value;

/// `operand.field`.
pub(super) fn select<'a>(operand: &Value<'a>, field: &str, budget: &mut Budget) -> Result<'a> {
    match operand {
        Value::Map(map) => {
            budget.charge(map.search_cost())?;
            map.field(field).ok_or_else(|| Failure::no_such_key(field))
        }
        // A field of an optional is optional.
        Value::Optional(_) => optional_index(operand, &Value::text(field), budget),
        other => Err(Failure::no_overload(&format!("field `{field}`"), &[other.type_name()])),
    }
}

/// `has(operand.field)`.
pub(super) fn has(
    operand: &Value<'_>,
    field: &str,
    budget: &mut Budget,
) -> std::result::Result<bool, Failure> {
    match operand {
        Value::Map(map) => {
            budget.charge(map.search_cost())?;
            Ok(map.field(field).is_some())
        }
        Value::Optional(None) => Ok(false),
        Value::Optional(Some(inner)) => has(inner, field, budget),
        other => Err(Failure::no_overload(&format!("has(…{field})"), &[other.type_name()])),
    }
}

/// `operand[index]`.
pub(super) fn index<'a>(operand: &Value<'a>, key: &Value<'_>, budget: &mut Budget) -> Result<'a> {
    match operand {
        Value::Optional(_) => optional_index(operand, key, budget),
        Value::List(_) | Value::Map(_) => found(operand, key, budget)?.ok_or_else(|| match key {
            Value::Text(key) => Failure::no_such_key(key),
            Value::Int(index) => Failure::Error(format!("index out of bounds: {index}")),
            other => Failure::no_such_key(other.type_name()),
        }),
        other => Err(Failure::no_overload("_[_]", &[other.type_name(), key.type_name()])),
    }
}

/// `operand[?index]` and `operand.?field`.
pub(super) fn optional_index<'a>(
    operand: &Value<'a>,
    key: &Value<'_>,
    budget: &mut Budget,
) -> Result<'a> {
    match operand {
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => optional_index(inner, key, budget),
        Value::List(_) | Value::Map(_) => Ok(Value::optional(found(operand, key, budget)?)),
        other => Err(Failure::no_overload("_[?_]", &[other.type_name(), key.type_name()])),
    }
}

fn found<'a>(
    operand: &Value<'a>,
    key: &Value<'_>,
    budget: &mut Budget,
) -> std::result::Result<Option<Value<'a>>, Failure> {
    match (operand, key) {
        (
            Value::Map(map),
            Value::Text(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Bool(_),
        ) => {
            budget.charge(map.search_cost())?;
            Ok(map.get(key))
        }
        (Value::List(list), Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
            let index = whole_index(key);
            Ok(index.and_then(|index| list.get(index)))
        }
        _ => Err(Failure::no_overload("_[_]", &[operand.type_name(), key.type_name()])),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a double is cut only where it is whole and no longer than a list can be"
)]
fn whole_index(key: &Value<'_>) -> Option<usize> {
    match key {
        Value::Int(index) => usize::try_from(*index).ok(),
        Value::Uint(index) => usize::try_from(*index).ok(),
        Value::Double(index) => {
            let is_whole = index.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(index);
            is_whole.then_some(*index as usize)
        }
        _ => None,
    }
}

/// Adds an entry to a map that is made.
pub(super) fn insert<'a>(
    entries: &mut Vec<(Value<'a>, Value<'a>)>,
    key: Value<'a>,
    value: Value<'a>,
) -> std::result::Result<(), Failure> {
    if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Text(_)) {
        return Err(Failure::Error(format!("a {} is no key of a map", key.type_name())));
    }
    if entries.iter().any(|(other, _)| is_same_key(other, &key)) {
        return Err(Failure::Error("a map has the same key twice".to_owned()));
    }
    entries.push((key, value));
    Ok(())
}

pub(super) fn not<'a>(operand: &Value<'a>) -> Result<'a> {
    match operand {
        Value::Bool(value) => Ok(Value::Bool(!value)),
        other => Err(Failure::no_overload("!_", &[other.type_name()])),
    }
}

pub(super) fn negate<'a>(operand: &Value<'a>) -> Result<'a> {
    match operand {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Double(value) => Ok(Value::Double(-value)),
        Value::Duration(value) => value.checked_neg().map(Value::Duration).ok_or_else(overflow),
        other => Err(Failure::no_overload("-_", &[other.type_name()])),
    }
}

/// An operator whose operands are both evaluated.
pub(super) fn binary<'a>(
    operator: Binary,
    left: &Value<'a>,
    right: &Value<'a>,
    budget: &mut Budget,
) -> Result<'a> {
    let wrong = || {
        Failure::no_overload(
            &format!("_{}_", operator.as_str()),
            &[left.type_name(), right.type_name()],
        )
    };
    match operator {
        Binary::Equal => equal(left, right, budget).map(Value::Bool),
        Binary::NotEqual => equal(left, right, budget).map(|it| Value::Bool(!it)),
        Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => {
            budget.charge_letters(left.extent().min(right.extent()))?;
            ordered(operator, left, right).ok_or_else(wrong)
        }
        Binary::In => is_in(left, right, budget)?.map(Value::Bool).ok_or_else(wrong),
        Binary::Add => match (left, right) {
            (Value::List(left), Value::List(right)) => joined(left, right, budget),
            (Value::Text(left), Value::Text(right)) => {
                let size = u64::try_from(left.len() + right.len()).unwrap_or(u64::MAX);
                budget.charge_letters(size)?;
                Ok(Value::text(format!("{left}{right}")))
            }
            (Value::Bytes(left), Value::Bytes(right)) => {
                budget
                    .charge_letters(u64::try_from(left.len() + right.len()).unwrap_or(u64::MAX))?;
                Ok(Value::Bytes([&**left, &**right].concat().into()))
            }
            _ => arithmetic(operator, left, right).ok_or_else(wrong)?,
        },
        Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder => {
            arithmetic(operator, left, right).ok_or_else(wrong)?
        }
    }
}

fn ordered<'a>(operator: Binary, left: &Value<'_>, right: &Value<'_>) -> Option<Value<'a>> {
    // Quantities and versions are compared by functions of their own.
    if matches!(left, Value::Quantity(_) | Value::Semver(_)) {
        return None;
    }
    if is_nan(left) || is_nan(right) {
        let are_numbers = is_number(left) && is_number(right);
        return are_numbers.then_some(Value::Bool(false));
    }
    let order = order(left, right)?;
    Some(Value::Bool(match operator {
        Binary::Less => order.is_lt(),
        Binary::LessOrEqual => order.is_le(),
        Binary::Greater => order.is_gt(),
        _ => order.is_ge(),
    }))
}

const fn is_nan(value: &Value<'_>) -> bool {
    matches!(value, Value::Double(value) if value.is_nan())
}

const fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Double(_) | Value::Int(_) | Value::Uint(_))
}

fn is_in(
    left: &Value<'_>,
    right: &Value<'_>,
    budget: &mut Budget,
) -> std::result::Result<Option<bool>, Failure> {
    match right {
        Value::List(list) => list.contains(left, budget).map(Some),
        Value::Map(map) => {
            budget.charge(map.search_cost())?;
            Ok(Some(map.get(left).is_some()))
        }
        _ => Ok(None),
    }
}

fn joined<'a>(left: &List<'a>, right: &List<'a>, budget: &mut Budget) -> Result<'a> {
    budget.charge(u64::try_from(left.len() + right.len()).unwrap_or(u64::MAX))?;
    Ok(Value::List(List::Own(left.iter().chain(right.iter()).collect())))
}

fn overflow() -> Failure {
    Failure::Error("the number does not fit into 64 bits".to_owned())
}

/// Arithmetic on numbers and times; none where the types have none.
fn arithmetic<'a>(operator: Binary, left: &Value<'a>, right: &Value<'a>) -> Option<Result<'a>> {
    use Binary::{Add, Divide, Multiply, Remainder, Subtract};
    Some(match (left, right) {
        (Value::Int(left), Value::Int(right)) => match operator {
            Divide | Remainder if *right == 0 => return Some(Err(by_zero())),
            Add => left.checked_add(*right),
            Subtract => left.checked_sub(*right),
            Multiply => left.checked_mul(*right),
            Divide => left.checked_div(*right),
            Remainder => left.checked_rem(*right),
            _ => return None,
        }
        .map(Value::Int)
        .ok_or_else(overflow),
        (Value::Uint(left), Value::Uint(right)) => match operator {
            Divide | Remainder if *right == 0 => return Some(Err(by_zero())),
            Add => left.checked_add(*right),
            Subtract => left.checked_sub(*right),
            Multiply => left.checked_mul(*right),
            Divide => left.checked_div(*right),
            Remainder => left.checked_rem(*right),
            _ => return None,
        }
        .map(Value::Uint)
        .ok_or_else(overflow),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(match operator {
            Add => left + right,
            Subtract => left - right,
            Multiply => left * right,
            Divide => left / right,
            _ => return None,
        })),
        _ => return times(operator, left, right),
    })
}

fn by_zero() -> Failure {
    Failure::Error("division by zero".to_owned())
}

fn times<'a>(operator: Binary, left: &Value<'a>, right: &Value<'a>) -> Option<Result<'a>> {
    let out_of_range = || Failure::Error("the time is out of range".to_owned());
    let moment = |moment: Option<_>| moment.map(Value::Timestamp).ok_or_else(out_of_range);
    let span = |span: Option<Duration>| span.map(Value::Duration).ok_or_else(out_of_range);
    Some(match (operator, left, right) {
        (Binary::Add, Value::Duration(left), Value::Duration(right)) => {
            span(left.checked_add(*right))
        }
        (Binary::Subtract, Value::Duration(left), Value::Duration(right)) => {
            span(left.checked_sub(*right))
        }
        (Binary::Add, Value::Timestamp(at), Value::Duration(by))
        | (Binary::Add, Value::Duration(by), Value::Timestamp(at)) => moment(at.checked_add(*by)),
        (Binary::Subtract, Value::Timestamp(at), Value::Duration(by)) => {
            moment(at.checked_sub(*by))
        }
        (Binary::Subtract, Value::Timestamp(left), Value::Timestamp(right)) => {
            Ok(Value::Duration(*left - *right))
        }
        _ => return None,
    })
}
