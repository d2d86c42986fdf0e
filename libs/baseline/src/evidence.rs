//! How new something is, for rules that are no models: the measure of rarity that models use, by itself.

use airside_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::memory::{Seen, hour, key};

/// What was seen under one heading, such as the images of a namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Known {
    seen: Seen,
    /// In nanoseconds since the Unix epoch.
    last: i64,
    #[serde(skip)]
    is_changed: bool,
}

/// How new something is that was not seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct New {
    /// On how many occasions (one thing in one hour) something else was seen.
    pub occasions: u32,
    /// How many of a million next occasions would be something new.
    pub per_million: u32,
}

impl Known {
    /// Nothing seen yet; at most so many things are remembered.
    pub const fn new(capacity: u16) -> Self {
        Self { seen: Seen::new(capacity), last: 0, is_changed: false }
    }

    /// Takes something in; tells how new it is if it was not seen before.
    pub fn see(&mut self, what: &str, time: Timestamp) -> Option<New> {
        let novelty = self.seen.see(key("known", &[what]), hour(time));
        if self.seen.take_changed() {
            self.is_changed = true;
            self.last = self.last.max(time.as_nanos());
        }
        let novelty = novelty?;
        Some(New { occasions: novelty.occasions, per_million: novelty.per_million })
    }

    /// Whether it knows more than at the last call: what is seen again within an hour says nothing.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// When something was seen last that said something.
    pub const fn last(&self) -> Timestamp {
        Timestamp::from_nanos(self.last)
    }
}

/// A digest of parts: two of a cluster's few million different ones share it once in a thousand clusters.
pub fn digest(parts: &[&str]) -> u64 {
    key("digest", parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_says_after_how_much() {
        let at = |hours: i64| Timestamp::from_nanos(hours * 3_600_000_000_000);
        let mut known = Known::new(8);
        let first = New { occasions: 0, per_million: 500_000 };
        assert_eq!(known.see("a", at(1)), Some(first), "at first everything is new");
        assert!((2..60).all(|hour| known.see("a", at(hour)).is_none()));
        let new = known.see("b", at(60)).unwrap();
        assert_eq!(new.occasions, 59);
        assert!(new.per_million < 20_000, "{}", new.per_million);
        assert_eq!((known.last(), known.take_changed()), (at(60), true));
        assert!(known.see("b", at(60)).is_none() && !known.take_changed(), "within the hour");
        assert_ne!(digest(&["a", "b"]), digest(&["ab"]));
    }
}
