//! What tests of the intake need: a webhook over a log that tells what it was given.

use std::path::Path;
use std::sync::Arc;

use airside_archive::Housekeeping;
use airside_auth::KeyRing;
use airside_bus::{EmbeddedQueue, EmbeddedQueueOptions};
use airside_ports::testsuite::TakingLog;
use airside_ports::{Entry, Partitioner, Store, Stream};
use airside_service::intake::{Bound, Intake, Received};
use airside_service::peers::PeerLimits;
use airside_service::{CancellationToken, Deps, Health, Peers, SystemClock};
use airside_store::MemoryStore;
use airside_telemetry::Metrics;
use airside_types::{Cluster, SightingBatch, Tenant, Timestamp};
use airside_wire::decode_sightings;
use axum::body::Bytes;
use tokio::sync::watch;

use crate::raw::{ArchiveOptions, RawKeeper};
use crate::{Judging, Webhook};

/// What each append of sightings had that a log took.
pub(crate) fn sightings(log: &TakingLog) -> Vec<Vec<SightingBatch>> {
    let decoded = |entry: &Entry| decode_sightings(&entry.payload).unwrap();
    let appends = log.appends_to(Stream::Sightings).into_iter();
    appends.map(|entries| entries.iter().map(decoded).collect()).collect()
}

/// What a node has, over such a log.
pub(crate) async fn deps(log: &Arc<TakingLog>, folder: Option<&Path>) -> Deps {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let queue = EmbeddedQueue::open(Arc::clone(&store), EmbeddedQueueOptions::default());
    Deps {
        log: Arc::<TakingLog>::clone(log),
        queue: Arc::new(queue.await.unwrap()),
        live: None,
        terms: Default::default(),
        store,
        data_dir: folder.map(Path::to_owned),
        clock: Arc::new(SystemClock),
        partitioner: Partitioner::new(1),
        keys: Arc::new(KeyRing::default()),
        peers: Peers::new(&Default::default(), None, PeerLimits::default()).unwrap(),
        metrics: Metrics::new(),
        health: Health::default(),
        draining: CancellationToken::new(),
    }
}

/// A webhook over such a log that knows the rules; it keeps raw events in a folder, where there is one.
pub(crate) async fn webhook(
    log: &Arc<TakingLog>,
    folder: Option<&Path>,
) -> (Webhook, Option<Housekeeping>) {
    webhook_with(&deps(log, folder).await).await
}

/// A webhook with what a node has.
pub(crate) async fn webhook_with(deps: &Deps) -> (Webhook, Option<Housekeeping>) {
    let (raw, archiving) = RawKeeper::open(&ArchiveOptions::default(), deps).await.unwrap();
    let bound = Bound { max_body: 64 << 20, setting: "max_body", in_flight: 256 << 20 };
    let counter = |name| deps.metrics.counter(name, "test");
    let webhook = Webhook {
        intake: Intake::new("audit-ingest", deps, bound),
        raw,
        judging: Arc::new(Judging::default()),
        clock: Arc::clone(&deps.clock),
        rules_known: watch::channel(true).1,
        events: counter("airside_test_events_total"),
        sightings: counter("airside_test_sightings_total"),
        known_bodies: deps.metrics.gauge("airside_test_known_bodies", "test"),
        known_requests: deps.metrics.gauge("airside_test_known_requests", "test"),
    };
    (webhook, archiving)
}

/// A body of the default tenant's default cluster.
pub(crate) fn received(body: impl Into<Bytes>) -> Received {
    Received {
        tenant: Tenant::default(),
        cluster: Cluster::default(),
        time: Timestamp::EPOCH,
        body: body.into(),
    }
}
