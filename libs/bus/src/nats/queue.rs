//! The work queue in JetStream.
//!
//! A stream with a subject for each job, of which it keeps one message and refuses a second: so a job is kept
//! once while it is there, and a job that is done can come again, which no window of duplicates gives. Jobs
//! are handed out by one durable consumer with an acknowledgement each. Done means that the message is
//! deleted; then it is acknowledged. (The other order, or retention by work queue, can leave messages behind
//! that nobody is given.)
//!
//! A delivery that is dropped within its time limit is handed back at once; later it is the server's, and
//! perhaps somebody else's. A take that is dropped may leave jobs on their way; they come again after the
//! time limit. How often a job was delivered reaches the server's disk a moment later: one that is killed may
//! count a delivery less.

mod settlement;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use airside_ports::{Delivery, Job, Queue, QueueError, QueueName};
use airside_types::Id;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::{self, Batch};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream as JetStream};
use async_trait::async_trait;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use self::settlement::Settlement;
use super::connection::{Link, NatsConnection, pause};
use super::log::{is_over, is_passing};
use super::message;
use super::options::{NatsError, Storage};
use super::stream::{ensure, storage_type};
use crate::deadline;

/// The consumer that hands out jobs, shared by all workers.
const CONSUMER: &str = "workers";
/// How long one request for jobs stands at most.
const REQUEST: Duration = Duration::from_secs(30);
/// How much longer than a request stands its answer may take.
const GRACE: Duration = Duration::from_secs(2);

/// The settings of queues in JetStream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsQueueOptions {
    /// How many servers keep each job: 1, 3 or 5; default 1.
    pub replicas: usize,
    /// Where they keep it; default on disk.
    pub storage: Storage,
    /// How long a delivery is its taker's before the job is delivered again; default 30 s.
    pub visibility: Duration,
    /// How many jobs a queue holds, those that are worked on included; default 10,000.
    pub max_jobs: u64,
    /// How long enqueuing tries again before it fails, while the server does not answer; default 10 s.
    pub enqueue_within: Duration,
}

impl Default for NatsQueueOptions {
    fn default() -> Self {
        Self {
            replicas: 1,
            storage: Storage::File,
            visibility: Duration::from_secs(30),
            max_jobs: 10_000,
            enqueue_within: Duration::from_secs(10),
        }
    }
}

/// The work queues in JetStream.
pub struct NatsQueue {
    link: Link,
    options: NatsQueueOptions,
    lines: BTreeMap<QueueName, Line>,
}

struct Line {
    stream: JetStream,
    consumer: PullConsumer,
}

impl NatsQueue {
    /// Opens the queues of the connection's prefix, making them if they are not there and changing their
    /// bounds where they differ.
    pub async fn open(
        connection: &NatsConnection,
        options: NatsQueueOptions,
    ) -> Result<Self, NatsError> {
        let link = connection.link().clone();
        let mut lines = BTreeMap::new();
        for queue in QueueName::ALL {
            let line = Line::open(&link, queue, &options).await?;
            lines.insert(queue, line);
        }
        Ok(Self { link, options, lines })
    }

    fn line(&self, queue: QueueName) -> Result<&Line, QueueError> {
        self.lines.get(&queue).ok_or(QueueError::Closed)
    }

    /// One request for jobs, which stands until one comes or its time is over. Zero asks for what is there.
    async fn request(
        &self,
        line: &Line,
        max: usize,
        stands: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        let asked = if stands.is_zero() {
            line.consumer.fetch().max_messages(max).messages().await
        } else {
            // For one only: what would come after it would find nobody waiting.
            line.consumer.batch().max_messages(1).expires(stands).messages().await
        };
        let messages = asked.map_err(|source| QueueError::Unavailable {
            action: "ask for jobs",
            source: Box::new(source),
        })?;
        let mut deliveries = Vec::new();
        let mut connections = self.link.connections.clone();
        connections.mark_unchanged();
        // What an earlier connection was asked for does not come on this one.
        tokio::select! {
            biased;
            result = timeout(stands + GRACE, self.collect(line, messages, &mut deliveries)) => {
                // A request without an answer is as good as one without jobs: the next one tells.
                result.unwrap_or(Ok(()))?;
            }
            _ = connections.changed() => {}
        }
        Ok(deliveries)
    }

    async fn collect(
        &self,
        line: &Line,
        mut messages: Batch,
        deliveries: &mut Vec<Delivery>,
    ) -> Result<(), QueueError> {
        while let Some(message) = messages.next().await {
            match message {
                Ok(message) => deliveries.extend(self.delivery(line, message)),
                Err(_) if !deliveries.is_empty() => break,
                Err(source) => {
                    return Err(QueueError::Unavailable { action: "get jobs", source });
                }
            }
        }
        Ok(())
    }

