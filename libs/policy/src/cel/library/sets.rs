//! Lists as sets.

use super::super::Failure;
use super::super::budget::Budget;
use super::super::collection::List;
use super::super::value::Value;
use super::{Call, Function, Outcome, global};

pub(super) const FUNCTIONS: &[Function] = &[
    global("sets.contains", "bool", |call, budget| {
        both(call, budget, |left, right, budget| all_in(right, left, budget))
    })
    .with(2, 2),
    global("sets.equivalent", "bool", |call, budget| {
        both(call, budget, |left, right, budget| {
            Ok(all_in(left, right, budget)? && all_in(right, left, budget)?)
        })
    })
    .with(2, 2),
    global("sets.intersects", "bool", |call, budget| {
        both(call, budget, |left, right, budget| {
            for element in left.iter() {
                if right.contains(&element, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    })
    .with(2, 2),
];

type Holds = for<'a> fn(&List<'a>, &List<'a>, &mut Budget) -> Result<bool, Failure>;

fn both<'a>(call: Call<'_, 'a>, budget: &mut Budget, holds: Holds) -> Outcome<'a> {
    match (call.list(0), call.list(1)) {
        (Some(left), Some(right)) => holds(left, right, budget).map(|it| Some(Value::Bool(it))),
        _ => Ok(None),
    }
}

fn all_in(few: &List<'_>, many: &List<'_>, budget: &mut Budget) -> Result<bool, Failure> {
    for element in few.iter() {
        if !many.contains(&element, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}
