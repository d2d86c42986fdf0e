//! How a value is made piece by piece: the names met, and a map that is still open.

use std::collections::{BTreeMap, BTreeSet};

use super::{Key, Map, Value};

/// Up to this many names are looked through one after the other: they differ in length most of the time, and the length
/// stands beside the pointer, so that hardly any text is looked at.
const LOOKED_THROUGH: usize = 48;

/// The keys of one value: the same few come again and again, and share their text.
#[derive(Debug, Default)]
pub(super) struct Names {
    first: Vec<Key>,
    more: BTreeSet<Key>,
}

impl Names {
    /// The key of a name, the same for each time that it comes.
    pub(super) fn of(&mut self, name: &str) -> Key {
        let known = self.first.iter().find(|key| ***key == *name).or_else(|| self.more.get(name));
        if let Some(key) = known {
            return Key::clone(key);
        }
        let key = Key::from(name);
        if self.first.len() < LOOKED_THROUGH {
            self.first.push(Key::clone(&key));
        } else {
            self.more.insert(Key::clone(&key));
        }
        key
    }
}

/// From this many entries on, an open map keeps a register of its keys.
const REGISTERED_FROM: usize = 16;

/// A map that is still open: entries in the order in which they come, each key once.
#[derive(Debug, Default)]
pub(crate) struct OpenMap {
    entries: Vec<(Key, Value)>,
    /// Where each key stands; empty while the map is small.
    register: BTreeMap<Key, usize>,
}

impl OpenMap {
    /// Whether a key has a value.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Gives a key a value; what it had before is forgotten.
    pub(crate) fn insert(&mut self, key: Key, value: Value) {
        if let Some((_, before)) = self.find(&key).and_then(|index| self.entries.get_mut(index)) {
            *before = value;
            return;
        }
        if self.entries.len() >= REGISTERED_FROM {
            if self.register.is_empty() {
                let keys = self.entries.iter().enumerate();
                self.register = keys.map(|(index, (key, _))| (Key::clone(key), index)).collect();
            }
            self.register.insert(Key::clone(&key), self.entries.len());
        }
        self.entries.push((key, value));
    }

    /// The finished map.
    pub(crate) fn close(self) -> Map {
        Map::of(self.entries)
    }

    fn find(&self, key: &str) -> Option<usize> {
        if self.register.is_empty() {
            self.entries.iter().position(|(own, _)| **own == *key)
        } else {
            self.register.get(key).copied()
        }
    }
}
