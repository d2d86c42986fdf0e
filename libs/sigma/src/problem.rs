//! What is wrong with a rule: where, how bad, and what to write instead.

use std::fmt;

use airside_types::Place;

/// Something wrong in a file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// How bad it is.
    pub gravity: Gravity,
    /// What is wrong, and what to write.
    pub text: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// The rule is in force, though hardly as its author means it.
    Warning,
    /// The rule is not in force. The others are.
    Error,
}

impl Problem {
    /// Whether it keeps its rule out of force.
    pub fn is_error(&self) -> bool {
        self.gravity == Gravity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
