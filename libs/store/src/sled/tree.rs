//! Reading and changing the open tree, on whichever thread calls.
//!
//! sled lets a scan step over a batch that is being applied. The lock here does not: whoever reads sees a
//! batch whole or not at all. It is held for the length of one read or of one batch, never for a flush.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use ::sled::{Db, IVec};
use airside_ports::store::Pairs;
use airside_ports::{Batch, KeyRange, Keyspace, Order, StoreError};
use bytes::{Bytes, BytesMut};
use tokio::sync::SetOnce;

use super::encode::{Head, end_key, own_key, pair_key, part_key, parts};

/// A stored value has a form that no version of this program writes.
#[derive(Debug, thiserror::Error)]
#[error("a value of keyspace `{keyspace:?}` is damaged at key {key:02x?}")]
struct DamagedValue {
    keyspace: Keyspace,
    key: Vec<u8>,
}

/// A commit failed before, so that memory and disk may differ.
#[derive(Debug, thiserror::Error)]
#[error("it failed before and takes no more until it is opened again: {0}")]
struct FailedBefore(String);

/// The open tree.
pub(super) struct Tree {
    db: RwLock<Option<Db>>,
    /// What is synced to outlive the machine; none when the process is all that commits must outlive.
    file: Option<File>,
    failed: SetOnce<String>,
}

fn unavailable(action: &'static str) -> impl FnOnce(::sled::Error) -> StoreError {
    move |source| StoreError::Unavailable { action, source: Box::new(source) }
}

impl Tree {
    pub(super) fn new(db: Db, file: Option<File>) -> Self {
        Self { db: RwLock::new(Some(db)), file, failed: SetOnce::new() }
    }

    /// sled's data file, whose syncing makes commits outlive the machine.
    pub(super) fn data_file(folder: &Path) -> std::io::Result<File> {
        File::options().write(true).open(folder.join("db"))
    }

    pub(super) fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.read(|db| {
            let pair = pair_key(keyspace, key);
            let stored = db.get(&pair).map_err(unavailable("read a value"))?;
            stored.map(|stored| whole(db, keyspace, &pair, &stored)).transpose()
        })
    }

    pub(super) fn scan(
        &self,
        keyspace: Keyspace,
        range: &KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Pairs, StoreError> {
        let from = pair_key(keyspace, &range.from);
        let until =
            range.until.as_deref().map_or_else(|| end_key(keyspace), |key| pair_key(keyspace, key));
        if until <= from {
            return Ok(Pairs::new());
        }
        self.read(|db| {
            let decoded = |pair: Result<(IVec, IVec), ::sled::Error>| {
                let (key, stored) = pair.map_err(unavailable("read a range"))?;
                Ok((own_key(keyspace, &key), whole(db, keyspace, &key, &stored)?))
            };
            let found = db.range(from..until);
            match order {
                Order::Ascending => found.take(limit).map(decoded).collect(),
                Order::Descending => found.rev().take(limit).map(decoded).collect(),
            }
        })
    }

    /// Applies a batch if its conditions hold. It is not durable before [`Self::flush`].
    pub(super) fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.check()?;
        let held = self.db.write().unwrap_or_else(PoisonError::into_inner);
        let db = held.as_ref().ok_or(StoreError::Closed)?;
        for condition in batch.conditions {
            let (keyspace, key) = (condition.keyspace, condition.key);
            let pair = pair_key(keyspace, &key);
            let stored = db.get(&pair).map_err(unavailable("check a condition"))?;
            let value = stored.map(|stored| whole(db, keyspace, &pair, &stored)).transpose()?;
            if value != condition.expected {
                return Err(StoreError::Conflict { keyspace, key });
            }
        }
        // The last write of a key wins, and only it may leave parts behind.
        let writes: BTreeMap<Vec<u8>, Option<Bytes>> = batch
            .writes
            .into_iter()
            .map(|write| (pair_key(write.keyspace, &write.key), write.value))
            .collect();
        let mut changes = ::sled::Batch::default();
        for (pair, value) in writes {
            change(db, &mut changes, pair, value.as_deref())?;
        }
        db.apply_batch(changes).map_err(unavailable("apply a batch")).inspect_err(|e| self.fail(e))
    }

    /// Makes what was applied durable. After an error nothing more is taken: memory has what the disk lacks.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.check()?;
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner).clone();
        let db = db.ok_or(StoreError::Closed)?;
        let flushed =
            db.flush().map_err(unavailable("write a commit to disk")).and_then(|_bytes| {
                let Some(file) = &self.file else { return Ok(()) };
                file.sync_data().map_err(|source| StoreError::Unavailable {
                    action: "sync a commit to disk",
                    source: Box::new(source),
                })
            });
        flushed.inspect_err(|error| self.fail(error))
    }

    /// Closes the tree once those who read it are done.
    pub(super) fn close(&self) {
        drop(self.db.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Refuses whatever comes from now on.
    pub(super) fn fail(&self, error: &dyn std::error::Error) {
        let reason =
            error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        tracing::error!(error = %reason, "store failed and takes no more until it is opened again");
        // The first reason is the one that tells.
        drop(self.failed.set(reason));
    }

    /// Waits until it has failed, and says why.
    pub(super) async fn failed(&self) -> &str {
        self.failed.wait().await
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.failed.get() {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable {
                action: "answer",
                source: Box::new(FailedBefore(reason.clone())),
            }),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.check()?;
        let held = self.db.read().unwrap_or_else(PoisonError::into_inner);
        read(held.as_ref().ok_or(StoreError::Closed)?)
    }
}

/// The value of a pair, put together from its parts.
fn whole(db: &Db, keyspace: Keyspace, pair: &[u8], stored: &[u8]) -> Result<Bytes, StoreError> {
    let damaged = || StoreError::Unavailable {
        action: "read a value",
        source: Box::new(DamagedValue { keyspace, key: own_key(keyspace, pair).to_vec() }),
    };
    let count = match Head::decode(stored).ok_or_else(damaged)? {
        Head::Whole(value) => return Ok(Bytes::copy_from_slice(value)),
        Head::InParts(count) => count,
    };
    let mut value = BytesMut::new();
    for number in 0..count {
        let part = db.get(part_key(pair, number)).map_err(unavailable("read a part of a value"))?;
        value.extend_from_slice(&part.ok_or_else(damaged)?);
    }
    Ok(value.freeze())
}

/// Adds to the changes what sets or removes one value, its parts and those of the value before it.
fn change(
    db: &Db,
    changes: &mut ::sled::Batch,
    pair: Vec<u8>,
    value: Option<&[u8]>,
) -> Result<(), StoreError> {
    let before = db.get(&pair).map_err(unavailable("read what a batch replaces"))?;
    let parts_before = before.as_deref().and_then(Head::decode).map_or(0, |head| head.parts());
    let mut count = 0;
    for part in value.map(parts).into_iter().flatten() {
        changes.insert(part_key(&pair, count), part);
        count += 1;
    }
    for number in count..parts_before {
        changes.remove(part_key(&pair, number));
    }
    match value {
        Some(value) if count == 0 => changes.insert(pair, Head::Whole(value).encode()),
        Some(_) => changes.insert(pair, Head::InParts(count).encode()),
        None => changes.remove(pair),
    }
    Ok(())
}
