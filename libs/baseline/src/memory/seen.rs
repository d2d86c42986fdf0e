//! What was seen, on how many occasions, and so how likely something new is.
//!
//! An occasion is one thing in one hour: a program that asks for the same thing ten thousand times an hour has
//! said no more about itself than one that asks once. How likely it is that the next occasion is something new
//! follows from how many things were seen only once (Good and Turing: the share of single sightings); the rule of
//! succession keeps it from ever being nought. So learning needs no window: an actor of few habits is known after a
//! day, one who does something else every day never surprises.

use serde::{Deserialize, Serialize};

use super::{Hour, Key};

/// A memory of things.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Sorted by key.
    entries: Vec<Entry>,
    /// How many occasions there were.
    occasions: u32,
    /// The hour of the last one, and how many there were before it.
    hour: Hour,
    before: u32,
    capacity: u16,
    /// It was not kept since it changed.
    #[serde(skip)]
    changed: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Entry {
    key: Key,
    last: Hour,
    /// In how many hours.
    count: u16,
}

/// What is known about something at its first sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Novelty {
    /// On how many occasions something else was seen.
    pub(crate) occasions: u32,
    /// How many of a million next occasions would be something new.
    pub(crate) per_million: u32,
}

/// What a sight of something says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It is new, after so much was known.
    New(Novelty),
    /// It is known, and was not seen yet in this hour.
    Again,
    /// It was seen in this hour already.
    Nothing,
}

/// What was not seen for so long is forgotten.
const FORGOTTEN_AFTER: Hour = 30 * 24;

impl Seen {
    /// A memory of at most so many things.
    pub(crate) const fn new(capacity: u16) -> Self {
        Self { entries: Vec::new(), occasions: 0, hour: 0, before: 0, capacity, changed: false }
    }

    /// Takes something in. Returns what there was before if it is new.
    pub(crate) fn see(&mut self, key: Key, now: Hour) -> Option<Novelty> {
        match self.sight(key, now) {
            Sight::New(novelty) => Some(novelty),
            Sight::Again | Sight::Nothing => None,
        }
    }

    /// Takes something in, and tells what that says.
    pub(crate) fn sight(&mut self, key: Key, now: Hour) -> Sight {
        if now > self.hour {
            (self.hour, self.before) = (now, self.occasions);
            self.changed = true;
        }
        match self.entries.binary_search_by_key(&key, |entry| entry.key) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at)
                    && entry.last < now
                {
                    entry.last = now;
                    self.changed = true;
                    entry.count = entry.count.saturating_add(1);
                    self.occasions = self.occasions.saturating_add(1);
                    return Sight::Again;
                }
                Sight::Nothing
            }
            Err(_) => {
                let before = self.novelty(now);
                self.changed = true;
                self.make_room(now);
                let at = self.entries.partition_point(|entry| entry.key < key);
                self.entries.insert(at, Entry { key, last: now, count: 1 });
                self.occasions = self.occasions.saturating_add(1);
                Sight::New(before)
            }
        }
    }

    /// How new something would be that was not seen, by what was before this hour. What is done within the hour does
    /// not count: who does one new thing after the other does not become somebody who always does, and who has
    /// just begun is not known by how much he does at once.
    pub(crate) fn novelty(&self, now: Hour) -> Novelty {
        let occasions = if now > self.hour { self.occasions } else { self.before };
        let is_single = |entry: &&Entry| entry.count == 1 && entry.last < now;
        let single = self.entries.iter().filter(is_single).count() as u64;
        let share = ((single + 1) * 1_000_000 / (u64::from(occasions) + 2)).min(1_000_000);
        Novelty { occasions, per_million: u32::try_from(share).unwrap_or(1_000_000) }
    }

    /// On how many occasions anything was seen.
    pub(crate) const fn occasions(&self) -> u32 {
        self.occasions
    }

    /// On how many of them this was.
    pub(crate) fn occasions_of(&self, key: Key) -> u32 {
        let at = self.entries.binary_search_by_key(&key, |entry| entry.key);
        let entry = at.ok().and_then(|at| self.entries.get(at));
        entry.map_or(0, |entry| u32::from(entry.count))
    }

    /// Whether it has changed since the last call.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// How many things are remembered.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether more things were seen than can be remembered, so that something new need not be new.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= usize::from(self.capacity)
    }

    /// Trusts what was seen less: whose behaviour this is has changed for a reason.
    pub(crate) fn doubt(&mut self) {
        self.changed = true;
        self.occasions /= 4;
        self.before /= 4;
    }

    /// Forgets what is old; where that is not enough, what was seen least and longest ago. Who fills the memory
    /// pushes out his own.
    fn make_room(&mut self, now: Hour) {
        if self.entries.len() < usize::from(self.capacity) {
            return;
        }
        self.entries.retain(|entry| now.saturating_sub(entry.last) <= FORGOTTEN_AFTER);
        if self.entries.len() < usize::from(self.capacity) {
            return;
        }
        let least = self.entries.iter().enumerate().min_by_key(|(_, it)| (it.count, it.last));
        if let Some((at, _)) = least {
            self.entries.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_has_few_habits_is_known_soon_and_who_has_none_never() {
        let (mut steady, mut restless) = (Seen::new(64), Seen::new(4096));
        for now in 0..200 {
            steady.see(Key::from(now % 3), now);
            restless.see(Key::from(now), now);
        }
        assert_eq!(steady.novelty(200), Novelty { occasions: 200, per_million: 4950 });
        assert_eq!(restless.novelty(200), Novelty { occasions: 200, per_million: 995_049 });
    }

    #[test]
    fn the_same_thing_within_an_hour_is_one_occasion() {
        let mut seen = Seen::new(8);
        for _ in 0..1000 {
            seen.see(1, 7);
        }
        assert_eq!((seen.sight(1, 7), seen.occasions_of(1)), (Sight::Nothing, 1));
        assert_eq!((seen.novelty(7).occasions, seen.novelty(8).occasions), (0, 1));
        assert_eq!((seen.sight(1, 8), seen.occasions_of(1)), (Sight::Again, 2));
    }

    #[test]
    fn a_full_memory_gives_up_what_was_seen_least() {
        let mut seen = Seen::new(3);
        for now in 0..5 {
            seen.see(1, now);
        }
        for thing in 10..100 {
            seen.see(thing, 5);
        }
        assert_eq!(seen.see(1, 5), None, "a habit outlives a flood");
        assert_eq!(seen.len(), 3);
    }

    proptest! {
        #[test]
        fn something_is_new_exactly_once(things in prop::collection::vec(0_u64..50, 0..300)) {
            let mut seen = Seen::new(64);
            let mut known = std::collections::BTreeSet::new();
            for (thing, now) in things.into_iter().zip(0..) {
                prop_assert_eq!(seen.see(thing, now).is_some(), known.insert(thing));
            }
            prop_assert_eq!(seen.len(), known.len());
        }

        #[test]
        fn a_memory_keeps_within_its_bound(things in prop::collection::vec(any::<u64>(), 0..300)) {
            let mut seen = Seen::new(16);
            for (thing, now) in things.into_iter().zip(0..) {
                seen.see(thing, now);
            }
            prop_assert!(seen.len() <= 16);
        }
    }
}
