//! The outbox: entries that a state change causes, committed with it and published after it.
//!
//! A crash between commit and publication loses nothing, since what is left is published when the outbox is opened;
//! a crash between publication and clean-up publishes twice, which readers ignore by id.

use std::sync::Arc;

use airside_ports::store::Pairs;
use airside_ports::{
    Batch, Entry, Headers, KeyRange, Keyspace, Log, LogError, Order, Partition, Store, StoreError,
    Stream,
};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_util::sync::CancellationToken;

use crate::dead_letter::unless_full;
use crate::retry::Backoff;

/// How many entries are read back at a time.
const RECOVERY_BATCH: usize = 256;

/// Why the outbox could not be emptied.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A stored entry cannot be read back.
    #[error("outbox entry {position} of `{keyspace:?}` is damaged")]
    Damaged {
        /// The outbox.
        keyspace: Keyspace,
        /// The entry.
        position: u64,
    },
}

impl OutboxError {
    /// Whether it may be gone when it is tried again.
    const fn passes(&self) -> bool {
        matches!(
            self,
            Self::Log(LogError::Full { .. } | LogError::Unavailable { .. })
                | Self::Store(StoreError::Unavailable { .. })
        )
    }
}

/// The outbox of one owner, in a keyspace of its own.
#[derive(Debug)]
pub struct Outbox {
    keyspace: Keyspace,
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    next: u64,
    published: Vec<u64>,
}

impl Outbox {
    /// Opens the outbox and publishes what an earlier life left in it.
    pub async fn recover(
        keyspace: Keyspace,
        store: Arc<dyn Store>,
        log: Arc<dyn Log>,
    ) -> Result<Self, OutboxError> {
        let outbox = Self { keyspace, store, log, next: 0, published: Vec::new() };
        outbox.publish_left().await?;
        Ok(outbox)
    }

    /// As [`Self::recover`], and waits while the log has no room or log or store cannot be reached: none is a reason not to
    /// start, nor to end.
    /// None when shutdown is asked for first; what is left stays for the next life.
    pub async fn recover_in_time(
        keyspace: Keyspace,
        store: Arc<dyn Store>,
        log: Arc<dyn Log>,
        shutdown: &CancellationToken,
    ) -> Result<Option<Self>, OutboxError> {
        let outbox = Self { keyspace, store, log, next: 0, published: Vec::new() };
        let mut backoff = Backoff::default();
        let recovered = async {
            loop {
                match outbox.publish_left().await {
                    Err(error) if error.passes() => {
                        tracing::warn!(outbox = ?keyspace, error = %error, "what was committed waits to be published");
                    }
                    recovered => return recovered,
                }
                tokio::time::sleep(backoff.wait()).await;
            }
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(None),
            recovered = recovered => recovered?,
        }
        Ok(Some(outbox))
    }

    /// Publishes what is left, in its order, and forgets it. What went before a failure is forgotten too: it is not
    /// published again each time that this is tried again.
    async fn publish_left(&self) -> Result<(), OutboxError> {
        let keyspace = self.keyspace;
        loop {
            let all = KeyRange::all();
            let left = self.store.scan(keyspace, all, Order::Ascending, RECOVERY_BATCH).await?;
            if left.is_empty() {
                return Ok(());
            }
            let mut done = Batch::new();
            let published = self.publish_some(left, &mut done).await;
            if !done.is_empty() {
                self.store.commit(done).await?;
            }
            published?;
        }
    }

    /// Publishes entries that were read back, up to the first that cannot be, and notes those that were.
    async fn publish_some(&self, left: Pairs, done: &mut Batch) -> Result<(), OutboxError> {
        let keyspace = self.keyspace;
        for (key, value) in left {
            let position = key.as_ref().try_into().map(u64::from_be_bytes).unwrap_or_default();
            let (stream, entry) =
                decode(value).ok_or(OutboxError::Damaged { keyspace, position })?;
            self.append(stream, vec![entry]).await?;
            done.delete(keyspace, key);
        }
        Ok(())
    }

    /// Adds entries to a batch that is about to be committed, and removes what was published before.
    pub fn stage(&mut self, batch: &mut Batch, entries: &[(Stream, Entry)]) {
        for position in self.published.drain(..) {
            batch.delete(self.keyspace, position.to_be_bytes());
        }
        for (stream, entry) in entries {
            batch.put(self.keyspace, self.next.to_be_bytes(), encode(*stream, entry));
            self.published.push(self.next);
            self.next += 1;
        }
    }

    /// Forgets what was published, at an orderly end: the next life then repeats nothing.
    pub async fn close(mut self) -> Result<(), StoreError> {
        let mut done = Batch::new();
        self.stage(&mut done, &[]);
        if done.is_empty() { Ok(()) } else { self.store.commit(done).await }
    }

    /// Publishes the entries of the batch that was just committed.
    pub async fn publish(&mut self, entries: Vec<(Stream, Entry)>) -> Result<(), LogError> {
        let mut rest = entries.into_iter().peekable();
        while let Some((stream, entry)) = rest.next() {
            let mut together = vec![entry];
            while let Some((_, entry)) = rest.next_if(|(next, _)| *next == stream) {
                together.push(entry);
            }
            self.append(stream, together).await?;
        }
        Ok(())
    }

    async fn append(&self, stream: Stream, entries: Vec<Entry>) -> Result<(), LogError> {
        let appended = self.log.append(stream, entries).await;
        match stream {
            Stream::DeadLetters => unless_full(appended),
            _ => appended.map(drop),
        }
    }
}

/// Stream, partition, then headers and payload, each with its length before it.
fn encode(stream: Stream, entry: &Entry) -> Bytes {
    let trace = entry.headers.trace_parent.as_deref().unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(entry.payload.len() + 128);
    bytes.put_u16(entry.partition.0);
    for part in [
        stream.as_str().as_bytes(),
        entry.headers.message.as_bytes(),
        trace.as_bytes(),
        entry.payload.as_ref(),
    ] {
        bytes.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
        bytes.put_slice(part);
    }
    bytes.freeze()
}

fn decode(mut bytes: Bytes) -> Option<(Stream, Entry)> {
    let partition = Partition(bytes.try_get_u16().ok()?);
    let mut part = || {
        let length = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
        (bytes.len() >= length).then(|| bytes.split_to(length))
    };
    let (stream, message, trace, payload) = (part()?, part()?, part()?, part()?);
    let text = |part: &Bytes| String::from_utf8(part.to_vec()).ok();
    let stream = Stream::ALL.into_iter().find(|known| known.as_str().as_bytes() == stream)?;
    let headers =
        Headers { message: text(&message)?, trace_parent: text(&trace).filter(|t| !t.is_empty()) };
    Some((stream, Entry { partition, headers, payload }))
}

#[cfg(test)]
mod tests;
