//! What correlation keeps: the records within its horizon, and the last revision of each incident.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_ports::{Batch, KeyRange, Keyspace, Order, Store};
use airside_types::{Id, Incident, Record, Tenant};
use airside_wire::{EncodeError, decode_record, encode_record};
use anyhow::Context;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Records by id.
const RECORDS: Keyspace = Keyspace::new("correlation.records");
/// Revision number and content hash by tenant and incident id.
const REVISIONS: Keyspace = Keyspace::new("correlation.revisions");
/// How many pairs are read at a time.
const PAGE: usize = 1024;

/// The stored state of correlation.
#[derive(Debug)]
pub(crate) struct State {
    store: Arc<dyn Store>,
    revisions: BTreeMap<Vec<u8>, Known>,
}

/// The last published revision of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    revision: u64,
    content_hash: Id,
}

/// Some stored records, and where to go on.
#[derive(Debug)]
pub(crate) struct RecordPage {
    pub(crate) records: Vec<Record>,
    pub(crate) last_key: Vec<u8>,
}

impl State {
    pub(crate) async fn open(store: Arc<dyn Store>) -> anyhow::Result<Self> {
        let mut revisions = BTreeMap::new();
        let mut range = KeyRange::all();
        loop {
            let page = store.scan(REVISIONS, range, Order::Ascending, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            range = after(last);
            for (key, value) in page {
                let known = Known::decode(value).context("a stored revision is damaged")?;
                revisions.insert(key.to_vec(), known);
            }
        }
        Ok(Self { store, revisions })
    }

    /// The stored records behind a key, in the order of their ids; none at the end.
    pub(crate) async fn records_after(
        &self,
        key: Option<&[u8]>,
    ) -> anyhow::Result<Option<RecordPage>> {
        let range = key.map_or_else(KeyRange::all, after);
        let page = self.store.scan(RECORDS, range, Order::Ascending, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        let last_key = last.to_vec();
        let records = page
            .iter()
            .map(|(_, value)| decode_record(value).context("a stored record is damaged"))
            .collect::<anyhow::Result<_>>()?;
        Ok(Some(RecordPage { records, last_key }))
    }

    pub(crate) fn put_record(&self, record: &Record, batch: &mut Batch) -> Result<(), EncodeError> {
        batch.put(RECORDS, record.id.as_bytes().to_vec(), encode_record(record)?);
        Ok(())
    }

    pub(crate) fn delete_record(&self, id: Id, batch: &mut Batch) {
        batch.delete(RECORDS, id.as_bytes().to_vec());
    }

    /// The number of the last revision of an incident.
    pub(crate) fn revision_of(&self, tenant: &Tenant, id: Id) -> Option<u64> {
        self.revisions.get(&key(tenant, id)).map(|known| known.revision)
    }

    /// The number of a new revision; none when what it says was published already.
    pub(crate) fn next_revision(&mut self, incident: &Incident, batch: &mut Batch) -> Option<u64> {
        let key = key(&incident.tenant, incident.id);
        let known = self.revisions.get(&key);
        if known.is_some_and(|known| known.content_hash == incident.content_hash) {
            return None;
        }
        let revision = known.map_or(0, |known| known.revision) + 1;
        let known = Known { revision, content_hash: incident.content_hash };
        batch.put(REVISIONS, key.clone(), known.encode());
        self.revisions.insert(key, known);
        Some(revision)
    }

    /// An incident is no longer current.
    pub(crate) fn merged(&mut self, tenant: &Tenant, old: Id, batch: &mut Batch) {
        let key = key(tenant, old);
        if self.revisions.remove(&key).is_some() {
            batch.delete(REVISIONS, key);
        }
    }
}

impl Known {
    fn encode(self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(24);
        bytes.put_u64(self.revision);
        bytes.put_slice(self.content_hash.as_bytes());
        bytes.freeze()
    }

    fn decode(mut bytes: Bytes) -> Option<Self> {
        let revision = bytes.try_get_u64().ok()?;
        let content_hash = bytes.as_ref().try_into().map(Id::from_bytes).ok()?;
        Some(Self { revision, content_hash })
    }
}

/// Tenant first, so that a tenant's incidents lie together.
fn key(tenant: &Tenant, id: Id) -> Vec<u8> {
    let mut key = tenant.as_str().as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(id.as_bytes());
    key
}

/// The keys behind this one.
fn after(key: &[u8]) -> KeyRange {
    let mut from = key.to_vec();
    from.push(0);
    KeyRange::starting_at(&from)
}
