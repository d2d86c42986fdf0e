//! Lists of a report that are written out one by one: as values they would take more room than the scan.

use serde::{Serialize, Serializer};

/// A list that is made while it is written.
pub(crate) struct Each<F>(pub(crate) F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: IntoIterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(items) = self;
        serializer.collect_seq(items())
    }
}
