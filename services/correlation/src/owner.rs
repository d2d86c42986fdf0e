//! The owner of the log's partitions: records in, revisions of incidents out.

use std::sync::Arc;

use airside_correlate::{Change, Engine, Settings};
use airside_ports::{Clock, Entry, Headers, StoredEntry, Stream};
use airside_service::publisher::stream_of;
use airside_service::{ApplyError, Deps, Effects, LogOwner, Lost, ReadUpTo};
use airside_telemetry::metrics::Counter;
use airside_types::{Payload, Record, Source};
use airside_wire::incident::{Merge, Revision, encode_incident_event};
use airside_wire::{IncidentEvent, MessageType, decode_records};
use async_trait::async_trait;

use crate::api::INCIDENTS_PARTITION;
use crate::options::Options;
use crate::state::State;
use crate::view::{View, ViewChange};

/// Folds records into incidents.
pub(crate) struct IncidentOwner {
    engine: Engine,
    state: State,
    view: Arc<View>,
    clock: Arc<dyn Clock>,
    read: ReadUpTo,
    /// What the view is told once it is committed.
    pending: Vec<ViewChange>,
    records: Counter,
    revisions: Counter,
}

impl IncidentOwner {
    /// Rebuilds the engine from the stored records. Incidents that this version of the engine tells
    /// differently than the one that stored them get a new revision with the first entry that comes.
    pub(crate) async fn open(
        options: &Options,
        deps: &Deps,
        view: Arc<View>,
    ) -> anyhow::Result<Self> {
        let mut settings = Settings::default();
        settings.retention.signals = options.retention.as_duration();
        let state = State::open(Arc::clone(&deps.store)).await?;
        let mut owner = Self {
            engine: Engine::new(settings),
            state,
            view,
            clock: Arc::clone(&deps.clock),
            read: ReadUpTo::default(),
            pending: Vec::new(),
            records: deps.metrics.counter(
                "airside_correlation_records_total",
                "Records that correlation applied, repeats included",
            ),
            revisions: deps.metrics.counter(
                "airside_correlation_revisions_total",
                "Revisions of incidents that correlation published",
            ),
        };
        owner.rebuild().await?;
        Ok(owner)
    }

    async fn rebuild(&mut self) -> anyhow::Result<()> {
        let mut after = None;
        while let Some(page) = self.state.records_after(after.as_deref()).await? {
            for record in &page.records {
                // Gaps are made here as well, of times up to which nothing was read.
                if !matches!(record.payload, Payload::Gap(_)) {
                    self.read.note(stream_of(&record.payload), record.ingest_time);
                }
                let _held = self.engine.apply(record);
            }
            after = Some(page.last_key);
        }
        for change in self.engine.take_changes() {
            if let Change::Revised(incident) = change {
                let known = self.state.revision_of(&incident.tenant, incident.id).unwrap_or(1);
                self.pending.push(ViewChange::Revised(Arc::new(Revision {
                    incident: Arc::unwrap_or_clone(incident),
                    revision: known,
                    trace_parent: None,
                })));
            }
        }
        self.committed();
        Ok(())
    }

    /// Each source of each cluster may have told something in that time that nobody knows.
    fn gaps(&mut self, lost: &Lost<'_>) -> Vec<Record> {
        let next = lost.next.and_then(|entry| decode_records(&entry.entry.payload).ok());
        let next = next.and_then(|records| Some(records.first()?.ingest_time));
        let until = next.unwrap_or_else(|| self.clock.now());
        let Some(since) = self.read.since(lost) else { return Vec::new() };
        let tells = |source: &Source| match lost.stream {
            Stream::Configuration => matches!(source, Source::Scan | Source::Partner),
            _ => *source != Source::Scan,
        };
        let clusters = self.engine.clusters().flat_map(|known| {
            let sources = known.sources.iter().copied().filter(tells);
            sources.map(move |source| (known.tenant, known.cluster, source, known.newest))
        });
        let gap = |(tenant, cluster, source, newest)| {
            lost.gap((tenant, cluster), source, newest, (since, until))
        };
        clusters.filter_map(gap).collect()
    }

