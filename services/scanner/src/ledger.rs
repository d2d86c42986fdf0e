//! The ledger: which findings are open, fixed or gone, and which boarding passes were issued.
//!
//! Publications of all callers go one after the other through one writer (`writer`); what they change is
//! `change`'s. Questions are answered from the store.

mod change;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use airside_k8s::live;
use airside_ports::{KeyRange, Keyspace, Order, Store, StoreError};
use airside_service::outbox::OutboxError;
use airside_service::{CancellationToken, Deps, LiveCluster};
use airside_terms::TermsOfTenants;
use airside_types::{Cluster, Finding, FindingState, Id, Tenant};
use airside_wire::finding::{FindingEntry, FindingQuery, decode_entry};
use airside_wire::limits::{MAX_PAGE_SIZE, PART_BYTES};
use airside_wire::page::Page;
use airside_wire::scan::{Publication, PublishOutcome};
use airside_wire::{ApiError, DecodeError, EncodeError, ErrorCode};
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::writer::Writer;
use crate::notices::Notices;

/// Findings by tenant, cluster and fingerprint.
const FINDINGS: Keyspace = Keyspace::new("scanner.findings");
/// How many publications may wait for the writer.
const WAITING: usize = 64;
/// How many pairs are read at a time.
const PAGE: usize = 512;

/// What has become different among the findings of a cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Revision {
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// Findings that are open now, and were not, or said something else.
    pub(crate) open: Vec<Finding>,
    /// Findings that are no longer open.
    pub(crate) closed: Vec<(Id, FindingState)>,
}

/// What the writer is asked for.
enum Work {
    Publication(Publication),
    Revision(Revision),
}

/// Work on its way to the writer.
struct Request {
    tenant: Tenant,
    work: Work,
    span: tracing::Span,
    answer: oneshot::Sender<Result<PublishOutcome, LedgerError>>,
}

