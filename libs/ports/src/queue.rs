//! The work-queue port: independent jobs, acknowledged one by one.
//!
//! A job is delivered again when its delivery is dropped, retried or not settled in time; so a job must
//! be safe to do twice. A job is gone for good once any of its deliveries was settled as done.
//! Dead-lettering is the worker's: it appends to [`crate::Stream::DeadLetters`] and
//! then acknowledges.

use std::error::Error;
use std::fmt::{self, Debug};
use std::time::Duration;

use airside_types::Id;
use async_trait::async_trait;
use bytes::Bytes;

use crate::log::Headers;

/// The queues of a deployment. A name is part of subjects and keys: it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueueName {
    /// Manifests to scan.
    ScanJobs,
}

impl QueueName {
    /// All queues.
    pub const ALL: [Self; 1] = [Self::ScanJobs];

    /// The queue's name in subjects, keys and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScanJobs => "scan-jobs",
        }
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Derived from content: enqueuing the same job twice while it waits keeps one.
    pub id: Id,
    /// What accompanies the payload.
    pub headers: Headers,
    /// The encoded message.
    pub payload: Bytes,
}

/// Why the queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue holds as many jobs as it may.
    #[error("queue `{queue}` is full (limit {limit} jobs): try again later")]
    Full {
        /// The queue.
        queue: QueueName,
        /// Its bound.
        limit: u64,
    },
    /// The job is larger than the queue takes.
    #[error("a job of {bytes} bytes for queue `{queue}` exceeds the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The queue.
        queue: QueueName,
        /// The job's size.
        bytes: usize,
        /// The bound of one job.
        limit_bytes: usize,
    },
    /// The queue was closed.
    #[error("the queue is closed")]
    Closed,
    /// The queue cannot be reached or did not answer; trying again may help.
    #[error("the queue did not {action}")]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// What the adapter said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// How a delivery is settled: the adapter's half of [`Delivery`].
#[async_trait]
pub trait Settle: Send + Sync {
    /// The job is done.
    async fn done(self: Box<Self>) -> Result<(), QueueError>;
    /// Deliver the job again, not before the span has passed.
    async fn retry(self: Box<Self>, after: Duration) -> Result<(), QueueError>;
    /// The job is still being worked on: start its time limit anew.
    async fn extend(&self) -> Result<(), QueueError>;
}

/// One delivery of a job. Dropping it without a verdict means that the job is delivered again.
pub struct Delivery {
    /// The job.
    pub job: Job,
    /// How often it has been delivered, this time included: 1 the first time. Survives restarts, so that a
    /// job that takes its worker down is not tried forever.
    pub attempt: u32,
    settle: Box<dyn Settle>,
}

impl Delivery {
    /// A delivery with the adapter's way to settle it.
    pub fn new(job: Job, attempt: u32, settle: Box<dyn Settle>) -> Self {
        Self { job, attempt, settle }
    }

    /// The job is done: it will not be delivered again.
    pub async fn done(self) -> Result<(), QueueError> {
        self.settle.done().await
    }

    /// Deliver the job again, not before the span has passed.
    pub async fn retry(self, after: Duration) -> Result<(), QueueError> {
        self.settle.retry(after).await
    }

    /// The job is still being worked on: start its time limit anew.
    pub async fn extend(&self) -> Result<(), QueueError> {
        self.settle.extend().await
    }
}

impl Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("job", &self.job.id)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// The work queues of a deployment.
#[async_trait]
pub trait Queue: Debug + Send + Sync + 'static {
    /// Adds a job. It is durable when this returns. A job whose id is in the queue already, waiting or
    /// being worked on, is kept once.
    async fn enqueue(&self, queue: QueueName, job: Job) -> Result<(), QueueError>;

    /// Takes up to `max` jobs, waiting up to `wait` for the first one. Each is this caller's until it is
    /// settled, dropped, or its time limit has passed.
    async fn take(
        &self,
        queue: QueueName,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, QueueError>;
}
