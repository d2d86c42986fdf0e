//! The log within the process, over a store.
//!
//! Each stream is a keyspace of entries by offset, without holes but for entries that were replaced, and a head: the
//! first offset, the next one and the bytes in between, changed in the commits that change the entries. One task for
//! each stream appends and trims; appends that wait together share a commit, and where the oldest entries give way to
//! new ones, they do so in the commit of those. Readers read the store and are woken by the head.

mod appender;
mod change;
mod head;
mod reader;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use airside_ports::{
    Clock, Entry, Log, LogError, LogReader, Offset, PartitionSet, Store, StoreError, Stream,
    StreamRoom,
};
use airside_types::{Id, Timestamp};
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::appender::{Appender, Request};
use self::head::Head;
use self::reader::EmbeddedReader;
use super::encoding;

/// The settings of an embedded log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedLogOptions {
    /// The bytes that one stream may hold before appends are refused or the oldest entries
    /// [give way](Stream::makes_room); default 1 GiB. The store below may take a multiple of it on disk.
    pub max_stream_bytes: u64,
    /// The bytes of one entry with its headers; default 1 MiB.
    pub max_entry_bytes: usize,
    /// How many appends to one stream may wait before the next one has to wait for its place; default 256.
    pub waiting_appends: usize,
}

impl Default for EmbeddedLogOptions {
    fn default() -> Self {
        Self { max_stream_bytes: 1 << 30, max_entry_bytes: 1 << 20, waiting_appends: 256 }
    }
}

/// Up to where a stream is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrimBefore {
    /// Entries before this offset, such as the least that any reader has kept.
    Offset(Offset),
    /// Entries that were appended before this time.
    Time(Timestamp),
}

/// What a trim removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trimmed {
    /// Entries.
    pub entries: u64,
    /// Their bytes, as the bound of the stream counts them.
    pub bytes: u64,
}

/// A log in a store of this process. Open one log only over a store.
pub struct EmbeddedLog {
    store: Arc<dyn Store>,
    max_entry_bytes: usize,
    streams: BTreeMap<Stream, StreamHandle>,
    appenders: Mutex<Vec<JoinHandle<()>>>,
    max_stream_bytes: u64,
}

struct StreamHandle {
    requests: mpsc::Sender<Request>,
    head: watch::Receiver<Head>,
}

