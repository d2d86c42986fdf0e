//! The store port: an ordered map of bytes with atomic, durable commits.
//!
//! What services keep here is a fold of the log: it can be thrown away and rebuilt.

use std::error::Error;
use std::fmt::{self, Debug};

use async_trait::async_trait;
use bytes::Bytes;

/// A named part of the store, owned by one service. No service reads another's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyspace(&'static str);

impl Keyspace {
    /// A keyspace by its name, `<service>.<noun>`. The name is part of stored keys: it never changes.
    ///
    /// # Panics
    /// When the name is empty or has anything but lower-case letters, digits, `.` and `-`; at compile time
    /// where the keyspace is a constant.
    pub const fn new(name: &'static str) -> Self {
        let mut rest = name.as_bytes();
        assert!(!rest.is_empty(), "the name of a keyspace is not empty");
        while let [byte, tail @ ..] = rest {
            assert!(
                matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'),
                "the name of a keyspace has lower-case letters, digits, `.` and `-`"
            );
            rest = tail;
        }
        Self(name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl Debug for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A range of keys within a keyspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRange {
    /// The first key, included.
    pub from: Vec<u8>,
    /// The end, not included; none for the end of the keyspace.
    pub until: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key of the keyspace.
    pub fn all() -> Self {
        Self::default()
    }

    /// The keys that start with these bytes.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut until = prefix.to_vec();
        while let Some(last) = until.pop() {
            if last < u8::MAX {
                until.push(last + 1);
                return Self { from: prefix.to_vec(), until: Some(until) };
            }
        }
        Self { from: prefix.to_vec(), until: None }
    }

    /// The keys from this one on.
    pub fn starting_at(from: &[u8]) -> Self {
        Self { from: from.to_vec(), until: None }
    }
}

/// The direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the lowest key on.
    Ascending,
    /// From the highest key down.
    Descending,
}

/// What a key must hold for a batch to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The keyspace.
    pub keyspace: Keyspace,
    /// The key.
    pub key: Vec<u8>,
    /// The value that must be there; none: the key must be absent.
    pub expected: Option<Bytes>,
}

/// A change to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The keyspace.
    pub keyspace: Keyspace,
    /// The key.
    pub key: Vec<u8>,
    /// The new value; none removes the key.
    pub value: Option<Bytes>,
}

/// Changes that are committed together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// What changes; a later write of a key wins.
    pub writes: Vec<Write>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a value.
    pub fn put(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>, value: impl Into<Bytes>) {
        self.writes.push(Write { keyspace, key: key.into(), value: Some(value.into()) });
    }

    /// Removes a key; removing an absent one is no error.
    pub fn delete(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>) {
        self.writes.push(Write { keyspace, key: key.into(), value: None });
    }

    /// Requires a value, or absence, for the batch to be committed.
    pub fn expect(&mut self, keyspace: Keyspace, key: impl Into<Vec<u8>>, expected: Option<Bytes>) {
        self.conditions.push(Condition { keyspace, key: key.into(), expected });
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.writes.is_empty()
    }
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition of the batch did not hold; nothing was changed.
    #[error("a condition on a key of `{keyspace:?}` did not hold: somebody else changed it")]
    Conflict {
        /// The keyspace of the first condition that did not hold.
        keyspace: Keyspace,
        /// Its key.
        key: Vec<u8>,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The store cannot be read or written.
    #[error("the store did not {action}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// What the adapter said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The pairs of key and value that a scan returned, in the order asked for.
pub type Pairs = Vec<(Bytes, Bytes)>;

/// An ordered map of bytes with atomic, durable commits.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// The value of a key.
    async fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// Up to `limit` pairs of a range. One scan sees a commit whole or not at all.
    async fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Pairs, StoreError>;

    /// Commits a batch, over all its keyspaces, atomically. It is durable when this returns. When the future
    /// is dropped, the batch may or may not be committed; never a part of it.
    async fn commit(&self, batch: Batch) -> Result<(), StoreError>;
}
