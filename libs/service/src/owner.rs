//! The loop of a log's owner: read in order, apply, commit state, offset and outputs together, publish.
//!
//! Owns the promise "at least once in, once in effect": the offset is part of the same atomic commit as
//! the state that the entries caused, so a crash at any point repeats no effect and loses none. An entry
//! that cannot be applied is tried again a few times, then set aside on the dead-letter stream; the log
//! goes on; so is one on which applying panicked, by the next life of the owner. What applying means is the [`LogOwner`]'s.

mod lost;
mod panicked;

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use airside_ports::{
    Batch, Clock, Entry, Keyspace, Log, LogBatch, LogError, LogReader, LostRange, Offset,
    PartitionSet, ReadLimit, Store, StoreError, StoredEntry, Stream,
};
use airside_types::DeadLetter;
use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::dead_letter::{DeadLetters, entry_of};
use crate::health::ReadySignal;
use crate::outbox::Outbox;
use crate::retry::Backoff;
pub use lost::{Lost, ReadUpTo};
use panicked::{Note, Panicked, What};

/// What applying entries changes and causes; it is committed together.
#[derive(Debug, Default)]
pub struct Effects {
    /// Changes of the owner's state.
    pub batch: Batch,
    /// What is published after the commit.
    pub outputs: Vec<(Stream, Entry)>,
}

/// Why an entry could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It never will be: it is damaged, or of a kind that nobody knows.
    #[error("{0}")]
    Poison(String),
    /// It may be when it is tried again.
    #[error("{0}")]
    Transient(String),
}

/// A state that is a fold of some streams.
#[async_trait]
pub trait LogOwner: Send + Sync {
    /// Applies one entry to the state, and adds what changes and what follows to the effects. An error
    /// must leave the state as it was.
    async fn apply(
        &mut self,
        stream: Stream,
        entry: &StoredEntry,
        effects: &mut Effects,
    ) -> Result<(), ApplyError>;

