//! What correlation rules of people's own have counted, cluster by cluster, and how it is kept.
//!
//! What a rule counts of an event came with its sighting; what it means and when it fires is `airside-sigma`'s. A row that
//! no rule means any more is removed.

use std::collections::{BTreeMap, BTreeSet};

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

/// The most that is remembered of all clusters together, by [`Correlating::size`]: some 80 MB. Beyond it those that remember
/// most give up some of it, so that nobody's rules take the room of others.
const MOST: usize = 500_000;

/// The state of own correlation rules in all clusters.
#[derive(Debug)]
pub(crate) struct OwnRules {
    clusters: BTreeMap<ClusterKey, Correlating>,
    /// The most that is remembered: [`MOST`].
    most: usize,
    /// How much all clusters remember.
    total: usize,
    /// The clusters that gave something up that was not kept yet.
    relieved: BTreeSet<ClusterKey>,
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
        let mut own = Self {
            clusters: BTreeMap::new(),
            most: MOST,
            total: 0,
            relieved: BTreeSet::new(),
            obsolete: Vec::new(),
            late,
            forgotten,
        };
        let mut take = |key, value| own.restore(judging, key, value);
        state::each(store, OWN_RULES, KeyRange::all(), &mut take).await?;
        own.total = own.clusters.values().map(Correlating::size).sum();
        own.relieve();
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
        let (late, forgotten, before) = (state.late(), state.forgotten(), state.size());
        let mut fired = Vec::new();
        for (event, candidate) in candidates {
            fired.extend(state.count(rules, event, candidate));
        }
        // Other events of the cluster tell the time as well.
        fired.extend(newest.into_iter().flat_map(|newest| state.advance(rules, newest)));
        self.late.add(state.late() - late);
        self.forgotten.add(state.forgotten() - forgotten);
        self.total = (self.total + state.size()).saturating_sub(before);
        self.relieve();
        fired
    }

    /// Lets the clusters that remember most give up some of it, while all remember too much.
    fn relieve(&mut self) {
        while self.total > self.most {
            let sized = self.clusters.iter_mut().map(|(key, state)| (state.size(), key, state));
            let Some((before, key, state)) = sized.max_by_key(|(size, ..)| *size) else { return };
            let forgotten = state.forgotten();
            state.give_up();
            self.forgotten.add(state.forgotten() - forgotten);
            let after = state.size();
            if after == before {
                return;
            }
            self.total = (self.total + after).saturating_sub(before);
            self.relieved.insert(key.clone());
        }
    }

    /// The clusters that gave something up since the last call, which is to be [kept](Self::keep).
    pub(crate) fn take_relieved(&mut self) -> BTreeSet<ClusterKey> {
        std::mem::take(&mut self.relieved)
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

#[cfg(test)]
mod tests {
    use airside_detect::audit::Event;
    use airside_detect::{Clock, ClusterProfile, Intake};
    use airside_telemetry::Metrics;
    use airside_types::{Cluster, Tenant};

    use super::*;

    const RULES: &str = "
title: Got
name: got
logsource: {product: kubernetes, service: audit}
level: low
tags: [attack.discovery]
detection: {selection: {verb: get}, condition: selection}
---
title: Many of one
level: medium
tags: [attack.discovery]
correlation: {type: event_count, rules: [got], group-by: [user.username], timespan: 1h, condition: {gte: 1000}}
";

    /// What a rule counts of a request by each of so many users of a cluster.
    fn candidates(
        rules: &RuleSet,
        key: &ClusterKey,
        users: u32,
    ) -> Vec<(Id, CorrelationCandidate)> {
        let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
        let intake = Intake { tenant: &key.0, cluster: &key.1, clock, profile, origin: None };
        let of = |user: u32| {
            let json = format!(
                r#"{{"auditID":"{user}","verb":"get","user":{{"username":"u{user}"}},"objectRef":{{"resource":"pods"}},"stageTimestamp":"2026-03-02T09:00:00Z"}}"#
            );
            let found = rules.judge(&Event::parse(&json).unwrap(), &intake).candidates;
            let id = Id::builder("test").number(user.into()).finish();
            found.into_iter().map(move |candidate| (id, candidate)).collect::<Vec<_>>()
        };
        (0..users).flat_map(of).collect()
    }

    #[test]
    fn who_fills_the_memory_gives_up_their_own_and_the_others_keep_theirs() {
        let (rules, problems) = RuleSet::read([("own.yml", RULES)]);
        assert!(problems.iter().all(|it| !it.is_error()), "{problems:?}");
        let [small, large] =
            ["small", "large"].map(|tenant| (Tenant::new(tenant).unwrap(), Cluster::default()));
        let metrics = Metrics::default();
        let [late, forgotten] = ["late", "forgotten"].map(|name| metrics.counter(name, "test"));
        let mut own = OwnRules {
            clusters: BTreeMap::new(),
            most: 400,
            total: 0,
            relieved: BTreeSet::new(),
            obsolete: Vec::new(),
            late,
            forgotten,
        };
        own.take(&small, &rules, None, candidates(&rules, &small, 5));
        own.take(&large, &rules, None, candidates(&rules, &large, 500));
        let size = |own: &OwnRules, key| own.clusters.get(key).map_or(0, Correlating::size);
        assert_eq!(size(&own, &small), 50);
        assert!((1..=350).contains(&size(&own, &large)), "{}", size(&own, &large));
        assert_eq!(own.total, size(&own, &small) + size(&own, &large));
        assert_eq!(own.take_relieved(), BTreeSet::from([large.clone()]));
        let mut batch = Batch::new();
        own.keep(&large, &mut batch).unwrap();
        assert!(own.take_relieved().is_empty());
    }
}
