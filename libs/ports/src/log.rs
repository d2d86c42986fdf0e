//! The log port: partitioned, ordered, durable streams that readers follow with offsets of their own.
//!
//! Delivery is at least once: an appended entry may be stored twice when an acknowledgement is lost, so
//! readers drop repeats by the content-derived ids of what the entries hold. A reader keeps its offset
//! beside its state, in one store commit; the log keeps no consumers and no acknowledgements.

use std::error::Error;
use std::fmt::{self, Debug};
use std::time::Duration;

use airside_types::Id;
use async_trait::async_trait;
use bytes::Bytes;

use crate::partition::{Partition, PartitionSet};

/// The streams of a deployment. A name is part of subjects and keys: it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Findings and boarding passes: what is known of configuration. Partitioned.
    Configuration,
    /// Decisions, detections, facts and gaps: what happens. Partitioned.
    Activity,
    /// Revisions of incidents. One partition.
    Incidents,
    /// What could not be understood or applied, with the reason. One partition.
    DeadLetters,
    /// Requests to API servers on their way from intake to the owner of their cluster, which is its only reader and
    /// removes what it has applied. Partitioned.
    Sightings,
    /// By which rules events are judged, as people set them. One partition.
    Rules,
}

impl Stream {
    /// All streams.
    pub const ALL: [Self; 6] = [
        Self::Configuration,
        Self::Activity,
        Self::Incidents,
        Self::DeadLetters,
        Self::Sightings,
        Self::Rules,
    ];

    /// The stream's name in subjects, keys and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Activity => "activity",
            Self::Incidents => "incidents",
            Self::DeadLetters => "dead-letters",
            Self::Sightings => "sightings",
            Self::Rules => "rules",
        }
    }

    /// Whether entries go with age. What is known of configuration does not, nor do rules: they are replaced.
    pub const fn ages(self) -> bool {
        !matches!(self, Self::Configuration | Self::Rules)
    }

    /// Whether the oldest entries give way when there is no room for new ones: their readers fold them within seconds, and
    /// one that had not read them is told of the [loss](LogBatch::lost), so no tenant that produces much stops the others.
    /// The other streams refuse what is appended: nothing is lost, and the sender feels it. Nowhere else is what
    /// configuration and rules say, sightings wait for their only reader, and dead letters are counted when they are let go.
    pub const fn makes_room(self) -> bool {
        matches!(self, Self::Activity | Self::Incidents)
    }

    /// Whether the log itself keeps the last entry of a key only, see [`Log::replace`]. What is known of configuration is
    /// replaced by who reads it, since a batch holds records of many objects.
    pub const fn is_replaced(self) -> bool {
        matches!(self, Self::Rules)
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A position in a stream: the first entry is at 1, so that [`Offset::START`] reads everything.
/// Offsets grow along the whole stream, over all partitions, with holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// Before the first entry.
    pub const START: Self = Self(1);

    /// The position behind this one.
    #[must_use]
    pub const fn after(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What accompanies a payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers {
    /// The name and version of the message, such as `record-batch.v1`.
    pub message: String,
    /// The W3C trace context of the request that caused the entry.
    pub trace_parent: Option<String>,
}

/// An entry to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The partition, computed by the publisher.
    pub partition: Partition,
    /// What accompanies the payload.
    pub headers: Headers,
    /// The encoded message.
    pub payload: Bytes,
}

/// An entry as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Where it is.
    pub offset: Offset,
    /// What was appended.
    pub entry: Entry,
}

/// An interval of a stream that is no longer there although the reader asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostRange {
    /// The first lost position.
    pub from: Offset,
    /// The first position that is there.
    pub until: Offset,
}

/// What one read returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBatch {
    /// The entries in order; empty when nothing came within the wait.
    pub entries: Vec<StoredEntry>,
    /// Where to go on: behind the last entry, and behind those of other partitions that were passed over.
    pub next: Offset,
    /// What was skipped, before the first of the entries, because it was removed before it was read: it was old, or it
    /// [gave way](Stream::makes_room) to newer entries.
    /// The reader records a gap. Of a reader of some partitions, it may have been others' entries.
    pub lost: Option<LostRange>,
}

/// How full a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamRoom {
    /// The bytes that it holds, as its bound counts them.
    pub held_bytes: u64,
    /// Its bound.
    pub limit_bytes: u64,
    /// Its first entry, or the next one where it holds none.
    pub first: Offset,
    /// Behind its last entry.
    pub next: Offset,
}

