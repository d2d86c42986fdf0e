//! Log and queue on NATS JetStream; state in this process, to be rebuilt from the log.

use std::sync::Arc;

use airside_bus::nats::{
    NatsAuth, NatsConnection, NatsLog, NatsLogOptions, NatsOptions as Connect, NatsQueue,
    NatsQueueOptions, NatsTls,
};
use airside_ports::{Partitioner, Store};
use airside_store::{MemoryStore, OnDamage};
use anyhow::Context;

use super::Adapters;
use super::embedded::sled;
use crate::settings::{NatsOptions, NodeOptions, StoreKind};

pub(super) async fn open(options: &NodeOptions, nats: &NatsOptions) -> anyhow::Result<Adapters> {
    let mut stores = Vec::new();
    let store: Arc<dyn Store> = match options.store {
        StoreKind::Memory => Arc::new(MemoryStore::new()),
        StoreKind::Sled => {
            let state = sled(options, "state", OnDamage::Quarantine).await?;
            stores.push(Arc::clone(&state));
            state
        }
    };
    let connection = connect(nats).await?;
    let replicas = usize::from(nats.replicas.max(1));
    let log = NatsLog::open(
        &connection,
        NatsLogOptions {
            replicas,
            max_stream_bytes: nats.max_bytes.as_u64(),
            max_age: nats.max_age.as_duration(),
            partitioner: Partitioner::new(options.partitions),
            ..NatsLogOptions::default()
        },
    )
    .await?;
    let queue =
        NatsQueue::open(&connection, NatsQueueOptions { replicas, ..Default::default() }).await?;
    Ok(Adapters {
        log: Arc::new(log),
        queue: Arc::new(queue),
        store,
        embedded: None,
        nats: Some(connection),
        stores,
        stop: Default::default(),
        tasks: Default::default(),
    })
}

async fn connect(nats: &NatsOptions) -> anyhow::Result<NatsConnection> {
    let mut connect = Connect::new(nats.url.split(',').map(str::trim));
    connect.prefix.clone_from(&nats.prefix);
    connect.tls = NatsTls { authority: nats.ca.clone(), ..NatsTls::default() };
    if let Some(path) = &nats.credentials {
        connect.auth = NatsAuth::CredentialsFile(path.clone());
    }
    NatsConnection::connect(&connect).await.with_context(|| {
        format!(
            "the bus cannot be reached: start a nats-server, or set `nats.url` (it is {})",
            nats.url
        )
    })
}
