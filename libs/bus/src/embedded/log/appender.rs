//! The one task that changes a stream.

use std::sync::Arc;

use airside_ports::{Clock, Entry, KeyRange, LogError, Offset, Order, Store, Stream};
use airside_types::{Id, Timestamp};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::super::SharedError;
use super::super::encoding::{decode_entry, encode_entry};
use super::change::{Change, counted_bytes};
use super::head::{self, Head, entries, entry_key, entry_offset, head_key, keys};
use super::{TrimBefore, Trimmed, unavailable};

/// How many requests are looked at together.
const GROUP: usize = 64;
/// The bytes from which a commit takes no further append. One append is one commit, whatever its size.
const COMMIT_BYTES: u64 = 4 << 20;
/// How many entries one commit of a trim removes, and how many are looked at together.
const TRIM_ENTRIES: usize = 64;
/// How many entries may make room in one commit before it takes no further append: it is reached where small entries
/// make room for large ones, and where the bound of a stream was lowered.
const COMMIT_REMOVED: usize = 4096;

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
    change: Change,
    replies: Vec<oneshot::Sender<Result<(), LogError>>>,
}

impl Appender {
    /// Serves requests until it is told to close or nobody is left to ask.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut group = Vec::new();
        let mut pending = self.nothing_pending();
        while requests.recv_many(&mut group, GROUP).await > 0 {
            for request in group.drain(..) {
                match request {
                    Request::Append { entries, reply } => {
                        match self.put(&mut pending, &entries).await {
                            Ok(()) => pending.replies.push(reply),
                            Err(error) => drop(reply.send(Err(error))),
                        }
                    }
                    Request::Replace { key, entry, reply } => {
                        self.settle(&mut pending).await;
                        // Whoever gave up waiting replaces it again, or has what it wanted.
                        drop(reply.send(self.replace(key, &entry).await));
                    }
                    Request::Trim { before, reply } => {
                        self.settle(&mut pending).await;
                        // Whoever gave up waiting sees the head.
                        drop(reply.send(self.trim(before).await));
                    }
                    Request::Close => requests.close(),
                }
            }
            self.settle(&mut pending).await;
        }
    }

    /// Adds entries to what waits for the commit. After an error the first few may be among it.
    async fn put(&mut self, pending: &mut Pending, entries: &[Entry]) -> Result<(), LogError> {
        if pending.change.added >= COMMIT_BYTES {
            self.settle(pending).await;
        }
        self.begin(pending).await?;
        let appended = self.clock.now();
        let encoded: Vec<Vec<u8>> =
            entries.iter().map(|entry| encode_entry(entry, appended)).collect();
        self.may_fit(pending.change.head, &encoded)?;
        for stored in encoded {
            self.make_room(pending, counted_bytes(&stored)).await?;
            pending.change.add(stored);
        }
        Ok(())
    }

    /// Whether there is room for entries, or can be made.
    fn may_fit(&self, head: Head, encoded: &[Vec<u8>]) -> Result<(), LogError> {
        let sizes = encoded.iter().map(|stored| counted_bytes(stored));
        let needed = if self.stream.makes_room() {
            // What comes later may take the place of what came first.
            sizes.max().unwrap_or_default()
        } else {
            sizes.fold(head.bytes, u64::saturating_add)
        };
        if needed > self.max_bytes { Err(self.full()) } else { Ok(()) }
    }

    /// Lets the oldest entries go until there is room for so many bytes, within the commit that needs it.
    async fn make_room(&mut self, pending: &mut Pending, bytes: u64) -> Result<(), LogError> {
        let mut looked_at = 1;
        while pending.change.head.bytes.saturating_add(bytes) > self.max_bytes {
            let oldest = self.oldest(pending.change.head, looked_at).await?;
            if oldest.is_empty() && pending.change.batch.is_empty() {
                // The head counts bytes that are not there: nothing that goes would make room.
                return Err(self.full());
            }
            // What is to go next waits itself; or a bound that was lowered has much go.
            if oldest.is_empty() || pending.change.removed >= COMMIT_REMOVED {
                self.commit(pending).await?;
                self.begin(pending).await?;
                continue;
            }
            for (offset, stored) in oldest {
                if pending.change.head.bytes.saturating_add(bytes) <= self.max_bytes {
                    break;
                }
                pending.change.remove_first(offset, &stored);
            }
            // As far as is needed, and hardly farther: entries are read to learn their sizes.
            looked_at = (2 * looked_at).min(TRIM_ENTRIES);
        }
        Ok(())
    }

    /// Makes sure that what is to be added goes on from what the store holds.
    async fn begin(&mut self, pending: &mut Pending) -> Result<(), LogError> {
        if pending.change.batch.is_empty() {
            self.make_certain().await?;
            pending.change = Change::of(self.stream, self.head());
        }
        Ok(())
    }

    fn nothing_pending(&self) -> Pending {
        Pending { change: Change::of(self.stream, self.head()), replies: Vec::new() }
    }

    /// Commits what waits, where only those who appended it need to know what came of it.
    async fn settle(&mut self, pending: &mut Pending) {
        if let Err(error) = self.commit(pending).await {
            tracing::debug!(stream = %self.stream, error = %error, "entries were not stored");
        }
    }

    /// Commits what waits, shows it to readers and answers the appenders.
    async fn commit(&mut self, pending: &mut Pending) -> Result<(), LogError> {
        let nothing = self.nothing_pending();
        let Pending { change, replies } = std::mem::replace(pending, nothing);
        if change.batch.is_empty() {
            return Ok(());
        }
        let result = self.commit_change(change).await;
        let result = result.map_err(|error| SharedError(Arc::new(error)));
        let answer = || {
            result.clone().map_err(|source| LogError::Unavailable {
                action: "store entries",
                source: Box::new(source),
            })
        };
        for reply in replies {
            // Whoever gave up waiting appends again, or has what it wanted.
            drop(reply.send(answer()));
        }
        answer()
    }

    /// Commits a change together with the head that it leads to, then publishes that.
    async fn commit_change(&mut self, change: Change) -> Result<(), LogError> {
        let Change { head, mut batch, .. } = change;
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
        let mut change = Change::of(self.stream, self.head());
        let (keys, entries) = (keys(self.stream), entries(self.stream));
        let read = unavailable("read what is to be replaced");
        if let Some(offset) = self.store.get(keys, key.as_bytes()).await.map_err(&read)?
            && let Some(before) = self.store.get(entries, &offset).await.map_err(&read)?
        {
            change.remove(&offset, &before);
        }
        let place = change.add(encode_entry(entry, self.clock.now()));
        if change.head.bytes > self.max_bytes {
            return Err(self.full());
        }
        change.batch.put(keys, key.as_bytes(), place.to_vec());
        self.commit_change(change).await
    }

    async fn trim(&mut self, before: TrimBefore) -> Result<Trimmed, LogError> {
        self.make_certain().await?;
        let mut trimmed = Trimmed::default();
        loop {
            let mut change = Change::of(self.stream, self.head());
            for (offset, stored) in self.oldest(change.head, TRIM_ENTRIES).await? {
                let appended = || decode_entry(&stored).ok().map(|(_, appended)| appended);
                if !is_before(offset, appended, before) {
                    break;
                }
                trimmed.entries += 1;
                trimmed.bytes += change.remove_first(offset, &stored);
            }
            let more = change.removed == TRIM_ENTRIES;
            if change.removed > 0 {
                self.commit_change(change).await?;
            }
            if !more {
                return Ok(trimmed);
            }
        }
    }

    /// The first entries behind a head, up to so many, as they are stored.
    async fn oldest(&self, head: Head, most: usize) -> Result<Vec<(Offset, Bytes)>, LogError> {
        let from = KeyRange::starting_at(&entry_key(head.first));
        let scan = self.store.scan(entries(self.stream), from, Order::Ascending, most).await;
        let found = scan.map_err(unavailable("read the oldest entries"))?;
        Ok(found
            .into_iter()
            .map_while(|(key, stored)| Some((entry_offset(&key)?, stored)))
            .collect())
    }

    const fn full(&self) -> LogError {
        LogError::Full { stream: self.stream, limit_bytes: self.max_bytes }
    }

    fn head(&self) -> Head {
        *self.publish.borrow()
    }
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
