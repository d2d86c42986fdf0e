//! One actor's observations for one rule, and which of them a new one completes.
//!
//! Owns the windows. An observation is taken out as soon as a window with it is full. What is still there lies in no full
//! window, so a new observation is looked at together with what lies nearest to it, and not with all around it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};

use airside_types::{Id, Record, Timestamp};

use super::Counted;

/// When an observation was made; the record's id tells two at one time apart.
pub(super) type Key = (Timestamp, Id);

/// No id comes before this one.
pub(super) const FIRST: Id = Id::from_bytes([u8::MIN; 16]);
/// No id comes after this one.
pub(super) const LAST: Id = Id::from_bytes([u8::MAX; 16]);

/// One actor's observations for one rule.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    /// The thing that each is a sighting of.
    things: BTreeMap<Key, Id>,
    /// Those that have not fired: none of them lies in a full window.
    untold: BTreeMap<Key, Box<Record>>,
}

/// A thing, and when it was seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Timestamp,
    thing: Id,
}

impl Sightings {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.things.len()
    }

    /// When the last was made; the epoch where there is none.
    pub(super) fn last(&self) -> Timestamp {
        self.things.last_key_value().map_or(Timestamp::EPOCH, |((time, _), _)| *time)
    }

    /// Adds an observation of a thing; says whether it is new.
    pub(super) fn add(&mut self, thing: &str, record: &Record) -> bool {
        let key = (record.event_time, record.id);
        if self.things.contains_key(&key) {
            return false;
        }
        self.things.insert(key, Id::builder("counted-thing").text(thing).finish());
        self.untold.insert(key, Box::new(record.clone()));
        true
    }

    /// Forgets what is older than a time, and of more than `most` the oldest. Returns what that was.
    pub(super) fn forget(&mut self, oldest: Timestamp, most: usize) -> Vec<Key> {
        let mut gone = Vec::new();
        while let Some(first) = self.things.keys().next().copied() {
            let (time, _) = first;
            if time >= oldest && self.len() <= most {
                break;
            }
            self.remove(first);
            gone.push(first);
        }
        gone
    }

    /// Forgets an observation.
    pub(super) fn remove(&mut self, key: Key) {
        self.things.remove(&key);
        self.untold.remove(&key);
    }

    /// All of them, by time.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.things.keys().copied()
    }

    /// Takes out what has not fired and lies in a full window together with the observation just added, by time.
    pub(super) fn complete(&mut self, counted: &Counted, added: Key) -> Vec<Record> {
        let Some((from, until)) = self.reach(counted, added) else { return Vec::new() };
        let reach = (from, FIRST)..=(until, LAST);
        self.untold.extract_if(reach, |_, _| true).map(|(_, record)| *record).collect()
    }

    /// From when until when the full windows reach that contain an observation; none where none is full.
    ///
    /// All of them contain it, so together they leave no gap. One that is full stays full when it is moved back until
    /// something seen after the observation, or that itself, is its end; and when it is moved on until something seen
    /// before is its start. So the first of them has one of these ends, the last has one of these starts, and either
    /// both are found or none.
    fn reach(&self, counted: &Counted, added: Key) -> Option<(Timestamp, Timestamp)> {
        let ((at, _), span) = (added, counted.span);
        let seen = Seen { at, thing: *self.things.get(&added)? };
        let earlier = (Included((at.minus(span), FIRST)), Excluded(added));
        let later = (Excluded(added), Included((at.plus(span), LAST)));
        let before = self.nearest(counted, seen, self.things.range(earlier).rev());
        let after = self.nearest(counted, seen, self.things.range(later));
        let is_full = |from: Timestamp, until: Timestamp| {
            let before = before.iter().filter(|seen| seen.at >= from);
            let after = after.iter().filter(|seen| seen.at <= until);
            let things: BTreeSet<Id> = before.chain(after).map(|seen| seen.thing).collect();
            things.len() >= counted.at_least
        };
        let end = after.iter().find(|end| is_full(end.at.minus(span), end.at))?;
        let start = before.iter().find(|start| is_full(start.at, start.at.plus(span)))?;
        Some((end.at.minus(span), start.at.plus(span)))
    }

    /// An observation and what was seen on one side of it, the nearest first: of each thing the nearest sighting alone,
    /// since a window that contains the observation and another sighting contains that as well; and no more things than
    /// fill a window.
    fn nearest<'s>(
        &self,
        counted: &Counted,
        added: Seen,
        side: impl Iterator<Item = (&'s Key, &'s Id)>,
    ) -> Vec<Seen> {
        let mut nearest = vec![added];
        for (key, thing) in side {
            // A window with what has not fired was not full, and of a thing that it holds already another sighting
            // does not fill it.
            let is_in_no_full_window = *thing == added.thing && self.untold.contains_key(key);
            if is_in_no_full_window || nearest.len() >= counted.at_least {
                break;
            }
            if nearest.iter().all(|seen| seen.thing != *thing) {
                nearest.push(Seen { at: key.0, thing: *thing });
            }
        }
        nearest
    }
}
