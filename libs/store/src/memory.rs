//! A store in memory: gone with the process, and the reference that the durable adapters are compared with.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use airside_ports::store::Pairs;
use airside_ports::{Batch, KeyRange, Keyspace, Order, Store, StoreError};
use async_trait::async_trait;
use bytes::Bytes;

type Keyspaces = BTreeMap<Keyspace, BTreeMap<Vec<u8>, Bytes>>;

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    keyspaces: RwLock<Keyspaces>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let keyspaces = self.keyspaces.read().unwrap_or_else(PoisonError::into_inner);
        Ok(keyspaces.get(&keyspace).and_then(|pairs| pairs.get(key)).cloned())
    }

    async fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Pairs, StoreError> {
        let until = match range.until {
            // A `BTreeMap` panics at a range that ends before it starts; such a range has no keys.
            Some(until) if until <= range.from => return Ok(Pairs::new()),
            Some(until) => Bound::Excluded(until),
            None => Bound::Unbounded,
        };
        let keyspaces = self.keyspaces.read().unwrap_or_else(PoisonError::into_inner);
        let Some(pairs) = keyspaces.get(&keyspace) else { return Ok(Pairs::new()) };
        let found = pairs.range((Bound::Included(range.from), until));
        let pair = |(key, value): (&Vec<u8>, &Bytes)| (Bytes::copy_from_slice(key), value.clone());
        Ok(match order {
            Order::Ascending => found.take(limit).map(pair).collect(),
            Order::Descending => found.rev().take(limit).map(pair).collect(),
        })
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut keyspaces = self.keyspaces.write().unwrap_or_else(PoisonError::into_inner);
        for condition in batch.conditions {
            let pairs = keyspaces.get(&condition.keyspace);
            if pairs.and_then(|pairs| pairs.get(&condition.key)) != condition.expected.as_ref() {
                let (keyspace, key) = (condition.keyspace, condition.key);
                return Err(StoreError::Conflict { keyspace, key });
            }
        }
        for write in batch.writes {
            let pairs = keyspaces.entry(write.keyspace).or_default();
            match write.value {
                Some(value) => pairs.insert(write.key, value),
                None => pairs.remove(&write.key),
            };
        }
        Ok(())
    }
}
