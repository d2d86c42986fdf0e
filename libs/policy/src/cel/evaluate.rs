//! Evaluation, step by step, each paid for from the budget before it is done.

mod comprehension;

use regex::Regex;

use super::budget::Budget;
use super::collection::Map;
use super::library::{Call, Function};
use super::operators;
use super::program::{Node, Root, Step};
use super::value::{Text, Value};
use super::{Failure, Program};

pub(super) type Result<'a> = std::result::Result<Value<'a>, Failure>;

/// Where a program's values come from.
pub(crate) trait Roots<'a> {
    /// The value of a name.
    ///
    /// # Errors
    /// It is not known here, or a variable fails.
    fn root(&self, root: Root, budget: &mut Budget) -> Result<'a>;
}

/// Evaluates a program as one expression of the budget.
pub(crate) fn evaluate<'a>(
    program: &'a Program,
    roots: &dyn Roots<'a>,
    budget: &mut Budget,
) -> Result<'a> {
    let interrupted = budget.begin();
    let mut evaluator = Evaluator { roots, budget, locals: Vec::new() };
    let result = evaluator.value(&program.root);
    budget.resume(interrupted);
    result
}

struct Evaluator<'e, 'a> {
    roots: &'e dyn Roots<'a>,
    budget: &'e mut Budget,
    locals: Vec<Value<'a>>,
}

