//! Why an expression cannot be read, or gives no value.

use airside_k8s::Position;

/// A text that is no expression, or asks for what there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SyntaxError {
    /// Where, counted from the expression's start.
    pub at: Position,
    /// What is wrong.
    pub problem: String,
}

impl SyntaxError {
    pub(crate) const fn new(at: Position, problem: String) -> Self {
        Self { at, problem }
    }

    /// The line of the expression with a mark below the place.
    pub fn excerpt(&self, expression: &str) -> String {
        const WIDTH: usize = 120;
        let line = usize::try_from(self.at.line).unwrap_or(1).saturating_sub(1);
        let column = usize::try_from(self.at.column).unwrap_or(1).saturating_sub(1);
        let letters: Vec<char> = expression.lines().nth(line).unwrap_or_default().chars().collect();
        // A long line is shown around the place.
        let first = column.saturating_sub(WIDTH / 2);
        let clean = |letter: &char| if letter.is_control() { ' ' } else { *letter };
        let shown: String = letters.iter().skip(first).take(WIDTH).map(clean).collect();
        format!("{shown}\n{}^", " ".repeat(column - first))
    }
}

/// Why an expression gives no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An error of the language, such as a missing key: `&&` and `||` absorb it where the other side
    /// decides.
    #[error("{0}")]
    Error(String),
    /// It rests on something that is not known here: absorbed in the same way, else the answer is open.
    #[error("{0}")]
    Unknown(String),
    /// A cost limit is exceeded. Nothing absorbs it.
    #[error("cost limit exceeded: evaluation costs more than {limit}")]
    CostExceeded {
        /// The limit.
        limit: u64,
    },
}

impl Failure {
    /// An operation that the types of its operands have not.
    pub(crate) fn no_overload(name: &str, types: &[&str]) -> Self {
        Self::Error(format!("no such overload: {name} of {}", types.join(", ")))
    }

    /// A key or field that is not there.
    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::Error(format!("no such key: {key}"))
    }
}
