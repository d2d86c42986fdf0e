//! What an answer rests on, as it is kept: numbers of keys, whether the part must hold their objects, and who
//! asked.

use std::collections::BTreeSet;

use super::part::Rest;
use super::table::Table;

/// An object as a reader of keys.
pub(super) const fn of_object(slot: u32) -> u32 {
    slot << 1
}

/// A bearer as a reader of keys.
pub(super) const fn of_bearer(number: u32) -> u32 {
    number << 1 | 1
}

/// Those who ask for an answer: its checks, as far as they look at more than the object, and what decides
/// which of them run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Askers(u64);

impl Askers {
    pub(super) const NOBODY: Self = Self(0);
    /// Who asks for the answer as a whole: when what he looked at changes, all is asked again.
    pub(super) const ITSELF: Self = Self(1 << Self::CHECKS);
    pub(super) const ALL: Self = Self(u64::MAX);
    /// How many checks are told apart. Further ones count as the last of them.
    const CHECKS: u32 = 63;

    /// A check, by its number among those that look.
    pub(super) fn check(number: usize) -> Self {
        Self(1 << number.min(Self::CHECKS as usize - 1))
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A key that an answer rests on, as it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// The key's number, and whether the part must hold its objects.
    read: u32,
    by: Askers,
}

impl Kept {
    const fn new(number: u32, is_held: bool, by: Askers) -> Self {
        Self { read: number << 1 | is_held as u32, by }
    }

    pub(super) const fn number(self) -> u32 {
        self.read >> 1
    }

    pub(super) const fn is_held(self) -> bool {
        self.read & 1 == 1
    }

    /// Whether some of these asked for it.
    pub(super) const fn is_of(self, askers: Askers) -> bool {
        self.by.has_any(askers)
    }
}

/// Who has looked at one of these keys, by number.
pub(super) fn askers_for(reads: &[Kept], touched: &BTreeSet<u32>) -> Askers {
    let theirs = reads.iter().filter(|read| touched.contains(&read.number()));
    let askers = theirs.fold(Askers::NOBODY, |askers, read| askers.and(read.by));
    if askers.has_any(Askers::ITSELF) { Askers::ALL } else { askers.and(Askers::ITSELF) }
}

/// Notes what those rest on who asked again, and forgets what only they did before.
pub(super) fn note(
    table: &mut Table,
    reader: u32,
    old: &[Kept],
    rests: &[Rest],
    again: Askers,
) -> Box<[Kept]> {
    let mut new: Vec<Kept> = rests
        .iter()
        .map(|rest| Kept::new(table.add_reader(rest.key, reader), rest.is_held, rest.by))
        .collect();
    let others = old.iter().map(|read| Kept { by: read.by.without(again), ..*read });
    new.extend(others.filter(|read| read.by != Askers::NOBODY));
    new.sort_unstable_by_key(|read| read.read);
    new.dedup_by(|later, first| {
        let is_same = later.number() == first.number();
        if is_same {
            *first = Kept { read: later.read, by: first.by.and(later.by) };
        }
        is_same
    });
    for read in old {
        if new.binary_search_by_key(&read.number(), |kept| kept.number()).is_err() {
            table.remove_reader(read.number(), reader);
        }
    }
    new.into_boxed_slice()
}

/// Forgets what an answer rested on.
pub(super) fn forget(table: &mut Table, reader: u32, reads: &[Kept]) {
    reads.iter().for_each(|read| table.remove_reader(read.number(), reader));
}
