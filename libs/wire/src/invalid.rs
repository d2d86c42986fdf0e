//! What is wrong with a message, and at which field.

use std::fmt;

/// A field of a message that cannot be read, by its path from the root of the message, such as
/// `records[3].detection.links[0].entity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    path: String,
    problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has to be there, and is absent or empty.
    #[error("is missing")]
    Missing,
    /// The text is longer than its bound.
    #[error("has {bytes} bytes, at most {most} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// The list is longer than its bound.
    #[error("has {entries} entries, at most {most} are allowed")]
    TooMany {
        /// Its length.
        entries: usize,
        /// The bound.
        most: usize,
    },
    /// The number is larger than its bound.
    #[error("is {value}, at most {most} is allowed")]
    TooLarge {
        /// The number.
        value: u64,
        /// The bound.
        most: u64,
    },
    /// A value of a closed list that this version does not know.
    #[error("{value} is no {what} that this version knows")]
    UnknownValue {
        /// The value.
        value: i32,
        /// What the list is of.
        what: &'static str,
    },
    /// Not the 16 bytes that an id has.
    #[error("has {bytes} bytes, an id has 16")]
    NotAnId {
        /// Its length.
        bytes: usize,
    },
    /// The text does not have the form that it should.
    #[error("{0}")]
    Malformed(String),
}

impl InvalidField {
    pub(crate) fn new(field: &str, problem: Problem) -> Self {
        Self { path: field.to_owned(), problem }
    }

    /// The same problem, seen from the message around: `field` is the name there.
    pub(crate) fn within(mut self, field: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path.insert_str(0, separator);
        self.path.insert_str(0, field);
        self
    }

    /// The same problem, seen from the list around.
    pub(crate) fn within_entry(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }

    /// The path to the field, from the root of the message.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.path, self.problem)
    }
}

impl std::error::Error for InvalidField {}
