//! Whether a live object is what was scanned, and what the comparison says.
//!
//! The walk over both is `walk`'s, what is added to an object is judged by `additions`.

use std::fmt;

use airside_types::{BoardingPass, FieldPath};

use super::walk;
use crate::object::Object;

/// What the comparison of a pass with a live object says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What is not as it was scanned, in the order of the fields; nothing where the object is the scanned one.
    pub drifts: Vec<Drift>,
    /// What was not looked at.
    pub not_compared: NotCompared,
}

/// A field that is not as it was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// It has another value, or is gone.
    Changed {
        /// Where it stands in the scanned object.
        field: FieldPath,
        /// Where it stands in the live one, whose lists may have other elements first; none where it is gone.
        live: Option<FieldPath>,
    },
    /// It was not there, and Kubernetes does not add it.
    Added {
        /// Where it stands in the live object.
        field: FieldPath,
        /// What a list's element is called, where it has a name.
        name: Option<String>,
    },
}

impl Drift {
    /// The field: where it stands in the scanned object, or in the live one where it was added.
    pub const fn field(&self) -> &FieldPath {
        match self {
            Self::Changed { field, .. } | Self::Added { field, .. } => field,
        }
    }
}

impl fmt::Display for Drift {
    /// The field, and for what was added that it was, with its name: `spec.containers[1] (miner) added`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { field, .. } => write!(f, "{field}"),
            Self::Added { field, name: None } => write!(f, "{field} added"),
            Self::Added { field, name: Some(name) } => write!(f, "{field} ({name}) added"),
        }
    }
}

/// What no comparison has looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotCompared {
    /// How many values are credentials: a digest of a short one could be guessed from.
    pub credentials: usize,
    /// Whether it is a Secret that was read by its metadata alone.
    pub content: bool,
    /// Whether there are fields that the manifest does not set, in a kind whose defaults are not known.
    pub additions: bool,
}

impl NotCompared {
    /// Whether everything was looked at.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for NotCompared {
    /// As what is "not compared".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = match self.credentials {
            0 => None,
            1 => Some("the value of 1 credential".to_owned()),
            count => Some(format!("the values of {count} credentials")),
        };
        let content = self.content.then(|| "a Secret's content, which is not read".to_owned());
        let additions =
            self.additions.then(|| "what a kind's own defaults may have added".to_owned());
        let told: Vec<String> = credentials.into_iter().chain(content).chain(additions).collect();
        f.write_str(&told.join(", "))
    }
}

/// Compares a pass with an object as the API server has it, or is asked to store it. A list element that carries
/// a `name` is looked for by that name, wherever it stands now. Of a Secret that was read without its values only
/// the metadata is compared; of credentials, that they are there.
pub fn compare(pass: &BoardingPass, live: &Object<'_>) -> Comparison {
    let mut found = walk::beside(&pass.fields, live);
    found.drifts.sort_by(|one, other| one.field().cmp(other.field()));
    found
}
