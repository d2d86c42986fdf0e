//! A bounded table that knows which of its rows have changed, so that a commit writes those and no others.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// Rows by key.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    rows: BTreeMap<K, Row<V>>,
    /// The keys of what has changed; of one that went and came back, twice.
    changed: Vec<K>,
}

/// A row, and whether its key is among those that have changed: most are changed again and again between two commits.
#[derive(Debug)]
struct Row<V> {
    value: V,
    is_changed: bool,
}

impl<V> Row<V> {
    const fn new(value: V) -> Self {
        Self { value, is_changed: false }
    }

    /// Marks it as changed; its key is noted the first time.
    fn change<K>(&mut self, key: K, changed: &mut Vec<K>) -> &mut V {
        if !self.is_changed {
            self.is_changed = true;
            changed.push(key);
        }
        &mut self.value
    }
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: Vec::new() }
    }
}

impl<K: Ord + Clone, V> Kept<K, V> {
    /// A row, to read.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.rows.get(key).map(|row| &row.value)
    }

    /// A row, to change.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        Some(row.change(key.clone(), &mut self.changed))
    }

    /// A row, to change; made if it is not there. Of more than `most` rows the first tenth goes: which that is nobody
    /// can choose, and what is in use comes back.
    pub(crate) fn entry(&mut self, key: K, most: usize, make: impl FnOnce() -> V) -> &mut V {
        self.make_room(&key, most);
        let row = self.rows.entry(key.clone()).or_insert_with(|| Row::new(make()));
        row.change(key, &mut self.changed)
    }

    /// Puts a row in the place of what was there.
    pub(crate) fn insert(&mut self, key: K, most: usize, row: V) {
        self.make_room(&key, most);
        let mut row = Row::new(row);
        row.change(key.clone(), &mut self.changed);
        self.rows.insert(key, row);
    }

    fn make_room(&mut self, key: &K, most: usize) {
        if self.rows.len() < most || self.rows.contains_key(key) {
            return;
        }
        let gone: Vec<K> = self.rows.keys().take(most / 10 + 1).cloned().collect();
        for key in gone {
            self.remove(&key);
        }
    }

    /// Forgets a row.
    pub(crate) fn remove(&mut self, key: &K) {
        if self.rows.remove(key).is_some() {
            self.changed.push(key.clone());
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All rows, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter().map(|(key, row)| (key, &row.value))
    }

    /// Takes back a row as it was kept.
    pub(crate) fn restore(&mut self, key: K, row: V) {
        self.rows.insert(key, Row::new(row));
    }

    /// The rows that have changed since the last call, in the order of their keys; without a value those that are gone.
    pub(crate) fn take_changed(&mut self) -> Vec<(K, Option<&V>)> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        for key in &changed {
            self.rows.get_mut(key).into_iter().for_each(|row| row.is_changed = false);
        }
        changed.into_iter().map(|key| (key.clone(), self.get(&key))).collect()
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
        // What went and came back is told once, as it is.
        kept.remove(&1);
        *kept.entry(1, 3, || 5) += 1;
        assert_eq!(kept.take_changed(), [(1, Some(&6))]);
        kept.restore(8, 8);
        assert_eq!(kept.take_changed(), [], "what is taken back is kept already");
        assert_eq!(kept.iter().count(), 4);
    }
}
