//! The syntax tree of an expression, each node with the place where a reader looks for it.

use airside_k8s::Position;

/// An expression as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    /// Where its operator, name or literal stands, counted from the expression's start.
    pub(crate) at: Position,
    /// How deep the tree is below and with this node; the parser bounds it.
    pub(crate) height: u16,
    pub(crate) syntax: Syntax,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Syntax {
    Literal(Literal),
    Identifier(String),
    Select {
        operand: Box<Expression>,
        field: String,
        is_optional: bool,
    },
    Index {
        operand: Box<Expression>,
        index: Box<Expression>,
        is_optional: bool,
    },
    Call {
        target: Option<Box<Expression>>,
        name: String,
        arguments: Vec<Expression>,
    },
    Unary {
        operator: Unary,
        operand: Box<Expression>,
    },
    Binary {
        operator: Binary,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    /// `a && b && c`: two or more.
    And(Vec<Expression>),
    /// `a || b || c`: two or more.
    Or(Vec<Expression>),
    Conditional {
        condition: Box<Expression>,
        then: Box<Expression>,
        otherwise: Box<Expression>,
    },
    List(Vec<Element>),
    Map(Vec<Entry>),
}

/// An element of a list literal; `?` before it leaves out an empty optional.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    pub(crate) value: Expression,
    pub(crate) is_optional: bool,
}

/// An entry of a map literal; `?` before it leaves out an empty optional.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Expression,
    pub(crate) value: Expression,
    pub(crate) is_optional: bool,
}

/// A value that is written down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Negate,
}

/// Operators with two operands that are both evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Expression {
    /// The expressions that this one is made of, as they are written.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match &self.syntax {
            Syntax::Literal(_) | Syntax::Identifier(_) => Vec::new(),
            Syntax::Select { operand, .. } | Syntax::Unary { operand, .. } => vec![operand],
            Syntax::Index { operand, index, .. } => vec![operand, index],
            Syntax::Call { target, arguments, .. } => {
                target.iter().map(|it| &**it).chain(arguments).collect()
            }
            Syntax::Binary { left, right, .. } => vec![left, right],
            Syntax::And(operands) | Syntax::Or(operands) => operands.iter().collect(),
            Syntax::Conditional { condition, then, otherwise } => vec![condition, then, otherwise],
            Syntax::List(elements) => elements.iter().map(|it| &it.value).collect(),
            Syntax::Map(entries) => entries.iter().flat_map(|it| [&it.key, &it.value]).collect(),
        }
    }
}
