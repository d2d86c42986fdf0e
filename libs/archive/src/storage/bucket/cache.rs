//! Parts of files that were read, kept within bounds: whoever asks on mostly needs the same ends and columns.
//!
//! A file is cut into blocks from its end on, so that its end, which is read first, is whole blocks. Ends have a
//! bound of their own: they tell which files need not be read, and columns, however many, do not push them out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

/// The bytes of a block; a file's first one may have fewer.
pub(super) const BLOCK: u64 = 64 << 10;

/// How many blocks are fetched together where nobody said what is read next and none of them is kept.
const TOGETHER: u64 = 8;
/// The blocks of a file's end: footer, page index and bloom filters lie there.
const END: u64 = (1 << 20) / BLOCK;
/// The blocks of one request at most: what is larger is fetched by several at once.
const LARGEST: u64 = (1 << 20) / BLOCK;
/// So many blocks that nobody wants are fetched rather than making two requests of one.
const GAP: u64 = 1;

/// Blocks of files, of which those go first that were not used for longest.
#[derive(Debug)]
pub(super) struct Cache {
    state: Mutex<State>,
    /// The bytes of the blocks of ends at most, and those of all others.
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<Place, Block>,
    ends: Uses,
    others: Uses,
    uses: u64,
}

/// Which block was used when, and the bytes of all of them.
#[derive(Debug, Default)]
struct Uses {
    used: BTreeMap<u64, Place>,
    bytes: usize,
}

/// A file, and the number of a block from its end on.
type Place = (Arc<str>, u64);

#[derive(Debug)]
struct Block {
    bytes: Bytes,
    used: u64,
    /// Of the file: one that was written anew may have another.
    length: u64,
}

impl Cache {
    /// A memory for so many bytes, half of them for ends.
    pub(super) fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), bound: bound / 2 }
    }

    /// How much can be fetched before it is read, with room for what another one does meanwhile.
    pub(super) const fn room_ahead(&self) -> u64 {
        self.bound as u64 / 2
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the end of a file of that length is kept.
    pub(super) fn has_end(&self, path: &Arc<str>, length: u64) -> bool {
        self.state().has(path, 0, length)
    }

    /// A part of a file of that length; else what of it is to be fetched, in whole blocks.
    pub(super) fn get(
        &self,
        path: &Arc<str>,
        length: u64,
        part: Range<u64>,
    ) -> Result<Bytes, Range<u64>> {
        if part.is_empty() {
            return Ok(Bytes::new());
        }
        let mut state = self.state();
        let numbers = number(length, part.end - 1)..=number(length, part.start);
        let lacks = |number: &u64| !state.has(path, *number, length);
        let nearest = numbers.clone().find(lacks);
        let farthest = numbers.clone().rev().find(lacks);
        if let (Some(mut nearest), Some(farthest)) = (nearest, farthest) {
            // What follows is mostly asked for next, and an answer's way takes longer than its bytes.
            while let Some(next) = nearest.checked_sub(1).filter(lacks)
                && farthest - next < TOGETHER
            {
                nearest = next;
            }
            return Err(place(length, farthest).start..place(length, nearest).end);
        }
        let mut whole = BytesMut::new();
        for number in numbers.rev() {
            let block = place(length, number);
            let bytes = state.touch(&(Arc::clone(path), number)).unwrap_or_default();
            let from = part.start.max(block.start) - block.start;
            let to = part.end.min(block.end) - block.start;
            let [from, to] = [from, to].map(|it| usize::try_from(it).unwrap_or(usize::MAX));
            // A block that is shorter than it should be is fetched anew.
            let Some(wanted) = bytes.get(from..to) else { return Err(block) };
            if whole.is_empty() && wanted.len() as u64 == part.end - part.start {
                return Ok(bytes.slice(from..to));
            }
            whole.extend_from_slice(wanted);
        }
        Ok(whole.freeze())
    }

    /// What is to be fetched of a file of that length, in whole blocks, so that parts of it can be read; and
    /// the bytes of these parts' blocks, whether they are kept already or not.
    pub(super) fn missing(
        &self,
        path: &Arc<str>,
        length: u64,
        parts: &[Range<u64>],
    ) -> (Vec<Range<u64>>, u64) {
        let parts = parts.iter().filter(|part| part.start < part.end && part.end <= length);
        let blocks: BTreeSet<u64> = parts
            .flat_map(|part| number(length, part.end - 1)..=number(length, part.start))
            .collect();
        let mut state = self.state();
        let lacking = blocks.iter().filter(|number| {
            // What is kept is going to be used: it stays.
            let has = state.has(path, **number, length);
            !(has && state.touch(&(Arc::clone(path), **number)).is_some())
        });
        let mut together: Vec<(u64, u64)> = Vec::new();
        for number in lacking {
            match together.last_mut() {
                Some((first, last)) if number - *last <= GAP + 1 && number - *first < LARGEST => {
                    *last = *number;
                }
                _ => together.push((*number, *number)),
            }
        }
        let ranges = together
            .into_iter()
            .map(|(first, last)| place(length, last).start..place(length, first).end);
        (ranges.collect(), blocks.len() as u64 * BLOCK)
    }

    /// Keeps what was fetched of a file of that length, from a place on: the whole blocks of it.
    pub(super) fn put(&self, path: &Arc<str>, length: u64, from: u64, fetched: &Bytes) {
        let end = from + fetched.len() as u64;
        if fetched.is_empty() || end > length {
            return;
        }
        let mut state = self.state();
        // The end of the file last: it is what is asked for again first.
        for number in (number(length, end - 1)..=number(length, from)).rev() {
            let block = place(length, number);
            if block.start < from || block.end > end {
                continue;
            }
            let [begin, end] = [block.start - from, block.end - from]
                .map(|it| usize::try_from(it).unwrap_or(usize::MAX));
            // What is fetched together need not be kept together.
            let bytes = Bytes::copy_from_slice(fetched.get(begin..end).unwrap_or_default());
            state.insert((Arc::clone(path), number), bytes, length);
        }
        state.shrink(self.bound);
    }

    /// Forgets a file.
    pub(super) fn forget(&self, path: &str) {
        let path: Arc<str> = path.into();
        let mut state = self.state();
        let of_it = (Arc::clone(&path), 0)..=(path, u64::MAX);
        let all: Vec<Place> = state.blocks.range(of_it).map(|(place, _)| place.clone()).collect();
        all.iter().for_each(|place| state.drop_block(place));
    }
}

