//! A reader of a JetStream stream.
//!
//! Reads through a consumer that the server keeps in memory, without acknowledgements: the offset is the
//! reader's. Whatever happens to the consumer, a new one is made from that offset: when the connection was
//! lost, when the server forgot the consumer, when messages went past this reader (their numbers within the
//! consumer have a hole), and when nothing comes although the stream has more. Consumers of JetStream have
//! stalled without a word in all of these.

use std::collections::VecDeque;
use std::time::Duration;

use airside_ports::{
    Entry, LogBatch, LogError, LogReader, LostRange, Offset, Partition, ReadLimit, StoredEntry, Stream,
};
use async_nats::jetstream::consumer::pull::{self, Batch};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::message::Info;
use async_nats::jetstream::{Message, stream::Stream as JetStream};
use async_trait::async_trait;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::connection::{Link, pause};
use super::log::unavailable;
use super::message::headers;
use crate::deadline;

/// How long one request for messages stands. When it ends with nothing, the reader looks whether that is so.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a reader of some partitions believes that its consumer has nothing for it.
const DOUBTFUL: Duration = Duration::from_mins(1);
/// How long the server keeps a consumer that nobody asks: a reader that is busy for longer gets a new one.
const FORGOTTEN: Duration = Duration::from_mins(5);
/// How long to wait for a message that the server said is on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(2);
/// The most messages of one request.
const MOST_MESSAGES: usize = 4096;

/// Follows some partitions of a stream.
pub(super) struct NatsReader {
    link: Link,
    inner: JetStream,
    stream: Stream,
    filters: Vec<String>,
    /// The offset from which on messages are to be received.
    next: Offset,
    consumer: Option<Following>,
    /// Received, in order, and not returned.
    received: VecDeque<Received>,
    /// Missing before the first of `received`.
    lost: Option<LostRange>,
}

/// A consumer, and the request that stands with it.
struct Following {
    consumer: PullConsumer,
    /// Of the connection that it was made on.
    connection: u64,
    request: Option<Request>,
    /// The number, within the consumer, of the last message that came.
    number: u64,
    /// Whether the server has more messages than have come.
    more: bool,
    /// When the last message came, or the consumer was made.
    heard: Instant,
}

/// A standing request for messages, and whether it brought any.
struct Request {
    messages: Batch,
    brought: bool,
}

struct Received {
    offset: Offset,
    entry: Result<Entry, String>,
    gap: Gap,
}

/// What lies between a message and the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    /// Offsets from here on: of other partitions, or trimmed.
    Unknown(Offset),
    Lost(LostRange),
}

/// How a step ended that brought nothing to return.
enum Step {
    /// There may be more: take the next step.
    On,
    /// The wait is over.
    Over,
    /// The consumer cannot be trusted any more.
    Stale,
}

impl NatsReader {
    pub(super) fn new(
        link: Link,
        inner: JetStream,
        stream: Stream,
        filters: Vec<String>,
        from: Offset,
    ) -> Self {
        let next = from.max(Offset::START);
        let (consumer, received, lost) = (None, VecDeque::new(), None);
        Self { link, inner, stream, filters, next, consumer, received, lost }
    }

