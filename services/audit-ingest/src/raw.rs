//! The raw events that came in, kept so that each detection leads back to what was sent.
//!
//! Owns which events of a body are kept and by what they are found. A body is answered when its events are
//! durable here and what they tell is durable on the log. How they are kept is `airside-archive`'s.

mod api;
mod aws;
mod entry;
mod object_store;
mod of_event;
mod options;

use std::time::Duration;

use airside_archive::{Archive, ArchiveError, Batch, Housekeeping, Row, Texts};
use airside_detect::audit::{Request, indexed};
use airside_detect::intake::Intake;
use airside_service::intake::{PIECE_BYTES, Received};
use airside_service::{CancellationToken, Deps, HttpError};
use airside_telemetry::metrics::{Counter, Gauge};
use anyhow::Context;
use axum::http::StatusCode;
use tokio::task::JoinHandle;

pub(crate) use api::RawRecordsApi;
pub use aws::AwsOptions;
pub use entry::{raw_entry, raw_query, shown_to_people};
pub use object_store::{CredentialsKind, ObjectStoreOptions};
pub use options::ArchiveOptions;

/// Keeps raw events, where the settings and the node say so.
#[derive(Debug, Clone)]
pub(crate) struct RawKeeper {
    archive: Option<Archive>,
    kept: Counter,
    waiting: Gauge,
}

/// How often it is looked how much waits for an object store.
const LOOKING: Duration = Duration::from_secs(10);

impl RawKeeper {
    /// Opens the archive, and gives what it has to do by itself.
    pub(crate) async fn open(
        options: &ArchiveOptions,
        deps: &Deps,
    ) -> anyhow::Result<(Self, Option<Housekeeping>)> {
        let kept = deps.metrics.counter(
            "airside_audit_ingest_raw_events_total",
            "Audit events whose raw record was kept",
        );
        let waiting = deps.metrics.gauge(
            "airside_audit_ingest_raw_waiting_bytes",
            "Finished files of raw records that wait on the disk for the object store",
        );
        let Some(settings) = options.settings(deps.data_dir.as_deref())? else {
            tracing::info!("raw audit events are not kept");
            return Ok((Self { archive: None, kept, waiting }, None));
        };
        let opened = Archive::open(settings).await;
        let (archive, work) = opened.context("`audit-ingest.archive` cannot be opened")?;
        Ok((Self { archive: Some(archive), kept, waiting }, Some(work)))
    }

    /// The archive, to be asked.
    pub(crate) fn archive(&self) -> Option<Archive> {
        self.archive.clone()
    }

    /// Shows how much waits for an object store, until it is told to stop.
    async fn tell_what_waits(self, stop: CancellationToken) {
        let Some(archive) = self.archive else { return };
        let mut looking = tokio::time::interval(LOOKING);
        while stop.run_until_cancelled(looking.tick()).await.is_some() {
            self.waiting.set(i64::try_from(archive.waiting_bytes()).unwrap_or(i64::MAX));
        }
    }

    /// Room for the raw events of a body.
    pub(crate) fn room(&self, received: &Received) -> Raws {
        let Received { tenant, cluster, time, body } = received;
        // By what events are found is half of the small ones, and less of those with bodies. A piece is no larger than it
        // may be by much.
        let room = (body.len() + body.len() / 2).min(PIECE_BYTES + PIECE_BYTES / 4);
        let batch = self.archive.as_ref();
        let batch = batch.map(|_| Batch::new(tenant, cluster, *time).with_room(room));
        Raws { batch, bytes: 0 }
    }

    /// Makes raw events durable.
    pub(crate) async fn keep(&self, raws: Raws) -> Result<(), HttpError> {
        let (Some(archive), Some(batch)) = (&self.archive, raws.batch) else { return Ok(()) };
        let rows = batch.rows();
        archive.append(batch).await.map_err(|error| match error {
            ArchiveError::Behind { .. } => HttpError::overloaded(error),
            // Trying again would not help: whoever can sends less at once.
            ArchiveError::TooLarge { .. } => {
                HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
            }
            _ => HttpError::unavailable(format!("not all of it was taken: {error}; send it again")),
        })?;
        self.kept.add(rows.into());
        Ok(())
    }
}

/// What a row has besides its texts and its bytes: id, time, code and lengths.
const OF_A_ROW: usize = 78;

/// The raw events of a body, or of a piece of it, gathered while it is understood.
#[derive(Debug)]
pub(crate) struct Raws {
    batch: Option<Batch>,
    bytes: usize,
}

impl Raws {
    /// Keeps nothing.
    pub(crate) const fn nowhere() -> Self {
        Self { batch: None, bytes: 0 }
    }

    /// About how many bytes they are.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes an event and its bytes.
    pub(crate) fn take(
        &mut self,
        request: &Request<'_>,
        raw: &[u8],
        intake: &Intake<'_>,
        received: &Received,
    ) {
        let Some(batch) = &mut self.batch else { return };
        let found_by = indexed(request, intake);
        let event = request.event();
        let address = found_by.address.map(|address| address.to_string());
        let object = event.object_ref.as_ref();
        let impersonated = event.impersonated_user.as_ref();
        let texts = Texts {
            audit_id: &event.audit_id,
            stage: &event.stage,
            actor: &event.user.username,
            impersonated: impersonated.map(|user| &*user.username).unwrap_or_default(),
            verb: &event.verb,
            group: object.map(|it| &*it.api_group).unwrap_or_default(),
            resource: object.map(|it| &*it.resource).unwrap_or_default(),
            subresource: object.map(|it| &*it.subresource).unwrap_or_default(),
            namespace: object.map(|it| &*it.namespace).unwrap_or_default(),
            name: object.map(|it| &*it.name).unwrap_or_default(),
            address: address.as_deref().unwrap_or_default(),
            user_agent: &event.user_agent,
        };
        // What it is found by stands in it, with little that is longer there.
        self.bytes += raw.len() + raw.len() / 2 + OF_A_ROW;
        batch.push(&Row {
            event: found_by.id,
            time: found_by.time.unwrap_or(received.time),
            code: event.response_status.code.unwrap_or_default(),
            texts,
            raw,
        });
    }
}

/// The archive's own work, while the service runs.
#[derive(Debug)]
pub(crate) struct AtWork {
    stop: CancellationToken,
    work: Option<JoinHandle<()>>,
}

impl AtWork {
    /// Lets it begin.
    pub(crate) fn begin(work: Option<Housekeeping>, raw: &RawKeeper, deps: &Deps) -> Self {
        let (stop, clock) = (CancellationToken::new(), deps.clock.clone());
        let stopped = stop.clone().cancelled_owned();
        let telling = raw.clone().tell_what_waits(stop.clone());
        let work = work.map(|work| {
            let working = work.run(move || clock.now(), stopped);
            tokio::spawn(async {
                tokio::join!(working, telling);
            })
        });
        Self { stop, work }
    }

    /// Closes the archive, once nothing is appended any more.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        match self.work.take() {
            Some(work) => Ok(work.await?),
            None => Ok(()),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
