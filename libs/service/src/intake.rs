//! What every HTTP intake does alike: who calls, for which cluster, a bounded body, durable records.

mod pieces;

use std::sync::Arc;

use airside_auth::Scope;
use airside_ports::Stream;
use airside_telemetry::Metrics;
use airside_telemetry::metrics::Counter;
use airside_types::{Cluster, DeadLetter, Record, SightingBatch, Tenant, Timestamp};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use crate::body::{BLOCKING_BYTES, Bounds, PATIENCE, read_bounded, require_json};
use crate::budget::{Budget, Held};
use crate::caller::Credentials;
use crate::dead_letter::DeadLetters;
use crate::deps::Deps;
use crate::http_error::HttpError;
use crate::publisher::{PublishError, Publisher};
use crate::shares::Shares;
pub use pieces::{Letters, PIECE_BYTES, Pieces, Stopped, Weighed};
use tokio::sync::Semaphore;

/// The intake of one service.
#[derive(Debug, Clone)]
pub struct Intake {
    deps: Deps,
    publisher: Publisher,
    dead_letters: DeadLetters,
    max_body: usize,
    setting: &'static str,
    budget: Budget,
    shares: Shares,
    /// Whose turn it is to be worked on off the async threads.
    turns: Arc<Semaphore>,
    refused: Counter,
}

/// How much an intake takes.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// The largest body, decompressed, in bytes.
    pub max_body: usize,
    /// The setting that says so.
    pub setting: &'static str,
    /// The bytes of all bodies that are in memory at a time, and of what is made of them; what is beyond is answered
    /// with 429. One body alone is always taken.
    pub in_flight: usize,
}

/// Counts the requests of sources that a service refuses.
pub fn refused_requests(metrics: &Metrics, service: &'static str) -> Counter {
    let name = "airside_intake_refused_requests_total";
    let about = "Requests of sources that were refused, by service";
    metrics.counter_by(name, about, &["service"]).with(&[service])
}

/// A body that was taken from an authenticated caller.
#[derive(Debug, Clone)]
pub struct Received {
    /// Whose it is.
    pub tenant: Tenant,
    /// The cluster that it is about.
    pub cluster: Cluster,
    /// When it was taken: the ingest time of its records.
    pub time: Timestamp,
    /// The decompressed body.
    pub body: Bytes,
}

/// What a body, or a piece of it, was turned into.
#[derive(Debug, Default)]
pub struct Understood {
    /// How many inputs the body held, understood or not.
    pub inputs: u64,
    /// The records.
    pub records: Vec<Record>,
    /// What goes to the owner of its cluster first.
    pub sightings: Vec<SightingBatch>,
    /// What could not be understood.
    pub letters: Vec<DeadLetter>,
}

impl Intake {
    /// The intake of a service.
    pub fn new(service: &'static str, deps: &Deps, bound: Bound) -> Self {
        let Bound { max_body, setting, in_flight } = bound;
        Self {
            // A compressed body lies there twice for a moment.
            budget: Budget::new(in_flight.max(max_body.saturating_mul(2))),
            shares: Shares::new(Arc::clone(&deps.log), Stream::Sightings),
            turns: Arc::new(Semaphore::new(pieces::LARGE_AT_A_TIME)),
            publisher: deps.publisher(),
            dead_letters: deps.dead_letters(service),
            deps: deps.clone(),
            max_body,
            setting,
            refused: refused_requests(&deps.metrics, service),
        }
    }

    /// Authenticates the caller and takes the body. The memory that it has is held until what it says is
    /// durable: the caller drops it then.
    pub async fn receive(
        &self,
        cluster: &str,
        credentials: &Credentials,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Received, Held), HttpError> {
        self.counted(self.try_receive(cluster, credentials, headers, body).await)
    }

    async fn try_receive(
        &self,
        cluster: &str,
        credentials: &Credentials,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Received, Held), HttpError> {
        let principal = credentials.principal(&self.deps)?;
        principal.require(Scope::Ingest)?;
        let cluster = Cluster::new(cluster)
            .map_err(|error| HttpError::new(StatusCode::NOT_FOUND, error.to_string()))?;
        principal.require_cluster(&cluster)?;
        require_json(headers)?;
        self.admit(&principal.tenant).await?;
        let bounds = Bounds {
            limit: self.max_body,
            setting: self.setting,
            held: self.budget.hold_for(&principal.tenant),
            patience: PATIENCE,
        };
        let (body, held) = read_bounded(headers, body, bounds).await?;
        let time = self.deps.clock.now();
        Ok((Received { tenant: principal.tenant, cluster, time, body }, held))
    }

    /// Whether something of a tenant may be taken now: not where it has added its share to what waits for the owners of
    /// clusters.
    pub async fn admit(&self, tenant: &Tenant) -> Result<(), HttpError> {
        self.shares.admit(tenant).await.map_err(HttpError::overloaded)
    }

    /// Turns a body into what it says; off the async threads when it is large.
    pub async fn understand<T, E, F>(&self, received: Received, decode: F) -> Result<T, HttpError>
    where
        T: Send + 'static,
        E: Into<HttpError> + Send + 'static,
        F: FnOnce(&Received) -> Result<T, E> + Send + 'static,
    {
        let understood = if received.body.len() > BLOCKING_BYTES {
            let decoding = tokio::task::spawn_blocking(move || decode(&received));
            decoding.await.map_err(|_| {
                HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "decoding ended unexpectedly")
            })?
        } else {
            decode(&received)
        };
        self.counted(understood.map_err(Into::into))
    }

    /// Makes records and dead letters durable. Only then may the request be answered with success.
    pub async fn keep(&self, understood: Understood) -> Result<(), HttpError> {
        let kept = async {
            self.publisher.publish(understood.records).await?;
            let bytes = self.publisher.publish_sightings(&understood.sightings).await?;
            if let Some(batch) = understood.sightings.first() {
                self.shares.added(&batch.tenant, bytes).await;
            }
            self.dead_letters.set_aside(&understood.letters).await?;
            Ok(())
        };
        kept.await.map_err(|error: PublishError| error.into())
    }

    /// The same result; a refusal is counted and logged.
    pub fn counted<T>(&self, result: Result<T, HttpError>) -> Result<T, HttpError> {
        if let Err(error) = &result {
            self.refused.inc();
            let service = self.dead_letters.service();
            tracing::warn!(service, status = error.status.as_u16(), error = %error, "request refused");
        }
        result
    }
}