    /// Makes a consumer from the offset on, unless there is one, and finds out what is lost before it.
    pub(super) async fn start(&mut self) -> Result<(), LogError> {
        if self.consumer.is_some() {
            return Ok(());
        }
        let connection = *self.link.connections.borrow();
        let info = self.inner.get_info().await.map_err(unavailable("tell where a stream is"))?;
        let end = Offset(info.state.last_sequence).after();
        if self.next > end {
            return Err(LogError::Rewound { stream: self.stream, from: self.next, end });
        }
        let first = Offset(info.state.first_sequence).min(end);
        let from = self.next.max(first);
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.0 },
            ack_policy: AckPolicy::None,
            filter_subjects: self.filters.clone(),
            inactive_threshold: FORGOTTEN,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let made = self.inner.create_consumer(config).await;
        let consumer = made.map_err(unavailable("make a consumer of a stream"))?;
        let more = consumer.cached_info().num_pending > 0;
        if from > self.next {
            self.lost = Some(LostRange { from: self.next, until: from });
        }
        // When nothing waits in these partitions, all up to the end is of others.
        self.next = if more { from } else { end };
        let heard = Instant::now();
        self.consumer = Some(Following { consumer, connection, request: None, number: 0, more, heard });
        Ok(())
    }

    /// Waits for messages until some are there.
    async fn receive(&mut self, limit: ReadLimit, until: Instant) -> Result<Step, LogError> {
        let Some(following) = &mut self.consumer else { return Ok(Step::Stale) };
        let until = if following.more { until.max(Instant::now() + ON_ITS_WAY) } else { until };
        let request = match &mut following.request {
            Some(request) => request,
            none => {
                let asked = following
                    .consumer
                    .batch()
                    .max_messages(limit.entries.min(MOST_MESSAGES))
                    // Never less than one message of any size needs.
                    .max_bytes(limit.bytes.max(2 * self.link.client.max_payload()))
                    .expires(REQUEST)
                    .messages()
                    .await;
                let messages = asked.map_err(unavailable("ask for messages of a stream"))?;
                none.insert(Request { messages, brought: false })
            }
        };
        let connection = following.connection;
        let first = tokio::select! {
            biased;
            first = timeout_at(until, request.messages.next()) => first,
            _ = self.link.connections.wait_for(|count| *count != connection) => {
                return Ok(Step::Stale);
            }
        };
        match first {
            // What was said to be on its way did not come.
            Err(_elapsed) if following.more => Ok(Step::Stale),
            // The request goes on standing.
            Err(_elapsed) => Ok(Step::Over),
            Ok(Some(Ok(message))) => {
                request.brought = true;
                if !accept(&mut self.received, &mut self.next, following, &message) {
                    return Ok(Step::Stale);
                }
                self.gather(limit).await;
                Ok(Step::On)
            }
            // It has brought all that it was asked for.
            Ok(_) if request.brought => {
                following.request = None;
                Ok(Step::On)
            }
            Ok(None) => {
                following.request = None;
                self.look_around().await
            }
            Ok(Some(Err(source))) => {
                Err(LogError::Unavailable { action: "get messages of a stream", source })
            }
        }
    }

    /// Nothing came for a while: finds out whether there is nothing.
    async fn look_around(&mut self) -> Result<Step, LogError> {
        let Some(following) = &mut self.consumer else { return Ok(Step::Stale) };
        let info = self.inner.get_info().await.map_err(unavailable("tell where a stream is"))?;
        let end = Offset(info.state.last_sequence).after();
        if self.next >= Offset(info.state.first_sequence) && self.next == end {
            return Ok(Step::On);
        }
        // What came is in other partitions, if the consumer is to be believed; not for ever without a message.
        if following.heard.elapsed() > DOUBTFUL {
            return Ok(Step::Stale);
        }
        let consumer = following.consumer.get_info().await;
        let consumer = consumer.map_err(unavailable("tell where a consumer is"))?;
        let quiet =
            consumer.num_pending == 0 && consumer.delivered.consumer_sequence == following.number;
        Ok(if quiet && self.filters.len() > 1 { Step::On } else { Step::Stale })
    }

    /// Takes what else is there or on its way, up to the limit or the end of the request.
    async fn gather(&mut self, limit: ReadLimit) {
        let Some(following) = &mut self.consumer else { return };
        let mut bytes: usize = self.received.iter().map(Received::bytes).sum();
        while following.more && self.received.len() < limit.entries && bytes < limit.bytes {
            let Some(request) = &mut following.request else { break };
            match timeout(ON_ITS_WAY, request.messages.next()).await {
                Ok(Some(Ok(message))) => {
                    if !accept(&mut self.received, &mut self.next, following, &message) {
                        self.consumer = None;
                        return;
                    }
                    bytes += message.payload.len();
                }
                // It has brought all that it was asked for.
                Ok(Some(Err(_)) | None) => following.request = None,
                Err(_elapsed) => {
                    self.consumer = None;
                    return;
                }
            }
        }
    }

    /// Finds out whether what lies between received messages was others' or was trimmed. Retention moves the
    /// first offset of a stream up only: what lies behind it now was there all the time.
    async fn judge_gaps(&mut self) -> Result<(), LogError> {
        if !self.received.iter().any(|received| matches!(received.gap, Gap::Unknown(_))) {
            return Ok(());
        }
        let info = self.inner.get_info().await.map_err(unavailable("tell where a stream is"))?;
        let first = Offset(info.state.first_sequence);
        for received in &mut self.received {
            if let Gap::Unknown(from) = received.gap {
                let until = first.min(received.offset);
                let lost = first > from;
                received.gap =
                    if lost { Gap::Lost(LostRange { from, until }) } else { Gap::None };
            }
        }
        Ok(())
    }

    /// What is to be returned, if there is anything.
    fn take(&mut self, limit: ReadLimit) -> Option<Result<LogBatch, LogError>> {
        let mut lost = self.lost.take();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while let Some(first) = self.received.front_mut() {
            bytes += first.bytes();
            let over = entries.len() >= limit.entries || bytes > limit.bytes;
            if !entries.is_empty() && (over || first.gap != Gap::None || first.entry.is_err()) {
                break;
            }
            if let Gap::Lost(range) = first.gap {
                lost = Some(LostRange { from: lost.map_or(range.from, |lost| lost.from), ..range });
                first.gap = Gap::None;
            }
            match &first.entry {
                Ok(entry) => {
                    entries.push(StoredEntry { offset: first.offset, entry: entry.clone() });
                    self.received.pop_front();
                }
                // Told again and again until the reader is opened behind it; a loss before it is told first.
                Err(_) if lost.is_some() => break,
                Err(reason) => {
                    let (stream, offset, reason) = (self.stream, first.offset, reason.clone());
                    return Some(Err(LogError::Damaged { stream, offset, reason }));
                }
            }
        }
        if entries.is_empty() && lost.is_none() {
            return None;
        }
        let next = match (entries.last(), self.received.front()) {
            (Some(last), Some(_)) => last.offset.after(),
            (None, Some(first)) => first.offset,
            (_, None) => self.next,
        };
        Some(Ok(LogBatch { entries, next, lost }))
    }
}

