//! The one writer of the ledger.
//!
//! A publication changes the ledger and the log together: changes and the records that tell of them are
//! committed in one batch, and the records are published from the outbox. A large publication is committed
//! in several such steps; when it fails between two of them, publishing it again changes what is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_ports::{Batch, Clock, Entry, KeyRange, Keyspace, Log, Order, Store, Stream};
use airside_service::outbox::{Outbox, OutboxError};
use airside_service::{Deps, Publisher};
use airside_terms::TermsOfTenants;
use airside_types::{BoardingPass, Cluster, Id, Payload, Record, Source, Tenant, Timestamp};
use airside_wire::finding::{FindingEntry, decode_entry, encode_entry};
use airside_wire::scan::PublishOutcome;
use tokio::sync::mpsc;
use tracing::Instrument;

use super::change::{Change, Told};
use super::{FINDINGS, LedgerError, PAGE, Request, Stop, Work, behind, cluster_prefix};
use crate::notices::Notices;

/// The terms of the boarding passes that were published and when they were, by tenant, cluster and id.
const PASSES: Keyspace = Keyspace::new("scanner.passes");
/// How many writes and records go into one step.
const STEP: usize = 4000;
/// How many fields the boarding passes of one step may have.
const STEP_FIELDS: usize = 100_000;
/// Records that wait to be published.
const OUTBOX: Keyspace = Keyspace::new("scanner.outbox");

/// Carries out publications, one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    publisher: Publisher,
    notices: Notices,
    terms: TermsOfTenants,
    requests: mpsc::Receiver<Request>,
}

impl Writer {
    pub(super) fn new(
        deps: &Deps,
        notices: Notices,
        terms: TermsOfTenants,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        Self {
            store: Arc::clone(&deps.store),
            log: Arc::clone(&deps.log),
            clock: Arc::clone(&deps.clock),
            publisher: deps.publisher(),
            notices,
            terms,
            requests,
        }
    }

