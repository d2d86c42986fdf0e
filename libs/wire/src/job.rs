//! Scans that are done later: the job as its owner sees it, and the message on the work queue.

use airside_types::{Id, Tenant, Timestamp};
use bytes::Bytes;

use crate::invalid::{InvalidField, Problem};
use crate::message::{self, DecodeError, EncodeError};
use crate::scan::{PublishOutcome, ScanAnswer, ScanRequest};
use crate::{bounded, field, v1};

/// A scan on the work queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanJob {
    /// See [`ScanJob::id_of`].
    pub id: Id,
    /// Whose it is.
    pub tenant: Tenant,
    /// When it was handed in.
    pub submitted: Timestamp,
    /// What is to be done.
    pub scan: ScanRequest,
}

impl ScanJob {
    /// A job for a tenant's scan.
    pub fn new(tenant: Tenant, scan: ScanRequest, submitted: Timestamp) -> Self {
        Self { id: Self::id_of(&tenant, &scan), tenant, submitted, scan }
    }

    /// The job's id: the same scan handed in twice by a tenant is one job.
    pub fn id_of(tenant: &Tenant, scan: &ScanRequest) -> Id {
        let builder = Id::builder("scan-job")
            .text(tenant.as_str())
            .text(scan.cluster.as_str())
            .number(scan.publish.into())
            .optional(scan.failing_severity.map(|severity| severity.as_str()));
        let files = scan.files.iter();
        files.fold(builder, |id, file| id.text(&file.path).bytes(&file.content)).finish()
    }
}

impl From<&ScanJob> for v1::ScanJob {
    fn from(job: &ScanJob) -> Self {
        Self {
            id: bounded::id(job.id),
            tenant: job.tenant.as_str().to_owned(),
            submitted_unix_nanos: job.submitted.as_nanos(),
            scan: Some((&job.scan).into()),
        }
    }
}

impl TryFrom<v1::ScanJob> for ScanJob {
    type Error = InvalidField;

    fn try_from(job: v1::ScanJob) -> Result<Self, Self::Error> {
        Ok(Self {
            id: field::id("id", &job.id)?,
            tenant: field::tenant("tenant", &job.tenant)?,
            submitted: field::moment(job.submitted_unix_nanos),
            scan: field::required("scan", job.scan)?,
        })
    }
}

/// Encodes a scan for the work queue, as message type [`crate::MessageType::ScanJob`].
pub fn encode_scan_job(job: &ScanJob) -> Result<Bytes, EncodeError> {
    message::encode::<v1::ScanJob>("scan job", &job.into())
}

/// Decodes what [`encode_scan_job`] wrote.
pub fn decode_scan_job(payload: &[u8]) -> Result<ScanJob, DecodeError> {
    message::decode::<v1::ScanJob, _>("scan job", payload)
}

/// A scan that was handed in, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The job's id.
    pub id: Id,
    /// When it was handed in.
    pub submitted: Timestamp,
    /// How often it was begun.
    pub attempts: u32,
    /// How far it is.
    pub state: JobState,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker has begun it.
    Running,
    /// It is done.
    Done {
        /// When.
        finished: Timestamp,
        /// What the scan saw, and what publishing that changed.
        answer: Box<ScanAnswer>,
    },
    /// It was taken back before a worker began it.
    Cancelled {
        /// When.
        finished: Timestamp,
    },
    /// It was given up.
    Failed {
        /// When.
        finished: Timestamp,
        /// Why.
        error: String,
    },
}

impl JobState {
    /// Whether the job has ended, one way or another.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Done { .. } | Self::Failed { .. } | Self::Cancelled { .. } => true,
        }
    }
}

impl From<&Job> for v1::Job {
    fn from(job: &Job) -> Self {
        let message = Self {
            id: bounded::id(job.id),
            submitted_unix_nanos: job.submitted.as_nanos(),
            attempts: job.attempts,
            ..Self::default()
        };
        match &job.state {
            JobState::Queued => Self { state: v1::JobState::Queued.into(), ..message },
            JobState::Running => Self { state: v1::JobState::Running.into(), ..message },
            JobState::Done { finished, answer } => Self {
                state: v1::JobState::Done.into(),
                finished_unix_nanos: Some(finished.as_nanos()),
                report: Some((&answer.report).into()),
                published: answer.published.as_ref().map(Into::into),
                ..message
            },
            JobState::Cancelled { finished } => Self {
                state: v1::JobState::Cancelled.into(),
                finished_unix_nanos: Some(finished.as_nanos()),
                ..message
            },
            JobState::Failed { finished, error } => Self {
                state: v1::JobState::Failed.into(),
                finished_unix_nanos: Some(finished.as_nanos()),
                error: bounded::text(error),
                ..message
            },
        }
    }
}

impl TryFrom<v1::Job> for Job {
    type Error = InvalidField;

    fn try_from(job: v1::Job) -> Result<Self, Self::Error> {
        let value = job.state;
        let unknown = Problem::UnknownValue { value, what: "state of a job" };
        let finished = job
            .finished_unix_nanos
            .map(field::moment)
            .ok_or_else(|| InvalidField::new("finished_unix_nanos", Problem::Missing));
        let state = match v1::JobState::try_from(value)
            .map_err(|_| InvalidField::new("state", unknown))?
        {
            v1::JobState::Unspecified => {
                return Err(InvalidField::new("state", Problem::Missing));
            }
            v1::JobState::Queued => JobState::Queued,
            v1::JobState::Running => JobState::Running,
            v1::JobState::Done => JobState::Done {
                finished: finished?,
                answer: Box::new(ScanAnswer {
                    report: field::required("report", job.report)?,
                    published: field::optional::<_, PublishOutcome>("published", job.published)?,
                    terms: None,
                }),
            },
            v1::JobState::Cancelled => JobState::Cancelled { finished: finished? },
            v1::JobState::Failed => {
                JobState::Failed { finished: finished?, error: field::text("error", job.error)? }
            }
        };
        Ok(Self {
            id: field::id("id", &job.id)?,
            submitted: field::moment(job.submitted_unix_nanos),
            attempts: job.attempts,
            state,
        })
    }
}

/// Encodes a job, for a store.
pub fn encode_job(job: &Job) -> Result<Bytes, EncodeError> {
    message::encode::<v1::Job>("job", &job.into())
}

/// Decodes what [`encode_job`] wrote.
pub fn decode_job(payload: &[u8]) -> Result<Job, DecodeError> {
    message::decode::<v1::Job, _>("job", payload)
}
