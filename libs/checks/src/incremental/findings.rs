//! What the failures of an object are for people: findings with places, and which of them somebody accepts.

use super::{Identity, Incremental};
use crate::check_in::{CheckInOfOne, Source, Terms, check_in_one};
use crate::exception::Comment;

impl Incremental {
    /// Checks in an object as [`check_in`](crate::check_in()) does among all: its findings, those that an
    /// exception in its annotations, in these comments of its file or of the terms accepts, and its pass.
    /// None for an object that is not there.
    pub fn check_in(
        &self,
        object: &Identity,
        comments: &[Comment],
        terms: &Terms<'_>,
    ) -> Option<CheckInOfOne> {
        let (_, living) = self.objects.get(self.objects.slot_of(object)?)?;
        let template = living.document.template.as_deref();
        let source = Source { located: living.located()?, path: &living.path, template };
        Some(check_in_one(&source, self.failures_of(object).into_iter(), comments, terms))
    }
}
