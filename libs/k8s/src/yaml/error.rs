//! What can be wrong with a text, where, and what to do about it.

use crate::places::Position;

/// How a limit is raised that goes by the size of a file: see [`super::Limits::of_file_size`].
const RAISE: &str = "split the file, or raise max_file_size (--max-file-size)";

/// A document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {problem}")]
pub struct YamlError {
    /// Where reading stopped.
    pub position: Position,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is neither YAML nor JSON.
    #[error("not valid YAML ({0}): correct the syntax here or just above")]
    Syntax(String),
    /// The text starts as JSON does and is none.
    #[error("not valid JSON ({0}): correct the syntax here")]
    JsonSyntax(&'static str),
    /// The text is a Helm template (or another one with `{{ … }}`).
    #[error(
        "this is a template, not a manifest: render it first, for example with `helm template`, \
         and scan what that prints"
    )]
    Template,
    /// What git leaves where it cannot merge.
    #[error("a merge was left half-way here (`{0}`): resolve the conflict")]
    Conflict(&'static str),
    /// A map has a key twice. The document is read as Kubernetes reads it.
    #[error(
        "the key `{0}` is given twice in this map: keep one (Kubernetes takes the last, and so does this scan)"
    )]
    DuplicateKey(String),
    /// A key is a list, a map or null.
    #[error("a key must be a text: quote it, or add the value that is missing")]
    KeyIsNoText,
    /// An alias names an anchor that does not exist, or lies within its own anchor.
    #[error(
        "this alias has no anchor before it in the same document: define `&name` above `*name`"
    )]
    UnknownAnchor,
    /// A merge key has a value that cannot be merged.
    #[error("`<<` needs a map, or a list of maps")]
    BadMerge,
    /// A value does not fit its tag.
    #[error("`{value}` is no {tag}: change the value or drop the tag")]
    WrongTag {
        /// The tag as people write it, such as `!!int`.
        tag: String,
        /// The start of the value.
        value: String,
    },
    /// A number that JSON, and so Kubernetes, does not have.
    #[error("infinity and NaN do not exist in Kubernetes: quote the value if it is a text")]
    NotFinite,
    /// Lists and maps lie too deep in each other.
    #[error("more than {0} levels deep, which no object needs: flatten it")]
    TooDeep(usize),
    /// Too many values, possibly by repeated aliases.
    #[error("more than {0} values, what an alias repeats counted each time: {RAISE}")]
    TooManyNodes(usize),
    /// Too many documents.
    #[error("more than {0} documents: {RAISE}")]
    TooManyDocuments(usize),
    /// The text is too large.
    #[error("more than {0} bytes: {RAISE}")]
    TooLarge(usize),
    /// The bytes are not UTF-8.
    #[error(
        "not UTF-8 text: save the file as UTF-8 (this looks like another encoding or a binary)"
    )]
    NotUtf8,
}

impl Problem {
    /// Whether the document that has it cannot be read. Otherwise it is read, and the problem told beside it.
    pub const fn loses_document(&self) -> bool {
        !matches!(self, Self::DuplicateKey(_))
    }
}

impl YamlError {
    pub(crate) const fn new(position: Position, problem: Problem) -> Self {
        Self { position, problem }
    }

    pub(crate) const fn at_start(problem: Problem) -> Self {
        Self::new(Position { line: 1, column: 1 }, problem)
    }

    /// The place just after the valid bytes.
    pub(crate) fn not_utf8(valid: &[u8]) -> Self {
        let line = memchr::memchr_iter(b'\n', valid).count() + 1;
        let start = memchr::memrchr(b'\n', valid).map_or(0, |at| at + 1);
        let column = valid
            .get(start..)
            .unwrap_or_default()
            .iter()
            .filter(|byte| **byte & 0xC0 != 0x80)
            .count()
            + 1;
        Self::new(position(line, column), Problem::NotUtf8)
    }
}

/// A position from counts, which a text within the size limit cannot make overflow.
pub(crate) fn position(line: usize, column: usize) -> Position {
    Position {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}
