//! The owner of the log's partitions: sightings in, detections and facts out.
//!
//! Owns when the sift's state is kept and what of its answers is published. What several events say together is
//! `airside-sift`'s.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use airside_ports::{Clock, Store, StoredEntry, Stream};
use airside_service::publisher::Publisher;
use airside_service::{ApplyError, Deps, Effects, LogOwner, Lost, ReadUpTo};
use airside_sift::fairness::{enough, relieve};
use airside_sift::{ClusterKey, Limits, SharedLimits, Sift};
use airside_telemetry::metrics::Counter;
use airside_types::{Cluster, Record, SightingBatch, Source, Suppression, Tenant, Timestamp};
use airside_wire::used_grant::UsedGrants;
use airside_wire::{MessageType, decode_sightings};
use async_trait::async_trait;

use crate::judging::Judging;
use crate::options::Options;
use crate::own_rules::OwnRules;
use crate::state;

/// The ledger as it was committed, for those who ask.
#[derive(Debug, Default)]
pub(crate) struct LedgerView {
    clusters: RwLock<BTreeMap<ClusterKey, Counted>>,
    grants: RwLock<ShownGrants>,
    /// Set once what was kept is shown.
    is_read: OnceLock<()>,
}

/// What became of a cluster's events.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// How many were folded.
    pub(crate) folded: u64,
    /// From when until when the time is worth telling, if nothing arrives.
    pub(crate) awaits_silence: Range<Timestamp>,
    /// What was not told, by reason and rule.
    pub(crate) suppressions: Vec<Suppression>,
}

impl LedgerView {
    /// What became of the events of a tenant's clusters, or of one of them.
    pub(crate) fn of(&self, tenant: &Tenant, cluster: Option<&Cluster>) -> Vec<(Cluster, Counted)> {
        let clusters = self.clusters.read().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = clusters
            .iter()
            .filter(|((of, at), _)| of == tenant && cluster.is_none_or(|cluster| cluster == at));
        of_tenant.map(|((_, at), counted)| (at.clone(), counted.clone())).collect()
    }

    /// The clusters from which nothing arrived for so long, and that have to be told what time it is.
    pub(crate) fn silent(&self, now: Timestamp, for_at_least: Duration) -> Vec<ClusterKey> {
        let clusters = self.clusters.read().unwrap_or_else(PoisonError::into_inner);
        let silent = clusters.iter().filter(|(_, counted)| {
            let Range { start, end } = counted.awaits_silence;
            start <= now.minus(for_at_least) && now <= end
        });
        silent.map(|(key, _)| key.clone()).collect()
    }

    /// Which bindings of a cluster allowed requests; none before what is known was read, and where it is not in memory until the
    /// cluster's next batch, so that nobody takes it for none.
    pub(crate) fn used_grants(&self, key: &ClusterKey) -> Option<Arc<UsedGrants>> {
        self.is_read.get()?;
        let is_known = self.knows(key);
        let grants = self.grants.read().unwrap_or_else(PoisonError::into_inner);
        let shown = grants.of.get(key).map(|shown| Arc::clone(&shown.used));
        shown.or_else(|| (!is_known).then(Arc::default))
    }

    /// Shows what a cluster's bindings were used for, if that has changed.
    fn set_grants(&self, key: &ClusterKey, sift: &Sift) {
        let mut all = self.grants.write().unwrap_or_else(PoisonError::into_inner);
        all.show(key, sift);
    }

    /// Shows what is known of a cluster.
    fn show(&self, key: &ClusterKey, sift: &Sift) {
        self.set_grants(key, sift);
        let suppressions = sift.ledger(key).cloned().collect();
        let (folded, awaits_silence) = (sift.folded(key), sift.awaits_silence(key));
        self.set(key.clone(), Counted { folded, awaits_silence, suppressions });
    }

    /// When the last was heard of each cluster.
    fn heard(&self) -> Vec<(ClusterKey, Timestamp)> {
        let clusters = self.clusters.read().unwrap_or_else(PoisonError::into_inner);
        clusters.iter().map(|(key, it)| (key.clone(), it.awaits_silence.start)).collect()
    }