    /// Entries were removed before they were read: a gap to record, before what comes next is applied.
    async fn lost(&mut self, lost: Lost<'_>, effects: &mut Effects);

    /// What was read together is applied and will be committed: adds what is kept once for all of it.
    fn settle(&mut self, _effects: &mut Effects) {}

    /// What was applied since the last call is durable now: it may be shown.
    fn committed(&mut self) {}
}

/// How an owner works.
#[derive(Debug, Clone)]
pub struct OwnerSettings {
    /// The owner's name in logs and dead letters.
    pub name: &'static str,
    /// The streams to follow.
    pub streams: Vec<Stream>,
    /// The partitions that it owns.
    pub partitions: PartitionSet,
    /// Where its offsets are kept, one key for each stream.
    pub offsets: Keyspace,
    /// Where its outbox is kept.
    pub outbox: Keyspace,
    /// How often an entry is tried before it is set aside; at least 1.
    pub attempts: u32,
    /// How much one read returns at most.
    pub limit: ReadLimit,
    /// Whether this owner is the only reader of its streams: what it has applied is removed from the log.
    pub consumes: bool,
}

/// What an owner needs from its node.
#[derive(Debug, Clone)]
pub struct OwnerPorts {
    /// The log to follow and publish to.
    pub log: Arc<dyn Log>,
    /// The store of state, offsets and outbox.
    pub store: Arc<dyn Store>,
    /// Stamps dead letters.
    pub clock: Arc<dyn Clock>,
    /// Counts dead letters.
    pub dead_letters: DeadLetters,
}

/// How long one read waits for entries before it looks whether to stop.
pub(crate) const READ_WAIT: Duration = Duration::from_secs(2);

/// After how many entries those that are applied are removed from a stream that nobody else reads.
const FORGET_EVERY: u64 = 256;

/// Follows the streams until the token is cancelled. Becomes ready once everything that was in the log at
/// the start has been applied.
pub async fn run_owner(
    owner: &mut dyn LogOwner,
    settings: &OwnerSettings,
    ports: &OwnerPorts,
    shutdown: &CancellationToken,
    ready: &ReadySignal,
) -> anyhow::Result<()> {
    let (store, log) = (Arc::clone(&ports.store), Arc::clone(&ports.log));
    let outbox = Outbox::recover_in_time(settings.outbox, store, log, shutdown)
        .await
        .with_context(|| format!("the outbox of `{}` cannot be emptied", settings.name))?;
    let Some(outbox) = outbox else { return Ok(()) };
    let stop_reading = shutdown.child_token();
    let (sender, mut batches) = mpsc::channel(settings.streams.len().max(1));
    let mut waiting = Vec::new();
    let panicked = Panicked::load(ports.store.as_ref(), settings.offsets, &settings.streams);
    let mut panicked = panicked.await?;
    let readers = tokio_util::task::TaskTracker::new();
    for stream in settings.streams.iter().copied() {
        let stored = stored_offset(ports.store.as_ref(), settings.offsets, stream).await?;
        let end = ports.log.end(stream).await?;
        let mut start = stored.unwrap_or(Offset::START);
        if start > end {
            // The log is another one than that which the state was made from. What it holds is applied to
            // the state that there is: records that were applied before change nothing.
            tracing::warn!(%stream, %start, %end, "the log was replaced: reading it from its start");
            start = Offset::START;
            panicked.forget_all(stream);
            // Before anything of it is read: what happens to that is noted about this log.
            let mut batch = Batch::new();
            panicked.forget_before(stream, start, &mut batch);
            batch.put(settings.offsets, key_of(stream), offset_bytes(start));
            ports.store.commit(batch).await.context("the state cannot be committed")?;
        }
        if start < end {
            waiting.push((stream, end));
        }
        let reader = ports.log.reader(stream, settings.partitions, start).await?;
        readers.spawn(follow(stream, reader, settings.limit, sender.clone(), stop_reading.clone()));
    }
    readers.close();
    drop(sender);
    let mut work = Work {
        owner,
        settings,
        ports,
        outbox,
        forgotten: BTreeMap::new(),
        losing: BTreeMap::new(),
        panicked,
    };
    let mut unpublished = false;
    if waiting.is_empty() {
        ready.ready();
    }
    let result = loop {
        let Some((stream, read)) = batches.recv().await else { break Ok(()) };
        let batch = match read {
            Ok(batch) => batch,
            Err(error) => break Err(error).context("the log was replaced: start the node again"),
        };
        let next = batch.next;
        match work.take(stream, batch, shutdown).await {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => {
                unpublished = true;
                break Ok(());
            }
            Err(error) => break Err(error),
        }
        let caught_up_before = waiting.is_empty();
        waiting.retain(|(waiting_stream, end)| *waiting_stream != stream || next < *end);
        if waiting.is_empty() && !caught_up_before {
            ready.ready();
        }
    };
    stop_reading.cancel();
    drop(batches);
    readers.wait().await;
    if result.is_ok() && !unpublished {
        work.outbox.close().await.context("the outbox cannot be closed")?;
    }
    result
}

/// Reads one stream into the bounded channel, so that reading goes on while a batch is applied.
async fn follow(
    stream: Stream,
    mut reader: Box<dyn LogReader>,
    limit: ReadLimit,
    batches: mpsc::Sender<(Stream, Result<LogBatch, LogError>)>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::default();
    // What was lost is told with the entry behind it, which says until when, unless none comes.
    let mut alone: Option<LostRange> = None;
    loop {
        let read = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            read = reader.next(limit, READ_WAIT) => read,
        };
        match read {
            Ok(batch) if batch.entries.is_empty() && batch.lost.is_some() => {
                alone = joined(alone, batch.lost);
            }
            Ok(batch) if batch.entries.is_empty() && alone.is_none() => backoff.reset(),
            Ok(batch) => {
                let batch = LogBatch { lost: joined(alone.take(), batch.lost), ..batch };
                backoff.reset();
                if batches.send((stream, Ok(batch))).await.is_err() {
                    return;
                }
            }
            Err(LogError::Closed) => return,
            Err(error @ LogError::Rewound { .. }) => {
                // Whoever applies ends with it; if nobody does any more, that is the end as well.
                let _nobody = batches.send((stream, Err(error))).await.is_err();
                return;
            }
            Err(error) => {
                tracing::warn!(%stream, error = %error, "stream cannot be read, trying again");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(backoff.wait()) => {}
                }
            }
        }
    }
}

/// Two losses that follow each other.
fn joined(first: Option<LostRange>, second: Option<LostRange>) -> Option<LostRange> {
    match (first, second) {
        (Some(first), Some(second)) => Some(LostRange { from: first.from, until: second.until }),
        (first, second) => first.or(second),
    }
}

