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
    /// The checks that looked at more than the object, in the order of their run.
    looking: Box<[&'static Check]>,
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
    /// What was said now, and what of the last outcome was recalled.
    pub(super) fn of(judged: Judged, last: &Self, texts: &mut Texts) -> Self {
        let Judged { failures, mut undecided, met, looking, recalled } = judged;
        let again = last.undecided.iter().filter(|(check, _)| {
            recalled.iter().any(|(_, recalled)| address(recalled) == address(check))
        });
        undecided.extend(again.map(|(check, reason)| ((check.id, *reason), *check)));
        // Of an object that has not changed, the same checks look.
        let looking =
            if recalled.is_empty() { looking.into_boxed_slice() } else { last.looking.clone() };
        let mut told = Vec::with_capacity(failures.len() + last.told.len());
        let mut recalled = recalled.into_iter().peekable();
        for (at, failure) in failures.into_iter().enumerate() {
            while let Some((_, check)) = recalled.next_if(|(behind, _)| *behind <= at) {
                told.extend(last.told_by(check));
            }
            let mut text = failure.field.to_string();
            let message = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.push_str(&failure.message);
            told.push(Told { check: failure.check, text: texts.shared(&text), message });
        }
        told.extend(recalled.flat_map(|(_, check)| last.told_by(check)));
        let undecided = undecided.into_iter().map(|((_, reason), check)| (check, reason));
        let (told, undecided) = (told.into_boxed_slice(), undecided.collect());
        Self { told, undecided, met, looking }
    }

    /// The checks that looked at more than the object, in the order of their run.
    pub(super) fn looking(&self) -> &[&'static Check] {
        &self.looking
    }

    fn told_by(&self, check: &'static Check) -> impl Iterator<Item = Told> {
        let at = address(check);
        self.told.iter().filter(move |told| address(told.check) == at).cloned()
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

/// What tells checks apart soonest: there is one of each.
pub(super) fn address(check: &'static Check) -> usize {
    std::ptr::from_ref(check).addr()
}

impl Told {
    fn failure(&self, object: usize) -> Failure {
        let (field, message) =
            self.text.split_at_checked(self.message as usize).unwrap_or_default();
        let field = FieldPath::parse(field).unwrap_or_default();
        Failure { check: self.check, object, field, message: message.to_owned() }
    }
}
