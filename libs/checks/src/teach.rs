//! What a check teaches: why it matters, how it is attacked, the fix in three forms, and where to read on.
//!
//! All of it follows from the check's entry in the catalogue and what is shown of it (`example.rs`): the forms
//! from the difference between two manifests, the rest from its techniques, controls and fields. Owns the
//! derivation; how a lesson looks on a terminal or a page is the reports' and the command line's.

mod applied;
mod attack;
pub mod change;
mod example;
mod helm;
mod kustomize;
mod references;
mod strategic;
#[cfg(test)]
mod tests;

use similar::{ChangeTag, TextDiff};

pub use attack::Attack;
pub use example::{Shown, shown};
pub use kustomize::{Kustomization, Patch};
pub use references::Reference;

use self::change::Change;
use crate::check::Check;

/// A form of the fix, or why there is none and what to do instead.
pub type Form<T> = Result<T, &'static str>;

/// What a check teaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// How the weakness is used; at least one.
    pub attacks: Vec<Attack>,
    /// The manifests before the fix becoming those after it, line by line.
    pub yaml: Vec<Line>,
    /// What applying the change does not do by itself, in sentences.
    pub applied: Vec<String>,
    /// Values of a chart, with the keys that charts usually have.
    pub helm: Form<String>,
    /// What kustomize does to the manifests before the fix.
    pub kustomize: Form<Kustomization>,
    /// Where to read on; at least one.
    pub references: Vec<Reference>,
}

/// A line of the fix in YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Stays.
    Kept(&'static str),
    /// Goes.
    Removed(&'static str),
    /// Comes.
    Added(&'static str),
}

impl Line {
    /// The line as a diff shows it: behind a space, a minus or a plus.
    pub fn marked(self) -> String {
        let (mark, text) = match self {
            Self::Kept(text) => (' ', text),
            Self::Removed(text) => ('-', text),
            Self::Added(text) => ('+', text),
        };
        format!("{mark} {text}").trim_end().to_owned()
    }
}

/// What a check teaches.
pub fn lesson(check: &'static Check) -> Lesson {
    let shown = shown(check);
    let change = Change::between(shown.before, shown.after);
    Lesson {
        attacks: attack::attacks(check),
        yaml: lines(shown),
        applied: applied::remains(check.category, &change),
        helm: helm::values(check.category, &change),
        kustomize: kustomize::kustomization(&change),
        references: references::references(check, &change),
    }
}

fn lines(shown: Shown) -> Vec<Line> {
    let diff = TextDiff::from_lines(shown.before, shown.after);
    let line = |change: similar::Change<&'static str>| {
        let text = change.value().trim_end_matches('\n');
        match change.tag() {
            ChangeTag::Equal => Line::Kept(text),
            ChangeTag::Delete => Line::Removed(text),
            ChangeTag::Insert => Line::Added(text),
        }
    };
    diff.iter_all_changes().map(line).collect()
}
