//! Who has a key, and whose answers rest on it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::sync::Arc;

use airside_k8s::graph::{Key, Word};

/// The keys that anybody has or reads. A key's number is stable while anybody does.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Only ever looked into, never walked through, so that its order reaches no result. Its keys are
    /// digests already.
    numbers: HashMap<Key, u32, BuildHasherDefault<Digest>>,
    entries: Vec<Entry>,
    free: Vec<u32>,
}

/// How many objects mention a word. Apart from the keys: there are far more words, and few ask for them.
#[derive(Debug, Default)]
pub(super) struct Words(HashMap<Word, u32, BuildHasherDefault<Digest>>);

/// A hasher for what is a digest itself.
#[derive(Debug, Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(29) ^ number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Texts that many share: what a check says of one object it says of others too.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Looked into like the keys, with a hasher without a secret.
    kept: HashMap<Arc<str>, (), BuildHasherDefault<DefaultHasher>>,
    /// How many there were when those went that nobody had any more.
    purged: usize,
}

impl Texts {
    /// The text, as others have it.
    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        const FEW: usize = 4096;
        if let Some((kept, ())) = self.kept.get_key_value(text) {
            return Arc::clone(kept);
        }
        if self.kept.len() > self.purged.max(FEW).saturating_mul(2) {
            self.kept.retain(|kept, ()| Arc::strong_count(kept) > 1);
            self.purged = self.kept.len();
        }
        let new: Arc<str> = Arc::from(text);
        self.kept.insert(Arc::clone(&new), ());
        new
    }
}

impl Words {
    pub(super) fn count(&self, word: Word) -> u32 {
        self.0.get(&word).copied().unwrap_or_default()
    }

    pub(super) fn raise(&mut self, word: Word) {
        let count = self.0.entry(word).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn lower(&mut self, word: Word) {
        if let Some(count) = self.0.get_mut(&word) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&word);
            }
        }
    }
}

#[derive(Debug)]
struct Entry {
    key: Key,
    found: Ids,
    readers: Ids,
    count: u32,
}

impl Table {
    /// The objects that are found by a key, in the order of their slots.
    pub(super) fn found(&self, key: Key) -> &[u32] {
        self.entry(key).map(|entry| entry.found.as_slice()).unwrap_or_default()
    }

    /// The objects that are found by the key of a number.
    pub(super) fn found_by_number(&self, number: u32) -> &[u32] {
        let entry = self.entries.get(number as usize);
        entry.map(|entry| entry.found.as_slice()).unwrap_or_default()
    }

    /// How many count under a key.
    pub(super) fn count(&self, key: Key) -> u32 {
        self.entry(key).map(|entry| entry.count).unwrap_or_default()
    }

    /// The number of a key, and those whose answers rest on it.
    pub(super) fn readers(&self, key: Key) -> Option<(u32, &[u32])> {
        let number = *self.numbers.get(&key)?;
        let readers = self.entries.get(number as usize)?.readers.as_slice();
        (!readers.is_empty()).then_some((number, readers))
    }

    pub(super) fn add_found(&mut self, key: Key, slot: u32) {
        if let Some(entry) = self.entry_or_new(key).1 {
            entry.found.add(slot);
        }
    }

    pub(super) fn remove_found(&mut self, key: Key, slot: u32) {
        self.change(key, |entry| entry.found.remove(slot));
    }

    pub(super) fn raise(&mut self, key: Key) {
        if let Some(entry) = self.entry_or_new(key).1 {
            entry.count = entry.count.saturating_add(1);
        }
    }

    pub(super) fn lower(&mut self, key: Key) {
        self.change(key, |entry| entry.count = entry.count.saturating_sub(1));
    }

    /// Notes a reader of a key. Returns the key's number.
    pub(super) fn add_reader(&mut self, key: Key, reader: u32) -> u32 {
        let (number, entry) = self.entry_or_new(key);
        if let Some(entry) = entry {
            entry.readers.add(reader);
        }
        number
    }

    /// Forgets a reader of the key of a number.
    pub(super) fn remove_reader(&mut self, number: u32, reader: u32) {
        if let Some(key) = self.entries.get(number as usize).map(|entry| entry.key) {
            self.change(key, |entry| entry.readers.remove(reader));
        }
    }

    fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries.get(*self.numbers.get(&key)? as usize)
    }

    fn entry_or_new(&mut self, key: Key) -> (u32, Option<&mut Entry>) {
        let Self { numbers, entries, free } = self;
        let number = *numbers.entry(key).or_insert_with(|| {
            let entry = Entry { key, found: Ids::None, readers: Ids::None, count: 0 };
            match free.pop() {
                Some(number) => {
                    if let Some(unused) = entries.get_mut(number as usize) {
                        *unused = entry;
                    }
                    number
                }
                None => {
                    entries.push(entry);
                    u32::try_from(entries.len() - 1).unwrap_or(u32::MAX)
                }
            }
        });
        (number, entries.get_mut(number as usize))
    }

    /// Changes an entry; one that nobody needs any more goes.
    fn change(&mut self, key: Key, change: impl FnOnce(&mut Entry)) {
        let Some(number) = self.numbers.get(&key).copied() else { return };
        let Some(entry) = self.entries.get_mut(number as usize) else { return };
        change(entry);
        let is_unused = entry.count == 0
            && entry.found.as_slice().is_empty()
            && entry.readers.as_slice().is_empty();
        if is_unused {
            self.numbers.remove(&key);
            self.free.push(number);
        }
    }
}

/// Ids in order, each once. Most keys have one.
#[derive(Debug)]
enum Ids {
    None,
    One([u32; 1]),
    // In a box of its own, to keep the many small ones small.
    #[expect(clippy::box_collection, reason = "an entry is kept for each of millions of keys")]
    Many(Box<Vec<u32>>),
}

impl Ids {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::None => &[],
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }

    fn add(&mut self, id: u32) {
        match self {
            Self::None => *self = Self::One([id]),
            Self::One([one]) if *one == id => {}
            Self::One([one]) => {
                *self = Self::Many(Box::new(vec![(*one).min(id), (*one).max(id)]));
            }
            Self::Many(many) => {
                if let Err(at) = many.binary_search(&id) {
                    many.insert(at, id);
                }
            }
        }
    }

    fn remove(&mut self, id: u32) {
        match self {
            Self::One([one]) if *one == id => *self = Self::None,
            Self::None | Self::One(_) => {}
            Self::Many(many) => {
                if let Ok(at) = many.binary_search(&id) {
                    many.remove(at);
                }
                if many.is_empty() {
                    *self = Self::None;
                }
            }
        }
    }
}