    /// Whether a tenant may have another cluster.
    fn has_room(&self, of: &Tenant, most: usize) -> bool {
        let clusters = self.clusters.read().unwrap_or_else(PoisonError::into_inner);
        clusters.keys().filter(|(tenant, _)| tenant == of).count() < most
    }

    fn knows(&self, key: &ClusterKey) -> bool {
        self.clusters.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    pub(crate) fn set(&self, key: ClusterKey, counted: Counted) {
        let mut clusters = self.clusters.write().unwrap_or_else(PoisonError::into_inner);
        clusters.insert(key, counted);
    }
}

/// How many bindings are shown of all clusters together, each cluster counted as one more: some 100 MB. Beyond it the tenants
/// of which most are shown give up what was shown longest ago.
const MOST_SHOWN: usize = 200_000;

/// What the bindings of clusters were used for.
#[derive(Debug)]
struct ShownGrants {
    of: BTreeMap<ClusterKey, Shown>,
    /// The most that is shown: [`MOST_SHOWN`].
    most: usize,
    /// How much is shown.
    total: usize,
    /// How often something was shown.
    number: u64,
}

/// What the bindings of a cluster were used for.
#[derive(Debug)]
struct Shown {
    /// Of the grants, as the sift numbers them.
    version: u64,
    used: Arc<UsedGrants>,
    /// The number by which it was shown last.
    last: u64,
}

impl Default for ShownGrants {
    fn default() -> Self {
        Self { of: BTreeMap::new(), most: MOST_SHOWN, total: 0, number: 0 }
    }
}

impl ShownGrants {
    fn show(&mut self, key: &ClusterKey, sift: &Sift) {
        let version = sift.version_of_grants(key);
        self.number += 1;
        let last = self.number;
        if let Some(shown) = self.of.get_mut(key).filter(|shown| shown.version == version) {
            shown.last = last;
            return;
        }
        let (grants, incomplete) = sift.used_grants(key);
        let since = grants.iter().map(|grant| grant.first).min();
        let used = Arc::new(UsedGrants { grants, since, incomplete });
        let shown = Shown { version, used, last };
        self.total += shown.size();
        if let Some(before) = self.of.insert(key.clone(), shown) {
            self.total = self.total.saturating_sub(before.size());
        }
        self.relieve();
    }

    /// Forgets some of it where it is too much.
    fn relieve(&mut self) {
        if self.total <= self.most {
            return;
        }
        let mut gone = BTreeSet::new();
        let all = self.of.iter().map(|(key, shown)| (key, (shown.size(), shown.last)));
        let by_age = |(size, last): &(usize, u64)| (*size, Reverse(*last));
        self.total = relieve(all, enough(self.most), by_age, |key, (size, _)| {
            gone.insert(key.clone());
            *size = 0;
        });
        self.of.retain(|key, _| !gone.contains(key));
    }
}

impl Shown {
    fn size(&self) -> usize {
        1 + self.used.grants.len()
    }
}

/// Folds sightings.
pub(crate) struct AuditOwner {
    sift: Sift,
    own_rules: OwnRules,
    judging: Arc<Judging>,
    publisher: Publisher,
    view: Arc<LedgerView>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    read: ReadUpTo,
    /// The most clusters of a tenant.
    max_clusters: usize,
    /// The clusters of which something was applied since the last commit.
    touched: BTreeSet<ClusterKey>,
    folded: Counter,
    left_out: Counter,
    rolled_up: Counter,
}

impl AuditOwner {
    /// Takes back what is shown. The state of a cluster is taken back when its first batch comes.
    pub(crate) async fn open(
        deps: &Deps,
        options: &Options,
        judging: Arc<Judging>,
        view: Arc<LedgerView>,
    ) -> anyhow::Result<Self> {
        let shared =
            SharedLimits { clusters: options.clusters_in_memory.max(1), ..Default::default() };
        state::show(deps.store.as_ref(), &mut |key, shown| view.show(key, shown)).await?;
        view.is_read.get_or_init(|| ());
        let mut read = ReadUpTo::default();
        view.heard().iter().for_each(|(_, heard)| read.note(Stream::Sightings, *heard));
        let counter = |name, about| deps.metrics.counter(name, about);
        let uncounted = (
            counter(
                "airside_audit_ingest_own_rules_late_total",
                "Audit events that came too late for a correlation rule of people's own to count them",
            ),
            counter(
                "airside_audit_ingest_own_rules_forgotten_total",
                "Groups of correlation rules of people's own that were forgotten while they still counted",
            ),
        );
        let own_rules = OwnRules::open(deps.store.as_ref(), uncounted).await?;
        Ok(Self {
            sift: Sift::new(Limits { shared, ..Limits::default() }),
            store: Arc::clone(&deps.store),
            clock: Arc::clone(&deps.clock),
            read,
            max_clusters: options.max_clusters,
            own_rules,
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
        })
    }

