//! Walks over lists and maps: `all`, `exists`, `map` and what else repeats an expression.

use super::super::collection::Map;
use super::super::program::{Comprehension, Kind};
use super::super::{Failure, operators};
use super::{Evaluator, Open, Result, Value};

/// What a walk has gathered.
#[derive(Default)]
struct Gathered<'a> {
    open: Open,
    count: usize,
    values: Vec<Value<'a>>,
    entries: Vec<(Value<'a>, Value<'a>)>,
}

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn comprehension(&mut self, walk: &'a Comprehension) -> Result<'a> {
        let range = self.step(&walk.range)?;
        self.budget.charge(range.extent())?;
        let elements = elements(&range, walk.has_two_variables)?;
        let mut gathered = Gathered::default();
        for (first, second) in elements {
            // What cel-go charges for a turn of its loop: the condition, the step, the result.
            self.budget.charge(3)?;
            let depth = self.locals.len();
            self.locals.push(first);
            self.locals.extend(second);
            let decided = self.turn(walk, &mut gathered);
            self.locals.truncate(depth);
            if let Some(decided) = decided? {
                return Ok(decided);
            }
        }
        finish(walk.kind, gathered)
    }

    /// One element; a value where it decides the whole.
    fn turn(
        &mut self,
        walk: &'a Comprehension,
        gathered: &mut Gathered<'a>,
    ) -> std::result::Result<Option<Value<'a>>, Failure> {
        let depth = self.locals.len();
        let last = self.locals.last().cloned().unwrap_or(Value::Null);
        let first = self.locals.get(depth.saturating_sub(2)).cloned().unwrap_or(Value::Null);
        let holds = match (&walk.condition, walk.kind) {
            (None, _) => true,
            (Some(condition), Kind::All | Kind::Exists) => {
                let deciding = walk.kind == Kind::Exists;
                match self.value(condition) {
                    Ok(Value::Bool(value)) if value == deciding => {
                        return Ok(Some(Value::Bool(deciding)));
                    }
                    Ok(Value::Bool(_)) => {}
                    Ok(other) => gathered.open.take(not_bool(&other))?,
                    Err(failure) => gathered.open.take(failure)?,
                }
                return Ok(None);
            }
            (Some(condition), _) => match self.value(condition)? {
                Value::Bool(value) => value,
                other => return Err(not_bool(&other)),
            },
        };
        if !holds {
            return Ok(None);
        }
        gathered.count += 1;
        let made = match &walk.transform {
            Some(transform) => self.value(transform)?,
            None => last.clone(),
        };
        self.budget.charge(1)?;
        match walk.kind {
            Kind::All | Kind::Exists | Kind::ExistsOne => {}
            Kind::Filter | Kind::List => gathered.values.push(made),
            Kind::MapValues => gathered.entries.push((first, made)),
            Kind::MapEntries => {
                let Value::Map(made) = made else {
                    return Err(Failure::no_overload("transformMapEntry", &[made.type_name()]));
                };
                for (key, value) in made.entries() {
                    let searched = u64::try_from(gathered.entries.len() / 8);
                    self.budget.charge(searched.unwrap_or(u64::MAX))?;
                    operators::insert(&mut gathered.entries, key, value)?;
                }
            }
        }
        Ok(None)
    }
}

/// What is walked over: elements or keys, or with two variables index and element, key and value.
fn elements<'a>(
    range: &Value<'a>,
    has_two_variables: bool,
) -> std::result::Result<Vec<(Value<'a>, Option<Value<'a>>)>, Failure> {
    Ok(match (range, has_two_variables) {
        (Value::List(list), false) => list.iter().map(|value| (value, None)).collect(),
        (Value::List(list), true) => {
            list.iter().zip(0..).map(|(value, index)| (Value::Int(index), Some(value))).collect()
        }
        (Value::Map(map), false) => map.entries().into_iter().map(|(key, _)| (key, None)).collect(),
        (Value::Map(map), true) => {
            map.entries().into_iter().map(|(key, value)| (key, Some(value))).collect()
        }
        (other, _) => return Err(Failure::no_overload("a walk", &[other.type_name()])),
    })
}

fn not_bool(value: &Value<'_>) -> Failure {
    Failure::no_overload("a condition", &[value.type_name()])
}

fn finish<'a>(kind: Kind, gathered: Gathered<'a>) -> Result<'a> {
    let Gathered { open, count, values, entries } = gathered;
    match kind {
        Kind::All => open.or(true),
        Kind::Exists => open.or(false),
        Kind::ExistsOne => Ok(Value::Bool(count == 1)),
        Kind::Filter | Kind::List => Ok(Value::list(values)),
        Kind::MapValues | Kind::MapEntries => Ok(Value::Map(Map::Own(entries.into()))),
    }
}
