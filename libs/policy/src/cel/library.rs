//! The functions that expressions can call: those of the language, and those that Kubernetes adds.
//!
//! A function is one entry of one family's table. What Kubernetes has and this has not (`image`,
//! `jsonpatch`) is refused when an expression is read, like any unknown name.

mod authorizer;
pub(super) mod cidr;
mod conversions;
mod format;
mod ip;
mod lists;
pub(super) mod named_formats;
mod optionals;
mod patterns;
mod quantities;
mod semvers;
mod sets;
mod strings;
mod times;
pub(super) mod url;

use regex::Regex;

use super::Failure;
use super::budget::Budget;
use super::collection::List;
use super::value::{Text, Value};

pub(super) use patterns::compile as compile_pattern;
pub(super) use times::{duration, timestamp};

/// A function.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// The least and the greatest number of arguments, the target of a member function among them.
    pub(crate) arguments: (usize, usize),
    /// The type of every value that it gives, where there is one.
    pub(crate) gives: Option<&'static str>,
    pub(crate) body: Body,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `f(x)`.
    Global,
    /// `x.f()`.
    Member,
}

/// What a function does: none where it is not for values of these types, whatever the values are. Reading an
/// expression rests on that (`resolve/types.rs`).
pub(crate) type Body = for<'c, 'a> fn(Call<'c, 'a>, &mut Budget) -> Outcome<'a>;
pub(crate) type Outcome<'a> = Result<Option<Value<'a>>, Failure>;

/// The arguments of a call, the target of a member function first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'c, 'a> {
    pub(crate) arguments: &'c [Value<'a>],
    /// The pattern that the expression names, compiled when it was read.
    pub(crate) pattern: Option<&'c Regex>,
}

impl<'c, 'a> Call<'c, 'a> {
    fn text(&self, index: usize) -> Option<&'c Text<'a>> {
        match self.arguments.get(index)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn int(&self, index: usize) -> Option<i64> {
        match self.arguments.get(index)? {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    fn list(&self, index: usize) -> Option<&'c List<'a>> {
        match self.arguments.get(index)? {
            Value::List(list) => Some(list),
            _ => None,
        }
    }
}

const fn global(name: &'static str, gives: &'static str, body: Body) -> Function {
    Function { name, form: Form::Global, arguments: (1, 1), gives: Some(gives), body }
}

const fn member(
    name: &'static str,
    arguments: (usize, usize),
    gives: &'static str,
    body: Body,
) -> Function {
    Function { name, form: Form::Member, arguments, gives: Some(gives), body }
}

impl Function {
    const fn with(self, least: usize, greatest: usize) -> Self {
        Self { arguments: (least, greatest), ..self }
    }

    /// The same for a function whose values have several types.
    const fn gives_any(self) -> Self {
        Self { gives: None, ..self }
    }
}

const FAMILIES: [&[Function]; 15] = [
    authorizer::FUNCTIONS,
    conversions::FUNCTIONS,
    strings::FUNCTIONS,
    format::FUNCTIONS,
    named_formats::FUNCTIONS,
    patterns::FUNCTIONS,
    lists::FUNCTIONS,
    sets::FUNCTIONS,
    optionals::FUNCTIONS,
    times::FUNCTIONS,
    quantities::FUNCTIONS,
    ip::FUNCTIONS,
    cidr::FUNCTIONS,
    url::FUNCTIONS,
    semvers::FUNCTIONS,
];

fn all() -> impl Iterator<Item = &'static Function> {
    static TABLES: [&[Function]; 15] = FAMILIES;
    TABLES.iter().copied().flatten()
}

/// The functions of a name, in one form.
pub(super) fn named(name: &str, form: Form) -> impl Iterator<Item = &'static Function> {
    all().filter(move |function| function.name == name && function.form == form)
}

/// A failure of a function, in words.
fn failed<T>(problem: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Error(problem.into()))
}