    /// Brings the state of a cluster into memory, or makes it.
    async fn bring(&mut self, key: &ClusterKey) -> Result<(), ApplyError> {
        if self.sift.has(key) {
            return Ok(());
        }
        if self.view.knows(key) {
            let restored = state::restore(self.store.as_ref(), key, &mut self.sift).await;
            return restored.map_err(|error| ApplyError::Transient(error.to_string()));
        }
        if self.view.has_room(&key.0, self.max_clusters) {
            return Ok(());
        }
        let (tenant, cluster) = key;
        Err(ApplyError::Poison(format!(
            "tenant `{tenant}` has {} clusters, and `{cluster}` would be another one: raise \
             `audit-ingest.max_clusters` if it is one",
            self.max_clusters
        )))
    }

    fn publish(&self, records: Vec<Record>, effects: &mut Effects) -> Result<(), ApplyError> {
        for (stream, entries) in self.publisher.entries(records).map_err(poison)? {
            effects.outputs.extend(entries.into_iter().map(|entry| (stream, entry)));
        }
        Ok(())
    }

    /// Shows what became of some clusters' events, once that is committed.
    fn show(&self, clusters: impl IntoIterator<Item = ClusterKey>) {
        clusters.into_iter().for_each(|key| self.view.show(&key, &self.sift));
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
        let mut batch = decode_sightings(&entry.entry.payload).map_err(poison)?;
        let key = (batch.tenant.clone(), batch.cluster.clone());
        self.bring(&key).await?;
        let (newest, rules) = (newest(&batch), self.judging.rules(&key.0));
        let brought = self.own_rules.bring(self.store.as_ref(), &rules, &key).await;
        brought.map_err(|error| ApplyError::Transient(error.to_string()))?;
        let mut sifted = self.sift.take(&mut batch, self.judging.profile(&key.0, &key.1));
        let candidates = std::mem::take(&mut sifted.candidates);
        sifted.told.extend(self.own_rules.take(&key, &rules, newest, candidates));
        self.touched.insert(key);
        self.folded.add(sifted.events);
        self.left_out.add(sifted.left_out);
        let rolled_up = sifted.rolled_up.len() + sifted.carried_out.len();
        self.rolled_up.add(rolled_up as u64 + sifted.beyond);
        self.read.note(Stream::Sightings, batch.ingest_time);
        self.publish(sifted.published(), effects)
    }

    async fn lost(&mut self, lost: Lost<'_>, effects: &mut Effects) {
        let next = lost.next.and_then(|entry| decode_sightings(&entry.entry.payload).ok());
        let until = next.map_or_else(|| self.clock.now(), |batch| batch.ingest_time);
        let Some(since) = self.read.since(&lost) else { return };
        let gap = |((tenant, cluster), heard): (ClusterKey, Timestamp)| {
            lost.gap((&tenant, &cluster), Source::Audit, heard, (since, until))
        };
        let gaps = self.view.heard().into_iter().filter_map(gap).collect();
        if let Err(error) = self.publish(gaps, effects) {
            tracing::error!(error = %error, "gaps cannot be told");
        }
    }

