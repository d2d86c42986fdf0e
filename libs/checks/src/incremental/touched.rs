//! Whose answers a change may alter.

use std::collections::{BTreeMap, BTreeSet};

use airside_k8s::graph::{Key, Word};

use super::table::{Table, Words};

/// Whose answers may be others now.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Objects, by slot.
    pub(super) objects: BTreeSet<u32>,
    /// Those of them that have changed themselves.
    pub(super) changed: BTreeSet<u32>,
    /// The keys that have touched others, by number.
    pub(super) keys: BTreeSet<u32>,
    /// Bearers, by number.
    pub(super) bearers: BTreeSet<u32>,
    /// How many counted under a key before.
    counts: BTreeMap<Key, u32>,
    /// The same of words.
    words: BTreeMap<Word, u32>,
}

impl Touched {
    /// Touches all whose answers rest on a key.
    pub(super) fn readers(&mut self, table: &Table, key: Key) {
        let Some((number, readers)) = table.readers(key) else { return };
        self.keys.insert(number);
        for reader in readers {
            if reader & 1 == 1 {
                self.bearers.insert(reader >> 1);
            } else {
                self.objects.insert(reader >> 1);
            }
        }
    }

    /// Remembers how many count under a key, before that changes.
    pub(super) fn before(&mut self, table: &Table, key: Key) {
        if table.readers(key).is_some() {
            self.counts.entry(key).or_insert_with(|| table.count(key));
        }
    }

    /// Remembers how many mention a word, before that changes.
    pub(super) fn before_word(&mut self, table: &Table, words: &Words, word: Word) {
        if table.readers(word.key()).is_some() {
            self.words.entry(word).or_insert_with(|| words.count(word));
        }
    }

    /// Touches all whose answers rest on whether anything counts under a key, or whether anything beside one
    /// mentions a word, where that has changed.
    pub(super) fn counts(&mut self, table: &Table, words: &Words) {
        for (key, before) in std::mem::take(&mut self.counts) {
            if (before > 0) != (table.count(key) > 0) {
                self.readers(table, key);
            }
        }
        for (word, before) in std::mem::take(&mut self.words) {
            if before.min(2) != words.count(word).min(2) {
                self.readers(table, word.key());
            }
        }
    }
}
