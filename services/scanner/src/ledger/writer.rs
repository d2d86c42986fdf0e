//! The one writer of the ledger.
//!
//! A publication changes the ledger and the log together: the changes and the records that tell of them
//! are committed in one batch, and the records are published from the outbox.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_ports::{Batch, Clock, Entry, KeyRange, Keyspace, Log, Order, Store, Stream};
use airside_service::outbox::Outbox;
use airside_service::{Deps, Publisher};
use airside_types::{
    BoardingPass, Cluster, Finding, FindingState, Id, Payload, Record, Source, Tenant, Timestamp,
};
use airside_wire::finding::{FindingEntry, decode_entry, encode_entry};
use airside_wire::scan::{Publication, PublishOutcome};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::scanned::Scanned;
use super::{FINDINGS, LedgerError, PAGE, Request, Revision, Stop, Work, behind, cluster_prefix};

/// Boarding passes that were published, by tenant, cluster and id.
const PASSES: Keyspace = Keyspace::new("scanner.passes");
/// Records that wait to be published.
const OUTBOX: Keyspace = Keyspace::new("scanner.outbox");

/// Carries out publications, one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    publisher: Publisher,
    requests: mpsc::Receiver<Request>,
}

impl Writer {
    pub(super) fn new(deps: &Deps, requests: mpsc::Receiver<Request>) -> Self {
        Self {
            store: Arc::clone(&deps.store),
            log: Arc::clone(&deps.log),
            clock: Arc::clone(&deps.clock),
            publisher: deps.publisher(),
            requests,
        }
    }

    /// Works until told to stop, then carries out what waits.
    pub(crate) async fn run(mut self, stop: &Stop) -> Result<(), LedgerError> {
        let mut outbox =
            Outbox::recover(OUTBOX, Arc::clone(&self.store), Arc::clone(&self.log)).await?;
        loop {
            let request = tokio::select! {
                biased;
                request = self.requests.recv() => request,
                () = stop.cancelled() => {
                    self.requests.close();
                    self.requests.recv().await
                }
            };
            let Some(Request { tenant, work, span, answer }) = request else {
                return Ok(());
            };
            let result = self.carry_out(&mut outbox, &tenant, &work).instrument(span).await;
            let failed = matches!(result, Err(LedgerError::Outbox(_)));
            // A caller that went away has no use for the answer.
            let _unheard = answer.send(result).is_err();
            if failed {
                // What was committed is in the outbox: publish it before anything else is committed.
                outbox =
                    Outbox::recover(OUTBOX, Arc::clone(&self.store), Arc::clone(&self.log)).await?;
            }
        }
    }

    async fn carry_out(
        &self,
        outbox: &mut Outbox,
        tenant: &Tenant,
        work: &Work,
    ) -> Result<PublishOutcome, LedgerError> {
        let change = match work {
            Work::Publication(publication) => self.published(tenant, publication).await?,
            Work::Revision(revision) => self.revised(tenant, revision).await?,
        };
        let Change { mut batch, records, outcome, .. } = change;
        let entries: Vec<(Stream, Entry)> = self
            .publisher
            .entries(records)?
            .into_iter()
            .flat_map(|(stream, entries)| entries.into_iter().map(move |entry| (stream, entry)))
            .collect();
        outbox.stage(&mut batch, &entries);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        outbox.publish(entries).await.map_err(airside_service::outbox::OutboxError::from)?;
        Ok(outcome)
    }

    async fn published<'a>(
        &self,
        tenant: &'a Tenant,
        publication: &'a Publication,
    ) -> Result<Change<'a>, LedgerError> {
        let known = self.known(tenant, &publication.cluster).await?;
        let mut change = Change::new(tenant, &publication.cluster, self.clock.now());
        change.compare(&known, publication)?;
        for pass in &publication.report.passes {
            let key = change.key(pass.id(tenant, &publication.cluster));
            if self.store.get(PASSES, &key).await?.is_none() {
                change.issue(pass, key);
            }
        }
        Ok(change)
    }

    async fn revised<'a>(
        &self,
        tenant: &'a Tenant,
        revision: &'a Revision,
    ) -> Result<Change<'a>, LedgerError> {
        let mut change = Change::new(tenant, &revision.cluster, self.clock.now());
        for finding in &revision.open {
            let id = finding.id(tenant, &revision.cluster);
            let entry = self.entry(&change, id).await?;
            change.open(id, finding, entry.as_ref())?;
        }
        for (id, state) in &revision.closed {
            if let Some(entry) = self.entry(&change, *id).await? {
                change.close(*id, &entry, *state)?;
            }
        }
        Ok(change)
    }

    async fn entry(
        &self,
        change: &Change<'_>,
        id: Id,
    ) -> Result<Option<FindingEntry>, LedgerError> {
        let stored = self.store.get(FINDINGS, &change.key(id)).await?;
        Ok(stored.map(|value| decode_entry(&value)).transpose()?)
    }

    async fn known(
        &self,
        tenant: &Tenant,
        cluster: &Cluster,
    ) -> Result<BTreeMap<Id, FindingEntry>, LedgerError> {
        let mut known = BTreeMap::new();
        let mut range = KeyRange::prefix(&cluster_prefix(tenant, cluster));
        loop {
            let page = self.store.scan(FINDINGS, range.clone(), Order::Ascending, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(known) };
            range.from = behind(last);
            for (_, value) in page {
                let entry = decode_entry(&value)?;
                known.insert(entry.id, entry);
            }
        }
    }
}

