//! The audit-ingest service: Kubernetes audit events become detections and entity facts.
//!
//! Owns the API server's audit webhook and its like of the clouds (`push.rs`), and follows audit logs on the same machine. A batch is answered when what it says is durable; an event that is
//! none is set aside and the batch is still answered with 200, since the API server would send it again
//! and again. What an event tells by itself is `airside-detect`'s; it travels as a sighting to the owner of its
//! cluster (`owner.rs`), who publishes what is to be told.

mod api;
mod files;
mod follow;
mod judging;
mod lost;
mod options;
mod own_rules;
mod owner;
mod push;
mod raw;
mod rules_api;
mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod ticks;
mod understood;

use std::sync::Arc;

use airside_archive::Housekeeping;
use airside_ports::{Clock, Keyspace, PartitionSet, ReadLimit, Stream};
use airside_service::budget::Held;
use airside_service::intake::{Bound, Intake, Pieces, Received, Understood};
use airside_service::owner::{OwnerPorts, run_owner};
use airside_service::{
    Credentials, Deps, HttpError, Mounts, OwnerSettings, Service, ServiceContext,
};
use airside_telemetry::metrics::{Counter, Gauge};
use airside_types::TermFilesOfTenants;
use airside_wire::v1::raw_records_service_server::RawRecordsServiceServer;
use airside_wire::v1::rules_service_server::RulesServiceServer;
use airside_wire::v1::suppressions_service_server::SuppressionsServiceServer;
use airside_wire::v1::used_grants_service_server::UsedGrantsServiceServer;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use api::{SuppressionsApi, UsedGrantsApi};
use files::Followed;
pub use judging::Judging;
pub use options::{ClusterOptions, FeedOptions, FileOptions, Options, ProviderOption};
use owner::{AuditOwner, LedgerView};
pub use raw::{
    ArchiveOptions, AwsOptions, CredentialsKind, ObjectStoreOptions, raw_entry, raw_query,
    shown_to_people,
};
use raw::{AtWork, RawKeeper, RawRecordsApi, Raws};
use rules_api::RulesApi;
use tokio::sync::watch;
pub use understood::understand;
use understood::{Piece, Sender, add, in_pieces, letter};

/// The audit-ingest service.
#[derive(Debug)]
pub struct AuditIngest {
    webhook: Webhook,
    files: Vec<Followed>,
    archiving: Option<Housekeeping>,
    judging: Arc<Judging>,
    ledger: Arc<LedgerView>,
    rules_known: watch::Sender<bool>,
    options: Options,
    deps: Deps,
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) intake: Intake,
    pub(crate) raw: RawKeeper,
    pub(crate) judging: Arc<Judging>,
    clock: Arc<dyn Clock>,
    /// Whether the rules are known that tenants have set: no event is judged before.
    rules_known: watch::Receiver<bool>,
    events: Counter,
    sightings: Counter,
    known_bodies: Gauge,
    known_requests: Gauge,
}

impl Webhook {
    /// Waits until the rules are known that tenants have set, which is as soon as the log can be read.
    async fn rules_known(&self) -> Result<(), HttpError> {
        let known = self.rules_known.clone().wait_for(|known| *known).await.is_ok();
        let stopping = "the node stops: send it again";
        known.then_some(()).ok_or_else(|| HttpError::new(StatusCode::SERVICE_UNAVAILABLE, stopping))
    }

    /// Makes durable what was understood, and counts it, or that it was refused.
    pub(crate) async fn keep(&self, understood: Understood, raws: Raws) -> Result<(), HttpError> {
        self.intake.counted(self.keep_piece(understood, raws).await)
    }

    async fn keep_piece(&self, understood: Understood, raws: Raws) -> Result<(), HttpError> {
        let sightings = understood.sightings.iter().map(|batch| batch.sightings.len() as u64).sum();
        let events = understood.inputs;
        tokio::try_join!(self.raw.keep(raws), self.intake.keep(understood))?;
        self.events.add(events);
        self.sightings.add(sightings);
        let known = self.judging.known();
        self.known_bodies.set(i64::try_from(known.bodies()).unwrap_or(i64::MAX));
        self.known_requests.set(i64::try_from(known.requests()).unwrap_or(i64::MAX));
        Ok(())
    }
}

#[async_trait]
impl Service for AuditIngest {
    const NAME: &'static str = "audit-ingest";
    const ABOUT: &'static str = "takes in Kubernetes audit events";
    type Options = Options;

    fn check(options: &Options, terms: &TermFilesOfTenants) -> anyhow::Result<()> {
        Judging::read(terms, &options.clusters, options.known_requests)?;
        followed(options)?;
        Ok(())
    }