    /// Applies a record, and keeps it if it is new.
    fn take(&mut self, record: &Record, effects: &mut Effects) -> Result<(), ApplyError> {
        self.records.inc();
        if self.engine.apply(record) {
            self.state.put_record(record, &mut effects.batch).map_err(poison)?;
        }
        Ok(())
    }

    /// Turns the engine's changes into revisions to publish, caused by the request of this trace.
    fn publish_changes(
        &mut self,
        trace_parent: Option<&String>,
        effects: &mut Effects,
    ) -> Result<(), ApplyError> {
        for change in self.engine.take_changes() {
            let (event, shown) = match change {
                Change::Revised(incident) => {
                    let Some(number) = self.state.next_revision(&incident, &mut effects.batch)
                    else {
                        continue;
                    };
                    let revision = Revision {
                        incident: Arc::unwrap_or_clone(incident),
                        revision: number,
                        trace_parent: trace_parent.cloned(),
                    };
                    let shown = ViewChange::Revised(Arc::new(revision.clone()));
                    (IncidentEvent::Revision(Box::new(revision)), shown)
                }
                Change::Merged { tenant, old, into } => {
                    self.state.merged(&tenant, old, &mut effects.batch);
                    let shown = ViewChange::Merged { tenant: tenant.clone(), old, into };
                    (IncidentEvent::Merged(Merge { tenant, old, into }), shown)
                }
                Change::Withdrawn { tenant, id } => {
                    self.state.merged(&tenant, id, &mut effects.batch);
                    self.pending.push(ViewChange::Forgotten { tenant, id });
                    continue;
                }
            };
            let payload = encode_incident_event(&event)
                .map_err(|error| ApplyError::Poison(error.to_string()))?;
            let headers = Headers {
                message: MessageType::IncidentEvent.as_str().to_owned(),
                trace_parent: trace_parent.cloned(),
            };
            let entry = Entry { partition: INCIDENTS_PARTITION, headers, payload };
            effects.outputs.push((Stream::Incidents, entry));
            self.pending.push(shown);
            self.revisions.inc();
        }
        Ok(())
    }
}

#[async_trait]
impl LogOwner for IncidentOwner {
    async fn apply(
        &mut self,
        stream: Stream,
        entry: &StoredEntry,
        effects: &mut Effects,
    ) -> Result<(), ApplyError> {
        let message = MessageType::parse(&entry.entry.headers.message).map_err(poison)?;
        if message != MessageType::RecordBatch {
            return Err(ApplyError::Poison(format!("{} is not for correlation", message.as_str())));
        }
        for record in decode_records(&entry.entry.payload).map_err(poison)? {
            self.read.note(stream, record.ingest_time);
            self.take(&record, effects)?;
        }
        for expired in self.engine.expired() {
            self.state.delete_record(expired, &mut effects.batch);
        }
        let here = airside_telemetry::trace::parent_of_current();
        self.publish_changes(here.as_ref().or(entry.entry.headers.trace_parent.as_ref()), effects)
    }

    async fn lost(&mut self, lost: Lost<'_>, effects: &mut Effects) {
        for gap in self.gaps(&lost) {
            if let Err(error) = self.take(&gap, effects) {
                tracing::error!(error = %error, "a gap cannot be kept");
            }
        }
        if let Err(error) = self.publish_changes(None, effects) {
            tracing::error!(error = %error, "what a gap changes cannot be told");
        }
    }

    fn committed(&mut self) {
        self.view.change(self.pending.drain(..));
    }
}

fn poison(error: impl std::fmt::Display) -> ApplyError {
    ApplyError::Poison(error.to_string())
}

#[cfg(test)]
mod tests;
