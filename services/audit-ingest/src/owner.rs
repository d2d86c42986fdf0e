//! The owner of the log's partitions: sightings in, detections and facts out.
//!
//! Owns when the sift's state is kept and what of its answers is published. What several events say together is
//! `airside-sift`'s.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use airside_ports::{LostRange, StoredEntry, Stream};
use airside_service::publisher::Publisher;
use airside_service::{ApplyError, Deps, Effects, LogOwner};
use airside_sift::{ClusterKey, Limits, Sift};
use airside_telemetry::metrics::Counter;
use airside_types::{Cluster, Suppression, Tenant};
use airside_wire::{MessageType, decode_sightings};
use async_trait::async_trait;

use crate::judging::Judging;
use crate::state;

/// The ledger as it was committed, for those who ask.
#[derive(Debug, Default)]
pub(crate) struct LedgerView {
    lines: RwLock<Vec<(Tenant, Cluster, Suppression)>>,
}

impl LedgerView {
    /// The suppressions of a tenant, by cluster, reason and rule.
    pub(crate) fn of(
        &self,
        tenant: &Tenant,
        cluster: Option<&Cluster>,
    ) -> Vec<(Cluster, Suppression)> {
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .filter(|(of, at, _)| of == tenant && cluster.is_none_or(|cluster| cluster == at))
            .map(|(_, at, line)| (at.clone(), line.clone()))
            .collect()
    }
}

/// Folds sightings.
pub(crate) struct AuditOwner {
    sift: Sift,
    judging: Arc<Judging>,
    publisher: Publisher,
    view: Arc<LedgerView>,
    /// The clusters of which something was applied since the last commit.
    touched: BTreeSet<ClusterKey>,
    folded: Counter,
    left_out: Counter,
    rolled_up: Counter,
}

impl AuditOwner {
    /// Takes back what was kept.
    pub(crate) async fn open(
        deps: &Deps,
        judging: Arc<Judging>,
        view: Arc<LedgerView>,
    ) -> anyhow::Result<Self> {
        let mut sift = Sift::new(Limits::default());
        state::restore(deps.store.as_ref(), &mut sift).await?;
        let counter = |name, about| deps.metrics.counter(name, about);
        let mut owner = Self {
            sift,
            judging,
            publisher: deps.publisher(),
            view,
            touched: BTreeSet::new(),
            folded: counter(
                "airside_audit_ingest_folded_total",
                "Audit events that were folded into what is known of their cluster",
            ),
            left_out: counter(
                "airside_audit_ingest_left_out_total",
                "Audit events that were only counted, or had come before",
            ),
            rolled_up: counter(
                "airside_audit_ingest_rolled_up_total",
                "Detections for which one that was told before stands",
            ),
        };
        owner.show();
        Ok(owner)
    }

    /// Shows the ledger as it is committed.
    fn show(&mut self) {
        let sift = &self.sift;
        let lines = sift.clusters().flat_map(|key| {
            sift.ledger(key).map(move |line| (key.0.clone(), key.1.clone(), line.clone()))
        });
        let lines: Vec<_> = lines.collect();
        *self.view.lines.write().unwrap_or_else(PoisonError::into_inner) = lines;
    }
}

#[async_trait]
impl LogOwner for AuditOwner {
    async fn apply(
        &mut self,
        _stream: Stream,
        entry: &StoredEntry,
        effects: &mut Effects,
    ) -> Result<(), ApplyError> {
        let message = MessageType::parse(&entry.entry.headers.message).map_err(poison)?;
        if message != MessageType::SightingBatch {
            return Err(ApplyError::Poison(format!(
                "{} is no batch of sightings",
                message.as_str()
            )));
        }
        let batch = decode_sightings(&entry.entry.payload).map_err(poison)?;
        self.touched.insert((batch.tenant.clone(), batch.cluster.clone()));
        let profile = self.judging.profile(&batch.tenant, &batch.cluster);
        let sifted = self.sift.take(batch, profile);
        self.folded.add(sifted.events);
        self.left_out.add(sifted.left_out);
        self.rolled_up.add(sifted.rolled_up.len() as u64);
        for (stream, entries) in self.publisher.entries(sifted.told).map_err(poison)? {
            effects.outputs.extend(entries.into_iter().map(|entry| (stream, entry)));
        }
        Ok(())
    }

    async fn lost(&mut self, stream: Stream, range: LostRange, _effects: &mut Effects) {
        // The log says neither whose entries these were nor what they held, so no tenant's gap can be
        // recorded; the operator is told.
        tracing::error!(%stream, ?range, "retention removed sightings before they were folded");
    }

    fn settle(&mut self, effects: &mut Effects) {
        for cluster in std::mem::take(&mut self.touched) {
            for change in self.sift.take_changes(&cluster) {
                if let Err(error) = state::keep(&cluster, change, &mut effects.batch) {
                    // It is learnt anew after a restart.
                    tracing::error!(error = %error, "a part of what is known cannot be kept");
                }
            }
        }
    }

    fn committed(&mut self) {
        self.show();
    }
}

fn poison(error: impl std::fmt::Display) -> ApplyError {
    ApplyError::Poison(error.to_string())
}
