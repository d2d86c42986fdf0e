//! What correlation rules of people's own have counted, cluster by cluster, and how it is kept.
//!
//! What a rule counts of an event came with its sighting; what it means and when it fires is `airside-sigma`'s. What is
//! counted of a cluster is in memory for as long as the rest that is known of it, and waits in the store else. A row that no
//! rule means any more is removed when its cluster is brought back.

use std::collections::{BTreeMap, BTreeSet};

use airside_ports::{Batch, KeyRange, Keyspace, Store};
use airside_sift::ClusterKey;
use airside_sift::fairness::{enough, relieve};
use airside_sigma::{Change, Correlating, Limits, Row, RuleSet, TakenBack};
use airside_telemetry::metrics::Counter;
use airside_types::{CorrelationCandidate, Id, Record, Timestamp};
use airside_wire::{EncodeError, decode_record, encode_record};
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::state;

/// What was counted.
const OWN_RULES: Keyspace = Keyspace::new("audit-ingest.own-rules");

/// The most that is remembered of all clusters in memory together, by [`Correlating::size`]: some 80 MB. Beyond it the
/// tenants that remember most give up some of it, so that nobody's rules take the room of others.
const MOST: usize = 500_000;

/// The state of own correlation rules in the clusters that are in memory.
#[derive(Debug)]
pub(crate) struct OwnRules {
    clusters: BTreeMap<ClusterKey, Correlating>,
    /// The clusters of which something was counted that is in the store only: no more than are known at all.
    waiting: BTreeSet<ClusterKey>,
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
    /// Learns of which clusters something was kept; `late` and `forgotten` count what the rules could not count.
    pub(crate) async fn open(
        store: &dyn Store,
        (late, forgotten): (Counter, Counter),
    ) -> anyhow::Result<Self> {
        let (mut waiting, mut obsolete) = (BTreeSet::new(), Vec::new());
        let mut take = |key: Bytes, _| match state::cluster_of(&key) {
            Some((cluster, _)) => _ = waiting.insert(cluster),
            None => obsolete.push(key),
        };
        state::each(store, OWN_RULES, KeyRange::all(), &mut take).await?;
        let (clusters, relieved) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { clusters, waiting, most: MOST, total: 0, relieved, obsolete, late, forgotten })
    }

    /// Takes back what was kept of a cluster, if it waits in the store: before its next batch.
    pub(crate) async fn bring(
        &mut self,
        store: &dyn Store,
        rules: &RuleSet,
        cluster: &ClusterKey,
    ) -> anyhow::Result<()> {
        if !self.waiting.contains(cluster) {
            return Ok(());
        }
        // Either all of it is there or nothing is.
        let (mut state, mut obsolete) = (empty(), Vec::new());
        let mut take = |key: Bytes, value| {
            let read = state::cluster_of(&key).zip(decode(value));
            let taken = read
                .map_or(TakenBack::Obsolete, |((_, part), row)| state.restore(rules, part, row));
            if taken == TakenBack::Obsolete {
                obsolete.push(key);
            }
        };
        let rows = KeyRange::prefix(&state::key(cluster, &[]));
        state::each(store, OWN_RULES, rows, &mut take).await?;
        self.obsolete.append(&mut obsolete);
        self.waiting.remove(cluster);
        self.total += state.size();
        self.clusters.insert(cluster.clone(), state);
        self.relieve();
        Ok(())
    }

    /// Leaves the state of clusters to the store, once it is durable.
    pub(crate) fn put_away(&mut self, is_in_memory: impl Fn(&ClusterKey) -> bool) {
        for (key, state) in self.clusters.extract_if(.., |key, _| !is_in_memory(key)) {
            self.total = self.total.saturating_sub(state.size());
            self.waiting.insert(key);
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

    /// Lets those that remember most give up some of it, while all remember too much.
    fn relieve(&mut self) {
        if self.total <= self.most {
            return;
        }
        let Self { relieved, forgotten, .. } = self;
        let by_size = |state: &&mut Correlating| (state.size(), state.size());
        self.total = relieve(&mut self.clusters, enough(self.most), by_size, |key, state| {
            let before = state.forgotten();
            state.give_up();
            forgotten.add(state.forgotten() - before);
            relieved.insert(key.clone());
        });
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
    use airside_store::MemoryStore;
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

    /// What a rule counts of a request by each of some users of a cluster, at a second.
    fn candidates(
        rules: &RuleSet,
        key: &ClusterKey,
        users: std::ops::Range<u32>,
        second: u32,
    ) -> Vec<(Id, CorrelationCandidate)> {
        let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
        let intake = Intake { tenant: &key.0, cluster: &key.1, clock, profile, origin: None };
        let of = |user: u32| {
            let json = format!(
                r#"{{"auditID":"{user}-{second}","verb":"get","user":{{"username":"u{user}"}},"objectRef":{{"resource":"pods"}},"stageTimestamp":"2026-03-02T09:{:02}:{:02}Z"}}"#,
                second / 60,
                second % 60
            );
            let found = rules.judge(&Event::parse(&json).unwrap(), &intake).candidates;
            let id = Id::builder("test").number(user.into()).number(second.into()).finish();
            found.into_iter().map(move |candidate| (id, candidate)).collect::<Vec<_>>()
        };
        users.flat_map(of).collect()
    }

    fn rules(text: &str) -> RuleSet {
        let (rules, problems) = RuleSet::read([("own.yml", text)]);
        assert!(problems.iter().all(|it| !it.is_error()), "{problems:?}");
        rules
    }

    async fn open(store: &MemoryStore) -> OwnRules {
        let metrics = Metrics::default();
        let counters = ["late", "forgotten"].map(|name| metrics.counter(name, "test"));
        OwnRules::open(store, counters.into()).await.unwrap()
    }

    /// What fires on the requests of two clusters that take turns, in minutes, with so many of them in memory; and how much
    /// is remembered in memory in the end.
    async fn fired(rules: &RuleSet, in_memory: usize) -> (Vec<Record>, usize) {
        let store = MemoryStore::new();
        let keys = ["one", "two"].map(|name| (Tenant::default(), Cluster::new(name).unwrap()));
        let (mut own, mut fired) = (open(&store).await, Vec::new());
        for (round, key) in (0_u32..24).zip(keys.iter().cycle()) {
            own.bring(&store, rules, key).await.unwrap();
            // Each fifth round only tells the time.
            let users = if round % 5 == 4 { 0..0 } else { 0..1 + round % 3 };
            let found = candidates(rules, key, users, 60 * round);
            let newest = at(60 * u64::from(round));
            fired.extend(own.take(key, rules, Some(newest), found));
            let mut batch = Batch::new();
            for key in own.take_relieved().iter().chain([key]) {
                own.keep(key, &mut batch).unwrap();
            }
            store.commit(batch).await.unwrap();
            let stays = |other: &ClusterKey| in_memory > 1 || other == key;
            own.put_away(stays);
            assert!(own.clusters.len() <= in_memory);
            let sizes = own.clusters.values().map(Correlating::size);
            assert_eq!(own.total, sizes.sum::<usize>());
        }
        (fired, own.total)
    }

    fn at(second: u64) -> Timestamp {
        let began = Timestamp::parse_rfc3339("2026-03-02T09:00:00Z").unwrap();
        began.plus(std::time::Duration::from_secs(second))
    }

    #[tokio::test]
    async fn what_fires_is_the_same_whether_a_cluster_waits_in_the_store_between_its_batches() {
        let rules = rules(&RULES.replace("gte: 1000", "gte: 4"));
        let ((all, of_both), (one, of_last)) = (fired(&rules, 2).await, fired(&rules, 1).await);
        assert!(all.len() > 3, "{}", all.len());
        assert_eq!(one, all);
        assert!(of_last < of_both, "{of_last} of {of_both}");
    }

    #[tokio::test]
    async fn rows_that_no_rule_means_any_more_are_removed_when_their_cluster_comes_back() {
        let (store, key) = (MemoryStore::new(), (Tenant::default(), Cluster::default()));
        let (before, after) = (rules(RULES), rules(&RULES.replace("gte: 1000", "gte: 999")));
        let mut own = open(&store).await;
        own.take(&key, &before, None, candidates(&before, &key, 0..3, 0));
        let mut batch = Batch::new();
        own.keep(&key, &mut batch).unwrap();
        store.commit(batch).await.unwrap();
        let mut own = open(&store).await;
        assert_eq!((own.total, own.waiting.len()), (0, 1), "nothing is read before it is needed");
        own.bring(&store, &after, &key).await.unwrap();
        assert_eq!(own.total, 0);
        let mut batch = Batch::new();
        own.keep(&key, &mut batch).unwrap();
        store.commit(batch).await.unwrap();
        assert_eq!(open(&store).await.waiting.len(), 0);
    }

    #[tokio::test]
    async fn a_tenant_of_many_clusters_takes_no_room_from_one_that_has_a_large_one() {
        let rules = rules(RULES);
        let key = |tenant: &str, cluster: &str| {
            (Tenant::new(tenant).unwrap(), Cluster::new(cluster).unwrap())
        };
        let mut own = OwnRules { most: 800, ..open(&MemoryStore::new()).await };
        let steady = key("steady", "prod");
        own.take(&steady, &rules, None, candidates(&rules, &steady, 0..30, 0));
        let size = |own: &OwnRules| own.clusters.get(&steady).map_or(0, Correlating::size);
        let before = size(&own);
        for number in 0..40 {
            let spread = key("spread", &format!("made-up-{number}"));
            own.take(&spread, &rules, None, candidates(&rules, &spread, 0..10, 0));
            assert!(own.total <= 800, "{}", own.total);
        }
        assert_eq!(size(&own), before);
        assert!(own.take_relieved().iter().all(|(tenant, _)| tenant.as_str() == "spread"));
    }

    #[tokio::test]
    async fn who_fills_the_memory_gives_up_their_own_and_the_others_keep_theirs() {
        let rules = rules(RULES);
        let [small, large] =
            ["small", "large"].map(|tenant| (Tenant::new(tenant).unwrap(), Cluster::default()));
        let mut own = OwnRules { most: 400, ..open(&MemoryStore::new()).await };
        own.take(&small, &rules, None, candidates(&rules, &small, 0..5, 0));
        own.take(&large, &rules, None, candidates(&rules, &large, 0..500, 0));
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
