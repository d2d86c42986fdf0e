//! The adapters that the settings choose, their housekeeping, and closing them in order.

pub(crate) mod cluster;
mod embedded;
mod nats;

use std::sync::Arc;
use std::time::Duration;

use airside_bus::embedded::TrimBefore;
use airside_bus::{EmbeddedLog, EmbeddedQueue};
use airside_ports::{Clock, Log, Queue, Store, Stream};
use airside_service::CancellationToken;
use airside_store::SledStore;
use tokio_util::task::TaskTracker;

use crate::settings::{BusKind, NatsOptions, NodeOptions};

/// How often the embedded log is looked through for what is too old.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// What a node stands on.
#[derive(Debug)]
pub(crate) struct Adapters {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) store: Arc<dyn Store>,
    embedded: Option<Embedded>,
    nats: Option<airside_bus::NatsConnection>,
    stores: Vec<Arc<SledStore>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Embedded {
    log: Arc<EmbeddedLog>,
    queue: Arc<EmbeddedQueue>,
}

impl Adapters {
    /// Opens what the settings name.
    pub(crate) async fn open(
        options: &NodeOptions,
        nats: &NatsOptions,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        match options.bus {
            BusKind::Embedded => embedded::open(options, clock).await,
            BusKind::Nats => nats::open(options, nats).await,
        }
    }

    /// Waits until a store has failed, which none does unless its disk is full or broken.
    pub(crate) async fn failed(&self) -> anyhow::Error {
        let failed = self.stores.iter().map(|store| {
            Box::pin(async {
                let (path, reason) = (store.path().display(), store.failed().await);
                anyhow::anyhow!(
                    "the store `{path}` failed: {reason}; nothing that was acknowledged is lost: see that its disk has room \
                     and is sound, and start again"
                )
            })
        });
        let failed: Vec<_> = failed.collect();
        if failed.is_empty() {
            return std::future::pending().await;
        }
        futures::future::select_all(failed).await.0
    }

    /// Starts what has to be done from time to time.
    pub(crate) fn start_housekeeping(&self, options: &NodeOptions, clock: Arc<dyn Clock>) {
        let Some(embedded) = &self.embedded else { return };
        let (log, stop) = (Arc::clone(&embedded.log), self.stop.clone());
        let max_age = options.stream_max_age.as_duration();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(HOUSEKEEPING) => {}
                }
                let oldest = TrimBefore::Time(clock.now().minus(max_age));
                for stream in Stream::ALL.into_iter().filter(|stream| stream.ages()) {
                    match log.trim(stream, oldest).await {
                        Ok(trimmed) if trimmed.entries > 0 => {
                            tracing::info!(%stream, entries = trimmed.entries, "old entries removed");
                        }
                        Ok(_) => {}
                        Err(error) => {
                            tracing::warn!(%stream, error = %error, "old entries cannot be removed");
                        }
                    }
                }
            }
        });
    }

    /// Closes everything: the log and queues first, then the stores that they may lie in.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(embedded) = &self.embedded {
            embedded.queue.close();
            embedded.log.close().await;
        }
        if let Some(nats) = &self.nats {
            nats.close().await;
        }
        for store in &self.stores {
            store.close().await;
        }
    }
}
