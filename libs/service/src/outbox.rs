//! The outbox: entries that a state change causes, committed with it and published after it.
//!
//! A crash between commit and publication loses nothing, since [`Outbox::recover`] publishes what is left;
//! a crash between publication and clean-up publishes twice, which readers ignore by id.

use std::sync::Arc;

use crate::dead_letter::unless_full;
use airside_ports::{
    Batch, Entry, Headers, KeyRange, Keyspace, Log, LogError, Order, Partition, Store, StoreError,
    Stream,
};
use bytes::{Buf, BufMut, Bytes, BytesMut};

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
        loop {
            let left = outbox
                .store
                .scan(keyspace, KeyRange::all(), Order::Ascending, RECOVERY_BATCH)
                .await?;
            if left.is_empty() {
                return Ok(outbox);
            }
            let mut done = Batch::new();
            for (key, value) in left {
                let position = key.as_ref().try_into().map(u64::from_be_bytes).unwrap_or_default();
                let (stream, entry) =
                    decode(value).ok_or(OutboxError::Damaged { keyspace, position })?;
                outbox.append(stream, vec![entry]).await?;
                done.delete(keyspace, key);
            }
            outbox.store.commit(done).await?;
        }
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
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_the_outbox() {
        for trace_parent in [None, Some("00-ab-cd-01".to_owned())] {
            let entry = Entry {
                partition: Partition(7),
                headers: Headers { message: "incident-event.v1".to_owned(), trace_parent },
                payload: Bytes::from_static(b"\0payload"),
            };
            let encoded = encode(Stream::Incidents, &entry);
            assert_eq!(decode(encoded.clone()), Some((Stream::Incidents, entry)));
            for end in 0..encoded.len() {
                assert_eq!(decode(encoded.slice(..end)), None, "cut at {end}");
            }
        }
    }
}