impl StreamRoom {
    /// The bytes that it takes before it is full.
    pub const fn free_bytes(self) -> u64 {
        self.limit_bytes.saturating_sub(self.held_bytes)
    }
}

/// How much one read returns at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Entries.
    pub entries: usize,
    /// Bytes of payload; at least one entry is returned, however large it is.
    pub bytes: usize,
}

impl Default for ReadLimit {
    fn default() -> Self {
        Self { entries: 512, bytes: 4 << 20 }
    }
}

/// Why the log did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The stream is at its bound; what is there is kept. The publisher has to wait or refuse its input. A stream that
    /// [makes room](Stream::makes_room) answers so only to an entry that is larger than the whole stream may be.
    #[error(
        "stream `{stream}` is full (limit {limit_bytes} bytes): raise the limit or wait until retention frees space"
    )]
    Full {
        /// The stream.
        stream: Stream,
        /// Its bound.
        limit_bytes: u64,
    },
    /// One entry is larger than the log takes.
    #[error(
        "an entry of {bytes} bytes for stream `{stream}` exceeds the limit of {limit_bytes} bytes"
    )]
    TooLarge {
        /// The stream.
        stream: Stream,
        /// The entry's size.
        bytes: usize,
        /// The bound of one entry.
        limit_bytes: usize,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// The log cannot be reached or did not answer; trying again may help.
    #[error("the log did not {action}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// What the adapter said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A reader asked for a position behind the end: the log is younger than the reader's state, so it was
    /// lost, restored from an older copy, or replaced. Reading on would skip entries without a word.
    #[error(
        "stream `{stream}` ends at {end} but its reader has come to {from}: the log was lost or replaced; \
         rebuild the reader's state from the start, or restore the log that belongs to it"
    )]
    Rewound {
        /// The stream.
        stream: Stream,
        /// The position that was asked for.
        from: Offset,
        /// The position behind the last entry that there is.
        end: Offset,
    },
    /// A stored entry cannot be read. To go on without it, open a reader [after](Offset::after) it.
    #[error("entry {offset} of stream `{stream}` is damaged: {reason}")]
    Damaged {
        /// The stream.
        stream: Stream,
        /// The entry.
        offset: Offset,
        /// What is wrong with it.
        reason: String,
    },
}

/// The log of a deployment.
#[async_trait]
pub trait Log: Debug + Send + Sync + 'static {
    /// Appends entries, in their order within each partition. They are durable when this returns. After an
    /// error, or when the future is dropped, the first few of each partition may be stored and no later one
    /// without those before it; so appending all of them again is right and keeps the order of what a
    /// reader sees for the first time. In a full stream that [makes room](Stream::makes_room) the oldest entries give
    /// way; what one append adds beyond the bound of such a stream gives way within it.
    async fn append(&self, stream: Stream, entries: Vec<Entry>) -> Result<(), LogError>;

    /// Appends an entry to a stream whose entries [are replaced](Stream::is_replaced), in the place of the one that was
    /// stored under its key before. Whoever had not come to that one is not told of a loss, and offsets stay what they
    /// are. Durable when this returns; after an error the one, the other or both are there. To other streams the entry is
    /// appended as ever.
    async fn replace(&self, stream: Stream, key: Id, entry: Entry) -> Result<(), LogError>;

    /// Opens a reader of some partitions from an offset on; [`LogError::Rewound`] when that is behind the end.
    async fn reader(
        &self,
        stream: Stream,
        partitions: PartitionSet,
        from: Offset,
    ) -> Result<Box<dyn LogReader>, LogError>;

    /// Removes the entries before a position. Only who is the stream's only reader asks for it, for what it will not
    /// read again.
    async fn forget(&self, stream: Stream, before: Offset) -> Result<(), LogError>;

    /// The position behind the last entry of the stream: a reader that reached it has caught up.
    async fn end(&self, stream: Stream) -> Result<Offset, LogError>;

    /// How full a stream is: who publishes to one that refuses can leave room for others before it does.
    async fn room(&self, stream: Stream) -> Result<StreamRoom, LogError>;

    /// The size up to which a publisher should gather records into one entry.
    fn preferred_entry_bytes(&self) -> usize;
}

/// Follows some partitions of one stream in order.
#[async_trait]
pub trait LogReader: Send {
    /// The next entries. Waits up to `wait` for the first one; an empty batch means that none came.
    /// Dropping the future loses nothing: the next call returns what this one would have.
    async fn next(&mut self, limit: ReadLimit, wait: Duration) -> Result<LogBatch, LogError>;
}
