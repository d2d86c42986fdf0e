//! What every service is given: the ports and what the node shares.

use std::path::PathBuf;
use std::sync::Arc;

use airside_auth::KeyRing;
use airside_ports::{Clock, ClusterFeed, Log, Partitioner, Queue, Store};
use airside_telemetry::Metrics;
use airside_types::{Cluster, Tenant, TermFilesOfTenants};
use tokio_util::sync::CancellationToken;

use crate::dead_letter::DeadLetters;
use crate::health::Health;
use crate::peers::Peers;
use crate::publisher::Publisher;

/// The ports and shared parts of a node. Which process a service runs in is decided only by what is in
/// here. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The work queues.
    pub queue: Arc<dyn Queue>,
    /// The live cluster that is watched, where the settings name one.
    pub live: Option<LiveCluster>,
    /// Which files say by which terms objects are judged.
    pub terms: TermFilesOfTenants,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The node's folder, for what is larger than a store's values; none where it keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How many partitions the deployment has.
    pub partitioner: Partitioner,
    /// Who may call.
    pub keys: Arc<KeyRing>,
    /// Other services, here or elsewhere.
    pub peers: Peers,
    /// The node's metrics.
    pub metrics: Metrics,
    /// Whether the node's services are ready.
    pub health: Health,
    /// Cancelled when the node stops taking requests: answers that never end must end then.
    pub draining: CancellationToken,
}

/// A live cluster, and whose it is.
#[derive(Debug, Clone)]
pub struct LiveCluster {
    /// Whose findings it has.
    pub tenant: Tenant,
    /// The name under which its findings are kept.
    pub cluster: Cluster,
    /// Where its objects come from.
    pub feed: Arc<dyn ClusterFeed>,
}

impl Deps {
    /// A publisher of records onto the log.
    pub fn publisher(&self) -> Publisher {
        Publisher::new(Arc::clone(&self.log), self.partitioner)
    }

    /// Where a service puts what it cannot understand, counted under the service's name.
    pub fn dead_letters(&self, service: &'static str) -> DeadLetters {
        DeadLetters::new(service, Arc::clone(&self.log), &self.metrics)
    }
}
