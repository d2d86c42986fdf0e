//! What tests of the intake need: a webhook over a log that tells what it was given, and fails when it is told to.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use airside_archive::Housekeeping;
use airside_auth::KeyRing;
use airside_bus::{EmbeddedQueue, EmbeddedQueueOptions};
use airside_ports::{
    Entry, Log, LogError, LogReader, Offset, PartitionSet, Partitioner, Store, Stream,
};
use airside_service::intake::{Bound, Intake, Received};
use airside_service::peers::PeerLimits;
use airside_service::{CancellationToken, Deps, Health, Peers, SystemClock};
use airside_store::MemoryStore;
use airside_telemetry::Metrics;
use airside_types::{Cluster, Id, SightingBatch, Tenant, Timestamp};
use airside_wire::decode_sightings;
use async_trait::async_trait;
use axum::body::Bytes;
use tokio::sync::watch;

use crate::raw::{ArchiveOptions, RawKeeper};
use crate::{Judging, Webhook};

/// A log that only takes.
#[derive(Debug, Default)]
pub(crate) struct Appends {
    all: Mutex<Vec<(Stream, Vec<Entry>)>>,
    /// After how many appends it fails once; none for never.
    fails_after: Mutex<Option<usize>>,
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Appends {
    pub(crate) fn fail_after(&self, appends: usize) {
        *locked(&self.fails_after) = Some(appends);
    }

    /// What each append of sightings had.
    pub(crate) fn sightings(&self) -> Vec<Vec<SightingBatch>> {
        let all = locked(&self.all);
        let of_sightings = all.iter().filter(|(stream, _)| *stream == Stream::Sightings);
        let decoded = |entry: &Entry| decode_sightings(&entry.payload).unwrap();
        of_sightings.map(|(_, entries)| entries.iter().map(decoded).collect()).collect()
    }

    /// How many entries a stream has.
    pub(crate) fn entries(&self, of: Stream) -> usize {
        let all = locked(&self.all);
        all.iter().filter(|(stream, _)| *stream == of).map(|(_, entries)| entries.len()).sum()
    }
}

#[async_trait]
impl Log for Appends {
    async fn append(&self, stream: Stream, entries: Vec<Entry>) -> Result<(), LogError> {
        let mut fails_after = locked(&self.fails_after);
        if fails_after.take_if(|left| *left == 0).is_some() {
            return Err(LogError::Closed);
        }
        *fails_after = fails_after.map(|left| left - 1);
        locked(&self.all).push((stream, entries));
        Ok(())
    }

    async fn replace(&self, _: Stream, _: Id, _: Entry) -> Result<(), LogError> {
        Err(LogError::Closed)
    }

    async fn reader(
        &self,
        _: Stream,
        _: PartitionSet,
        _: Offset,
    ) -> Result<Box<dyn LogReader>, LogError> {
        Err(LogError::Closed)
    }

    async fn forget(&self, _: Stream, _: Offset) -> Result<(), LogError> {
        Err(LogError::Closed)
    }

    async fn end(&self, _: Stream) -> Result<Offset, LogError> {
        Err(LogError::Closed)
    }

    fn preferred_entry_bytes(&self) -> usize {
        1 << 20
    }
}

/// A webhook over such a log that knows the rules; it keeps raw events in a folder, where there is one.
pub(crate) async fn webhook(
    log: &Arc<Appends>,
    folder: Option<&Path>,
) -> (Webhook, Option<Housekeeping>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let queue = EmbeddedQueue::open(Arc::clone(&store), EmbeddedQueueOptions::default());
    let deps = Deps {
        log: Arc::<Appends>::clone(log),
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
    };
    let (raw, archiving) = RawKeeper::open(&ArchiveOptions::default(), &deps).await.unwrap();
    let bound = Bound { max_body: 64 << 20, setting: "max_body", in_flight: 256 << 20 };
    let counter = |name| deps.metrics.counter(name, "test");
    let webhook = Webhook {
        intake: Intake::new("audit-ingest", &deps, bound),
        raw,
        judging: Arc::new(Judging::default()),
        clock: Arc::clone(&deps.clock),
        rules_known: watch::channel(true).1,
        events: counter("airside_test_events_total"),
        sightings: counter("airside_test_sightings_total"),
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