impl State {
    fn has(&self, path: &Arc<str>, number: u64, length: u64) -> bool {
        let block = self.blocks.get(&(Arc::clone(path), number));
        block.is_some_and(|block| block.length == length)
    }

    fn touch(&mut self, place: &Place) -> Option<Bytes> {
        self.uses += 1;
        let block = self.blocks.get_mut(place)?;
        let uses = if place.1 < END { &mut self.ends } else { &mut self.others };
        if let Some(place) = uses.used.remove(&block.used) {
            uses.used.insert(self.uses, place);
        }
        block.used = self.uses;
        Some(block.bytes.clone())
    }

    fn insert(&mut self, place: Place, bytes: Bytes, length: u64) {
        self.drop_block(&place);
        self.uses += 1;
        let used = self.uses;
        let uses = self.uses_of(&place);
        uses.bytes += bytes.len();
        uses.used.insert(used, place.clone());
        self.blocks.insert(place, Block { bytes, used, length });
    }

    fn drop_block(&mut self, place: &Place) {
        if let Some(block) = self.blocks.remove(place) {
            let uses = self.uses_of(place);
            uses.used.remove(&block.used);
            uses.bytes -= block.bytes.len();
        }
    }

    const fn uses_of(&mut self, place: &Place) -> &mut Uses {
        if place.1 < END { &mut self.ends } else { &mut self.others }
    }

    fn shrink(&mut self, bound: usize) {
        for uses in [&mut self.ends, &mut self.others] {
            while uses.bytes > bound {
                let Some((_, place)) = uses.used.pop_first() else { break };
                let gone = self.blocks.remove(&place);
                uses.bytes -= gone.map_or(0, |block| block.bytes.len());
            }
        }
    }
}

/// The number of the block in which a byte lies.
const fn number(length: u64, at: u64) -> u64 {
    (length - at - 1) / BLOCK
}

