//! Scans that were handed in: a work queue, so that any scanner of the deployment may carry one out.

use std::sync::Arc;
use std::time::Duration;

use airside_ports::{Batch, Clock, Delivery, Keyspace, Queue, QueueError, Store};
use airside_ports::{Headers, Job as QueuedJob};
use airside_service::retry::Backoff;
use airside_service::{Caller, CancellationToken, DeadLetters, Deps};
use airside_types::{DeadLetter, Id, Severity, Tenant, Timestamp};
use airside_wire::job::{
    Job, JobState, ScanJob, decode_job, decode_scan_job, encode_job, encode_scan_job,
};
use airside_wire::scan::ScanRequest;
use airside_wire::{ApiError, ErrorCode, MessageType};

use crate::QUEUE;
use crate::api::carry_out;
use crate::ledger::Ledger;

/// Jobs and their results, by tenant and id.
const JOBS: Keyspace = Keyspace::new("scanner.jobs");
/// How long one look into the queue waits.
const WAIT: Duration = Duration::from_secs(2);

/// The jobs of all tenants. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Jobs {
    queue: Arc<dyn Queue>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    dead_letters: DeadLetters,
    ledger: Ledger,
    attempts: u32,
    failing_severity: Severity,
}

impl Jobs {
    pub(crate) fn new(
        deps: &Deps,
        ledger: Ledger,
        attempts: u32,
        failing_severity: Severity,
    ) -> Self {
        Self {
            queue: Arc::clone(&deps.queue),
            store: Arc::clone(&deps.store),
            clock: Arc::clone(&deps.clock),
            dead_letters: deps.dead_letters("scanner"),
            ledger,
            attempts: attempts.max(1),
            failing_severity,
        }
    }

    /// The time by which scans are carried out.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hands a scan in. The same scan handed in again is the same job.
    pub(crate) async fn submit(&self, tenant: &Tenant, scan: ScanRequest) -> Result<Id, ApiError> {
        let now = self.clock.now();
        let job = ScanJob::new(tenant.clone(), scan, now);
        let payload = encode_scan_job(&job).map_err(|error| invalid(&error))?;
        let headers = Headers {
            message: MessageType::ScanJob.as_str().to_owned(),
            trace_parent: airside_telemetry::trace::parent_of_current(),
        };
        let state = Job { id: job.id, submitted: now, attempts: 0, state: JobState::Queued };
        self.put(tenant, &state).await?;
        let queued = QueuedJob { id: job.id, headers, payload };
        self.queue.enqueue(QUEUE, queued).await.map_err(|error| {
            let code = match &error {
                QueueError::Full { .. } => ErrorCode::ResourceExhausted,
                QueueError::TooLarge { .. } => ErrorCode::InvalidArgument,
                QueueError::Closed | QueueError::Unavailable { .. } => ErrorCode::Unavailable,
            };
            ApiError::new(code, error.to_string())
        })?;
        Ok(job.id)
    }

    /// How far a job is.
    pub(crate) async fn get(&self, tenant: &Tenant, id: Id) -> Result<Option<Job>, ApiError> {
        let stored =
            self.store.get(JOBS, &key(tenant, id)).await.map_err(|error| unavailable(&error))?;
        let job = stored.map(|bytes| decode_job(&bytes)).transpose();
        job.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))
    }

    /// Carries out jobs until told to stop; the one that was begun is finished.
    pub(crate) async fn work(&self, stop: &CancellationToken) {
        let mut backoff = Backoff::default();
        loop {
            let taken = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                taken = self.queue.take(QUEUE, 1, WAIT) => taken,
            };
            match taken {
                Ok(deliveries) => {
                    backoff.reset();
                    for delivery in deliveries {
                        self.settle(delivery).await;
                    }
                }
                Err(QueueError::Closed) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "scan jobs cannot be taken, trying again");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(backoff.wait()) => {}
                    }
                }
            }
        }
    }

    async fn settle(&self, delivery: Delivery) {
        let attempt = delivery.attempt;
        let settled = match self.carry_out(&delivery).await {
            Ok(()) => delivery.done().await,
            Err(error) if attempt < self.attempts => {
                tracing::warn!(error = %error, attempt, "a scan job failed, trying again");
                delivery.retry(Duration::from_secs(u64::from(attempt))).await
            }
            Err(error) => self.give_up(delivery, &error).await,
        };
        if let Err(error) = settled {
            tracing::warn!(error = %error, "a scan job cannot be settled and will come again");
        }
    }

    async fn carry_out(&self, delivery: &Delivery) -> Result<(), ApiError> {
        let job = decode_scan_job(&delivery.job.payload).map_err(|error| invalid(&error))?;
        let state =
            |state| Job { id: job.id, submitted: job.submitted, attempts: delivery.attempt, state };
        self.put(&job.tenant, &state(JobState::Running)).await?;
        let caller = Caller::local(job.tenant.clone());
        let answer = carry_out(
            &self.ledger,
            &caller,
            job.scan.clone(),
            self.failing_severity,
            job.submitted,
        )
        .await?;
        let finished = self.clock.now();
        let done = JobState::Done { finished, answer: Box::new(answer) };
        self.put(&job.tenant, &state(done)).await
    }

    async fn give_up(&self, delivery: Delivery, error: &ApiError) -> Result<(), QueueError> {
        let now = self.clock.now();
        let payload = &delivery.job.payload;
        let letter = DeadLetter::new("scan-jobs", &error.message, payload, now);
        if let Err(error) = self.dead_letters.set_aside(&[letter]).await {
            tracing::warn!(error = %error, "a dead letter cannot be kept: the job will come again");
            return delivery.retry(Duration::from_secs(30)).await;
        }
        if let Ok(job) = decode_scan_job(payload) {
            let failed = JobState::Failed { finished: now, error: error.message.clone() };
            let state = Job {
                id: job.id,
                submitted: job.submitted,
                attempts: delivery.attempt,
                state: failed,
            };
            if let Err(error) = self.put(&job.tenant, &state).await {
                tracing::warn!(error = %error, "the end of a scan job cannot be stored");
            }
        }
        delivery.done().await
    }

    async fn put(&self, tenant: &Tenant, job: &Job) -> Result<(), ApiError> {
        let mut batch = Batch::new();
        batch.put(JOBS, key(tenant, job.id), encode_job(job).map_err(|error| invalid(&error))?);
        self.store.commit(batch).await.map_err(|error| unavailable(&error))
    }
}

fn key(tenant: &Tenant, id: Id) -> Vec<u8> {
    let mut key = tenant.as_str().as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(id.as_bytes());
    key
}

fn invalid(error: &dyn std::error::Error) -> ApiError {
    ApiError::new(ErrorCode::InvalidArgument, error.to_string())
}

fn unavailable(error: &dyn std::error::Error) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, error.to_string())
}