    async fn build(options: Options, deps: Deps, mounts: &mut Mounts) -> anyhow::Result<Self> {
        let bound = Bound {
            max_body: usize::try_from(options.max_body.as_u64())?,
            setting: "audit-ingest.max_body",
            in_flight: usize::try_from(options.max_in_flight.as_u64())?,
        };
        let judging =
            Arc::new(Judging::read(&deps.terms, &options.clusters, options.known_requests)?);
        let rules = RulesApi::new(Arc::clone(&judging), deps.publisher());
        mounts.grpc(&deps, RulesServiceServer::new(rules));
        let (rules_known, known) = watch::channel(false);
        let (raw, archiving) = RawKeeper::open(&options.archive, &deps).await?;
        mounts.grpc(&deps, RawRecordsServiceServer::new(RawRecordsApi::new(raw.archive())));
        let webhook = Webhook {
            raw,
            judging: Arc::clone(&judging),
            rules_known: known,
            intake: Intake::new(Self::NAME, &deps, bound),
            clock: Arc::clone(&deps.clock),
            events: deps
                .metrics
                .counter("airside_audit_ingest_events_total", "Audit events that were taken in"),
            sightings: deps.metrics.counter(
                "airside_audit_ingest_sightings_total",
                "Audit events that went to the owner of their cluster, and were not only counted",
            ),
            known_bodies: deps.metrics.gauge(
                "airside_audit_ingest_known_bodies",
                "Bodies of requests that came more than once, of which is known what they say",
            ),
            known_requests: deps.metrics.gauge(
                "airside_audit_ingest_known_requests",
                "Requests that came more than once, of which is known what rules find in them",
            ),
        };
        let route = Router::new().route("/v1/audit/{cluster}", post(receive));
        mounts.webhook(route.merge(push::routes()).with_state(webhook.clone()));
        let ledger = Arc::new(LedgerView::default());
        mounts
            .grpc(&deps, SuppressionsServiceServer::new(SuppressionsApi::new(Arc::clone(&ledger))));
        let grants = UsedGrantsApi::new(Arc::clone(&ledger));
        mounts.grpc(&deps, UsedGrantsServiceServer::new(grants));
        let files = followed(&options)?;
        Ok(Self { webhook, files, archiving, judging, ledger, rules_known, options, deps })
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        let stop = context.shutdown.child_token();
        let (judging, deps) = (Arc::clone(&self.judging), self.deps.clone());
        let learning = rules_api::learn(&judging, &deps, &stop, self.rules_known.clone());
        let working = async {
            let worked = self.work(context).await;
            stop.cancel();
            worked
        };
        let ((), worked) = tokio::join!(learning, working);
        worked
    }
}

fn followed(options: &Options) -> anyhow::Result<Vec<Followed>> {
    let (max_body, poll) = (options.max_body.as_usize(), options.poll.as_duration());
    let files = options.files.iter().cloned();
    files.map(|file| Followed::new(file, max_body, poll)).collect()
}

impl AuditIngest {
    /// Works until the shutdown token is cancelled, once the rules are known.
    async fn work(self, context: ServiceContext) -> anyhow::Result<()> {
        let mut known = self.rules_known.subscribe();
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            _known = known.wait_for(|known| *known) => {}
        }
        let archiving = AtWork::begin(self.archiving, &self.webhook.raw, &self.deps);
        let mut following = tokio::task::JoinSet::new();
        for file in self.files {
            let (webhook, deps) = (self.webhook.clone(), self.deps.clone());
            following.spawn(file.run(webhook, deps, context.shutdown.clone()));
        }
        let owned = if self.options.owner {
            let owner =
                AuditOwner::open(&self.deps, &self.options, self.judging, Arc::clone(&self.ledger))
                    .await?;
            let (deps, ticking) = (self.deps.clone(), context.shutdown.child_token());
            following.spawn(ticks::tell(self.ledger, deps, ticking.clone()));
            if let Some(live) = self.deps.live.clone() {
                let deps = self.deps.clone();
                following.spawn(lost::watch(live, deps, ticking.clone()));
            }
            let owned = own(owner, &self.options, &self.deps, &context).await;
            ticking.cancel();
            owned
        } else {
            context.ready.ready();
            context.shutdown.cancelled().await;
            Ok(())
        };
        while let Some(ended) = following.join_next().await {
            ended?;
        }
        archiving.end().await?;
        owned
    }
}

/// Where the offsets of the log are kept.
const OFFSETS: Keyspace = Keyspace::new("audit-ingest.offsets");
/// Where detections and facts wait until they are published.
const OUTBOX: Keyspace = Keyspace::new("audit-ingest.outbox");

/// Folds the sightings of all partitions until the service stops.
async fn own(
    mut owner: AuditOwner,
    options: &Options,
    deps: &Deps,
    context: &ServiceContext,
) -> anyhow::Result<()> {
    let settings = OwnerSettings {
        name: AuditIngest::NAME,
        streams: vec![Stream::Sightings],
        partitions: PartitionSet::range(0, deps.partitioner.count()),
        offsets: OFFSETS,
        outbox: OUTBOX,
        attempts: options.attempts,
        limit: ReadLimit::default(),
        consumes: true,
    };
    let ports = OwnerPorts {
        log: Arc::clone(&deps.log),
        store: Arc::clone(&deps.store),
        clock: Arc::clone(&deps.clock),
        dead_letters: deps.dead_letters(AuditIngest::NAME),
    };
    run_owner(&mut owner, &settings, &ports, &context.shutdown, &context.ready).await
}

async fn receive(
    State(webhook): State<Webhook>,
    Path(cluster): Path<String>,
    credentials: Credentials,
    headers: HeaderMap,
    body: Body,
) -> Result<(), HttpError> {
    webhook.take(Sender::ApiServer, &cluster, &credentials, &headers, body).await
}

impl Webhook {
    /// Takes what is sent, and returns once it is durable.
    pub(crate) async fn take(
        &self,
        sender: Sender,
        cluster: &str,
        credentials: &Credentials,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(), HttpError> {
        self.rules_known().await?;
        let (received, held) = self.intake.receive(cluster, credentials, headers, body).await?;
        self.understand(sender, received, held).await
    }

    /// Makes durable what a body tells, as far as it is in memory at a time.
    async fn understand(
        &self,
        sender: Sender,
        received: Received,
        held: Held,
    ) -> Result<(), HttpError> {
        let (judging, raw) = (Arc::clone(&self.judging), self.raw.clone());
        let decode = move |received: &Received, pieces: &mut Pieces<Piece>| {
            in_pieces(received, &judging, sender, &raw, pieces)
        };
        let keep = |piece: Piece| self.keep_piece(piece.understood, piece.raws);
        self.intake.take(received, held, decode, keep).await
    }
}
