//! The log in JetStream.
//!
//! Within a partition an entry is published when the one before it is acknowledged; partitions go beside each
//! other. Pipelining a partition's entries would be faster for many small ones, but when one of them fails, as
//! at a lost connection or a full stream, those behind it may be stored without it, and appended again they
//! would be seen in another order than they were given. JetStream's atomic batches would keep the order too;
//! they cost the server more than the wait does unless hundreds of entries make one batch. So publishers
//! gather records into entries of [`Log::preferred_entry_bytes`], and a few entries make an append.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use airside_ports::{
    Entry, Headers, Log, LogError, LogReader, Offset, Partition, PartitionSet, Partitioner, Stream,
    StreamRoom,
};
use airside_types::Id;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream as JetStream};
use async_nats::jetstream::{self, ErrorCode};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::{Instant, sleep};

use super::connection::{Link, NatsConnection, pause};
use super::message;
use super::options::{NatsError, Storage};
use super::reader::NatsReader;
use super::stream::{ensure, storage_type};

/// How many partitions are published to at once: with the server's bound of a message, what is in flight.
const PARTITIONS_AT_ONCE: usize = 64;
/// The size of entries from which the server's cost for each byte hardly falls any more.
const PREFERRED_ENTRY_BYTES: usize = 64 << 10;

/// The settings of a log in JetStream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsLogOptions {
    /// How many servers keep each entry: 1, 3 or 5; default 1.
    pub replicas: usize,
    /// Where they keep it; default on disk.
    pub storage: Storage,
    /// The bytes that one stream may hold before appends are refused or the oldest entries
    /// [give way](Stream::makes_room); default 1 GiB. The server reserves them.
    pub max_stream_bytes: u64,
    /// The age at which entries of streams that age go; default 72 h. Zero keeps them.
    pub max_age: Duration,
    /// The partitions of the deployment; default 64.
    pub partitioner: Partitioner,
    /// How long an append tries again before it fails, while the server does not answer; default 15 s, since a
    /// cluster that lost a server takes up to 10 s to choose who leads a stream.
    pub append_within: Duration,
}

impl Default for NatsLogOptions {
    fn default() -> Self {
        Self {
            replicas: 1,
            storage: Storage::File,
            max_stream_bytes: 1 << 30,
            max_age: Duration::from_hours(72),
            partitioner: Partitioner::default(),
            append_within: Duration::from_secs(15),
        }
    }
}

/// A log in JetStream.
pub struct NatsLog {
    link: Link,
    options: NatsLogOptions,
    streams: BTreeMap<Stream, JetStream>,
}

impl NatsLog {
    /// Opens the log of the connection's prefix, making its streams if they are not there and changing their
    /// bounds where they differ.
    pub async fn open(
        connection: &NatsConnection,
        options: NatsLogOptions,
    ) -> Result<Self, NatsError> {
        let link = connection.link().clone();
        let mut streams = BTreeMap::new();
        for stream in Stream::ALL {
            let config = Config {
                name: format!("{}-{stream}", link.prefix),
                subjects: subjects(&link.prefix, stream),
                allow_rollup: stream.is_replaced(),
                retention: RetentionPolicy::Limits,
                discard: discard_policy(stream),
                storage: storage_type(options.storage),
                num_replicas: options.replicas,
                max_bytes: i64::try_from(options.max_stream_bytes).unwrap_or(i64::MAX),
                max_age: if stream.ages() { options.max_age } else { Duration::ZERO },
                max_messages: -1,
                max_messages_per_subject: -1,
                ..Config::default()
            };
            streams.insert(stream, ensure(&link, config).await?);
        }
        Ok(Self { link, options, streams })
    }

    /// Removes entries from the start of a stream, to make room in a full one that refuses; the server removes old
    /// ones by itself.
    pub async fn trim(&self, stream: Stream, before: Offset) -> Result<(), LogError> {
        // The server takes 0 for everything.
        if before <= Offset::START {
            return Ok(());
        }
        let purge = self.stream(stream)?.purge().sequence(before.0).await;
        purge.map_err(unavailable("trim a stream"))?;
        Ok(())
    }

    fn stream(&self, stream: Stream) -> Result<&JetStream, LogError> {
        self.streams.get(&stream).ok_or(LogError::Closed)
    }

    fn fits(&self, stream: Stream, entry: &Entry) -> Result<(), LogError> {
        let limit_bytes = self.link.client.max_payload();
        let bytes = message::wire_bytes(&entry.headers, &entry.payload);
        if bytes > limit_bytes {
            return Err(LogError::TooLarge { stream, bytes, limit_bytes });
        }
        let stored = message::stored_bytes(&self.subject(stream, entry), bytes);
        let limit_bytes = self.options.max_stream_bytes;
        // Of what makes room by letting go of the oldest, the server would acknowledge it, and then let it go too.
        if stream.makes_room() && stored > limit_bytes {
            return Err(LogError::Full { stream, limit_bytes });
        }
        Ok(())
    }

    fn subject(&self, stream: Stream, entry: &Entry) -> String {
        format!("{}.{stream}.{}", self.link.prefix, entry.partition.0)
    }

    /// Publishes entries of one partition, each after the one before it is stored.
    async fn append_in_order(&self, stream: Stream, entries: Vec<Entry>) -> Result<(), LogError> {
        for entry in entries {
            self.append_one(stream, entry).await?;
        }
        Ok(())
    }

    async fn append_one(&self, stream: Stream, entry: Entry) -> Result<(), LogError> {
        let subject = self.subject(stream, &entry);
        self.publish(stream, &subject, entry, message::publish).await
    }

