//! Log and queue on NATS JetStream, state in this process.

use super::Adapters;
use crate::settings::{NatsOptions, NodeOptions};

#[derive(Debug)]
pub(super) struct Connection;

impl Connection {
    pub(super) async fn close(&self) {}
}

pub(super) async fn open(_: &NodeOptions, _: &NatsOptions) -> anyhow::Result<Adapters> {
    anyhow::bail!("pending")
}
