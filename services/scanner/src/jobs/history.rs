//! Jobs and their results, as long as they are kept: for a time, and only so many for each tenant.

use std::sync::Arc;
use std::time::Duration;

use airside_ports::{Batch, KeyRange, Keyspace, Order, Store, StoreError};
use airside_service::Deps;
use airside_types::{Id, Tenant, Timestamp};
use airside_wire::job::{Job, decode_job, encode_job};
use airside_wire::{ApiError, ErrorCode};
use bytes::Bytes;

use super::invalid;
use crate::options::Options;

/// Jobs and their results, by tenant and id.
const JOBS: Keyspace = Keyspace::new("scanner.jobs");
/// Which jobs there are, by tenant, time of handing in and id; whether they have ended.
const BY_TIME: Keyspace = Keyspace::new("scanner.jobs-by-time");
/// How many pairs are read at a time.
const PAGE: usize = 512;
const OPEN: &[u8] = &[0];
const ENDED: &[u8] = &[1];

/// The jobs that are kept. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct History {
    store: Arc<dyn Store>,
    age: Duration,
    per_tenant: usize,
}

/// A job as it is stored.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) job: Job,
    stored: Bytes,
}

impl History {
    pub(super) fn new(deps: &Deps, options: &Options) -> Self {
        Self {
            store: Arc::clone(&deps.store),
            age: options.job_age.as_duration(),
            per_tenant: options.jobs_per_tenant.max(1),
        }
    }

    /// Whether a job that was handed in then is not kept any more.
    pub(super) fn is_expired(&self, submitted: Timestamp, now: Timestamp) -> bool {
        submitted.plus(self.age) < now
    }

    pub(super) async fn get(&self, tenant: &Tenant, id: Id) -> Result<Option<Kept>, ApiError> {
        let stored = self.store.get(JOBS, &key(tenant, id)).await.map_err(|it| unavailable(&it))?;
        let Some(stored) = stored else { return Ok(None) };
        let job = decode_job(&stored)
            .map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
        Ok(Some(Kept { job, stored }))
    }

    /// Stores a job in the place of what it was before, unless somebody else changed it meanwhile.
    pub(super) async fn keep(
        &self,
        tenant: &Tenant,
        before: Option<&Kept>,
        job: &Job,
    ) -> Result<Kept, ApiError> {
        let stored = encode_job(job).map_err(|error| invalid(&error))?;
        let mut batch = Batch::new();
        batch.expect(JOBS, key(tenant, job.id), before.map(|kept| kept.stored.clone()));
        if let Some(kept) = before {
            batch.delete(BY_TIME, time_key(tenant, kept.job.submitted, job.id));
        }
        batch.put(JOBS, key(tenant, job.id), stored.clone());
        let ended = if job.state.is_final() { ENDED } else { OPEN };
        batch.put(BY_TIME, time_key(tenant, job.submitted, job.id), ended);
        match self.store.commit(batch).await {
            Ok(()) => Ok(Kept { job: job.clone(), stored }),
            Err(StoreError::Conflict { .. }) => Err(ApiError::new(
                ErrorCode::FailedPrecondition,
                format!("job {} was changed meanwhile: look again", job.id),
            )),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Removes a job.
    pub(super) async fn forget(&self, tenant: &Tenant, id: Id) -> Result<(), ApiError> {
        let Some(kept) = self.get(tenant, id).await? else { return Ok(()) };
        let mut batch = Batch::new();
        batch.delete(JOBS, key(tenant, id));
        batch.delete(BY_TIME, time_key(tenant, kept.job.submitted, id));
        self.store.commit(batch).await.map_err(|error| unavailable(&error))
    }

    /// Makes room for one more job of a tenant: what is too old goes, then what ended.
    pub(super) async fn make_room(&self, tenant: &Tenant, now: Timestamp) -> Result<(), ApiError> {
        let mut batch = Batch::new();
        let (mut open, mut ended) = (0_usize, Vec::new());
        for (time_key, state) in self.index(KeyRange::prefix(&prefix(tenant))).await? {
            let Some((submitted, id)) = read_time_key(&time_key) else { continue };
            if self.is_expired(submitted, now) {
                batch.delete(JOBS, key(tenant, id));
                batch.delete(BY_TIME, time_key.to_vec());
            } else if state == ENDED {
                ended.push((time_key, id));
            } else {
                open += 1;
            }
        }
        if open >= self.per_tenant {
            return Err(ApiError::new(
                ErrorCode::ResourceExhausted,
                format!(
                    "{open} jobs wait already, as many as `scanner.jobs_per_tenant` allows: \
                     try again later"
                ),
            ));
        }
        let too_many = (open + ended.len() + 1).saturating_sub(self.per_tenant);
        for (time_key, id) in ended.into_iter().take(too_many) {
            batch.delete(JOBS, key(tenant, id));
            batch.delete(BY_TIME, time_key.to_vec());
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await.map_err(|error| unavailable(&error))
    }

    /// Removes the jobs of all tenants that are too old.
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<(), ApiError> {
        let mut batch = Batch::new();
        for (time_key, _) in self.index(KeyRange::all()).await? {
            let Some((submitted, id)) = read_time_key(&time_key) else { continue };
            let tenant = time_key.len() - TIME_AND_ID;
            if self.is_expired(submitted, now) {
                batch.delete(
                    JOBS,
                    [time_key.get(..tenant).unwrap_or_default(), id.as_bytes()].concat(),
                );
                batch.delete(BY_TIME, time_key.to_vec());
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await.map_err(|error| unavailable(&error))
    }

    async fn index(&self, mut range: KeyRange) -> Result<Vec<(Bytes, Bytes)>, ApiError> {
        let mut all = Vec::new();
        loop {
            let page = self
                .store
                .scan(BY_TIME, range.clone(), Order::Ascending, PAGE)
                .await
                .map_err(|error| unavailable(&error))?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            range.from = [last, &[0][..]].concat();
            all.extend(page);
        }
    }
}

/// The bytes of a time and an id at the end of a key.
const TIME_AND_ID: usize = 8 + 16;

fn prefix(tenant: &Tenant) -> Vec<u8> {
    let mut key = tenant.as_str().as_bytes().to_vec();
    key.push(0);
    key
}

fn key(tenant: &Tenant, id: Id) -> Vec<u8> {
    let mut key = prefix(tenant);
    key.extend_from_slice(id.as_bytes());
    key
}

fn time_key(tenant: &Tenant, submitted: Timestamp, id: Id) -> Vec<u8> {
    let mut key = prefix(tenant);
    // Times before 1970 do not occur; all others are in the order of their bytes.
    key.extend_from_slice(&submitted.as_nanos().to_be_bytes());
    key.extend_from_slice(id.as_bytes());
    key
}

fn read_time_key(key: &[u8]) -> Option<(Timestamp, Id)> {
    let tail: &[u8; TIME_AND_ID] = key.last_chunk()?;
    let (time, id) = tail.split_first_chunk::<8>()?;
    let id: [u8; 16] = id.try_into().ok()?;
    Some((Timestamp::from_nanos(i64::from_be_bytes(*time)), Id::from_bytes(id)))
}

fn unavailable(error: &dyn std::error::Error) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, error.to_string())
}