    /// Works until told to stop, then carries out what waits.
    pub(crate) async fn run(mut self, stop: &Stop) -> Result<(), LedgerError> {
        let Some(mut outbox) = self.recover(stop).await? else { return Ok(()) };
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
            let result = self.carry_out(&mut outbox, &tenant, work).instrument(span).await;
            let failed = matches!(result, Err(LedgerError::Outbox(_) | LedgerError::Store(_)));
            // A caller that went away has no use for the answer.
            let _unheard = answer.send(result).is_err();
            if failed {
                // What was committed is in the outbox: publish it before anything else is committed.
                let Some(recovered) = self.recover(stop).await? else { return Ok(()) };
                outbox = recovered;
            }
        }
    }

    /// Opens the outbox as soon as store and log answer: a log that is full for a while must not end the service. None
    /// when it is told to stop first.
    async fn recover(&self, stop: &Stop) -> Result<Option<Outbox>, LedgerError> {
        let (store, log) = (Arc::clone(&self.store), Arc::clone(&self.log));
        Ok(Outbox::recover_in_time(OUTBOX, store, log, stop).await?)
    }

    async fn carry_out(
        &self,
        outbox: &mut Outbox,
        tenant: &Tenant,
        work: Work,
    ) -> Result<PublishOutcome, LedgerError> {
        let now = self.clock.now();
        let scanner = &self.terms.of(tenant).knowledge;
        match work {
            Work::Publication(mut publication) => {
                let cluster = publication.cluster.clone();
                let known = self.known(tenant, &cluster).await?;
                let change = Change::of(&mut publication, &known, tenant, scanner, now);
                drop(known);
                let step = Step::new(tenant, &cluster, now);
                self.keep(outbox, step, change, publication.report.passes).await
            }
            Work::Revision(revision) => {
                let cluster = revision.cluster.clone();
                let step = Step::new(tenant, &cluster, now);
                let mut change = Change::judged_by(scanner.clone());
                for finding in revision.open {
                    let id = finding.id(tenant, &cluster);
                    let known = self.entry(&step, id).await?;
                    change.report(id, &cluster, finding, known.as_ref(), now);
                }
                for (id, state) in revision.closed {
                    if let Some(entry) = self.entry(&step, id).await? {
                        change.end(&entry, state, now);
                    }
                }
                self.keep(outbox, step, change, Vec::new()).await
            }
        }
    }

    async fn entry(&self, step: &Step<'_>, id: Id) -> Result<Option<FindingEntry>, LedgerError> {
        let stored = self.store.get(FINDINGS, &step.key(id)).await?;
        Ok(stored.map(|value| decode_entry(&value)).transpose()?)
    }

    /// Makes a change durable, with the passes that are new or say something else.
    async fn keep(
        &self,
        outbox: &mut Outbox,
        mut step: Step<'_>,
        change: Change,
        passes: Vec<BoardingPass>,
    ) -> Result<PublishOutcome, LedgerError> {
        // In the first step: when a later one fails, its findings are news again, and these are not lost.
        let news = change.told.iter().filter_map(|told| Some((told.news?, &told.entry)));
        self.notices.stage(&mut step.batch, step.tenant, step.cluster, news, step.now);
        for entry in change.seen {
            step.keep(&entry)?;
            self.commit_if_full(outbox, &mut step).await?;
        }
        for Told { entry, .. } in change.told {
            step.keep(&entry)?;
            step.tell(entry.id, Payload::Finding(entry.finding));
            self.commit_if_full(outbox, &mut step).await?;
        }
        for pass in passes {
            let (id, terms) = (pass.id(step.tenant, step.cluster), pass.terms());
            let issued = self.store.get(PASSES, &step.key(id)).await?;
            if issued.is_none_or(|issued| !issued.starts_with(terms.as_bytes())) {
                step.issue(id, terms, pass);
                self.commit_if_full(outbox, &mut step).await?;
            }
        }
        self.commit(outbox, &mut step).await?;
        Ok(change.outcome)
    }

    async fn commit_if_full(
        &self,
        outbox: &mut Outbox,
        step: &mut Step<'_>,
    ) -> Result<(), LedgerError> {
        if step.records.len() + step.batch.writes.len() < STEP && step.fields < STEP_FIELDS {
            return Ok(());
        }
        self.commit(outbox, step).await
    }

    /// Commits the changes of a step with the records that tell of them, then publishes those.
    async fn commit(&self, outbox: &mut Outbox, step: &mut Step<'_>) -> Result<(), LedgerError> {
        step.fields = 0;
        let (mut batch, records) =
            (std::mem::take(&mut step.batch), std::mem::take(&mut step.records));
        let entries: Vec<(Stream, Entry)> = self
            .publisher
            .entries(records)?
            .into_iter()
            .flat_map(|(stream, entries)| entries.into_iter().map(move |entry| (stream, entry)))
            .collect();
        outbox.stage(&mut batch, &entries);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
            self.notices.wake();
        }
        outbox.publish(entries).await.map_err(OutboxError::from)?;
        Ok(())
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

/// Some changes of a publication, which are committed together.
struct Step<'a> {
    tenant: &'a Tenant,
    cluster: &'a Cluster,
    now: Timestamp,
    batch: Batch,
    records: Vec<Record>,
    /// How many fields its boarding passes have.
    fields: usize,
}

impl<'a> Step<'a> {
    fn new(tenant: &'a Tenant, cluster: &'a Cluster, now: Timestamp) -> Self {
        let (batch, records) = (Batch::new(), Vec::new());
        Self { tenant, cluster, now, batch, records, fields: 0 }
    }

    fn key(&self, id: Id) -> Vec<u8> {
        let mut key = cluster_prefix(self.tenant, self.cluster);
        key.extend_from_slice(id.as_bytes());
        key
    }

    fn keep(&mut self, entry: &FindingEntry) -> Result<(), LedgerError> {
        self.batch.put(FINDINGS, self.key(entry.id), encode_entry(entry)?);
        Ok(())
    }

    fn issue(&mut self, id: Id, terms: Id, pass: BoardingPass) {
        let issued = [&terms.as_bytes()[..], &self.now.as_nanos().to_be_bytes()[..]].concat();
        self.batch.put(PASSES, self.key(id), issued);
        self.fields += pass.fields.len();
        self.tell(id, Payload::BoardingPass(pass));
    }

    fn tell(&mut self, id: Id, payload: Payload) {
        self.records.push(Record {
            tenant: self.tenant.clone(),
            cluster: self.cluster.clone(),
            id,
            source: Source::Scan,
            event_time: self.now,
            ingest_time: self.now,
            payload,
        });
    }
}
