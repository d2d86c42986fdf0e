//! The admission service: the gate of the cluster.
//!
//! Owns the admission webhook: it answers AdmissionReviews within the caller's deadline by the checks that
//! the scanner uses ([`gate`]), knows from boarding passes whether a configuration was checked in
//! ([`passes`]), and records every decision. It never breaks the cluster: what it cannot
//! judge or record in time it answers all the same, and says so.

mod deadline;
pub mod gate;
mod options;
pub mod passes;
mod recorder;
mod violations;
mod webhook;

use std::sync::Arc;

use airside_ports::{Log, PartitionSet, StoredEntry, Stream};
use airside_service::follow::follow;
use airside_service::{CancellationToken, Deps, Mounts, Service, ServiceContext};
use airside_terms::TermsOfTenants;
use airside_wire::decode_records;
use anyhow::Context;
use async_trait::async_trait;

pub use crate::options::Options;
use crate::passes::Passes;
use crate::recorder::Recorder;
use crate::webhook::Webhook;

/// The admission service.
#[derive(Debug)]
pub struct Admission {
    log: Arc<dyn Log>,
    partitions: PartitionSet,
    passes: Arc<Passes>,
    recorder: Recorder,
}

#[async_trait]
impl Service for Admission {
    const NAME: &'static str = "admission";
    const ABOUT: &'static str = "answers admission reviews and records the decisions";
    type Options = Options;

    async fn build(options: Options, deps: Deps, mounts: &mut Mounts) -> anyhow::Result<Self> {
        let passes = Arc::new(Passes::new(options.max_passes, options.trusted_keys()?));
        let (recording, recorder) = recorder::new(&deps);
        let terms = TermsOfTenants::read(&deps.terms).context("`terms` cannot be used")?;
        let webhook = Webhook::new(&options, &deps, Arc::clone(&passes), terms, recording)?;
        mounts.webhook(webhook.routes());
        let partitions = deps.partitioner.all();
        Ok(Self { log: deps.log, partitions, passes, recorder })
    }

    async fn run(self, context: ServiceContext) -> anyhow::Result<()> {
        let stop_recording = CancellationToken::new();
        let learning = async {
            learn(self.log.as_ref(), self.partitions, &self.passes, &context).await;
            // No review is under way any more; what they decided may still wait to be recorded.
            stop_recording.cancel();
        };
        tokio::join!(learning, self.recorder.run(&stop_recording));
        Ok(())
    }
}

/// Follows the boarding passes on the log. Becomes ready once those that were there are known, so that an
/// authorised configuration is not called unknown after a restart.
async fn learn(log: &dyn Log, partitions: PartitionSet, passes: &Passes, context: &ServiceContext) {
    let take = |stored: &StoredEntry| match decode_records(&stored.entry.payload) {
        Ok(records) => passes.learn(&records),
        // Correlation reads the same entry and sets it aside.
        Err(error) => tracing::warn!(error = %error, "entry cannot be read"),
    };
    let from = (Stream::Configuration, partitions);
    follow(log, from, &context.shutdown, || context.ready.ready(), take).await;
}
