//! The scanned fields of a pass as a tree, beside which a live object is walked, and which element of a live list
//! is which scanned one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use airside_types::{FieldDigest, Step};

use super::leaf::{self, Context};
use crate::value::Value;

/// What a pass holds of a field and below it.
#[derive(Debug, Default)]
pub(super) struct Scanned<'p> {
    /// The digest, where the field is a leaf.
    pub(super) digest: Option<u64>,
    /// What lies below it by keys.
    pub(super) keys: BTreeMap<Cow<'p, str>, Self>,
    /// The elements below it by index.
    pub(super) elements: BTreeMap<usize, Self>,
}

impl<'p> Scanned<'p> {
    pub(super) fn of(fields: &'p [FieldDigest]) -> Self {
        let mut root = Self::default();
        for FieldDigest { field, digest } in fields {
            let mut node = &mut root;
            for step in field.steps() {
                node = match step {
                    Step::Key(key) => node.keys.entry(key).or_default(),
                    Step::Index(index) => node.elements.entry(index).or_default(),
                };
            }
            node.digest = Some(*digest);
        }
        root
    }

    /// What lies below a key.
    pub(super) fn key(&self, key: &str) -> Option<&Self> {
        self.keys.get(key)
    }

    /// What lies at a path.
    pub(super) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.key(key))
    }

    /// For each element of a live list the scanned one that it is. Names tell, since injectors put their elements
    /// first: the element at the same index where its name fits, since names can repeat, else the first with
    /// that name that is no other one. Elements without a name are told by where they stand.
    pub(super) fn paired(&self, live: &[Value]) -> Vec<Option<usize>> {
        let mut pairs = vec![None; live.len()];
        let mut missing = Vec::new();
        for (&index, node) in &self.elements {
            let fits = |it: &Value| node.key("name").is_none_or(|name| name.digest == name_of(it));
            match (live.get(index), pairs.get_mut(index)) {
                (Some(element), Some(pair)) if fits(element) => *pair = Some(index),
                _ => missing.push((index, node)),
            }
        }
        let mut by_name: BTreeMap<Option<u64>, Vec<usize>> = BTreeMap::new();
        if !missing.is_empty() {
            let free =
                live.iter().enumerate().rev().filter(|(at, _)| pairs.get(*at) == Some(&None));
            free.for_each(|(at, element)| by_name.entry(name_of(element)).or_default().push(at));
        }
        missing.retain(|(index, node)| {
            let named = node.key("name").and_then(|name| name.digest);
            let at = named.and_then(|_| by_name.get_mut(&named)?.pop());
            let pair = at.and_then(|at| pairs.get_mut(at));
            let is_missing = pair.is_none();
            if let Some(pair) = pair {
                *pair = Some(*index);
            }
            is_missing
        });
        // What is not found by its name has another one now, or is gone.
        for (index, _) in missing {
            if let Some(pair @ None) = pairs.get_mut(index) {
                *pair = Some(index);
            }
        }
        pairs
    }
}

fn name_of(element: &Value) -> Option<u64> {
    leaf::digest("", element.get("name")?, Context::default())
}
