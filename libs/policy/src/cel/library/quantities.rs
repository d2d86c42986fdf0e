//! Quantities: `quantity('1Gi')`, and what Kubernetes lets expressions do with them.

use airside_k8s::quantity::Quantity;

use super::super::Failure;
use super::super::budget::Budget;
use super::super::value::Value;
use super::{Call, Function, Outcome, failed, global, member};

pub(super) const FUNCTIONS: &[Function] = &[
    global("quantity", "kubernetes.Quantity", |call, budget| {
        let Some(text) = call.text(0) else { return Ok(None) };
        budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
        match Quantity::parse(text) {
            Some(quantity) => Ok(Some(Value::Quantity(quantity))),
            None => failed(format!("quantity: `{}` is none, such as 500m or 1Gi", &**text)),
        }
    }),
    global("isQuantity", "bool", |call, budget| {
        let Some(text) = call.text(0) else { return Ok(None) };
        budget.charge_letters(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
        Ok(Some(Value::Bool(Quantity::parse(text).is_some())))
    }),
    member("sign", (1, 1), "int", |call, _| {
        Ok(own(call).map(|quantity| Value::Int(quantity.signum())))
    }),
    member("isInteger", (1, 1), "bool", |call, _| {
        Ok(own(call).map(|quantity| Value::Bool(quantity.to_integer().is_some())))
    }),
    member("asInteger", (1, 1), "int", |call, _| match own(call) {
        None => Ok(None),
        Some(quantity) => match quantity.to_integer() {
            Some(whole) => Ok(Some(Value::Int(whole))),
            None => failed("asInteger: the quantity is no whole number of 64 bits"),
        },
    }),
    member("asApproximateFloat", (1, 1), "double", |call, _| {
        Ok(own(call).map(|quantity| Value::Double(quantity.to_f64())))
    }),
    member("add", (2, 2), "kubernetes.Quantity", |call, _| sum(call, Quantity::checked_add)),
    member("sub", (2, 2), "kubernetes.Quantity", |call, _| sum(call, Quantity::checked_sub)),
];

fn own(call: Call<'_, '_>) -> Option<Quantity> {
    match call.arguments.first() {
        Some(Value::Quantity(quantity)) => Some(*quantity),
        _ => None,
    }
}

/// `add` and `sub` take a whole number as well.
fn sum<'a>(call: Call<'_, 'a>, make: fn(Quantity, Quantity) -> Option<Quantity>) -> Outcome<'a> {
    let other = match call.arguments.get(1) {
        Some(Value::Quantity(other)) => Some(*other),
        Some(Value::Int(other)) => Quantity::parse(&other.to_string()),
        _ => None,
    };
    let (Some(quantity), Some(other)) = (own(call), other) else { return Ok(None) };
    let sum = make(quantity, other);
    let too_large = || Failure::Error("the quantity is too large".to_owned());
    sum.map(|it| Some(Value::Quantity(it))).ok_or_else(too_large)
}

/// `isLessThan`, `isGreaterThan` and `compareTo`, which versions have as well.
pub(super) fn compared<'a>(
    call: Call<'_, 'a>,
    _: &mut Budget,
    make: fn(std::cmp::Ordering) -> Value<'static>,
) -> Outcome<'a> {
    let is_comparable = matches!(
        call.arguments,
        [Value::Quantity(_), Value::Quantity(_)] | [Value::Semver(_), Value::Semver(_)]
    );
    let [left, right] = call.arguments else { return Ok(None) };
    let order = super::super::compare::order(left, right).filter(|_| is_comparable);
    Ok(order.map(make))
}
