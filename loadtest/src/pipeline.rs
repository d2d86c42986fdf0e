//! The way of audit events from a body to the durable log, without a network: the service's own intake over
//! the adapters that `airside up` uses, in a temporary folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_audit_ingest::Judging;
use airside_auth::KeyRing;
use airside_bus::{EmbeddedLog, EmbeddedLogOptions, EmbeddedQueue, EmbeddedQueueOptions};
use airside_node::settings::NodeOptions;
use airside_ports::{Clock, Log, Partitioner, Store, Stream};
use airside_service::intake::{Bound, Intake, Received};
use airside_service::peers::PeerLimits;
use airside_service::{CancellationToken, Deps, Health, Peers, SystemClock};
use airside_store::{SledOptions, SledStore};
use airside_telemetry::Metrics;
use airside_types::{Cluster, Tenant};
use bytes::Bytes;
use tempfile::TempDir;

/// Larger than any batch of the load.
const MAX_BODY: usize = 64 << 20;

/// An intake whose records are durable when it returns.
#[derive(Debug)]
pub(crate) struct Pipeline {
    intake: Intake,
    log: Arc<EmbeddedLog>,
    store: Arc<SledStore>,
    folder: TempDir,
}

/// What became of some events.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kept {
    pub(crate) events: u64,
    pub(crate) sightings: u64,
    pub(crate) letters: u64,
}

impl Kept {
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.sightings += other.sightings;
        self.letters += other.letters;
    }
}

impl Pipeline {
    /// Opens log and store as a node does by default.
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let defaults = NodeOptions::default();
        let folder = tempfile::Builder::new().prefix("airside-loadtest-").tempdir()?;
        let sled =
            SledOptions { cache_bytes: defaults.store_cache.as_u64(), ..SledOptions::default() };
        let store = Arc::new(SledStore::open(folder.path(), sled).await?);
        let port: Arc<dyn Store> = Arc::<SledStore>::clone(&store);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = EmbeddedLogOptions {
            max_stream_bytes: defaults.stream_max_bytes.as_u64(),
            max_entry_bytes: airside_wire::limits::MAX_MESSAGE_BYTES,
            ..EmbeddedLogOptions::default()
        };
        let log = EmbeddedLog::open(Arc::clone(&port), Arc::clone(&clock), options).await?;
        let log = Arc::new(log);
        let queue = EmbeddedQueue::open(Arc::clone(&port), EmbeddedQueueOptions::default()).await?;
        let deps = Deps {
            log: Arc::<EmbeddedLog>::clone(&log),
            queue: Arc::new(queue),
            live: None,
            terms: Default::default(),
            store: port,
            data_dir: None,
            clock,
            partitioner: Partitioner::new(defaults.partitions),
            keys: Arc::new(KeyRing::default()),
            peers: Peers::new(&BTreeMap::new(), None, PeerLimits::default())?,
            metrics: Metrics::new(),
            health: Health::default(),
            draining: CancellationToken::new(),
        };
        let bound =
            Bound { max_body: MAX_BODY, setting: "audit-ingest.max_body", in_flight: MAX_BODY };
        let intake = Intake::new("audit-ingest", &deps, bound);
        Ok(Self { intake, log, store, folder })
    }

    /// Takes one `EventList` in, as the webhook does once it has the body.
    pub(crate) async fn take(&self, body: Bytes) -> anyhow::Result<Kept> {
        let understood = self
            .intake
            .understand(received(body), |body: &Received| {
                airside_audit_ingest::understand(body, &Judging::default())
            })
            .await
            .map_err(|error| anyhow::anyhow!("a batch was refused: {error}"))?;
        let kept = Kept {
            events: understood.inputs,
            sightings: understood.sightings.iter().map(|batch| batch.sightings.len() as u64).sum(),
            letters: understood.letters.len() as u64,
        };
        let durable = self.intake.keep(understood).await;
        durable.map_err(|error| anyhow::anyhow!("a batch was not kept: {error}"))?;
        Ok(kept)
    }

    /// The bytes of the log's entries.
    pub(crate) async fn log_bytes(&self) -> anyhow::Result<u64> {
        Ok(self.log.room(Stream::Sightings).await?.held_bytes)
    }

    /// Closes everything and removes the folder.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.log.close().await;
        self.store.close().await;
        Ok(self.folder.close()?)
    }
}

/// A body as the webhook has it once the caller is known.
pub(crate) fn received(body: Bytes) -> Received {
    Received {
        tenant: Tenant::default(),
        cluster: Cluster::default(),
        time: SystemClock.now(),
        body,
    }
}
