//! One queue: its jobs in memory and in the store.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airside_ports::queue::Settle;
use airside_ports::{
    Batch, Delivery, Job, KeyRange, Keyspace, Order, QueueError, QueueName, Store, StoreError,
};
use airside_types::Id;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::super::encoding;
use super::jobs::{Jobs, Lease, Number};
use super::{EmbeddedQueueOptions, finished, unavailable};
use crate::deadline;

/// How many pairs one scan reads when the queue is opened.
const SCAN: usize = 1000;

/// Where a queue lies in the store.
#[derive(Debug, Clone, Copy)]
struct Keyspaces {
    /// Number of arrival to job.
    jobs: Keyspace,
    /// Id to number of arrival.
    ids: Keyspace,
    /// Number of arrival to how often the job was delivered.
    attempts: Keyspace,
}

const fn keyspaces(queue: QueueName) -> Keyspaces {
    match queue {
        QueueName::ScanJobs => Keyspaces {
            jobs: Keyspace::new("queue.scan-jobs"),
            ids: Keyspace::new("queue.scan-jobs.ids"),
            attempts: Keyspace::new("queue.scan-jobs.attempts"),
        },
    }
}

/// One queue.
pub(super) struct Line {
    queue: QueueName,
    store: Arc<dyn Store>,
    options: EmbeddedQueueOptions,
    keyspaces: Keyspaces,
    jobs: Mutex<Jobs>,
    /// Something became ready, or the queue was closed.
    changed: Notify,
    closed: AtomicBool,
}

