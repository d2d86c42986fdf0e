//! The Common Expression Language as Kubernetes has it: read, resolved, evaluated within a budget.
//!
//! Owns the language and Kubernetes' library for it. An expression that asks for what is not here is refused
//! when it is read, with its place: never does it give a wrong answer. What expressions are for is
//! `policy`'s. Follows the language definition of cel-spec and the API server's documentation of its library.

mod budget;
mod collection;
mod compare;
mod evaluate;
mod failure;
mod lex;
mod library;
mod literal;
mod operators;
mod parse;
mod program;
mod resolve;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use airside_k8s::Map as JsonMap;
use airside_types::FieldPath;

pub use budget::{EXPRESSION_LIMIT, POLICY_LIMIT};
pub use failure::{Failure, SyntaxError};

pub(crate) use budget::Budget;
pub(crate) use evaluate::{Roots, evaluate};
pub(crate) use program::Root;
pub(crate) use value::Value;

use program::Node;

/// The fields of an object as a map.
pub(crate) const fn map_of(fields: &JsonMap) -> collection::Map<'_> {
    collection::Map::Json(fields)
}

/// The names that an expression may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    /// Whether there are parameters.
    pub(crate) has_params: bool,
    /// Whether the authorizer may be asked: not for messages.
    pub(crate) has_authorizer: bool,
    /// The policy's variables that are defined before, in order.
    pub(crate) variables: &'s [Variable],
}

/// A variable of a policy that expressions may read.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// The height of its program.
    pub(crate) height: u16,
    /// The type of all its values, where that is known.
    pub(crate) gives: Option<&'static str>,
}

/// An expression that is ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Program {
    root: Node,
    /// The type of every value that it can give, where that is known.
    gives: Option<&'static str>,
    /// The field of the object that it is about: what all its looks at the object have in common.
    field: FieldPath,
    height: u16,
}

impl Program {
    /// Reads an expression.
    ///
    /// # Errors
    /// The text is no expression, or names what there is not.
    pub(crate) fn read(text: &str, scope: &Scope<'_>) -> Result<Self, SyntaxError> {
        let expression = parse::parse(text)?;
        let field = resolve::field_of(&expression);
        let resolve::Whole { root, gives, height } = resolve::resolve(&expression, scope)?;
        Ok(Self { root, gives, field, height })
    }

    /// The type of every value that the program can give, where that is known.
    pub(crate) const fn gives(&self) -> Option<&'static str> {
        self.gives
    }

    /// How deep the program's steps are, those of the variables that it reads among them.
    pub(crate) const fn height(&self) -> u16 {
        self.height
    }

    /// The field of the object that the program is about.
    pub(crate) const fn field(&self) -> &FieldPath {
        &self.field
    }
}