impl<'a> Evaluator<'_, 'a> {
    fn value(&mut self, node: &'a Node) -> Result<'a> {
        match &node.step {
            Step::Literal(literal) => Ok(Value::of_literal(literal)),
            Step::Type(name) => Ok(Value::Type(name)),
            Step::Root(root) => {
                self.budget.charge(1)?;
                self.roots.root(*root, self.budget)
            }
            Step::Local(slot) => {
                self.budget.charge(1)?;
                let value = self.locals.get(*slot).cloned();
                value.ok_or_else(|| Failure::Error("a variable has no value".to_owned()))
            }
            Step::Select { operand, field } => {
                let operand = self.step(operand)?;
                operators::select(&operand, field, self.budget)
            }
            Step::Has { operand, field } => {
                let operand = self.step(operand)?;
                operators::has(&operand, field, self.budget).map(Value::Bool)
            }
            Step::HasRoot(root) => Ok(Value::Bool(!matches!(self.step(root)?, Value::Null))),
            Step::OptionalSelect { operand, field } => {
                let operand = self.step(operand)?;
                operators::optional_index(&operand, &Value::text(field.as_str()), self.budget)
            }
            Step::Index { operand, index } => {
                let (operand, index) = (self.step(operand)?, self.value(index)?);
                operators::index(&operand, &index, self.budget)
            }
            Step::OptionalIndex { operand, index } => {
                let (operand, index) = (self.step(operand)?, self.value(index)?);
                operators::optional_index(&operand, &index, self.budget)
            }
            Step::Not(operand) => operators::not(&self.step(operand)?),
            Step::Negate(operand) => operators::negate(&self.step(operand)?),
            Step::Binary { operator, left, right } => {
                let (left, right) = (self.step(left)?, self.value(right)?);
                operators::binary(*operator, &left, &right, self.budget)
            }
            Step::And(operands) => self.logic(operands, false),
            Step::Or(operands) => self.logic(operands, true),
            Step::Conditional { condition, then, otherwise } => match self.step(condition)? {
                Value::Bool(true) => self.value(then),
                Value::Bool(false) => self.value(otherwise),
                other => Err(Failure::no_overload("_?_:_", &[other.type_name()])),
            },
            Step::List(elements) => self.list(elements),
            Step::Map(entries) => self.map(entries),
            Step::Call { function, arguments, pattern } => {
                self.call(function, arguments, pattern.as_ref())
            }
            Step::Comprehension(walk) => self.comprehension(walk),
            Step::OptionalElse { operand, other, is_value } => {
                self.optional_else(operand, other, *is_value)
            }
            Step::OptionalMap { operand, body, is_flat } => {
                self.optional_map(operand, body, *is_flat)
            }
        }
    }

    fn call(
        &mut self,
        function: &'static Function,
        arguments: &'a [Node],
        pattern: Option<&'a Regex>,
    ) -> Result<'a> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        self.budget.charge(1)?;
        let result = (function.body)(Call { arguments: &values, pattern }, self.budget)?;
        result.ok_or_else(|| {
            let types: Vec<_> = values.iter().map(Value::type_name).collect();
            Failure::no_overload(function.name, &types)
        })
    }

    /// `or` and `orValue`.
    fn optional_else(&mut self, operand: &'a Node, other: &'a Node, is_value: bool) -> Result<'a> {
        let name = if is_value { "orValue" } else { "or" };
        match (self.step(operand)?, is_value) {
            (Value::Optional(Some(value)), true) => Ok((*value).clone()),
            (value @ Value::Optional(Some(_)), false) => Ok(value),
            (Value::Optional(None), _) => match (self.value(other)?, is_value) {
                (other @ Value::Optional(_), false) | (other, true) => Ok(other),
                (other, false) => Err(Failure::no_overload(name, &[other.type_name()])),
            },
            (operand, _) => Err(Failure::no_overload(name, &[operand.type_name()])),
        }
    }

    /// `optMap` and `optFlatMap`.
    fn optional_map(&mut self, operand: &'a Node, body: &'a Node, is_flat: bool) -> Result<'a> {
        match self.step(operand)? {
            Value::Optional(None) => Ok(Value::Optional(None)),
            Value::Optional(Some(value)) => match (self.with((*value).clone(), body)?, is_flat) {
                (value, false) => Ok(Value::optional(Some(value))),
                (value @ Value::Optional(_), true) => Ok(value),
                (other, true) => Err(Failure::no_overload("optFlatMap", &[other.type_name()])),
            },
            other => Err(Failure::no_overload("optMap", &[other.type_name()])),
        }
    }

    /// A value, and the price of the step that takes it.
    fn step(&mut self, operand: &'a Node) -> Result<'a> {
        self.budget.charge(1)?;
        self.value(operand)
    }

    /// A value with one more local variable.
    fn with(&mut self, local: Value<'a>, body: &'a Node) -> Result<'a> {
        self.locals.push(local);
        let result = self.value(body);
        self.locals.pop();
        result
    }

    /// `&&` and `||`: an operand that decides does so whatever the others give, also errors.
    fn logic(&mut self, operands: &'a [Node], deciding: bool) -> Result<'a> {
        let mut open = Open::default();
        for operand in operands {
            match self.step(operand) {
                Ok(Value::Bool(value)) if value == deciding => return Ok(Value::Bool(deciding)),
                Ok(Value::Bool(_)) => {}
                Ok(other) => {
                    let name = if deciding { "_||_" } else { "_&&_" };
                    open.take(Failure::no_overload(name, &[other.type_name()]))?;
                }
                Err(failure) => open.take(failure)?,
            }
        }
        open.or(!deciding)
    }

    fn list(&mut self, elements: &'a [(Node, bool)]) -> Result<'a> {
        self.budget.charge(10)?;
        let mut values = Vec::with_capacity(elements.len());
        for (element, is_optional) in elements {
            values.extend(self.present(element, *is_optional)?);
        }
        Ok(Value::list(values))
    }

    fn map(&mut self, entries: &'a [(Node, Node, bool)]) -> Result<'a> {
        self.budget.charge(30)?;
        let mut made: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(entries.len());
        for (key, value, is_optional) in entries {
            let key = self.value(key)?;
            if let Some(value) = self.present(value, *is_optional)? {
                self.budget.charge(u64::try_from(made.len() / 8).unwrap_or(u64::MAX))?;
                operators::insert(&mut made, key, value)?;
            }
        }
        Ok(Value::Map(Map::Own(made.into())))
    }

    /// The value of an element; none for an empty optional behind `?`.
    fn present(
        &mut self,
        node: &'a Node,
        is_optional: bool,
    ) -> std::result::Result<Option<Value<'a>>, Failure> {
        match (self.step(node)?, is_optional) {
            (value, false) => Ok(Some(value)),
            (Value::Optional(value), true) => Ok(value.map(|value| (*value).clone())),
            (other, true) => Err(Failure::no_overload("?", &[other.type_name()])),
        }
    }
}

/// Failures that another operand may still make irrelevant: what is open weighs more than an error, since
/// it might have decided.
#[derive(Default)]
pub(super) struct Open(Option<Failure>);

impl Open {
    /// Keeps a failure in mind; an exceeded limit passes through.
    pub(super) fn take(&mut self, failure: Failure) -> std::result::Result<(), Failure> {
        match (&failure, &self.0) {
            (Failure::CostExceeded { .. }, _) => return Err(failure),
            (Failure::Unknown(_), Some(Failure::Error(_))) | (_, None) => self.0 = Some(failure),
            _ => {}
        }
        Ok(())
    }

    /// The answer where nothing decided.
    pub(super) fn or<'a>(self, undecided: bool) -> Result<'a> {
        self.0.map_or(Ok(Value::Bool(undecided)), Err)
    }
}

/// A text as a value that borrows it.
impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Text::Borrowed(text))
    }
}
