//! What an answer rests on, as it is kept: numbers of keys, and whether the part must hold their objects.

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

/// Notes what a new answer rests on, and forgets what only the old one did.
pub(super) fn note(table: &mut Table, reader: u32, old: &[u32], rests: &[Rest]) -> Box<[u32]> {
    let mut new: Vec<u32> = rests
        .iter()
        .map(|(key, is_held)| table.add_reader(*key, reader) << 1 | u32::from(*is_held))
        .collect();
    new.sort_unstable();
    for read in old {
        let (number, is_kept) = (read >> 1, |at: u32| new.binary_search(&at).is_ok());
        if !is_kept(number << 1) && !is_kept(number << 1 | 1) {
            table.remove_reader(number, reader);
        }
    }
    new.into_boxed_slice()
}

/// Forgets what an answer rested on.
pub(super) fn forget(table: &mut Table, reader: u32, reads: &[u32]) {
    reads.iter().for_each(|read| table.remove_reader(read >> 1, reader));
}
