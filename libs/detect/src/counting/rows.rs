//! A bounded table of what is remembered, of which the oldest is forgotten first, and which knows what of it has changed,
//! so that it is kept row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_types::{Id, Timestamp};

/// What has a last moment that is known of it.
pub(super) trait Aged {
    fn last(&self) -> Timestamp;
}

/// The rows of a cluster.
#[derive(Debug)]
pub(super) struct Rows<V> {
    rows: BTreeMap<Id, V>,
    by_age: BTreeSet<(Timestamp, Id)>,
    changed: BTreeSet<Id>,
    newest: Timestamp,
}

impl<V: Aged> Rows<V> {
    pub(super) const fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            by_age: BTreeSet::new(),
            changed: BTreeSet::new(),
            newest: Timestamp::EPOCH,
        }
    }

    pub(super) fn get(&self, key: Id) -> Option<&V> {
        self.rows.get(&key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values()
    }

    /// Puts a row in the place of what was there. What is older than a time, or too much, is forgotten, the oldest first.
    pub(super) fn put(&mut self, key: Id, row: V, horizon: Duration, most: usize) {
        self.restore(key, row);
        self.changed.insert(key);
        let oldest = self.newest.minus(horizon);
        while let Some((last, key)) = self.by_age.first().copied() {
            if last >= oldest && self.rows.len() <= most {
                break;
            }
            self.by_age.pop_first();
            self.rows.remove(&key);
            self.changed.insert(key);
        }
    }

    /// Takes a row back.
    pub(super) fn restore(&mut self, key: Id, row: V) {
        let last = row.last();
        self.newest = self.newest.max(last);
        self.by_age.insert((last, key));
        let before = self.rows.insert(key, row).map(|before| before.last());
        if let Some(before) = before.filter(|before| *before != last) {
            self.by_age.remove(&(before, key));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows that have changed since the last call; without a value those that are gone.
    pub(super) fn take_changed(&mut self) -> Vec<(Id, Option<&V>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|key| (key, self.rows.get(&key))).collect()
    }
}
