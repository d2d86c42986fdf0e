//! A reader of a JetStream stream.
//!
//! Reads through a consumer that the server keeps in memory, without acknowledgements: the offset is the
//! reader's. Whatever happens to the consumer, a new one is made from that offset: when the connection was
//! lost, when the server forgot the consumer, when messages went past this reader (their numbers within the
//! consumer have a hole), and when nothing comes although the stream has more. Consumers of JetStream have
//! stalled without a word in all of these.

mod received;

use std::time::Duration;

use airside_ports::{
    Entry, LogBatch, LogError, LogReader, LostRange, Offset, Partition, ReadLimit, Stream,
};
use async_nats::jetstream::consumer::pull::{self, Batch};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::message::Info;
use async_nats::jetstream::{Message, stream::Stream as JetStream};
use async_trait::async_trait;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use self::received::Received;
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
    /// The subjects of its partitions.
    filters: Vec<String>,
    /// Whether those are all.
    every: bool,
    /// The offset from which on messages are to be received.
    next: Offset,
    consumer: Option<Following>,
    received: Received,
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
        (filters, every): (Vec<String>, bool),
        from: Offset,
    ) -> Self {
        let (next, received) = (from.max(Offset::START), Received::default());
        Self { link, inner, stream, filters, every, next, consumer: None, received }
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
        // Of a stream whose entries are replaced, the last of each key are there: nothing is lost.
        if from > self.next && !self.stream.is_replaced() {
            self.received.lose(LostRange { from: self.next, until: from });
        }
        self.next = from;
        let heard = Instant::now();
        self.consumer =
            Some(Following { consumer, connection, request: None, number: 0, more, heard });
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
        Ok(if quiet && !self.every { Step::On } else { Step::Stale })
    }

    /// Takes what else is there or on its way, up to the limit or the end of the request.
    async fn gather(&mut self, limit: ReadLimit) {
        let Some(following) = &mut self.consumer else { return };
        let mut bytes = self.received.bytes();
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

    /// Finds out whether what lies between received messages was others' or was trimmed.
    async fn judge_gaps(&mut self) -> Result<(), LogError> {
        if self.received.has_unknown_gaps() {
            let info =
                self.inner.get_info().await.map_err(unavailable("tell where a stream is"))?;
            let first = Offset(info.state.first_sequence);
            let kept = if self.stream.is_replaced() { Offset::START } else { first };
            self.received.judge_gaps(kept);
        }
        Ok(())
    }

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

/// Adds a message to those received. False when it is not the next one of its consumer.
fn accept(
    received: &mut Received,
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
    received.push(offset, entry(message, &info), *next);
    *next = offset.after();
    true
}

fn entry(message: &Message, info: &Info<'_>) -> Result<Entry, String> {
    let token = message.subject.rsplit('.').next().unwrap_or_default();
    let partition = token.parse().map_err(|_| {
        format!(
            "message {} has subject `{}`, which ends in no partition",
            info.stream_sequence, message.subject
        )
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
            if let Some(batch) = self.received.take(self.stream, limit, self.next) {
                return batch;
            }
            let failure = match self.step(limit, until).await {
                Ok(Step::On) => continue,
                Ok(Step::Over) => {
                    return Ok(LogBatch { entries: Vec::new(), next: self.next, lost: None });
                }
                Ok(Step::Stale) if failures == 0 => None,
                Ok(Step::Stale) => Some(unavailable("keep in step")(Stalled)),
                Err(failure) => Some(failure),
            };
            self.consumer = None;
            // While the server is away, try again until the wait is over.
            match failure {
                Some(LogError::Unavailable { .. }) | None
                    if Instant::now() + pause(failures) < until => {}
                Some(failure) => return Err(failure),
                None => {}
            }
            sleep(pause(failures)).await;
            failures += 1;
        }
    }
}

/// Several consumers in a row gave out of order, or not at all, what they said they had.
#[derive(Debug, thiserror::Error)]
#[error("its consumers do not give what they say they have")]
struct Stalled;
