//! The one task that changes a stream.

use std::sync::Arc;

use airside_ports::{Batch, Clock, Entry, KeyRange, LogError, Offset, Order, Store, Stream};
use airside_types::{Id, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use super::super::SharedError;
use super::super::encoding::{decode_entry, encode_entry};
use super::head::{self, Head, entries, entry_key, entry_offset, head_key, keys};
use super::{TrimBefore, Trimmed, unavailable};

/// How many requests are looked at together.
const GROUP: usize = 64;
/// The bytes from which a commit takes no further append. One append is one commit, whatever its size.
const COMMIT_BYTES: u64 = 4 << 20;
/// How many entries one commit of a trim removes.
const TRIM_ENTRIES: usize = 64;

pub(super) enum Request {
    /// Append, and say when it is durable.
    Append { entries: Vec<Entry>, reply: oneshot::Sender<Result<(), LogError>> },
    /// Append an entry in the place of the one that its key has.
    Replace { key: Id, entry: Entry, reply: oneshot::Sender<Result<(), LogError>> },
    /// Remove entries from the start.
    Trim { before: TrimBefore, reply: oneshot::Sender<Result<Trimmed, LogError>> },
    /// Do what came before, then end.
    Close,
}

pub(super) struct Appender {
    pub(super) stream: Stream,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) max_bytes: u64,
    /// The head as readers see it: changed after the commit that changed it.
    pub(super) publish: watch::Sender<Head>,
    /// Whether the published head is what the store holds. Not so after a failed commit, which may have been
    /// stored all the same.
    pub(super) certain: bool,
}

/// Appends that will share a commit.
struct Pending {
    head: Head,
    batch: Batch,
    replies: Vec<oneshot::Sender<Result<(), LogError>>>,
}

