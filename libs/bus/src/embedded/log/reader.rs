//! A reader of an embedded stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use airside_ports::{
    KeyRange, LogBatch, LogError, LogReader, LostRange, Offset, Order, PartitionSet, ReadLimit,
    Store, StoredEntry, Stream,
};
use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::super::encoding;
use super::head::{Head, entries, entry_key, entry_offset};
use super::unavailable;
use crate::deadline;

/// How many entries one scan of the store returns: with the bound of an entry, what a reader keeps at most
/// beyond what it was asked for.
const SCAN_ENTRIES: usize = 64;

/// Follows a stream through its store.
pub(super) struct EmbeddedReader {
    store: Arc<dyn Store>,
    stream: Stream,
    partitions: PartitionSet,
    head: watch::Receiver<Head>,
    /// Up to where the stream was read.
    read: Offset,
    /// What was read and not returned.
    pending: VecDeque<StoredEntry>,
    /// What was missing before the first of `pending`.
    lost: Option<LostRange>,
}

impl EmbeddedReader {
    pub(super) fn new(
        store: Arc<dyn Store>,
        stream: Stream,
        partitions: PartitionSet,
        from: Offset,
        head: watch::Receiver<Head>,
    ) -> Self {
        // There is no entry before the start.
        let read = from.max(Offset::START);
        Self { store, stream, partitions, head, read, pending: VecDeque::new(), lost: None }
    }

    /// Reads until the limit is reached, or what there is has been read, or an obstacle: a gap or a damaged
    /// entry that is told before going on. Nothing is changed while it waits for the store.
    async fn fill(&mut self, head: Head, limit: ReadLimit) -> Result<(), LogError> {
        let mut bytes: usize = self.pending.iter().map(payload_bytes).sum();
        self.skip_to(head.first);
        while self.read < head.next && self.pending.len() < limit.entries && bytes < limit.bytes {
            let from = KeyRange::starting_at(&entry_key(self.read));
            let scan =
                self.store.scan(entries(self.stream), from, Order::Ascending, SCAN_ENTRIES).await;
            let pairs = scan.map_err(unavailable("read entries"))?;
            let before = self.read;
            for (key, stored) in pairs {
                let Some(offset) = entry_offset(&key) else { continue };
                // What is behind the head may not be durable yet.
                if offset >= head.next || !self.skip_to(offset) {
                    break;
                }
                match encoding::decode_entry(&stored) {
                    Ok((entry, _)) if self.partitions.contains(entry.partition) => {
                        let stored = StoredEntry { offset, entry };
                        bytes += payload_bytes(&stored);
                        self.pending.push_back(stored);
                    }
                    Ok(_) => {}
                    Err(_) if !self.pending.is_empty() => return Ok(()),
                    Err(reason) => {
                        return Err(LogError::Damaged { stream: self.stream, offset, reason });
                    }
                }
                self.read = offset.after();
            }
            if self.read == before {
                break;
            }
        }
        Ok(())
    }

    /// Moves to an offset. What lies between was trimmed, since offsets have no holes, or replaced, which is no loss. False
    /// when entries before the gap have to be returned first.
    fn skip_to(&mut self, offset: Offset) -> bool {
        if offset <= self.read {
            return true;
        }
        if self.stream.is_replaced() {
            self.read = offset;
            return true;
        }
        if !self.pending.is_empty() {
            return false;
        }
        let from = self.lost.map_or(self.read, |lost| lost.from);
        self.lost = Some(LostRange { from, until: offset });
        self.read = offset;
        true
    }

    /// What is to be returned, if there is anything.
    fn take(&mut self, limit: ReadLimit) -> Option<LogBatch> {
        if self.pending.is_empty() && self.lost.is_none() {
            return None;
        }
        let mut entries = Vec::new();
        let mut bytes = 0;
        while let Some(first) = self.pending.front() {
            bytes += payload_bytes(first);
            if !entries.is_empty() && (entries.len() >= limit.entries || bytes > limit.bytes) {
                break;
            }
            entries.extend(self.pending.pop_front());
        }
        let next = self.pending.front().map_or(self.read, |first| first.offset);
        Some(LogBatch { entries, next, lost: self.lost.take() })
    }
}

fn payload_bytes(stored: &StoredEntry) -> usize {
    stored.entry.payload.len()
}

#[async_trait]
impl LogReader for EmbeddedReader {
    async fn next(&mut self, limit: ReadLimit, wait: Duration) -> Result<LogBatch, LogError> {
        let limit = ReadLimit { entries: limit.entries.max(1), bytes: limit.bytes.max(1) };
        let deadline = deadline(wait);
        loop {
            self.head.has_changed().map_err(|_closed| LogError::Closed)?;
            let head = *self.head.borrow_and_update();
            self.fill(head, limit).await?;
            if let Some(batch) = self.take(limit) {
                return Ok(batch);
            }
            match timeout_at(deadline, self.head.changed()).await {
                Ok(changed) => changed.map_err(|_closed| LogError::Closed)?,
                Err(_elapsed) => {
                    return Ok(LogBatch { entries: Vec::new(), next: self.read, lost: None });
                }
            }
        }
    }
}
