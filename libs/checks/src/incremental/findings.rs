//! What the failures of an object are for people: findings with places, and which of them somebody accepts.

use super::{Identity, Incremental};
use crate::check_in::{CheckInOfOne, Source, Terms, check_in_one};
use crate::exception::Comment;
use crate::owner::Owners;

impl Incremental {
    /// Checks in an object as [`check_in`](crate::check_in()) does among all: its findings, those that an
    /// exception in its annotations, in these comments of its file or of the terms accepts, and its pass.
    /// None for an object that is not there.
    ///
    /// It is looked at by itself where the catalogue is not concerned: the owner that its Namespace names is not
    /// known here, and people's policies that ask for other objects are told as not evaluated.
    pub fn check_in(
        &self,
        object: &Identity,
        comments: &[Comment],
        terms: &Terms<'_>,
    ) -> Option<CheckInOfOne> {
        let (_, living) = self.objects.get(self.objects.slot_of(object)?)?;
        let (located, path) = (living.located()?, &*living.path);
        let owner = Owners::new([&located.object], terms.owners).of(&located.object, path);
        let source = Source {
            owner,
            ..Source::new(located, &living.document, (path, &living.path), terms.origins)
        };
        Some(check_in_one(&source, self.failures_of(object).into_iter(), comments, terms))
    }
}