    fn delivery(&self, line: &Line, message: Message) -> Option<Delivery> {
        let described = message.info().ok().map(|info| (info.stream_sequence, info.delivered));
        let id = message.subject.rsplit('.').next().and_then(|token| token.parse::<Id>().ok());
        let (Some((sequence, delivered)), Some(id)) = (described, id) else {
            tracing::error!(subject = %message.subject, "message in a queue is no job and is left there");
            return None;
        };
        let (message, acker) = message.split();
        let headers = message::headers(message.headers.as_ref());
        let job = Job { id, headers, payload: message.payload };
        let attempt = u32::try_from(delivered).unwrap_or(u32::MAX);
        let stream = line.stream.clone();
        let client = self.link.client.clone();
        let settle = Settlement::new(client, stream, sequence, acker, self.options.visibility);
        Some(Delivery::new(job, attempt, Box::new(settle)))
    }
}

impl Line {
    async fn open(
        link: &Link,
        queue: QueueName,
        options: &NatsQueueOptions,
    ) -> Result<Self, NatsError> {
        let name = format!("{}-queue-{queue}", link.prefix);
        let config = Config {
            name: name.clone(),
            subjects: vec![format!("{}.queue.{queue}.*", link.prefix)],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            discard_new_per_subject: true,
            storage: storage_type(options.storage),
            num_replicas: options.replicas,
            max_messages: i64::try_from(options.max_jobs).unwrap_or(i64::MAX),
            max_messages_per_subject: 1,
            max_bytes: -1,
            ..Config::default()
        };
        let stream = ensure(link, config).await?;
        let config = pull::Config {
            durable_name: Some(CONSUMER.to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: options.visibility,
            max_deliver: -1,
            // Never reached: the bound of jobs is the stream's, and some that are done may not be settled yet.
            max_ack_pending: i64::try_from(options.max_jobs.saturating_mul(2)).unwrap_or(i64::MAX),
            ..pull::Config::default()
        };
        // Makes it, or changes its time limit.
        let consumer = stream.create_consumer(config).await.map_err(|error| {
            let (action, source) = ("make the consumer of", Box::new(error));
            NatsError::JetStream { action, stream: name, source }
        })?;
        Ok(Self { stream, consumer })
    }
}

#[async_trait]
impl Queue for NatsQueue {
    async fn enqueue(&self, queue: QueueName, job: Job) -> Result<(), QueueError> {
        let bytes = message::wire_bytes(&job.headers, &job.payload);
        let limit_bytes = self.link.client.max_payload();
        if bytes > limit_bytes {
            return Err(QueueError::TooLarge { queue, bytes, limit_bytes });
        }
        let subject = format!("{}.queue.{queue}.{}", self.link.prefix, job.id);
        let ends = Instant::now() + self.options.enqueue_within;
        let mut attempt = 0;
        loop {
            let message = message::publish(&job.headers, job.payload.clone());
            let published = self.link.publish(subject.clone(), message).await;
            let Err(error) = published else { return Ok(()) };
            if is_over(&error, "maximum messages per subject exceeded") {
                // It is there, perhaps from the attempt before.
                return Ok(());
            }
            if is_over(&error, "maximum messages exceeded") {
                return Err(QueueError::Full { queue, limit: self.options.max_jobs });
            }
            if !is_passing(&error) || Instant::now() >= ends {
                let (action, source) = ("store a job", Box::new(error));
                return Err(QueueError::Unavailable { action, source });
            }
            sleep(pause(attempt)).await;
            attempt += 1;
        }
    }

    async fn take(
        &self,
        queue: QueueName,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        let line = self.line(queue)?;
        let ends = deadline(wait);
        let mut failures = 0;
        let mut stands = Duration::ZERO;
        loop {
            match self.request(line, max.max(1), stands).await {
                Ok(deliveries) if !deliveries.is_empty() => return Ok(deliveries),
                Ok(_) => {
                    failures = 0;
                    stands = ends.saturating_duration_since(Instant::now()).min(REQUEST);
                    if stands.is_zero() {
                        return Ok(Vec::new());
                    }
                }
                // While the server is away, try again until the wait is over.
                Err(error) if Instant::now() + pause(failures) >= ends => return Err(error),
                Err(_) => {
                    sleep(pause(failures)).await;
                    failures += 1;
                    stands = Duration::ZERO;
                }
            }
        }
    }
}

impl fmt::Debug for NatsQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsQueue").field("prefix", &self.link.prefix).finish_non_exhaustive()
    }
}