/// What a publication changes.
struct Change<'a> {
    tenant: &'a Tenant,
    cluster: &'a Cluster,
    now: Timestamp,
    batch: Batch,
    records: Vec<Record>,
    outcome: PublishOutcome,
}

impl<'a> Change<'a> {
    fn new(tenant: &'a Tenant, cluster: &'a Cluster, now: Timestamp) -> Self {
        Self {
            tenant,
            cluster,
            now,
            batch: Batch::new(),
            records: Vec::new(),
            outcome: PublishOutcome::default(),
        }
    }

    fn key(&self, id: Id) -> Vec<u8> {
        let mut key = cluster_prefix(self.tenant, self.cluster);
        key.extend_from_slice(id.as_bytes());
        key
    }

    /// Compares what was found with what is known: new findings open, findings of what was scanned that were
    /// not found again are fixed, or gone with their object.
    fn compare(
        &mut self,
        known: &BTreeMap<Id, FindingEntry>,
        publication: &Publication,
    ) -> Result<(), LedgerError> {
        let mut seen = BTreeSet::new();
        for finding in &publication.report.findings {
            let id = finding.id(self.tenant, self.cluster);
            if !seen.insert(id) {
                continue;
            }
            self.open(id, finding, known.get(&id))?;
        }
        let scanned = Scanned::of(publication);
        for (id, entry) in known {
            let finding = &entry.finding;
            let is_left = finding.state == FindingState::Open && !seen.contains(id);
            if !is_left || !scanned.covers(&finding.place.path) {
                continue;
            }
            let is_there = scanned.has(finding);
            let state = if is_there { FindingState::Fixed } else { FindingState::Gone };
            self.close(*id, entry, state)?;
        }
        Ok(())
    }

    /// A finding was found, perhaps once more.
    fn open(
        &mut self,
        id: Id,
        finding: &Finding,
        known: Option<&FindingEntry>,
    ) -> Result<(), LedgerError> {
        match known {
            Some(entry) if entry.finding == *finding => self.outcome.unchanged += 1,
            Some(entry) if entry.finding.state == FindingState::Open => {
                // It moved to another line or its message changed: still the same finding.
                self.outcome.unchanged += 1;
                self.put(id, finding.clone(), entry.first_seen, entry.state_since)?;
            }
            Some(entry) => {
                self.outcome.opened += 1;
                self.put(id, finding.clone(), entry.first_seen, self.now)?;
            }
            None => {
                self.outcome.opened += 1;
                self.put(id, finding.clone(), self.now, self.now)?;
            }
        }
        Ok(())
    }

    /// A finding is no longer there.
    fn close(
        &mut self,
        id: Id,
        entry: &FindingEntry,
        state: FindingState,
    ) -> Result<(), LedgerError> {
        if entry.finding.state != FindingState::Open {
            return Ok(());
        }
        match state {
            FindingState::Gone => self.outcome.gone += 1,
            FindingState::Open | FindingState::Fixed => self.outcome.fixed += 1,
        }
        let finding = Finding { state, ..entry.finding.clone() };
        self.put(id, finding, entry.first_seen, self.now)
    }

    fn put(
        &mut self,
        id: Id,
        finding: Finding,
        first_seen: Timestamp,
        state_since: Timestamp,
    ) -> Result<(), LedgerError> {
        let entry = FindingEntry {
            id,
            cluster: self.cluster.clone(),
            finding: finding.clone(),
            first_seen,
            state_since,
        };
        let key = self.key(id);
        self.batch.put(FINDINGS, key, encode_entry(&entry)?);
        self.records.push(self.record(id, Payload::Finding(finding)));
        Ok(())
    }

    fn issue(&mut self, pass: &BoardingPass, key: Vec<u8>) {
        let id = pass.id(self.tenant, self.cluster);
        self.batch.put(PASSES, key, self.now.as_nanos().to_be_bytes().to_vec());
        self.records.push(self.record(id, Payload::BoardingPass(pass.clone())));
    }

    fn record(&self, id: Id, payload: Payload) -> Record {
        Record {
            tenant: self.tenant.clone(),
            cluster: self.cluster.clone(),
            id,
            source: Source::Scan,
            event_time: self.now,
            ingest_time: self.now,
            payload,
        }
    }
}
