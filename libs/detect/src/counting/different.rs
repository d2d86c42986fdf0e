//! So many different things of one key within a time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::windows::{Row, Thing};

/// The things of a window that is full with the one just added. One of them has to be `among` them, if any is named.
pub(super) fn full(
    row: &Row,
    added: &Thing,
    (at_least, among): (usize, Option<&str>),
    span: Duration,
) -> Option<Vec<Thing>> {
    let things = row.things();
    let windows = things.iter().enumerate().map(|(start, from)| {
        let until = from.time().plus(span);
        things.iter().skip(start).take_while(move |it| it.time() <= until)
    });
    let found = windows
        .map(Iterator::collect::<Vec<_>>)
        .filter(|window| window.iter().any(|it| it.text == added.text))
        .find(|window| {
            let texts: BTreeSet<&str> = window.iter().map(|it| &*it.text).collect();
            texts.len() >= at_least && among.is_none_or(|text| texts.contains(text))
        })?;
    Some(found.into_iter().cloned().collect())
}