impl EmbeddedLog {
    /// Opens the log that the store holds, an empty one the first time. Call it within a tokio runtime: the
    /// appenders are tasks of it. The clock tells when entries were appended, for [`TrimBefore::Time`].
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: EmbeddedLogOptions,
    ) -> Result<Self, LogError> {
        let mut streams = BTreeMap::new();
        let mut appenders = Vec::new();
        for stream in Stream::ALL {
            let head = head::load(&*store, stream).await?;
            let (requests, waiting) = mpsc::channel(options.waiting_appends.max(1));
            let (publish, head) = watch::channel(head);
            let appender = Appender {
                stream,
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                max_bytes: options.max_stream_bytes,
                publish,
                certain: true,
            };
            appenders.push(tokio::spawn(appender.run(waiting)));
            streams.insert(stream, StreamHandle { requests, head });
        }
        let appenders = Mutex::new(appenders);
        let EmbeddedLogOptions { max_stream_bytes, max_entry_bytes, .. } = options;
        Ok(Self { store, max_entry_bytes, streams, appenders, max_stream_bytes })
    }

    /// Removes entries from the start of a stream. The node calls this with its clock, for retention by age,
    /// and with its readers' offsets, to make room in a full stream that refuses.
    pub async fn trim(&self, stream: Stream, before: TrimBefore) -> Result<Trimmed, LogError> {
        self.ask(stream, |reply| Request::Trim { before, reply }).await
    }

    /// Stores what is waiting and ends the appenders. What comes later, and readers that wait, are answered
    /// with [`LogError::Closed`]. The store stays open.
    pub async fn close(&self) {
        for handle in self.streams.values() {
            // An error means that the appender has ended already.
            drop(handle.requests.send(Request::Close).await);
        }
        let running = &self.appenders;
        let running = std::mem::take(&mut *running.lock().unwrap_or_else(PoisonError::into_inner));
        for appender in running {
            drop(appender.await);
        }
    }

    fn fits(&self, stream: Stream, entry: &Entry) -> Result<(), LogError> {
        let limit_bytes = self.max_entry_bytes;
        let bytes = encoding::stored_bytes(&entry.headers, &entry.payload);
        let is_too_large = bytes > limit_bytes;
        if is_too_large { Err(LogError::TooLarge { stream, bytes, limit_bytes }) } else { Ok(()) }
    }

    fn handle(&self, stream: Stream) -> Result<&StreamHandle, LogError> {
        self.streams.get(&stream).ok_or(LogError::Closed)
    }

    fn head(&self, stream: Stream) -> Result<Head, LogError> {
        let head = &self.handle(stream)?.head;
        head.has_changed().map_err(|_closed| LogError::Closed)?;
        Ok(*head.borrow())
    }

    async fn ask<T>(
        &self,
        stream: Stream,
        request: impl FnOnce(oneshot::Sender<Result<T, LogError>>) -> Request,
    ) -> Result<T, LogError> {
        let (reply, answer) = oneshot::channel();
        let requests = &self.handle(stream)?.requests;
        requests.send(request(reply)).await.map_err(|_closed| LogError::Closed)?;
        answer.await.map_err(|_closed| LogError::Closed)?
    }
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog").field("store", &self.store).finish_non_exhaustive()
    }
}

#[async_trait]
impl Log for EmbeddedLog {
    async fn append(&self, stream: Stream, entries: Vec<Entry>) -> Result<(), LogError> {
        if entries.is_empty() {
            return Ok(());
        }
        entries.iter().try_for_each(|entry| self.fits(stream, entry))?;
        self.ask(stream, |reply| Request::Append { entries, reply }).await
    }

    async fn replace(&self, stream: Stream, key: Id, entry: Entry) -> Result<(), LogError> {
        if !stream.is_replaced() {
            return self.append(stream, vec![entry]).await;
        }
        self.fits(stream, &entry)?;
        self.ask(stream, |reply| Request::Replace { key, entry, reply }).await
    }

    async fn reader(
        &self,
        stream: Stream,
        partitions: PartitionSet,
        from: Offset,
    ) -> Result<Box<dyn LogReader>, LogError> {
        let end = self.head(stream)?.next;
        if from > end {
            return Err(LogError::Rewound { stream, from, end });
        }
        let head = self.handle(stream)?.head.clone();
        let store = Arc::clone(&self.store);
        Ok(Box::new(EmbeddedReader::new(store, stream, partitions, from, head)))
    }

    async fn end(&self, stream: Stream) -> Result<Offset, LogError> {
        Ok(self.head(stream)?.next)
    }

    async fn room(&self, stream: Stream) -> Result<StreamRoom, LogError> {
        let Head { first, next, bytes } = self.head(stream)?;
        Ok(StreamRoom { held_bytes: bytes, limit_bytes: self.max_stream_bytes, first, next })
    }

    async fn forget(&self, stream: Stream, before: Offset) -> Result<(), LogError> {
        self.trim(stream, TrimBefore::Offset(before)).await.map(|_trimmed| ())
    }

    fn preferred_entry_bytes(&self) -> usize {
        // From here on the cost of each byte in sled hardly falls: 12 µs for a KiB, 20 in entries of 1 KiB.
        (64 << 10).min(self.max_entry_bytes / 2)
    }
}

fn unavailable(action: &'static str) -> impl Fn(StoreError) -> LogError {
    move |error| match error {
        StoreError::Closed => LogError::Closed,
        source => LogError::Unavailable { action, source: Box::new(source) },
    }
}
