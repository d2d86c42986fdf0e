//! A bounded table that knows which of its rows have changed, so that a commit writes those and no others.

use std::collections::{BTreeMap, BTreeSet};

/// Rows by key.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    rows: BTreeMap<K, V>,
    changed: BTreeSet<K>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, V> Kept<K, V> {
    /// A row, to read.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rows.get(key)
    }

    /// A row, to change.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.changed.insert(key.clone());
        Some(row)
    }

    /// A row, to change; made if it is not there. Of more than `most` rows the first tenth goes: which that is nobody
    /// can choose, and what is in use comes back.
    pub(crate) fn entry(&mut self, key: K, most: usize, make: impl FnOnce() -> V) -> &mut V {
        self.make_room(&key, most);
        self.changed.insert(key.clone());
        self.rows.entry(key).or_insert_with(make)
    }

    /// Puts a row in the place of what was there.
    pub(crate) fn insert(&mut self, key: K, most: usize, row: V) {
        self.make_room(&key, most);
        self.changed.insert(key.clone());
        self.rows.insert(key, row);
    }

    fn make_room(&mut self, key: &K, most: usize) {
        if self.rows.len() < most || self.rows.contains_key(key) {
            return;
        }
        let gone: Vec<K> = self.rows.keys().take(most / 10 + 1).cloned().collect();
        for key in gone {
            self.rows.remove(&key);
            self.changed.insert(key);
        }
    }

    /// Forgets a row.
    pub(crate) fn remove(&mut self, key: &K) {
        if self.rows.remove(key).is_some() {
            self.changed.insert(key.clone());
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All rows, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    /// Takes back a row as it was kept.
    pub(crate) fn restore(&mut self, key: K, row: V) {
        self.rows.insert(key, row);
    }

    /// The rows that have changed since the last call; without a value those that are gone.
    pub(crate) fn take_changed(&mut self) -> Vec<(K, Option<&V>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|key| (key.clone(), self.rows.get(&key))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_once_and_what_went_too() {
        let mut kept = Kept::default();
        for key in 0..4 {
            *kept.entry(key, 3, || 0) += key;
        }
        // The fourth pushed out the first.
        assert_eq!(kept.take_changed(), [(0, None), (1, Some(&1)), (2, Some(&2)), (3, Some(&3))]);
        assert_eq!(kept.take_changed(), []);
        assert_eq!(kept.get(&2), Some(&2));
        assert_eq!(kept.get_mut(&9), None);
        kept.get_mut(&2).into_iter().for_each(|row| *row = 7);
        assert_eq!(kept.take_changed(), [(2, Some(&7))]);
        assert_eq!(*kept.entry(1, 3, || 9), 1, "what is there is no new row");
        assert_eq!(kept.iter().count(), 3);
    }
}
