//! Lists: order, sums, and where an element is.

use std::cmp::Ordering;

use super::super::Failure;
use super::super::budget::Budget;
use super::super::collection::List;
use super::super::compare::{equal, order};
use super::super::operators;
use super::super::syntax::Binary;
use super::super::value::Value;
use super::{Call, Function, Outcome, failed, member, strings};

pub(super) const FUNCTIONS: &[Function] = &[
    member("isSorted", (1, 1), "bool", is_sorted),
    member("sum", (1, 1), "int", sum).gives_any(),
    member("min", (1, 1), "int", |call, budget| extreme(call, budget, Ordering::Less)).gives_any(),
    member("max", (1, 1), "int", |call, budget| extreme(call, budget, Ordering::Greater))
        .gives_any(),
    member("indexOf", (2, 3), "int", index_of),
    member("lastIndexOf", (2, 3), "int", last_index_of),
];

fn traverse(list: &List<'_>, budget: &mut Budget) -> Result<(), Failure> {
    for element in list.iter() {
        budget.charge(1)?;
        budget.charge_letters(element.extent())?;
    }
    Ok(())
}

fn compared(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, Failure> {
    order(left, right).ok_or_else(|| {
        Failure::Error(format!("{} and {} have no order", left.type_name(), right.type_name()))
    })
}

fn is_sorted<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let Some(list) = call.list(0) else { return Ok(None) };
    traverse(list, budget)?;
    let mut before: Option<Value<'_>> = None;
    for element in list.iter() {
        if let Some(before) = &before
            && compared(before, &element)?.is_gt()
        {
            return Ok(Some(Value::Bool(false)));
        }
        before = Some(element);
    }
    Ok(Some(Value::Bool(true)))
}

fn sum<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let Some(list) = call.list(0) else { return Ok(None) };
    traverse(list, budget)?;
    let mut sum: Option<Value<'_>> = None;
    for element in list.iter() {
        let is_number = matches!(
            element,
            Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Duration(_)
        );
        if !is_number {
            return failed(format!("sum: the list holds a {}", element.type_name()));
        }
        sum = Some(match sum {
            None => element,
            Some(sum) => operators::binary(Binary::Add, &sum, &element, budget)?,
        });
    }
    Ok(Some(sum.unwrap_or(Value::Int(0))))
}

fn extreme<'a>(call: Call<'_, 'a>, budget: &mut Budget, wanted: Ordering) -> Outcome<'a> {
    let Some(list) = call.list(0) else { return Ok(None) };
    traverse(list, budget)?;
    let mut extreme: Option<Value<'_>> = None;
    for element in list.iter() {
        extreme = Some(match extreme {
            None => element,
            Some(extreme) if compared(&element, &extreme)? == wanted => element,
            Some(extreme) => extreme,
        });
    }
    if extreme.is_none() {
        return failed("min and max of an empty list are nothing");
    }
    Ok(extreme)
}

fn index_of<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    if strings::is_text(&call) {
        return strings::index_of(call, budget);
    }
    let (Some(list), Some(wanted), None) =
        (call.list(0), call.arguments.get(1), call.arguments.get(2))
    else {
        return Ok(None);
    };
    for (index, element) in list.iter().enumerate() {
        if equal(&element, wanted, budget)? {
            return Ok(Some(strings::counted(Some(index))));
        }
    }
    Ok(Some(strings::counted(None)))
}

fn last_index_of<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    if strings::is_text(&call) {
        return strings::last_index_of(call, budget);
    }
    let (Some(list), Some(wanted), None) =
        (call.list(0), call.arguments.get(1), call.arguments.get(2))
    else {
        return Ok(None);
    };
    let mut last = None;
    for (index, element) in list.iter().enumerate() {
        if equal(&element, wanted, budget)? {
            last = Some(index);
        }
    }
    Ok(Some(strings::counted(last)))
}
