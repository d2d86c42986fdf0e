//! One thing of a key, and within a time another. Which of the two is heard of first does not matter.

use std::time::Duration;

use super::windows::{Row, Thing};

/// The part of a rule that comes first.
pub(super) const FIRST: u8 = 0;
/// The part that follows.
pub(super) const THEN: u8 = 1;

/// What came first and what followed, where the thing just added is one of them.
pub(super) fn pair(row: &Row, added: &Thing, span: Duration) -> Option<Vec<Thing>> {
    let of = |part| row.things().iter().filter(move |it| it.part == part);
    let pairs = of(FIRST).flat_map(|first| of(THEN).map(move |then| (first, then)));
    let follows = |first: &Thing, then: &Thing| {
        first.time() <= then.time() && then.time() <= first.time().plus(span)
    };
    pairs
        .filter(|(first, then)| follows(first, then))
        .filter(|(first, then)| {
            [first, then].into_iter().any(|it| it.text == added.text && it.part == added.part)
        })
        // Of several the worst; of those the ones that lie nearest together.
        .max_by_key(|(first, then)| {
            (first.weight().min(then.weight()), first.time(), std::cmp::Reverse(then.time()))
        })
        .map(|(first, then)| vec![first.clone(), then.clone()])
}