impl Appender {
    /// Serves requests until it is told to close or nobody is left to ask.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut group = Vec::new();
        while requests.recv_many(&mut group, GROUP).await > 0 {
            let mut pending = None;
            for request in group.drain(..) {
                match request {
                    Request::Append { entries, reply } => {
                        pending = self.add(pending, entries, reply).await;
                    }
                    Request::Replace { key, entry, reply } => {
                        self.commit(pending.take()).await;
                        // Whoever gave up waiting replaces it again, or has what it wanted.
                        drop(reply.send(self.replace(key, &entry).await));
                    }
                    Request::Trim { before, reply } => {
                        self.commit(pending.take()).await;
                        // Whoever gave up waiting sees the head.
                        drop(reply.send(self.trim(before).await));
                    }
                    Request::Close => requests.close(),
                }
            }
            self.commit(pending).await;
        }
    }

    /// Adds an append to those that wait for the commit, or answers why not.
    async fn add(
        &mut self,
        pending: Option<Pending>,
        entries: Vec<Entry>,
        reply: oneshot::Sender<Result<(), LogError>>,
    ) -> Option<Pending> {
        let mut pending = pending;
        if pending.as_ref().is_some_and(|full| full.head.bytes >= self.head().bytes + COMMIT_BYTES)
        {
            self.commit(pending.take()).await;
        }
        if pending.is_none() {
            if let Err(error) = self.make_certain().await {
                drop(reply.send(Err(error)));
                return None;
            }
            let head = self.head();
            pending = Some(Pending { head, batch: Batch::new(), replies: Vec::new() });
        }
        let mut pending = pending?;
        let appended = self.clock.now();
        let encoded: Vec<Vec<u8>> =
            entries.iter().map(|entry| encode_entry(entry, appended)).collect();
        let bytes: u64 = encoded.iter().map(|stored| counted_bytes(stored)).sum();
        if pending.head.bytes.saturating_add(bytes) > self.max_bytes {
            let full = LogError::Full { stream: self.stream, limit_bytes: self.max_bytes };
            drop(reply.send(Err(full)));
            return Some(pending);
        }
        for stored in encoded {
            pending.batch.put(self::entries(self.stream), entry_key(pending.head.next), stored);
            pending.head.next = pending.head.next.after();
        }
        pending.head.bytes += bytes;
        pending.replies.push(reply);
        Some(pending)
    }

    /// Commits the appends that wait, shows them to readers and answers the appenders.
    async fn commit(&mut self, pending: Option<Pending>) {
        let Some(pending) = pending else { return };
        if pending.replies.is_empty() {
            return;
        }
        let result = self.commit_head(pending.batch, pending.head).await;
        let result = result.map_err(|error| SharedError(Arc::new(error)));
        for reply in pending.replies {
            let answer = result.clone().map_err(|source| LogError::Unavailable {
                action: "store entries",
                source: Box::new(source),
            });
            // Whoever gave up waiting appends again, or has what it wanted.
            drop(reply.send(answer));
        }
    }

    /// Commits a change together with the head that it leads to, then publishes that.
    async fn commit_head(&mut self, mut batch: Batch, head: Head) -> Result<(), LogError> {
        let (keyspace, key) = head_key(self.stream);
        // Fails when somebody else changed the stream: better than writing over its entries.
        batch.expect(keyspace, key.clone(), self.head().encode());
        batch.writes.push(airside_ports::store::Write { keyspace, key, value: head.encode() });
        let committed = self.store.commit(batch).await.map_err(unavailable("commit to a stream"));
        self.certain = committed.is_ok();
        if committed.is_ok() {
            self.publish.send_replace(head);
        }
        committed
    }

    /// After a failed commit, finds out what the store holds.
    async fn make_certain(&mut self) -> Result<(), LogError> {
        if !self.certain {
            let head = head::load(&*self.store, self.stream).await?;
            self.publish.send_replace(head);
            self.certain = true;
        }
        Ok(())
    }

    /// Stores an entry and removes the one that its key had, in one commit.
    async fn replace(&mut self, key: Id, entry: &Entry) -> Result<(), LogError> {
        self.make_certain().await?;
        let mut head = self.head();
        let (keys, entries) = (keys(self.stream), entries(self.stream));
        let read = unavailable("read what is to be replaced");
        let mut batch = Batch::new();
        if let Some(offset) = self.store.get(keys, key.as_bytes()).await.map_err(&read)?
            && let Some(before) = self.store.get(entries, &offset).await.map_err(&read)?
        {
            batch.delete(entries, offset.to_vec());
            head.bytes = head.bytes.saturating_sub(counted_bytes(&before));
        }
        let stored = encode_entry(entry, self.clock.now());
        head.bytes = head.bytes.saturating_add(counted_bytes(&stored));
        if head.bytes > self.max_bytes {
            return Err(LogError::Full { stream: self.stream, limit_bytes: self.max_bytes });
        }
        let place = entry_key(head.next);
        batch.put(entries, place, stored);
        batch.put(keys, key.as_bytes(), place.to_vec());
        head.next = head.next.after();
        self.commit_head(batch, head).await
    }

    async fn trim(&mut self, before: TrimBefore) -> Result<Trimmed, LogError> {
        self.make_certain().await?;
        let mut trimmed = Trimmed::default();
        loop {
            let mut head = self.head();
            let from = KeyRange::starting_at(&entry_key(head.first));
            let keyspace = entries(self.stream);
            let scan = self.store.scan(keyspace, from, Order::Ascending, TRIM_ENTRIES);
            let found = scan.await.map_err(unavailable("read what is to be trimmed"))?;
            let mut batch = Batch::new();
            for (key, stored) in &found {
                let Some(offset) = entry_offset(key) else { break };
                let appended = || decode_entry(stored).ok().map(|(_, appended)| appended);
                if !is_before(offset, appended, before) {
                    break;
                }
                batch.delete(keyspace, key.to_vec());
                let bytes = counted_bytes(stored);
                head.first = offset.after();
                head.bytes = head.bytes.saturating_sub(bytes);
                trimmed.entries += 1;
                trimmed.bytes += bytes;
            }
            let more = batch.writes.len() == TRIM_ENTRIES;
            if !batch.is_empty() {
                self.commit_head(batch, head).await?;
            }
            if !more {
                return Ok(trimmed);
            }
        }
    }

    fn head(&self) -> Head {
        *self.publish.borrow()
    }
}

/// What an entry counts towards the bound of its stream: its value and its key.
fn counted_bytes(stored: &[u8]) -> u64 {
    u64::try_from(stored.len() + size_of::<Offset>()).unwrap_or(u64::MAX)
}

/// Whether an entry lies before. A damaged entry has no time: it goes with those before and behind it.
fn is_before(
    offset: Offset,
    appended: impl FnOnce() -> Option<Timestamp>,
    before: TrimBefore,
) -> bool {
    match before {
        TrimBefore::Offset(before) => offset < before,
        TrimBefore::Time(before) => appended().is_none_or(|appended| appended < before),
    }
}
