//! The work queues within the process, over a store.
//!
//! The store holds the jobs by number of arrival, their ids, and how often each was delivered; who works on
//! what is in memory. So a restart delivers again, at once, whatever was not done, with its attempts counted
//! on. A delivery that is dropped is delivered again at once; one that is forgotten, when its time limit has
//! passed. What is retried or dropped keeps its place in the order.

mod jobs;
mod line;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use airside_ports::{Delivery, Job, Queue, QueueError, QueueName, Store, StoreError};
use async_trait::async_trait;

use self::line::Line;

/// The settings of embedded queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedQueueOptions {
    /// How long a delivery is its taker's before the job is delivered again; default 30 s.
    pub visibility: Duration,
    /// How many jobs a queue holds, those that are worked on included; default 10,000.
    pub max_jobs: u64,
    /// The bytes of one job with its headers; default 1 MiB.
    pub max_job_bytes: usize,
}

impl Default for EmbeddedQueueOptions {
    fn default() -> Self {
        Self { visibility: Duration::from_secs(30), max_jobs: 10_000, max_job_bytes: 1 << 20 }
    }
}

/// The work queues in a store of this process. Open them only once over a store.
#[derive(Debug)]
pub struct EmbeddedQueue {
    lines: BTreeMap<QueueName, Arc<Line>>,
}

impl EmbeddedQueue {
    /// Opens the queues that the store holds, empty ones the first time.
    pub async fn open(
        store: Arc<dyn Store>,
        options: EmbeddedQueueOptions,
    ) -> Result<Self, QueueError> {
        let mut lines = BTreeMap::new();
        for queue in QueueName::ALL {
            let line = Line::open(queue, Arc::clone(&store), options.clone()).await?;
            lines.insert(queue, Arc::new(line));
        }
        Ok(Self { lines })
    }

    /// Answers whoever waits, and whoever comes, with [`QueueError::Closed`]. The store stays open.
    pub fn close(&self) {
        for line in self.lines.values() {
            line.close();
        }
    }

    fn line(&self, queue: QueueName) -> Result<&Arc<Line>, QueueError> {
        self.lines.get(&queue).ok_or(QueueError::Closed)
    }
}

#[async_trait]
impl Queue for EmbeddedQueue {
    async fn enqueue(&self, queue: QueueName, job: Job) -> Result<(), QueueError> {
        let line = Arc::clone(self.line(queue)?);
        finished(tokio::spawn(async move { line.enqueue(job).await })).await
    }

    async fn take(
        &self,
        queue: QueueName,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        line::take(self.line(queue)?, max, wait).await
    }
}

/// Waits for a step that runs to its end even when nobody waits any more: half-way, store and memory would
/// differ.
async fn finished<T>(
    step: tokio::task::JoinHandle<Result<T, QueueError>>,
) -> Result<T, QueueError> {
    step.await.map_err(|panic| QueueError::Unavailable {
        action: "finish a step",
        source: Box::new(panic),
    })?
}

fn unavailable(action: &'static str) -> impl Fn(StoreError) -> QueueError {
    move |error| match error {
        StoreError::Closed => QueueError::Closed,
        source => QueueError::Unavailable { action, source: Box::new(source) },
    }
}
