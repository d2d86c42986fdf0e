//! A resolved expression: every name and function is known, every local variable has its slot.

use airside_k8s::Position;
use regex::Regex;

use super::library::Function;
use super::syntax::{Binary, Literal};

/// A step of a program.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) step: Step,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Step {
    Literal(Literal),
    Type(&'static str),
    Root(Root),
    /// A local variable, by its place on the stack.
    Local(usize),
    Select {
        operand: Box<Node>,
        field: String,
    },
    Has {
        operand: Box<Node>,
        field: String,
    },
    /// `has()` of what is a root of its own: whether it has a value.
    HasRoot(Box<Node>),
    OptionalSelect {
        operand: Box<Node>,
        field: String,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
    },
    OptionalIndex {
        operand: Box<Node>,
        index: Box<Node>,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary {
        operator: Binary,
        left: Box<Node>,
        right: Box<Node>,
    },
    And(Vec<Node>),
    Or(Vec<Node>),
    Conditional {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
    /// Elements, and whether `?` stands before them.
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
    Call {
        function: &'static Function,
        arguments: Vec<Node>,
        pattern: Option<Regex>,
    },
    Comprehension(Box<Comprehension>),
    /// `or`, `orValue`: the other one only where the optional is empty.
    OptionalElse {
        operand: Box<Node>,
        other: Box<Node>,
        is_value: bool,
    },
    /// `optMap`, `optFlatMap`: the body for the value of an optional.
    OptionalMap {
        operand: Box<Node>,
        body: Box<Node>,
        is_flat: bool,
    },
}

/// A walk over a list or a map.
#[derive(Debug)]
pub(crate) struct Comprehension {
    pub(crate) kind: Kind,
    pub(crate) range: Node,
    /// Whether it names index and value, or key and value; each takes a slot.
    pub(crate) has_two_variables: bool,
    /// What is asked of each element.
    pub(crate) condition: Option<Node>,
    /// What is made of each element.
    pub(crate) transform: Option<Node>,
}

/// What a walk makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    All,
    Exists,
    ExistsOne,
    Filter,
    /// `map` and `transformList`.
    List,
    /// `transformMap`: the same keys with other values.
    MapValues,
    /// `transformMapEntry`: the entries of all maps.
    MapEntries,
}

/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Object,
    OldObject,
    Params,
    NamespaceObject,
    Request,
    /// `request.FIELD`: fields are known or not one by one.
    RequestField(&'static str),
    Authorizer,
    /// A variable of the policy, by its index.
    Variable(usize),
}
