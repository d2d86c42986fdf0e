//! What goes together: things, and with what each of them was seen.
//!
//! A row for each thing, with the few others that it was seen with, exactly. A sketch would count every pair of a
//! cluster within an error; what is asked here is which pairs never were, and a pair that shares its cells with a frequent
//! one would look known. The few that matter fit: what is seen with more than a row remembers is nobody's.

use super::{Hour, Kept, Key, Novelty, Seen, Sight};

/// Things by key, each with what it was seen with.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    rows: Kept<Key, Seen>,
}

/// Two that meet for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meeting {
    /// How new the other is for the thing.
    pub(crate) novelty: Novelty,
    /// With how many others it was seen.
    pub(crate) others: u32,
    /// On how many occasions the other was seen with other things.
    pub(crate) other: u32,
    /// On how many occasions the two would have met by chance, if neither chose.
    pub(crate) by_chance: u32,
}

/// How many things are remembered: rows have 16 entries of 16 bytes at most, and three as a rule.
const THINGS: usize = 80;
/// With how many others each of them.
const OTHERS: u16 = 16;

impl Pairs {
    /// Takes in that a thing was seen with another; tells what is known of both if they never met. A thing that is seen
    /// with more than can be remembered meets nobody for the first time.
    pub(crate) fn meet(&mut self, thing: Key, other: Key, now: Hour) -> Option<Meeting> {
        self.make_room(thing);
        let row = self.rows.entry(thing, usize::MAX, || Seen::new(OTHERS));
        let others = u32::try_from(row.len()).unwrap_or(u32::MAX);
        let is_full = row.is_full();
        let Sight::New(novelty) = row.sight(other, now) else { return None };
        if is_full {
            return None;
        }
        let all = self.rows.iter().map(|(_, row)| (row.occasions(), row.occasions_of(other)));
        let (everything, of_other) = all.fold((0_u64, 0_u64), |(all, other), (row, here)| {
            (all + u64::from(row), other + u64::from(here))
        });
        // The meeting itself is no evidence.
        let of_other = of_other.saturating_sub(1);
        let expected = u64::from(novelty.occasions) * of_other / everything.max(1);
        Some(Meeting {
            novelty,
            others,
            other: u32::try_from(of_other).unwrap_or(u32::MAX),
            by_chance: u32::try_from(expected).unwrap_or(u32::MAX),
        })
    }

    /// Takes back a row as it was kept.
    pub(crate) fn restore(&mut self, thing: Key, row: Seen) {
        self.rows.restore(thing, row);
    }

    /// The rows, which know what has changed.
    pub(crate) const fn rows(&mut self) -> &mut Kept<Key, Seen> {
        &mut self.rows
    }

    /// Gives up a tenth of the things when there are too many: those that were seen least. Who makes things up pushes
    /// out what he made up.
    fn make_room(&mut self, thing: Key) {
        if self.rows.len() < THINGS || self.rows.get(&thing).is_some() {
            return;
        }
        let mut all: Vec<_> = self.rows.iter().map(|(key, row)| (row.occasions(), *key)).collect();
        all.sort_unstable();
        for (_, key) in all.into_iter().take(THINGS / 10) {
            self.rows.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two things that two others each keep to, for a hundred hours.
    fn known() -> Pairs {
        let mut pairs = Pairs::default();
        for now in 0..100 {
            for (thing, other) in [(1, 10), (1, 11), (2, 20), (2, 21)] {
                pairs.meet(thing, other, now);
            }
        }
        pairs
    }

    #[test]
    fn two_that_are_known_and_never_met_are_told_once() {
        let mut pairs = known();
        let meeting = pairs.meet(1, 20, 100).unwrap();
        assert_eq!((meeting.novelty.occasions, meeting.others), (200, 2));
        assert_eq!((meeting.other, meeting.by_chance), (100, 49));
        assert_eq!(pairs.meet(1, 20, 100), None);
    }

    #[test]
    fn what_goes_with_everything_is_nobodys() {
        let mut pairs = known();
        for other in 30..60 {
            pairs.meet(1, other, 100);
        }
        assert_eq!(pairs.meet(1, 20, 101), None);
    }

    #[test]
    fn who_makes_things_up_pushes_out_what_he_made_up() {
        let mut pairs = known();
        for thing in 1000..5000 {
            pairs.meet(thing, 10, 100);
        }
        assert!(pairs.rows.len() <= THINGS);
        assert!(pairs.meet(1, 20, 101).is_some(), "it is still known whose it is");
    }
}
