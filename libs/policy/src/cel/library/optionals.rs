//! Optional values: there, or not. `or`, `orValue`, `optMap` and `optFlatMap` are macros: they do
//! not always evaluate their argument.

use super::super::budget::Budget;
use super::super::value::Value;
use super::{Call, Function, Outcome, failed, global, member};

pub(super) const FUNCTIONS: &[Function] = &[
    global("optional.of", "optional_type", |call, _| {
        Ok(call.arguments.first().map(|value| Value::optional(Some(value.clone()))))
    }),
    global("optional.none", "optional_type", |_, _| Ok(Some(Value::Optional(None)))).with(0, 0),
    global("optional.ofNonZeroValue", "optional_type", of_non_zero),
    member("hasValue", (1, 1), "bool", |call, _| match call.arguments.first() {
        Some(Value::Optional(value)) => Ok(Some(Value::Bool(value.is_some()))),
        _ => Ok(None),
    }),
    member("value", (1, 1), "dyn", |call, _| match call.arguments.first() {
        Some(Value::Optional(Some(value))) => Ok(Some((**value).clone())),
        Some(Value::Optional(None)) => failed("the optional has no value"),
        _ => Ok(None),
    })
    .gives_any(),
];

fn of_non_zero<'a>(call: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    let Some(value) = call.arguments.first() else { return Ok(None) };
    let is_zero = match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) => true,
        Value::Double(value) => *value == 0.0,
        Value::Text(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_) => value.extent() == 0,
        Value::Duration(value) => value.is_zero(),
        Value::Optional(value) => value.is_none(),
        _ => false,
    };
    Ok(Some(Value::optional((!is_zero).then(|| value.clone()))))
}
