//! Carrying out jobs from the queue, one after the other.
//!
//! A job may be delivered again: what was done already, or taken back, has no second effect.

use std::time::Duration;

use airside_ports::{Delivery, QueueError};
use airside_service::CancellationToken;
use airside_service::retry::Backoff;
use airside_types::{DeadLetter, Timestamp};
use airside_wire::job::{Job, JobState, ScanJob, decode_scan_job, encode_job};
use airside_wire::scan::ScanAnswer;
use airside_wire::{ApiError, ErrorCode};

use super::history::Kept;
use super::{Jobs, invalid};
use crate::QUEUE;

/// How long one look into the queue waits.
const WAIT: Duration = Duration::from_secs(2);
/// How often the queue is told that a job is still worked on.
const EXTEND: Duration = Duration::from_secs(10);
/// How often jobs that are too old are looked for.
const SWEEP: Duration = Duration::from_secs(600);

impl Jobs {
    /// Carries out jobs until told to stop; the one that was begun is finished.
    pub(crate) async fn work(&self, stop: &CancellationToken) {
        let mut backoff = Backoff::default();
        let mut swept = None;
        loop {
            let now = self.clock.now();
            if swept.is_none_or(|at: Timestamp| at.plus(SWEEP) <= now) {
                swept = Some(now);
                if let Err(error) = self.history.sweep(now).await {
                    tracing::warn!(error = %error, "old scan jobs cannot be removed");
                }
            }
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

    pub(super) async fn settle(&self, delivery: Delivery) {
        let attempt = delivery.attempt;
        let settled = match self.carry_out(&delivery).await {
            Ok(()) => delivery.done().await,
            // What is wrong with the scan itself does not pass.
            Err(error) if attempt < self.attempts && error.code != ErrorCode::InvalidArgument => {
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
        let before = self.history.get(&job.tenant, job.id).await?;
        match &before {
            Some(kept) if kept.job.state.is_final() => return Ok(()),
            // Nobody asks for it any more.
            None if self.history.is_expired(job.submitted, self.clock.now()) => return Ok(()),
            Some(_) | None => {}
        }
        let submitted = before.as_ref().map_or(job.submitted, |kept| kept.job.submitted);
        let running =
            Job { id: job.id, submitted, attempts: delivery.attempt, state: JobState::Running };
        let running = self.history.keep(&job.tenant, before.as_ref(), &running).await?;
        let answer = self.answer_while_extending(delivery, &job, &running).await?;
        let state = JobState::Done { finished: self.clock.now(), answer: Box::new(answer) };
        let done = Job { state, ..running.job.clone() };
        self.history.keep(&job.tenant, Some(&running), &done).await.map(drop)
    }

    /// Tells the queue again and again that the job is worked on, until it is done.
    async fn answer_while_extending(
        &self,
        delivery: &Delivery,
        job: &ScanJob,
        running: &Kept,
    ) -> Result<ScanAnswer, ApiError> {
        let answer = self.answer(job, running);
        tokio::pin!(answer);
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                () = tokio::time::sleep(EXTEND) => {
                    if let Err(error) = delivery.extend().await {
                        tracing::warn!(error = %error, "the time of a scan job cannot be extended");
                    }
                }
            }
        }
    }

    async fn answer(&self, job: &ScanJob, running: &Kept) -> Result<ScanAnswer, ApiError> {
        let turn = self.checker.turn().await?;
        let scan = self.checker.check(turn, &job.tenant, job.scan.clone(), job.submitted).await?;
        let mut answer = ScanAnswer { report: scan.report.clone(), published: None, terms: None };
        self.require_that_it_can_be_kept(running, &answer)?;
        if job.scan.publish {
            let publication = scan.publication(job.scan.cluster.clone());
            answer.published = Some(self.ledger.publish(&job.tenant, publication).await?);
        }
        Ok(answer)
    }

    /// Before anything is published: a job that failed must have had no effect.
    fn require_that_it_can_be_kept(
        &self,
        running: &Kept,
        answer: &ScanAnswer,
    ) -> Result<(), ApiError> {
        let published = Some(Default::default());
        let answer = Box::new(ScanAnswer { published, ..answer.clone() });
        let state = JobState::Done { finished: self.clock.now(), answer };
        let encoded = encode_job(&Job { state, ..running.job.clone() });
        encoded.map(drop).map_err(|error| {
            ApiError::new(
                ErrorCode::InvalidArgument,
                format!("the report is too large to be kept: {error}; use ScanStream"),
            )
        })
    }

    async fn give_up(&self, delivery: Delivery, error: &ApiError) -> Result<(), QueueError> {
        let now = self.clock.now();
        let payload = &delivery.job.payload;
        let letter = DeadLetter::new("scan-jobs", &error.message, payload, now);
        if let Err(error) = self.dead_letters.set_aside(&[letter]).await {
            tracing::warn!(error = %error, "a dead letter cannot be kept: the job will come again");
            return delivery.retry(Duration::from_secs(30)).await;
        }
        if let Ok(job) = decode_scan_job(payload)
            && let Err(error) = self.keep_failure(&job, delivery.attempt, error).await
        {
            tracing::warn!(error = %error, "the end of a scan job cannot be stored");
        }
        delivery.done().await
    }

    async fn keep_failure(
        &self,
        job: &ScanJob,
        attempts: u32,
        error: &ApiError,
    ) -> Result<(), ApiError> {
        let before = self.history.get(&job.tenant, job.id).await?;
        let submitted = before.as_ref().map_or(job.submitted, |kept| kept.job.submitted);
        let state = JobState::Failed { finished: self.clock.now(), error: error.message.clone() };
        let failed = Job { id: job.id, submitted, attempts, state };
        self.history.keep(&job.tenant, before.as_ref(), &failed).await.map(drop)
    }
}