struct Work<'a> {
    owner: &'a mut dyn LogOwner,
    settings: &'a OwnerSettings,
    ports: &'a OwnerPorts,
    outbox: Outbox,
    /// Up to where entries were removed.
    forgotten: BTreeMap<Stream, Offset>,
    /// Where the losses of a stream began, of which every batch tells one.
    losing: BTreeMap<Stream, Offset>,
    panicked: Panicked,
}

impl Work<'_> {
    /// Applies and publishes what was read, in one part but after a panic.
    async fn take(
        &mut self,
        stream: Stream,
        read: LogBatch,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<ControlFlow<()>> {
        for part in self.panicked.apart(stream, read) {
            let flow = self.commit(stream, part, shutdown).await?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Applies a batch and commits state, offset and outputs; then publishes the outputs.
    async fn commit(
        &mut self,
        stream: Stream,
        read: LogBatch,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<ControlFlow<()>> {
        let mut effects = Effects::default();
        let mut letters = Vec::new();
        letters.extend(self.tell_lost(stream, &read, &mut effects).await?);
        for entry in &read.entries {
            let headers = &entry.entry.headers;
            let span = tracing::info_span!("log.apply", owner = self.settings.name, %stream);
            airside_telemetry::trace::continue_from(&span, headers.trace_parent.as_deref());
            let applied = self.apply(stream, entry, &mut effects).instrument(span);
            match AssertUnwindSafe(applied).catch_unwind().await {
                Ok(applied) => letters.extend(applied.err()),
                Err(panic) => {
                    let at = (stream, entry.offset, What::Entry);
                    return Err(self.panicked_at(at, panic).await);
                }
            }
        }
        if !self.panicked.is_all_of(stream, &read) {
            let settling = AssertUnwindSafe(|| self.owner.settle(&mut effects));
            if let Err(panic) = catch_unwind(settling) {
                let at = self.panicked.in_all_of(stream, &read);
                return Err(self.panicked_at(at, panic).await);
            }
        }
        let kept = letters.iter().filter_map(entry_of).map(|entry| (Stream::DeadLetters, entry));
        effects.outputs.extend(kept);
        self.panicked.forget_before(stream, read.next, &mut effects.batch);
        effects.batch.put(self.settings.offsets, key_of(stream), offset_bytes(read.next));
        self.outbox.stage(&mut effects.batch, &effects.outputs);
        self.commit_durably(effects.batch, shutdown).await?;
        self.owner.committed();
        self.ports.dead_letters.counted(&letters);
        let flow = self.publish(effects.outputs, shutdown).await;
        self.forget(stream, read.next).await;
        Ok(flow)
    }

    /// Tells the owner what was removed before it was read. A loss on which it panicked before is set aside.
    async fn tell_lost(
        &mut self,
        stream: Stream,
        read: &LogBatch,
        effects: &mut Effects,
    ) -> anyhow::Result<Option<DeadLetter>> {
        let Some(range) = read.lost else {
            self.losing.remove(&stream);
            return Ok(None);
        };
        let owner = self.settings.name;
        tracing::error!(%stream, ?range, owner, "entries were removed before they were read");
        let goes_on = self.losing.contains_key(&stream);
        let from = *self.losing.entry(stream).or_insert(range.from);
        if self.panicked.has((stream, range.from, What::Loss)) {
            let reason = "telling that entries were lost panicked before: a mistake in Airside";
            return Ok(Some(self.letter(stream, range.from, reason, &[])));
        }
        let at = (stream, range.from, What::Loss);
        let (range, next) = (LostRange { from, ..range }, read.entries.first());
        let telling = self.owner.lost(Lost { stream, range, goes_on, next }, effects);
        match AssertUnwindSafe(telling).catch_unwind().await {
            Ok(()) => Ok(None),
            Err(panic) => Err(self.panicked_at(at, panic).await),
        }
    }

    /// Sets something aside that was read.
    fn letter(&self, stream: Stream, offset: Offset, reason: &str, payload: &[u8]) -> DeadLetter {
        let origin = format!("{} {stream}@{}", self.settings.name, offset.0);
        DeadLetter::new(&origin, reason, payload, self.ports.clock.now())
    }

    /// Removes what is applied from the log, now and then. What is not removed now is removed next time.
    async fn forget(&mut self, stream: Stream, applied: Offset) {
        let forgotten = self.forgotten.entry(stream).or_insert(applied);
        if !self.settings.consumes || applied.0 < forgotten.0.saturating_add(FORGET_EVERY) {
            return;
        }
        match self.ports.log.forget(stream, applied).await {
            Ok(()) => *forgotten = applied,
            Err(error) => {
                tracing::warn!(%stream, error = %error, "applied entries stay in the log")
            }
        }
    }

    /// Notes what the owner ends with, for its next life.
    async fn panicked_at(&self, note: Note, panic: Box<dyn Any + Send>) -> anyhow::Error {
        let (stream, offset, what) = note;
        let (at, next) = match what {
            What::Entry => ("at", "it is set aside at the next start"),
            What::Loss => ("over what was lost from", "that is set aside at the next start"),
            What::ReadUntil => ("before", "what was read is taken one by one at the next start"),
        };
        let ended = anyhow::anyhow!(
            "`{}` panicked {at} entry {offset} of stream `{stream}` ({}): a mistake in Airside, please report it; {next}",
            self.settings.name,
            panicked::message_of(panic)
        );
        match self.ports.store.commit(self.panicked.note(note)).await {
            Ok(()) => ended,
            Err(error) => ended.context(format!("that could not be noted: {error}")),
        }
    }

    /// Applies one entry, again after a failure that may pass, and sets it aside in the end.
    async fn apply(
        &mut self,
        stream: Stream,
        entry: &StoredEntry,
        effects: &mut Effects,
    ) -> Result<(), DeadLetter> {
        let payload = &entry.entry.payload;
        if self.panicked.has((stream, entry.offset, What::Entry)) {
            let reason = "applying it panicked before: a mistake in Airside";
            return Err(self.letter(stream, entry.offset, reason, payload));
        }
        let mut backoff = Backoff::default();
        for attempt in 1.. {
            let error = match self.owner.apply(stream, entry, effects).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let last = attempt >= self.settings.attempts.max(1);
            if last || matches!(error, ApplyError::Poison(_)) {
                return Err(self.letter(stream, entry.offset, &error.to_string(), payload));
            }
            tokio::time::sleep(backoff.wait()).await;
        }
        Ok(())
    }

    /// Commits, however long the store takes to come back.
    async fn commit_durably(
        &self,
        batch: Batch,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<()> {
        let mut backoff = Backoff::default();
        loop {
            match self.ports.store.commit(batch.clone()).await {
                Ok(()) => return Ok(()),
                Err(error @ (StoreError::Closed | StoreError::Conflict { .. })) => {
                    return Err(error).context("the state cannot be committed");
                }
                Err(error) if shutdown.is_cancelled() => {
                    return Err(error).context("the state could not be committed while draining");
                }
                Err(error) => {
                    tracing::warn!(error = %error, "commit failed, trying again");
                    tokio::time::sleep(backoff.wait()).await;
                }
            }
        }
    }

    /// Publishes what was committed, however long the log takes to come back. While draining one failure
    /// is enough: the outbox keeps the entries for the next start, and nothing more may be committed.
    async fn publish(
        &mut self,
        outputs: Vec<(Stream, Entry)>,
        shutdown: &CancellationToken,
    ) -> ControlFlow<()> {
        let mut backoff = Backoff::default();
        while let Err(error) = self.outbox.publish(outputs.clone()).await {
            if shutdown.is_cancelled() || matches!(error, LogError::Closed) {
                tracing::warn!(error = %error, "outputs stay in the outbox until the next start");
                return ControlFlow::Break(());
            }
            tracing::warn!(error = %error, "outputs cannot be published, trying again");
            tokio::time::sleep(backoff.wait()).await;
        }
        ControlFlow::Continue(())
    }
}

fn key_of(stream: Stream) -> Vec<u8> {
    stream.as_str().as_bytes().to_vec()
}

fn offset_bytes(offset: Offset) -> Bytes {
    Bytes::copy_from_slice(&offset.0.to_be_bytes())
}

async fn stored_offset(
    store: &dyn Store,
    keyspace: Keyspace,
    stream: Stream,
) -> anyhow::Result<Option<Offset>> {
    let stored = store.get(keyspace, stream.as_str().as_bytes()).await?;
    let Some(bytes) = stored else { return Ok(None) };
    let bytes: [u8; 8] = bytes
        .as_ref()
        .try_into()
        .with_context(|| format!("the stored offset of `{stream}` is damaged"))?;
    Ok(Some(Offset(u64::from_be_bytes(bytes))))
}

#[cfg(test)]
mod tests;