/// Why the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// The store or the log did not answer; trying again may help.
    #[error("nothing was published: {0}")]
    Outbox(#[from] OutboxError),
    /// The store did not answer; trying again may help.
    #[error("the findings cannot be read or written: {0}")]
    Store(#[from] StoreError),
    /// Something in the publication is out of bounds.
    #[error("the report cannot be published: {0}")]
    Encode(#[from] EncodeError),
    /// What was stored cannot be read back.
    #[error("a stored finding is damaged: {0}")]
    Decode(#[from] DecodeError),
    /// The service is stopping.
    #[error("the scanner is stopping: try again")]
    Stopping,
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        let code = match &error {
            LedgerError::Outbox(_) | LedgerError::Store(_) | LedgerError::Stopping => {
                ErrorCode::Unavailable
            }
            LedgerError::Encode(_) => ErrorCode::InvalidArgument,
            LedgerError::Decode(_) => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

/// The findings of all tenants. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    store: Arc<dyn Store>,
    writer: mpsc::Sender<Request>,
    terms: TermsOfTenants,
}

impl Ledger {
    /// The ledger, and its writer, which somebody has to run. Owners learn of what opens by notices.
    pub(crate) fn new(deps: &Deps, notices: Notices, terms: TermsOfTenants) -> (Self, Writer) {
        let (sender, requests) = mpsc::channel(WAITING);
        let store = Arc::clone(&deps.store);
        let ledger = Self { store, writer: sender, terms: terms.clone() };
        (ledger, Writer::new(deps, notices, terms, requests))
    }

    /// Publishes a report. It is durable when this returns.
    pub(crate) async fn publish(
        &self,
        tenant: &Tenant,
        publication: Publication,
    ) -> Result<PublishOutcome, LedgerError> {
        self.ask(tenant, Work::Publication(publication)).await
    }

    /// Takes over what has become different, without comparing all that is known. It is durable when this returns.
    pub(crate) async fn revise(
        &self,
        tenant: &Tenant,
        revision: Revision,
    ) -> Result<PublishOutcome, LedgerError> {
        self.ask(tenant, Work::Revision(revision)).await
    }

    async fn ask(&self, tenant: &Tenant, work: Work) -> Result<PublishOutcome, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let span = tracing::Span::current();
        let request = Request { tenant: tenant.clone(), work, span, answer };
        self.writer.send(request).await.map_err(|_| LedgerError::Stopping)?;
        answered.await.map_err(|_| LedgerError::Stopping)?
    }

    /// The findings that fit a query, from a cursor on, and the cursor of the next page. A page ends early
    /// before it grows too large for a message.
    pub(crate) async fn list(
        &self,
        tenant: &Tenant,
        query: &FindingQuery,
    ) -> Result<(Vec<FindingEntry>, Option<String>), LedgerError> {
        let mut range = KeyRange::prefix(&tenant_prefix(tenant));
        if let Some(cursor) = query.page.token().and_then(unhex) {
            range.from = range.from.max(cursor);
        }
        let (mut entries, mut bytes) = (Vec::new(), 0);
        loop {
            let page = self.store.scan(FINDINGS, range.clone(), Order::Ascending, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok((entries, None)) };
            range.from = behind(last);
            for (key, value) in &page {
                let entry = self.entry(tenant, value)?;
                if !fits(&entry, query) {
                    continue;
                }
                let full = entries.len() == query.page.size() || bytes + value.len() > PART_BYTES;
                if full && !entries.is_empty() {
                    return Ok((entries, Some(hex(key))));
                }
                bytes += value.len();
                entries.push(entry);
            }
        }
    }

    /// What is open of a check in a live cluster.
    pub(crate) async fn open_of_live(
        &self,
        live: &LiveCluster,
        check: &str,
    ) -> Result<Vec<Finding>, LedgerError> {
        let mut query = FindingQuery {
            state: Some(FindingState::Open),
            check: Some(check.to_owned()),
            path: Some(live::ROOT.to_owned()),
            cluster: Some(live.cluster.clone()),
            page: Page::new(MAX_PAGE_SIZE, None),
            ..FindingQuery::default()
        };
        let mut all = Vec::new();
        loop {
            let (entries, next) = self.list(&live.tenant, &query).await?;
            all.extend(entries.into_iter().map(|entry| entry.finding));
            let Some(next) = next else { return Ok(all) };
            query.page = Page::new(MAX_PAGE_SIZE, Some(next));
        }
    }

    /// The finding with this fingerprint. Each cluster of the tenant is asked for it once.
    pub(crate) async fn get(
        &self,
        tenant: &Tenant,
        id: Id,
    ) -> Result<Option<FindingEntry>, LedgerError> {
        let mut range = KeyRange::prefix(&tenant_prefix(tenant));
        loop {
            let first = self.store.scan(FINDINGS, range.clone(), Order::Ascending, 1).await?;
            let Some((key, _)) = first.first() else { return Ok(None) };
            let of_cluster = key.get(..key.len().saturating_sub(id.as_bytes().len()));
            let of_cluster = of_cluster.unwrap_or_default();
            let key = [of_cluster, &id.as_bytes()[..]].concat();
            if let Some(value) = self.store.get(FINDINGS, &key).await? {
                return Ok(Some(self.entry(tenant, &value)?));
            }
            // No id is behind this one.
            range.from = behind(&[of_cluster, &[u8::MAX; 16]].concat());
        }
    }
}

impl Ledger {
    /// A stored finding, as it is answered.
    fn entry(&self, tenant: &Tenant, value: &[u8]) -> Result<FindingEntry, DecodeError> {
        let entry = decode_entry(value)?;
        let (finding, known) = (&entry.finding, &self.terms.of(tenant).knowledge);
        // What is live is judged again with the next look at the cluster.
        let outdated = finding.state == FindingState::Open
            && !finding.place.path.starts_with(live::ROOT)
            && entry.judged_by.as_ref().is_none_or(|then| known.adds_to(then));
        Ok(FindingEntry { outdated, ..entry })
    }
}

fn fits(entry: &FindingEntry, query: &FindingQuery) -> bool {
    let finding = &entry.finding;
    let below = |folder: &String| {
        let path = finding.place.path.as_ref();
        let rest = path.strip_prefix(folder.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    query.state.is_none_or(|state| finding.state == state)
        && (!query.reappeared || entry.reappeared > 0)
        && query.min_severity.is_none_or(|least| finding.severity >= least)
        && query.check.as_ref().is_none_or(|check| finding.check == *check)
        && query.path.as_ref().is_none_or(below)
        && query.cluster.as_ref().is_none_or(|cluster| entry.cluster == *cluster)
}

/// The beginning of the keys of a tenant.
fn tenant_prefix(tenant: &Tenant) -> Vec<u8> {
    let mut key = tenant.as_str().as_bytes().to_vec();
    key.push(0);
    key
}

/// The beginning of the keys of a tenant's cluster.
fn cluster_prefix(tenant: &Tenant, cluster: &Cluster) -> Vec<u8> {
    let mut key = tenant_prefix(tenant);
    key.extend_from_slice(cluster.as_str().as_bytes());
    key.push(0);
    key
}

/// The first key behind this one.
fn behind(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    next.push(0);
    next
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect()
}

/// How the writer is told to stop.
pub(crate) type Stop = CancellationToken;
