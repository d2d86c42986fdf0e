//! A map of a value: its entries in one piece, sorted by key.

use std::fmt;

use super::{Key, Value};

/// Up to this many entries are looked through one after the other: keys differ in length most of the time,
/// and the length stands beside the pointer, so that hardly any text is looked at.
const LOOKED_THROUGH: usize = 16;

/// Keys, each with a value; every key once, in the order of their bytes.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Map(pub(super) Box<[(Key, Value)]>);

/// The entries of a map, in the order of the keys.
pub type Entries<'a> =
    std::iter::Map<std::slice::Iter<'a, (Key, Value)>, fn(&(Key, Value)) -> (&str, &Value)>;

impl Map {
    /// A map without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of entries.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let entries = &self.0;
        let index = if entries.len() <= LOOKED_THROUGH {
            entries.iter().position(|(own, _)| **own == *key)?
        } else {
            self.find(key).ok()?
        };
        entries.get(index).map(|(_, value)| value)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let index = self.find(key).ok()?;
        self.0.get_mut(index).map(|(_, value)| value)
    }

    /// Whether a key has a value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The entries, in the order of the keys.
    pub fn iter(&self) -> Entries<'_> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(key, _)| &**key)
    }

    /// The values, in the order of the keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + DoubleEndedIterator + Clone {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Gives a key a value; returns the one that it had.
    pub fn insert(&mut self, key: impl Into<Key>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.find(&key) {
            Ok(index) => self.0.get_mut(index).map(|(_, before)| std::mem::replace(before, value)),
            Err(index) => {
                self.insert_at(index, key, value);
                None
            }
        }
    }

    /// Takes a key and its value out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self.find(key).ok()?;
        let mut entries = std::mem::take(&mut self.0).into_vec();
        let (_, value) = entries.remove(index);
        self.0 = entries.into_boxed_slice();
        Some(value)
    }

    /// Takes out the entries that are not wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(&str, &Value) -> bool) {
        let mut entries = std::mem::take(&mut self.0).into_vec();
        entries.retain(|(key, value)| wanted(key, value));
        self.0 = entries.into_boxed_slice();
    }

    /// The value of a key; one that is missing or null is made first.
    pub fn or_insert_with(&mut self, key: &str, made: impl FnOnce() -> Value) -> &mut Value {
        let value = self.or_null(key);
        if value.is_null() {
            *value = made();
        }
        value
    }

    /// The value of a key, null where it had none.
    #[expect(clippy::indexing_slicing, reason = "the index was found, or has just been filled")]
    pub(crate) fn or_null(&mut self, key: &str) -> &mut Value {
        let index = self.find(key).unwrap_or_else(|index| {
            self.insert_at(index, key.into(), Value::Null);
            index
        });
        &mut self.0[index].1
    }

    fn insert_at(&mut self, index: usize, key: Key, value: Value) {
        let mut entries = std::mem::take(&mut self.0).into_vec();
        entries.insert(index, (key, value));
        self.0 = entries.into_boxed_slice();
    }

    /// From entries in any order; of a key given twice the last has the word.
    pub(super) fn of(mut entries: Vec<(Key, Value)>) -> Self {
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            // Stable, so that the last of equal keys stays the last.
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            entries.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(&mut later.1, &mut kept.1);
                }
                same
            });
        }
        Self(entries.into_boxed_slice())
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| (**own).cmp(key))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a str, &'a Value);
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = std::vec::IntoIter<(Key, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::of(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl<K: Into<Key>, V: Into<Value>> Extend<(K, V)> for Map {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, more: I) {
        let mut entries = std::mem::take(&mut self.0).into_vec();
        entries.extend(more.into_iter().map(|(key, value)| (key.into(), value.into())));
        *self = Self::of(entries);
    }
}
