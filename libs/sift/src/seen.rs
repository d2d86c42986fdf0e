//! Which events came before, for as long as somebody may send them again.

use std::collections::BTreeMap;

use airside_baseline::recent::{Recent, RowNumber};
use airside_types::{Id, Timestamp};

use crate::{Change, Limits};

/// The events of some minutes.
#[derive(Debug, Default)]
pub(crate) struct SeenEvents {
    /// As numbers they are compared at once.
    all: Recent<u128, ()>,
    /// By the minute in which they were taken in.
    minutes: BTreeMap<i64, Vec<Row>>,
}

/// The events of a batch.
#[derive(Debug)]
struct Row {
    /// Under which key they are kept.
    key: Id,
    /// Where they are; nowhere if all came before.
    number: Option<RowNumber>,
}

const fn number(event: Id) -> u128 {
    u128::from_ne_bytes(*event.as_bytes())
}

const MINUTE: i64 = 60 * 1_000_000_000;

impl SeenEvents {
    /// Notes an event; whether it came before. Those that are new are [added](Self::add) with their batch.
    pub(crate) fn came_before(&mut self, event: Id) -> bool {
        !self.all.add(number(event), ())
    }

    /// How many events are known.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Adds the new events of a batch that was taken in at a time, and forgets what is too old.
    pub(crate) fn add(&mut self, time: Timestamp, events: Vec<Id>, limits: &Limits) -> Vec<Change> {
        let Some(first) = events.first().copied() else { return Vec::new() };
        self.end_row(first, time);
        let mut changes = vec![Change::Seen(first, Some((time, events)))];
        let oldest = time.minus(limits.seen_for).as_nanos().div_euclid(MINUTE);
        while self.minutes.first_key_value().is_some_and(|(minute, _)| *minute < oldest) {
            changes.extend(self.forget_oldest());
        }
        changes
    }

    /// Forgets the oldest minute of which something is known.
    pub(crate) fn forget_oldest(&mut self) -> impl Iterator<Item = Change> + use<> {
        let gone = self.minutes.pop_first().map(|(_, rows)| rows).unwrap_or_default();
        gone.iter().filter_map(|row| row.number).for_each(|number| self.all.forget(number));
        gone.into_iter().map(|row| Change::Seen(row.key, None))
    }

    /// Takes back the events of a batch.
    pub(crate) fn restore(&mut self, row: Id, time: Timestamp, events: &[Id]) {
        for event in events {
            self.all.add(number(*event), ());
        }
        self.end_row(row, time);
    }

    fn end_row(&mut self, key: Id, time: Timestamp) {
        let number = self.all.close();
        let minute = self.minutes.entry(time.as_nanos().div_euclid(MINUTE)).or_default();
        minute.push(Row { key, number });
    }
}
