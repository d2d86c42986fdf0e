//! Log, queue and state in this process.
//!
//! Log and state lie in folders of their own: a damaged state is set aside and rebuilt from the log, a
//! damaged log stops the node, since what it holds exists nowhere else.

use std::sync::Arc;

use airside_bus::{EmbeddedLog, EmbeddedLogOptions, EmbeddedQueue, EmbeddedQueueOptions};
use airside_ports::{Clock, Store};
use airside_store::{MemoryStore, OnDamage, SledOptions, SledStore};
use anyhow::Context;

use super::{Adapters, Embedded};
use crate::settings::{NodeOptions, StoreKind};

pub(super) async fn open(options: &NodeOptions, clock: Arc<dyn Clock>) -> anyhow::Result<Adapters> {
    let mut stores = Vec::new();
    let (log_store, store): (Arc<dyn Store>, Arc<dyn Store>) = match options.store {
        StoreKind::Memory => (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new())),
        StoreKind::Sled => {
            let log = sled(options, "log", OnDamage::Fail).await?;
            let state = sled(options, "state", OnDamage::Quarantine).await?;
            stores.extend([Arc::clone(&log), Arc::clone(&state)]);
            (log, state)
        }
    };
    let log_options = EmbeddedLogOptions {
        max_stream_bytes: options.stream_max_bytes.as_u64(),
        max_entry_bytes: airside_wire::limits::MAX_MESSAGE_BYTES,
        ..EmbeddedLogOptions::default()
    };
    let log = Arc::new(EmbeddedLog::open(Arc::clone(&log_store), clock, log_options).await?);
    let queue_options = EmbeddedQueueOptions {
        max_job_bytes: airside_wire::limits::MAX_MESSAGE_BYTES,
        ..EmbeddedQueueOptions::default()
    };
    let queue = Arc::new(EmbeddedQueue::open(log_store, queue_options).await?);
    Ok(Adapters {
        log: Arc::<EmbeddedLog>::clone(&log),
        queue: Arc::<EmbeddedQueue>::clone(&queue),
        store,
        embedded: Some(Embedded { log, queue }),
        nats: None,
        stores,
        stop: Default::default(),
        tasks: Default::default(),
    })
}

/// Opens a folder of the data folder as a store.
pub(super) async fn sled(
    options: &NodeOptions,
    folder: &str,
    on_damage: OnDamage,
) -> anyhow::Result<Arc<SledStore>> {
    let path = options.data_dir.join(folder);
    let sled = SledOptions {
        cache_bytes: options.store_cache.as_u64(),
        on_damage,
        ..SledOptions::default()
    };
    let store = SledStore::open(&path, sled)
        .await
        .with_context(|| format!("the store `{}` cannot be opened", path.display()))?;
    Ok(Arc::new(store))
}
