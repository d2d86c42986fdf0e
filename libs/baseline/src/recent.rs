//! What came lately: found at once by its name, forgotten row by row.
//!
//! Owns where things are. Which rows there are, when one is forgotten and how it is kept is left to whoever has them. A
//! thing takes its own bytes, in a row with those that came with it, and 10 to 20 of the index. An ordered map takes
//! more, and reads several far places of memory for one name, which is what most of its time goes to.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Things by name, in rows. The index has a secret: clients choose names.
#[derive(Debug)]
pub struct Recent<N, V> {
    index: HashTable<Place>,
    rows: Vec<Box<[(N, V)]>>,
    /// The numbers of rows that were forgotten.
    free: Vec<u32>,
    /// The row that things are put into.
    open: Option<(u32, Vec<(N, V)>)>,
    hashes: RandomState,
}

/// The number of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowNumber(u32);

/// What becomes of a thing whose name is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    StaysAsItWas,
    Replaces,
}

/// Where a thing is: the first bits of its hash, the number of its row, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(u64);

const HASH_BITS: u32 = 24;
const ROW_BITS: u32 = 22;
const AT_BITS: u32 = 18;

/// The most rows that have a number. A process remembers fewer things at a time.
const MOST_ROWS: usize = 1 << ROW_BITS;
/// The most things of a row. A message of the log has fewer.
const MOST_OF_ROW: usize = 1 << AT_BITS;
/// An index of which less than a half is in use, and a part of that to spare, is made smaller. What is forgotten may leave marks
/// in it, by which it becomes twice as large as it has to be.
const TO_SPARE: usize = 16;

impl Place {
    const fn new(hash: u64, row: u32, at: usize) -> Self {
        let hash = hash >> (u64::BITS - HASH_BITS);
        Self(hash << (ROW_BITS + AT_BITS) | (row as u64) << AT_BITS | at as u64)
    }

    const fn row(self) -> u32 {
        (self.0 >> AT_BITS) as u32 & (MOST_ROWS as u32 - 1)
    }

    const fn at(self) -> usize {
        self.0 as usize & (MOST_OF_ROW - 1)
    }