    async fn publish(
        &self,
        stream: Stream,
        subject: &str,
        entry: Entry,
        message: fn(&Headers, Bytes) -> PublishMessage,
    ) -> Result<(), LogError> {
        let ends = Instant::now() + self.options.append_within;
        let mut attempt = 0;
        loop {
            let message = message(&entry.headers, entry.payload.clone());
            let published = self.link.publish(subject.to_owned(), message).await;
            let Err(error) = published else { return Ok(()) };
            if is_full(&error) {
                let limit_bytes = self.options.max_stream_bytes;
                return Err(LogError::Full { stream, limit_bytes });
            }
            if !is_passing(&error) || Instant::now() >= ends {
                return Err(unavailable("store an entry")(error));
            }
            // It may be stored, and only its acknowledgement be lost: then it is there twice.
            sleep(pause(attempt)).await;
            attempt += 1;
        }
    }
}

#[async_trait]
impl Log for NatsLog {
    async fn append(&self, stream: Stream, entries: Vec<Entry>) -> Result<(), LogError> {
        let mut partitions: BTreeMap<Partition, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            self.fits(stream, &entry)?;
            partitions.entry(entry.partition).or_default().push(entry);
        }
        stream::iter(partitions.into_values())
            .map(|entries| self.append_in_order(stream, entries))
            .buffer_unordered(PARTITIONS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn replace(&self, stream: Stream, key: Id, entry: Entry) -> Result<(), LogError> {
        if !stream.is_replaced() {
            return self.append(stream, vec![entry]).await;
        }
        self.fits(stream, &entry)?;
        let subject = format!("{}.{stream}.{key}.{}", self.link.prefix, entry.partition.0);
        self.publish(stream, &subject, entry, message::replacing).await
    }

    async fn reader(
        &self,
        stream: Stream,
        partitions: PartitionSet,
        from: Offset,
    ) -> Result<Box<dyn LogReader>, LogError> {
        let subject = |token: &str| format!("{}.{stream}.{token}", self.link.prefix);
        let every = partitions.is_all(self.options.partitioner);
        let filters = if every {
            vec![subject(">")]
        } else if partitions.is_empty() {
            // No filter would be every subject.
            vec![subject("none")]
        } else {
            let own = |partition: Partition| {
                let keyed = stream.is_replaced().then(|| subject(&format!("*.{}", partition.0)));
                std::iter::once(subject(&partition.0.to_string())).chain(keyed)
            };
            partitions.iter().flat_map(own).collect()
        };
        let inner = self.stream(stream)?.clone();
        let mut reader = NatsReader::new(self.link.clone(), inner, stream, (filters, every), from);
        reader.start().await?;
        Ok(Box::new(reader))
    }

    async fn end(&self, stream: Stream) -> Result<Offset, LogError> {
        let info = self.stream(stream)?.get_info().await;
        let info = info.map_err(unavailable("tell the end of a stream"))?;
        Ok(Offset(info.state.last_sequence).after())
    }

    async fn room(&self, stream: Stream) -> Result<StreamRoom, LogError> {
        let info = self.stream(stream)?.get_info().await;
        let state = info.map_err(unavailable("tell how full a stream is"))?.state;
        let next = Offset(state.last_sequence).after();
        Ok(StreamRoom {
            held_bytes: state.bytes,
            limit_bytes: self.options.max_stream_bytes,
            // The server says 0 of a stream that never had an entry.
            first: Offset(state.first_sequence).clamp(Offset::START, next),
            next,
        })
    }

    async fn forget(&self, stream: Stream, before: Offset) -> Result<(), LogError> {
        self.trim(stream, before).await
    }

    fn preferred_entry_bytes(&self) -> usize {
        PREFERRED_ENTRY_BYTES.min(self.link.client.max_payload() / 2)
    }
}

impl fmt::Debug for NatsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLog").field("prefix", &self.link.prefix).finish_non_exhaustive()
    }
}

/// What the server does when a stream is full.
const fn discard_policy(stream: Stream) -> DiscardPolicy {
    if stream.makes_room() { DiscardPolicy::Old } else { DiscardPolicy::New }
}

/// The subjects of a stream end in the partition. Of one whose entries are replaced, those of a key have one of their
/// own: JetStream rolls it up to its last message, and leaves what was appended without a key.
fn subjects(prefix: &str, stream: Stream) -> Vec<String> {
    let keyed = stream.is_replaced().then(|| format!("{prefix}.{stream}.*.*"));
    std::iter::once(format!("{prefix}.{stream}.*")).chain(keyed).collect()
}

pub(super) fn unavailable<E: Error + Send + Sync + 'static>(
    action: &'static str,
) -> impl FnOnce(E) -> LogError {
    move |source| LogError::Unavailable { action, source: Box::new(source) }
}

/// What the server said when it refused a message.
pub(super) fn refusal(error: &PublishError) -> Option<&jetstream::Error> {
    error.source()?.downcast_ref()
}

/// The server has one code for all bounds; the text tells which.
pub(super) fn is_over(error: &PublishError, bound: &str) -> bool {
    refusal(error).is_some_and(|refusal| {
        refusal.error_code() == ErrorCode::STREAM_STORE_FAILED
            && refusal.to_string().contains(bound)
    })
}

fn is_full(error: &PublishError) -> bool {
    is_over(error, "maximum bytes exceeded") || is_over(error, "maximum messages exceeded")
}

/// Whether trying again may help: no answer, nobody there at the moment, or no leader.
pub(super) fn is_passing(error: &PublishError) -> bool {
    match error.kind() {
        PublishErrorKind::TimedOut
        | PublishErrorKind::BrokenPipe
        | PublishErrorKind::StreamNotFound
        | PublishErrorKind::MaxAckPending => true,
        PublishErrorKind::Other => refusal(error).is_none_or(|refusal| refusal.code() == 503),
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::MaxPayloadExceeded => false,
    }
}
