//! Lists that many records have alike: a copy of one is the same list until it is changed.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A list that copies share. Whoever changes a copy gets a list of its own.
///
/// It has no room to grow, as it is kept often and changed seldom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedList<T>(Arc<[T]>);

impl<T: Clone> SharedList<T> {
    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        self.extend([item]);
    }
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for SharedList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Clone> DerefMut for SharedList<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: Clone> Extend<T> for SharedList<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        *self = self.iter().cloned().chain(items).collect();
    }
}

impl<T> From<Vec<T>> for SharedList<T> {
    fn from(list: Vec<T>) -> Self {
        Self(list.into())
    }
}

impl<T> FromIterator<T> for SharedList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'l, T> IntoIterator for &'l SharedList<T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_list_until_it_is_changed() {
        let list: SharedList<_> = vec!["a"].into();
        let mut copy = list.clone();
        assert!(std::ptr::eq(&*list, &*copy));
        copy.push("b");
        copy.extend(["c"]);
        assert_eq!((&*list, &*copy), (&["a"][..], &["a", "b", "c"][..]));
        let mut other = list.clone();
        other.iter_mut().for_each(|item| *item = "d");
        assert_eq!((&*list, &*other), (&["a"][..], &["d"][..]));
    }
}
