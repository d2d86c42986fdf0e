//! The correlation service: everything from the log becomes incidents.
//!
//! Owns the incidents of the partitions that it follows, their revisions, and the questions about them.
//! How records join is `airside-correlate`'s; here are the log, the store and the API around it.

mod api;
mod options;
mod owner;
mod state;
mod view;
mod watch;

use std::sync::Arc;

use airside_ports::{Keyspace, PartitionSet, ReadLimit, Stream};
use airside_service::owner::{OwnerPorts, run_owner};
use airside_service::{Deps, Mounts, OwnerSettings, Service, ServiceContext};
use airside_wire::v1::incidents_service_server::IncidentsServiceServer;
use async_trait::async_trait;

use crate::api::IncidentsApi;
pub use crate::options::Options;
use crate::owner::IncidentOwner;
use crate::view::View;

/// Where the offsets of the log are kept.
const OFFSETS: Keyspace = Keyspace::new("correlation.offsets");
/// Where revisions wait until they are published.
const OUTBOX: Keyspace = Keyspace::new("correlation.outbox");

/// The correlation service.
#[derive(Debug)]
pub struct Correlation {
    options: Options,
    deps: Deps,
    view: Arc<View>,
}

#[async_trait]
impl Service for Correlation {
    const NAME: &'static str = "correlation";
    const ABOUT: &'static str = "joins what all services know into incidents";
    type Options = Options;

    async fn build(options: Options, deps: Deps, mounts: &mut Mounts) -> anyhow::Result<Self> {
        let view = Arc::new(View::default());
        let api = IncidentsApi::new(&deps, Arc::clone(&view));
        mounts.grpc(&deps, IncidentsServiceServer::new(api));
        Ok(Self { options, deps, view })
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        let mut owner = IncidentOwner::open(&self.options, &self.deps, self.view).await?;
        let settings = OwnerSettings {
            name: Self::NAME,
            streams: vec![Stream::Configuration, Stream::Activity],
            partitions: PartitionSet::range(0, self.deps.partitioner.count()),
            offsets: OFFSETS,
            outbox: OUTBOX,
            attempts: self.options.attempts,
            limit: ReadLimit::default(),
            consumes: false,
        };
        let ports = OwnerPorts {
            log: Arc::clone(&self.deps.log),
            store: Arc::clone(&self.deps.store),
            clock: Arc::clone(&self.deps.clock),
            dead_letters: self.deps.dead_letters(Self::NAME),
        };
        run_owner(&mut owner, &settings, &ports, &context.shutdown, &context.ready).await
    }
}