impl Received {
    fn bytes(&self) -> usize {
        self.entry.as_ref().map_or(0, |entry| entry.payload.len())
    }
}

/// Adds a message to those received. False when it is not the next one of its consumer.
fn accept(
    received: &mut VecDeque<Received>,
    next: &mut Offset,
    following: &mut Following,
    message: &Message,
) -> bool {
    let Ok(info) = message.info() else { return false };
    let offset = Offset(info.stream_sequence);
    if info.consumer_sequence != following.number + 1 || offset < *next {
        return false;
    }
    following.number = info.consumer_sequence;
    following.more = info.pending > 0;
    following.heard = Instant::now();
    let gap = if offset == *next { Gap::None } else { Gap::Unknown(*next) };
    received.push_back(Received { offset, entry: entry(message, &info), gap });
    *next = offset.after();
    true
}

fn entry(message: &Message, info: &Info<'_>) -> Result<Entry, String> {
    let token = message.subject.rsplit('.').next().unwrap_or_default();
    let partition = token.parse().map_err(|_| {
        format!("message {} has subject `{}`, which ends in no partition", info.stream_sequence, message.subject)
    })?;
    let headers = headers(message.headers.as_ref());
    Ok(Entry { partition: Partition(partition), headers, payload: message.payload.clone() })
}

#[async_trait]
impl LogReader for NatsReader {
    async fn next(&mut self, limit: ReadLimit, wait: Duration) -> Result<LogBatch, LogError> {
        let limit = ReadLimit { entries: limit.entries.max(1), bytes: limit.bytes.max(1) };
        let until = deadline(wait);
        let mut failures = 0;
        loop {
            self.judge_gaps().await?;
            if let Some(batch) = self.take(limit) {
                return batch;
            }
            match self.step(limit, until).await {
                Ok(Step::On) => failures = 0,
                Ok(Step::Stale) => self.consumer = None,
                Ok(Step::Over) => {
                    return Ok(LogBatch { entries: Vec::new(), next: self.next, lost: None });
                }
                Err(failure) => {
                    self.consumer = None;
                    // While the server is away, try again until the wait is over.
                    let passing = matches!(failure, LogError::Unavailable { .. });
                    if !passing || Instant::now() + pause(failures) >= until {
                        return Err(failure);
                    }
                    sleep(pause(failures)).await;
                    failures += 1;
                }
            }
        }
    }
}

impl NatsReader {
    /// Makes sure of a consumer, then waits for messages.
    async fn step(&mut self, limit: ReadLimit, until: Instant) -> Result<Step, LogError> {
        if self.consumer.is_none() {
            self.start().await?;
            // Perhaps there is a loss to tell of.
            return Ok(Step::On);
        }
        self.receive(limit, until).await
    }
}