/// Where a block lies.
const fn place(length: u64, number: u64) -> Range<u64> {
    let end = length - number * BLOCK;
    end.saturating_sub(BLOCK)..end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(length: usize) -> Bytes {
        (0..length).map(|at| (at / 1000 % 251) as u8).collect::<Vec<_>>().into()
    }

    /// Reads a part as the bucket does, and tells how often something was fetched.
    fn read(cache: &Cache, path: &Arc<str>, file: &Bytes, part: Range<usize>) -> (Bytes, usize) {
        let (length, wanted) = (file.len() as u64, part.start as u64..part.end as u64);
        let missing = match cache.get(path, length, wanted.clone()) {
            Ok(bytes) => return (bytes, 0),
            Err(missing) => missing,
        };
        assert!(missing.start < missing.end && missing.end <= length, "{missing:?}");
        let fetched = file.slice(missing.start as usize..missing.end as usize);
        cache.put(path, length, missing.start, &fetched);
        (cache.get(path, length, wanted).unwrap_or_else(|_| file.slice(part)), 1)
    }

    /// Fetches parts ahead as the bucket does, and gives what was fetched.
    fn fetch(
        cache: &Cache,
        path: &Arc<str>,
        file: &Bytes,
        parts: &[Range<usize>],
    ) -> Vec<Range<u64>> {
        let parts: Vec<_> = parts.iter().map(|it| it.start as u64..it.end as u64).collect();
        let (missing, _) = cache.missing(path, file.len() as u64, &parts);
        for range in &missing {
            let fetched = file.slice(range.start as usize..range.end as usize);
            cache.put(path, file.len() as u64, range.start, &fetched);
        }
        missing
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn a_part_is_what_the_file_has_there_and_the_bound_holds(
            length in 1usize..40 * BLOCK as usize, blocks in 0usize..60, is_announced: bool,
            parts in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 1..12),
        ) {
            let cache = Cache::new(blocks * BLOCK as usize);
            let (file, path) = (file(length), Arc::from("a"));
            for (from, long) in parts {
                let from = (from * length as f64) as usize;
                let end = from + (long * (length - from) as f64) as usize;
                if is_announced {
                    fetch(&cache, &path, &file, &[from..end, 0..9.min(length)]);
                }
                prop_assert_eq!(read(&cache, &path, &file, from..end).0, file.slice(from..end));
                let state = cache.state();
                prop_assert!(state.ends.bytes <= cache.bound && state.others.bytes <= cache.bound);
                let bytes = state.blocks.values().map(|it| it.bytes.len()).sum::<usize>();
                prop_assert_eq!(state.ends.bytes + state.others.bytes, bytes);
                prop_assert_eq!(state.ends.used.len() + state.others.used.len(), state.blocks.len());
            }
        }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_and_what_is_kept_is_not_fetched_again() {
        let cache = Cache::new(4 * BLOCK as usize);
        let file = file(BLOCK as usize);
        let [a, b, c] = ["a", "b", "c"].map(Arc::from);
        let mut fetched = |path| read(&cache, path, &file, 5..99).1;
        assert_eq!([&a, &b, &a, &c].map(&mut fetched), [1, 1, 0, 1]);
        assert_eq!([&a, &c, &b].map(&mut fetched), [0, 0, 1]);
        cache.forget("b");
        assert_eq!([&a, &b, &c].map(|path| cache.has_end(path, BLOCK)), [false, false, true]);
        assert!(!cache.has_end(&c, BLOCK + 1), "it was written anew");
    }

    #[test]
    fn what_is_announced_is_fetched_by_few_requests_and_then_read_without_any() {
        let cache = Cache::new(200 * BLOCK as usize);
        let (block, path) = (BLOCK as usize, Arc::from("a"));
        let file = file(60 * block);
        let at = |blocks: Range<u64>| blocks.start * BLOCK..blocks.end * BLOCK;
        // Neighbours, also over a gap of one block, are one request; a large part is several.
        let parts =
            [3 * block + 5..3 * block + 9, 5 * block..5 * block + 1, 9 * block..9 * block + 1];
        assert_eq!(fetch(&cache, &path, &file, &parts), [at(9..10), at(3..6)]);
        assert_eq!(fetch(&cache, &path, &file, &parts), []);
        assert!(parts.into_iter().all(|part| read(&cache, &path, &file, part).1 == 0));
        let long = 20 * block..56 * block;
        let requests = fetch(&cache, &path, &file, std::slice::from_ref(&long));
        assert_eq!(requests, [at(40..56), at(24..40), at(20..24)]);
        assert_eq!(read(&cache, &path, &file, long).1, 0);
        // What does not lie in the file is not asked for.
        assert_eq!(fetch(&cache, &path, &file, &[7..7, 9..60 * block + 1]), []);
    }

    #[test]
    fn columns_do_not_push_ends_out() {
        let cache = Cache::new(2 * (END * BLOCK) as usize);
        let (file, path) = (file(60 * BLOCK as usize), Arc::from("a"));
        let end = 59 * BLOCK as usize..60 * BLOCK as usize;
        assert_eq!(read(&cache, &path, &file, end.clone()).1, 1);
        assert_eq!(read(&cache, &path, &file, 0..40 * BLOCK as usize).1, 1);
        assert_eq!(read(&cache, &path, &file, end).1, 0);
    }
}
