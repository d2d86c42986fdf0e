//! What was said about an object, kept small: there are hundreds of thousands of failures.

use std::sync::Arc;

use airside_types::FieldPath;

use super::table::Texts;
use crate::check::Check;
use crate::evaluate::{Failure, Judged, Met, Undecided};

/// What was said about an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    told: Box<[Told]>,
    undecided: Box<[(&'static Check, &'static str)]>,
    met: Met,
}

/// A failure, its field and message in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    check: &'static Check,
    text: Arc<str>,
    /// Where the message starts.
    message: u32,
}

impl Outcome {
    pub(super) fn of(judged: Judged, texts: &mut Texts) -> Self {
        let Judged { failures, undecided, met } = judged;
        let told = failures.into_iter().map(|failure| {
            let mut text = failure.field.to_string();
            let message = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.push_str(&failure.message);
            Told { check: failure.check, text: texts.shared(&text), message }
        });
        let undecided = undecided.into_iter().map(|((_, reason), check)| (check, reason));
        Self { told: told.collect(), undecided: undecided.collect(), met }
    }

    /// The failures, as those of the object at an index.
    pub(super) fn failures(&self, object: usize) -> impl Iterator<Item = Failure> {
        self.told.iter().map(move |told| told.failure(object))
    }

    pub(super) fn count(&self) -> usize {
        self.told.len()
    }

    /// The failures of this outcome that another one has not.
    pub(super) fn beyond(&self, other: &Self) -> Vec<Failure> {
        let beyond = self.told.iter().filter(|told| !other.told.contains(told));
        beyond.map(|told| told.failure(0)).collect()
    }

    pub(super) fn add_to(&self, undecided: &mut Undecided, met: &mut Met) {
        let own = self.undecided.iter();
        undecided.extend(own.map(|(check, reason)| ((check.id, *reason), *check)));
        met.add(&self.met);
    }
}

impl Told {
    fn failure(&self, object: usize) -> Failure {
        let (field, message) =
            self.text.split_at_checked(self.message as usize).unwrap_or_default();
        let field = FieldPath::parse(field).unwrap_or_default();
        Failure { check: self.check, object, field, message: message.to_owned() }
    }
}
