//! Scans that were handed in: a work queue, so that any scanner of the deployment may carry one out.
//!
//! Owns handing in, asking and taking back. Carrying out is `worker`'s; which jobs are kept, and for how
//! long, is `history`'s.

mod history;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use airside_ports::{Clock, Headers, Job as QueuedJob, Queue, QueueError};
use airside_service::{DeadLetters, Deps};
use airside_types::{Id, Tenant, Timestamp};
use airside_wire::job::{Job, JobState, ScanJob, encode_scan_job};
use airside_wire::scan::ScanRequest;
use airside_wire::{ApiError, ErrorCode, MessageType};

use self::history::History;
use crate::QUEUE;
use crate::checker::Checker;
use crate::ledger::Ledger;
use crate::options::Options;

/// The jobs of all tenants. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Jobs {
    queue: Arc<dyn Queue>,
    history: History,
    clock: Arc<dyn Clock>,
    dead_letters: DeadLetters,
    ledger: Ledger,
    checker: Checker,
    attempts: u32,
}

impl Jobs {
    pub(crate) fn new(deps: &Deps, ledger: Ledger, checker: Checker, options: &Options) -> Self {
        Self {
            queue: Arc::clone(&deps.queue),
            history: History::new(deps, options),
            clock: Arc::clone(&deps.clock),
            dead_letters: deps.dead_letters("scanner"),
            ledger,
            checker,
            attempts: options.job_attempts.max(1),
        }
    }

    /// The time by which scans are carried out.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hands a scan in. The same scan handed in again is the same job: as long as it waits or is worked on
    /// nothing changes; one that ended is done anew.
    pub(crate) async fn submit(&self, tenant: &Tenant, scan: ScanRequest) -> Result<Id, ApiError> {
        let now = self.clock.now();
        let job = ScanJob::new(tenant.clone(), scan, now);
        let payload = encode_scan_job(&job).map_err(|error| invalid(&error))?;
        let headers = Headers {
            message: MessageType::ScanJob.as_str().to_owned(),
            trace_parent: airside_telemetry::trace::parent_of_current(),
        };
        let before = self.history.get(tenant, job.id).await?;
        let under_way = before.as_ref().is_some_and(|kept| !kept.job.state.is_final());
        if !under_way {
            self.history.make_room(tenant, now).await?;
            // Making room may have removed it.
            let before = self.history.get(tenant, job.id).await?;
            let queued = Job { id: job.id, submitted: now, attempts: 0, state: JobState::Queued };
            self.history.keep(tenant, before.as_ref(), &queued).await?;
        }
        let queued = QueuedJob { id: job.id, headers, payload };
        if let Err(error) = self.queue.enqueue(QUEUE, queued).await {
            if !under_way {
                self.history.forget(tenant, job.id).await?;
            }
            return Err(not_queued(&error));
        }
        Ok(job.id)
    }

    /// How far a job is.
    pub(crate) async fn get(&self, tenant: &Tenant, id: Id) -> Result<Option<Job>, ApiError> {
        Ok(self.history.get(tenant, id).await?.map(|kept| kept.job))
    }

    /// Takes a job back that no worker has begun; none when there is no such job.
    pub(crate) async fn cancel(&self, tenant: &Tenant, id: Id) -> Result<Option<Job>, ApiError> {
        let Some(before) = self.history.get(tenant, id).await? else { return Ok(None) };
        if before.job.state != JobState::Queued {
            return Err(ApiError::new(
                ErrorCode::FailedPrecondition,
                format!("job {id} was begun: it cannot be taken back any more"),
            ));
        }
        let state = JobState::Cancelled { finished: self.clock.now() };
        let cancelled = Job { state, ..before.job.clone() };
        self.history.keep(tenant, Some(&before), &cancelled).await?;
        Ok(Some(cancelled))
    }
}

fn not_queued(error: &QueueError) -> ApiError {
    let code = match error {
        QueueError::Full { .. } => ErrorCode::ResourceExhausted,
        QueueError::TooLarge { .. } => ErrorCode::InvalidArgument,
        QueueError::Closed | QueueError::Unavailable { .. } => ErrorCode::Unavailable,
    };
    ApiError::new(code, error.to_string())
}

fn invalid(error: &dyn std::error::Error) -> ApiError {
    ApiError::new(ErrorCode::InvalidArgument, error.to_string())
}