    fn settle(&mut self, effects: &mut Effects) {
        self.touched.extend(self.sift.take_changed());
        for cluster in &self.touched {
            for change in self.sift.take_changes(cluster) {
                if let Err(error) = state::keep(cluster, change, &mut effects.batch) {
                    // It is learnt anew after a restart.
                    tracing::error!(error = %error, "a part of what is known cannot be kept");
                }
            }
        }
        // Others may have given something up for those.
        let relieved = self.own_rules.take_relieved();
        for cluster in self.touched.union(&relieved) {
            if let Err(error) = self.own_rules.keep(cluster, &mut effects.batch) {
                tracing::error!(error = %error, "what own rules have counted cannot be kept");
            }
        }
    }

    fn committed(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        self.show(touched);
        // What they had is durable now.
        self.sift.put_away();
        self.own_rules.put_away(|key| self.sift.has(key));
    }
}

/// When the newest event of a batch happened.
fn newest(batch: &SightingBatch) -> Option<Timestamp> {
    let quiet = batch.quiet.iter().map(|quiet| quiet.last);
    batch.sightings.iter().map(|it| it.time).chain(quiet).max()
}

fn poison(error: impl std::fmt::Display) -> ApplyError {
    ApplyError::Poison(error.to_string())
}

#[cfg(test)]
mod tests {
    use airside_detect::profile::ClusterProfile;
    use airside_types::{Id, QuietKind};

    use super::*;

    fn key(tenant: &str, cluster: &str) -> ClusterKey {
        (Tenant::new(tenant).unwrap(), Cluster::new(cluster).unwrap())
    }

    /// So many bindings of a cluster are used, at an hour, and shown.
    fn uses(view: &LedgerView, sift: &mut Sift, key: &ClusterKey, bindings: u32, hour: u64) {
        let now = Timestamp::EPOCH.plus(Duration::from_hours(hour));
        let mut batch = SightingBatch::new(key.0.clone(), key.1.clone(), now);
        let event = Id::builder("test").number(i64::try_from(hour).unwrap()).finish();
        batch.count(QuietKind::Lease, event, now);
        for binding in 0..bindings {
            batch.allow_quiet(&format!(
                r#"RBAC: allowed by RoleBinding "b{binding}/shop" of Role "web" to User "ada""#
            ));
        }
        sift.take(&mut batch, ClusterProfile::unknown());
        view.show(key, sift);
    }

    /// How many used bindings of a cluster are shown, where it is known.
    fn shown(view: &LedgerView, key: &ClusterKey) -> Option<usize> {
        view.used_grants(key).map(|used| used.grants.len())
    }

    #[test]
    fn of_used_grants_so_many_are_shown_and_of_no_cluster_none_that_were_used() {
        let few = ShownGrants { most: 48, ..ShownGrants::default() };
        let view = LedgerView { grants: RwLock::new(few), ..LedgerView::default() };
        view.is_read.get_or_init(|| ());
        let (mut sift, steady) = (Sift::new(Limits::default()), key("steady", "prod"));
        uses(&view, &mut sift, &steady, 20, 1);
        let spread: Vec<_> = (0..9).map(|number| key("spread", &format!("c{number}"))).collect();
        for (key, hour) in spread.iter().zip(2..) {
            uses(&view, &mut sift, key, 4, hour);
            let grants = view.grants.read().unwrap();
            assert!(grants.total <= 48, "{}", grants.total);
            assert_eq!(grants.total, grants.of.values().map(Shown::size).sum::<usize>());
        }
        assert_eq!(shown(&view, &steady), Some(20), "who has few clusters keeps them");
        let all: Vec<_> = spread.iter().map(|key| shown(&view, key)).collect();
        assert!(all.starts_with(&[None, None]) && all.ends_with(&[Some(4), Some(4)]), "{all:?}");
        uses(&view, &mut sift, &spread[0], 5, 20);
        assert_eq!(shown(&view, &spread[0]), Some(5), "its next batch shows it again");
        assert_eq!(shown(&view, &key("steady", "new")), Some(0), "nothing came from it yet");
    }
}