impl Line {
    pub(super) async fn open(
        queue: QueueName,
        store: Arc<dyn Store>,
        options: EmbeddedQueueOptions,
    ) -> Result<Self, QueueError> {
        let keyspaces = keyspaces(queue);
        let mut jobs = Jobs::default();
        let mut range = KeyRange::all();
        loop {
            let scan = store.scan(keyspaces.ids, range, Order::Ascending, SCAN).await;
            let found = scan.map_err(unavailable("read the jobs of a queue"))?;
            for (id, number) in &found {
                let (Some(id), Some(number)) = (decode_id(id), decode_number(number)) else {
                    tracing::error!(%queue, key = ?id, "job has a damaged index entry and is left out");
                    continue;
                };
                let attempts = store.get(keyspaces.attempts, &number.to_be_bytes()).await;
                let attempts = attempts.map_err(unavailable("read how often a job was tried"))?;
                jobs.admit(number, id, attempts.as_deref().map_or(0, decode_attempts));
            }
            match found.last() {
                Some((last, _)) if found.len() == SCAN => {
                    let after = [last, &[0][..]].concat();
                    range = KeyRange::starting_at(&after);
                }
                _ => break,
            }
        }
        let (jobs, changed, closed) = (Mutex::new(jobs), Notify::new(), AtomicBool::new(false));
        Ok(Self { queue, store, options, keyspaces, jobs, changed, closed })
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) async fn enqueue(&self, job: Job) -> Result<(), QueueError> {
        self.check_open()?;
        let bytes = encoding::stored_bytes(&job.headers, &job.payload);
        let limit_bytes = self.options.max_job_bytes;
        if bytes > limit_bytes {
            return Err(QueueError::TooLarge { queue: self.queue, bytes, limit_bytes });
        }
        // Before the bound: a repeat takes no place.
        let known = self.store.get(self.keyspaces.ids, job.id.as_bytes()).await;
        if known.map_err(unavailable("look for a job"))?.is_some() {
            return Ok(());
        }
        let limit = self.options.max_jobs;
        let full = QueueError::Full { queue: self.queue, limit };
        let number = self.lock().reserve(limit).ok_or(full)?;
        let mut batch = Batch::new();
        let key = number.to_be_bytes();
        batch.expect(self.keyspaces.ids, *job.id.as_bytes(), None);
        batch.put(self.keyspaces.ids, *job.id.as_bytes(), Bytes::copy_from_slice(&key));
        batch.put(self.keyspaces.jobs, key, encoding::encode_job(&job));
        let committed = self.store.commit(batch).await;
        let mut jobs = self.lock();
        jobs.release();
        match committed {
            Ok(()) => jobs.admit(number, job.id, 0),
            // The same job came at the same time: that it is there is durable.
            Err(StoreError::Conflict { .. }) => return Ok(()),
            Err(error) => return Err(unavailable("store a job")(error)),
        }
        drop(jobs);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Makes deliveries of leased jobs: counts the attempts durably, then hands over.
    async fn deliver(self: &Arc<Self>, leases: Vec<Lease>) -> Result<Vec<Delivery>, QueueError> {
        let mut deliveries = Vec::with_capacity(leases.len());
        let mut batch = Batch::new();
        for lease in leases {
            // Gives the job back should this function end early.
            let settle = Box::new(Settlement { line: Arc::clone(self), lease });
            let key = lease.number.to_be_bytes();
            let stored = self.store.get(self.keyspaces.jobs, &key).await;
            let stored = stored.map_err(unavailable("read a job"))?;
            match stored.as_ref().map(encoding::decode_job) {
                Some(Ok(job)) => {
                    let attempt = Bytes::copy_from_slice(&lease.attempt.to_be_bytes());
                    batch.put(self.keyspaces.attempts, key, attempt);
                    deliveries.push(Delivery::new(job, lease.attempt, settle));
                }
                damage => {
                    let reason =
                        damage.and_then(Result::err).unwrap_or_else(|| "it is missing".into());
                    tracing::error!(
                        queue = %self.queue, number = lease.number, %reason,
                        "job is damaged and left out; its bytes stay in the store"
                    );
                    self.lock().remove(lease.number);
                }
            }
        }
        let counted = self.store.commit(batch).await;
        counted.map_err(unavailable("count an attempt"))?;
        Ok(deliveries)
    }

    async fn settle(&self, number: Number) -> Result<(), QueueError> {
        let Some(id) = self.lock().begin_settling(number) else { return Ok(()) };
        let mut batch = Batch::new();
        batch.delete(self.keyspaces.jobs, number.to_be_bytes());
        batch.delete(self.keyspaces.attempts, number.to_be_bytes());
        batch.delete(self.keyspaces.ids, *id.as_bytes());
        let removed = self.store.commit(batch).await;
        self.lock().end_settling(number, removed.is_ok());
        self.changed.notify_waiters();
        removed.map_err(unavailable("remove a job that is done"))
    }

    /// Changes what becomes of a lease. One that is over is left as it is.
    fn change(&self, change: impl FnOnce(&mut Jobs) -> bool) {
        if change(&mut self.lock()) {
            self.changed.notify_waiters();
        }
    }

    fn check_open(&self) -> Result<(), QueueError> {
        if self.closed.load(Ordering::Acquire) { Err(QueueError::Closed) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// Takes jobs as soon as there are some, until the wait ends.
pub(super) async fn take(
    line: &Arc<Line>,
    max: usize,
    wait: Duration,
) -> Result<Vec<Delivery>, QueueError> {
    let ends = deadline(wait);
    loop {
        // Listening begins before looking, so that nothing comes unseen in between.
        let mut changed = std::pin::pin!(line.changed.notified());
        changed.as_mut().enable();
        line.check_open()?;
        let (leases, next_timer) = {
            let mut jobs = line.lock();
            let leases = jobs.lease(max, Instant::now(), deadline(line.options.visibility));
            (leases, jobs.next_timer())
        };
        if !leases.is_empty() {
            let line = Arc::clone(line);
            let deliveries =
                finished(tokio::spawn(async move { line.deliver(leases).await })).await?;
            if !deliveries.is_empty() {
                return Ok(deliveries);
            }
        } else if Instant::now() >= ends {
            return Ok(Vec::new());
        } else {
            let until = next_timer.map_or(ends, |timer| timer.min(ends));
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => {}
            }
        }
    }
}

/// How a delivery is settled. Dropped, it gives the job back.
struct Settlement {
    line: Arc<Line>,
    lease: Lease,
}

#[async_trait]
impl Settle for Settlement {
    async fn done(self: Box<Self>) -> Result<(), QueueError> {
        let (line, number) = (Arc::clone(&self.line), self.lease.number);
        finished(tokio::spawn(async move { line.settle(number).await })).await
    }

    async fn retry(self: Box<Self>, after: Duration) -> Result<(), QueueError> {
        self.line.check_open()?;
        self.line.change(|jobs| jobs.retry(self.lease, deadline(after)));
        Ok(())
    }

    async fn extend(&self) -> Result<(), QueueError> {
        self.line.check_open()?;
        let until = deadline(self.line.options.visibility);
        self.line.change(|jobs| jobs.extend(self.lease, until));
        Ok(())
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.line.change(|jobs| jobs.give_back(self.lease));
    }
}

fn decode_id(stored: &[u8]) -> Option<Id> {
    stored.try_into().ok().map(Id::from_bytes)
}

fn decode_number(stored: &[u8]) -> Option<Number> {
    stored.try_into().ok().map(Number::from_be_bytes)
}

fn decode_attempts(stored: &[u8]) -> u32 {
    stored.try_into().map(u32::from_be_bytes).unwrap_or_default()
}
