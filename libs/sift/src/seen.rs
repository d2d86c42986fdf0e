//! Which events came before, for as long as somebody may send them again.

use std::collections::BTreeMap;

use airside_types::{Id, Timestamp};
use indexmap::IndexSet;

use crate::{Change, Limits};

/// The events of some minutes.
#[derive(Debug, Default)]
pub(crate) struct SeenEvents {
    all: IndexSet<Id>,
    /// By the minute in which they were taken in.
    minutes: BTreeMap<i64, Minute>,
}

#[derive(Debug, Default)]
struct Minute {
    events: Vec<Id>,
    /// Under which keys they are kept.
    rows: Vec<Id>,
}

const MINUTE: i64 = 60 * 1_000_000_000;

impl SeenEvents {
    /// Whether an event came before.
    pub(crate) fn has(&self, event: Id) -> bool {
        self.all.contains(&event)
    }

    /// Adds the events of a batch that was taken in at a time, and forgets what is too old or too much.
    pub(crate) fn add(&mut self, time: Timestamp, events: Vec<Id>, limits: &Limits) -> Vec<Change> {
        let Some(first) = events.first().copied() else { return Vec::new() };
        self.restore(first, time, &events);
        let mut changes = vec![Change::Seen(first, Some((time, events)))];
        let oldest = time.minus(limits.seen_for).as_nanos().div_euclid(MINUTE);
        while let Some(entry) = self.minutes.first_entry() {
            let is_last = self.all.len() <= limits.seen && *entry.key() >= oldest;
            if is_last {
                break;
            }
            let gone = entry.remove();
            for event in &gone.events {
                self.all.swap_remove(event);
            }
            changes.extend(gone.rows.into_iter().map(|row| Change::Seen(row, None)));
        }
        changes
    }

    /// Takes back the events of a batch.
    pub(crate) fn restore(&mut self, row: Id, time: Timestamp, events: &[Id]) {
        let minute = self.minutes.entry(time.as_nanos().div_euclid(MINUTE)).or_default();
        minute.rows.push(row);
        let new = events.iter().copied().filter(|event| self.all.insert(*event));
        minute.events.extend(new);
    }
}