    /// What the table goes by: it looks at the lowest bits and at the highest.
    const fn hash(self) -> u64 {
        (self.0 >> (ROW_BITS + AT_BITS)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl<N, V> Default for Recent<N, V> {
    fn default() -> Self {
        Self {
            index: HashTable::new(),
            rows: Vec::new(),
            free: Vec::new(),
            open: None,
            hashes: RandomState::default(),
        }
    }
}

impl<N: Hash + Eq + Copy, V: Copy> Recent<N, V> {
    /// What is known under a name.
    pub fn get(&self, name: N) -> Option<V> {
        let hash = self.hashes.hash_one(name);
        let is = |place: &Place| self.thing(*place).is_some_and(|thing| thing.0 == name);
        let place = self.index.find(Place::new(hash, 0, 0).hash(), is)?;
        Some(self.thing(*place)?.1)
    }

    /// Puts something into the row that is open, unless its name is known; whether it was new. There is a most of rows and of
    /// what a row has: what is beyond is new every time.
    pub fn add(&mut self, name: N, value: V) -> bool {
        self.take((name, value), Again::StaysAsItWas)
    }

    /// Puts something into the row that is open; it is what is known under its name from then on. What was known before
    /// stays in its row, and is found no more.
    pub fn put(&mut self, name: N, value: V) {
        self.take((name, value), Again::Replaces);
    }

    /// Takes something in; whether its name was not known.
    fn take(&mut self, thing: (N, V), again: Again) -> bool {
        let hash = self.hashes.hash_one(thing.0);
        let Some((number, mut things)) = self.open_row() else { return true };
        let place = Place::new(hash, number, things.len());
        let is = |it: &Place| {
            found(&self.rows, (number, &things), *it).is_some_and(|it| it.0 == thing.0)
        };
        let is_new = match self.index.entry(place.hash(), is, |place| place.hash()) {
            Entry::Occupied(mut known) => {
                if again == Again::Replaces {
                    *known.get_mut() = place;
                    things.push(thing);
                }
                false
            }
            Entry::Vacant(free) => {
                free.insert(place);
                things.push(thing);
                true
            }
        };
        self.open = Some((number, things));
        is_new
    }

    /// Ends the row that is open; its number, if there is anything in it.
    pub fn close(&mut self) -> Option<RowNumber> {
        let (number, things) = self.open.take()?;
        if things.is_empty() {
            self.free.push(number);
            return None;
        }
        // A copy of its own: what has grown has room for more.
        *self.rows.get_mut(number as usize)? = things.as_slice().into();
        Some(RowNumber(number))
    }

    /// What a row has, in the order in which it was put there.
    pub fn row(&self, RowNumber(number): RowNumber) -> &[(N, V)] {
        self.rows.get(number as usize).map_or(&[], |row| row)
    }

    /// Forgets a row, but for names under which something came later.
    pub fn forget(&mut self, RowNumber(number): RowNumber) {
        let Some(row) = self.rows.get_mut(number as usize).map(std::mem::take) else { return };
        for (at, (name, _)) in row.iter().enumerate() {
            let place = Place::new(self.hashes.hash_one(name), number, at);
            if let Ok(known) = self.index.find_entry(place.hash(), |it| *it == place) {
                known.remove();
            }
        }
        self.free.push(number);
        let needed = self.index.len() + self.index.len() / TO_SPARE;
        if self.index.capacity() / 2 > needed {
            self.index.shrink_to(needed, |place| place.hash());
        }
    }

    /// How many names are known.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// How many things are in the row that is open.
    pub fn open_len(&self) -> usize {
        self.open.as_ref().map_or(0, |(_, things)| things.len())
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The row that is open, taken out, or a new one; none where there is no room for more.
    fn open_row(&mut self) -> Option<(u32, Vec<(N, V)>)> {
        match self.open.take() {
            Some(row) if row.1.len() < MOST_OF_ROW => return Some(row),
            Some(full) => {
                self.open = Some(full);
                return None;
            }
            None => {}
        }
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.rows.len() < MOST_ROWS => {
                self.rows.push(Box::default());
                u32::try_from(self.rows.len() - 1).ok()?
            }
            None => return None,
        };
        Some((number, Vec::new()))
    }

    fn thing(&self, place: Place) -> Option<&(N, V)> {
        let open = self.open.as_ref().map(|(number, things)| (*number, things.as_slice()));
        found(&self.rows, open.unwrap_or((u32::MAX, &[])), place)
    }
}

/// What is at a place, in the row that is open or in another one.
fn found<'r, T>(rows: &'r [Box<[T]>], open: (u32, &'r [T]), place: Place) -> Option<&'r T> {
    if place.row() == open.0 {
        return open.1.get(place.at());
    }
    rows.get(place.row() as usize)?.get(place.at())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_came_is_known_until_its_row_is_forgotten() {
        let mut recent = Recent::default();
        assert!(recent.add("a", 1) && recent.add("b", 2) && !recent.add("a", 3));
        let first = recent.close().unwrap();
        assert_eq!((recent.get("a"), recent.close()), (Some(1), None), "an empty row is none");
        recent.put("b", 4);
        let second = recent.close().unwrap();
        assert_eq!((recent.get("b"), recent.len()), (Some(4), 2));
        assert_eq!(recent.row(first), [("a", 1), ("b", 2)]);
        recent.forget(first);
        assert_eq!((recent.get("a"), recent.get("b")), (None, Some(4)), "it came later, too");
        recent.forget(second);
        assert!(recent.is_empty() && recent.row(second).is_empty());
    }

    /// A burst of one hour is no memory of the next.
    #[test]
    fn an_index_that_has_become_too_large_is_made_smaller() {
        let mut recent = Recent::default();
        let mut row_of = |range: std::ops::Range<u64>| {
            range.for_each(|name| recent.put(name, ()));
            recent.close().unwrap()
        };
        let rows = [row_of(0..10_000), row_of(10_000..10_100)];
        let large = recent.index.capacity();
        recent.forget(rows[0]);
        assert!(
            large >= 10_100 && recent.index.capacity() < 1_000,
            "{:?}",
            recent.index.capacity()
        );
        assert!((10_000..10_100).all(|name| recent.get(name).is_some()));
    }

    /// As many come as go, for long: what is forgotten must not make it grow.
    #[test]
    fn an_index_has_no_more_room_than_twice_what_was_in_it_at_a_time() {
        let mut recent = Recent::default();
        let mut rows = std::collections::VecDeque::new();
        for row in 0_u64..2_000 {
            (0..100).for_each(|name| recent.put(row * 100 + name, ()));
            rows.extend(recent.close());
            if rows.len() > 120 {
                rows.pop_front().into_iter().for_each(|row| recent.forget(row));
                let (room, len) = (recent.index.capacity(), recent.len());
                assert!(len == 12_000 && room <= 2 * len + len / 8, "{room} for {len}");
            }
        }
    }

    #[test]
    fn numbers_of_rows_are_used_again() {
        let mut recent = Recent::default();
        for name in 0..1_000 {
            recent.put(name, ());
            let row = recent.close().unwrap();
            recent.forget(row);
        }
        assert_eq!((recent.rows.len(), recent.len()), (1, 0));
    }

    proptest! {
        /// Names of few bits, so that hashes and rows meet often.
        #[test]
        fn it_knows_what_an_ordered_map_would_know(
            rows in prop::collection::vec(prop::collection::vec((0_u16..40, any::<u32>()), 1..12), 0..40),
            kept in 1_usize..8,
        ) {
            let mut recent = Recent::default();
            let mut numbers = std::collections::VecDeque::new();
            // Under each name what came last, and in which row.
            let mut known: BTreeMap<u16, (u32, usize)> = BTreeMap::new();
            for (row, things) in rows.into_iter().enumerate() {
                for (name, value) in things {
                    recent.put(name, value);
                    known.insert(name, (value, row));
                }
                numbers.push_back((row, recent.close().unwrap()));
                if numbers.len() > kept && let Some((oldest, number)) = numbers.pop_front() {
                    recent.forget(number);
                    known.retain(|_, (_, row)| *row != oldest);
                }
                prop_assert_eq!(recent.len(), known.len());
                for name in 0..40 {
                    prop_assert_eq!(recent.get(name), known.get(&name).map(|(value, _)| *value));
                }
            }
        }
    }
}
