//! What correlation rules of people's own have counted, cluster by cluster, and how it is kept.
//!
//! What a rule counts of an event came with its sighting; what it means and when it fires is `airside-sigma`'s. A row that
//! no rule means any more is removed.

use std::collections::BTreeMap;

use airside_ports::{Batch, KeyRange, Keyspace, Store};
use airside_sift::ClusterKey;
use airside_sigma::{Change, Correlating, Limits, Row, RuleSet, TakenBack};
use airside_telemetry::metrics::Counter;
use airside_types::{CorrelationCandidate, Id, Record, Timestamp};
use airside_wire::{EncodeError, decode_record, encode_record};
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::judging::Judging;
use crate::state;

/// What was counted.
const OWN_RULES: Keyspace = Keyspace::new("audit-ingest.own-rules");

/// The state of own correlation rules in all clusters.
#[derive(Debug)]
pub(crate) struct OwnRules {
    clusters: BTreeMap<ClusterKey, Correlating>,
    /// Keys of rows that nothing needs any more.
    obsolete: Vec<Bytes>,
    late: Counter,
    forgotten: Counter,
}

impl OwnRules {
    /// Takes back what was kept; `late` and `forgotten` count what the rules could not count.
    pub(crate) async fn open(
        store: &dyn Store,
        judging: &Judging,
        (late, forgotten): (Counter, Counter),
    ) -> anyhow::Result<Self> {
        let mut own = Self { clusters: BTreeMap::new(), obsolete: Vec::new(), late, forgotten };
        let mut take = |key, value| own.restore(judging, key, value);
        state::each(store, OWN_RULES, KeyRange::all(), &mut take).await?;
        Ok(own)
    }

    fn restore(&mut self, judging: &Judging, key: Bytes, value: Bytes) {
        let read = state::cluster_of(&key).zip(decode(value));
        let taken = read.map_or(TakenBack::Obsolete, |((cluster, part), row)| {
            let rules = judging.rules(&cluster.0);
            self.cluster(cluster).restore(&rules, part, row)
        });
        if taken == TakenBack::Obsolete {
            self.obsolete.push(key);
        }
    }

    /// Counts what the events of a batch tell, of which the newest happened at this time; what the rules fire on now.
    pub(crate) fn take(
        &mut self,
        cluster: &ClusterKey,
        rules: &RuleSet,
        newest: Option<Timestamp>,
        candidates: Vec<(Id, CorrelationCandidate)>,
    ) -> Vec<Record> {
        if candidates.is_empty() && !self.clusters.contains_key(cluster) {
            return Vec::new();
        }
        let state = self.clusters.entry(cluster.clone()).or_insert_with(empty);
        let (late, forgotten) = (state.late(), state.forgotten());
        let mut fired = Vec::new();
        for (event, candidate) in candidates {
            fired.extend(state.count(rules, event, candidate));
        }
        // Other events of the cluster tell the time as well.
        fired.extend(newest.into_iter().flat_map(|newest| state.advance(rules, newest)));
        self.late.add(state.late() - late);
        self.forgotten.add(state.forgotten() - forgotten);
        fired
    }

    /// Adds to a commit what has changed of a cluster.
    pub(crate) fn keep(
        &mut self,
        cluster: &ClusterKey,
        batch: &mut Batch,
    ) -> Result<(), EncodeError> {
        self.obsolete.drain(..).for_each(|key| batch.delete(OWN_RULES, key));
        let changes = self.clusters.get_mut(cluster).map(Correlating::take_changes);
        for Change { key, row } in changes.into_iter().flatten() {
            let key = state::key(cluster, &key);
            match row {
                Some(row) => batch.put(OWN_RULES, key, encode(&row)?),
                None => batch.delete(OWN_RULES, key),
            }
        }
        Ok(())
    }

    fn cluster(&mut self, key: ClusterKey) -> &mut Correlating {
        self.clusters.entry(key).or_insert_with(empty)
    }
}

fn empty() -> Correlating {
    Correlating::kept(Limits::default())
}

/// What was seen, preceded by its length, and the record, if there is one.
fn encode(row: &Row) -> Result<Bytes, EncodeError> {
    let record = row.record.as_ref().map(|record| encode_record(record)).transpose()?;
    let mut bytes = BytesMut::new();
    bytes.put_u32(u32::try_from(row.seen.len()).unwrap_or(u32::MAX));
    bytes.put_slice(&row.seen);
    bytes.extend(record);
    Ok(bytes.freeze())
}

fn decode(mut bytes: Bytes) -> Option<Row> {
    let length = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
    if length > bytes.len() {
        return None;
    }
    let seen = bytes.split_to(length).to_vec();
    let record = (!bytes.is_empty()).then(|| decode_record(&bytes).map(Box::new));
    Some(Row { seen, record: record.transpose().ok()? })
}
