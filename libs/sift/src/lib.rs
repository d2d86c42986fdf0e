//! The sift: what several audit events of a cluster say together.
//!
//! Pure and deterministic: a fold over batches of sightings in the order of the log, one state for each cluster of a
//! tenant. An event that came before is dropped; what is rare for its actor becomes a detection; rules that count
//! count; what repeats itself is rolled up; and whatever is not told is in the ledger. What one event tells by
//! itself was judged where it came in (`airside-detect`); how detections become incidents is `airside-correlate`'s.
//!
//! Every part of the state is a row that can be kept and taken back ([`Change`]), so that it survives a restart and
//! moves with its partition.

pub mod cascade;
mod cluster;
pub mod fairness;
mod grants;
mod ledger;
mod recorded;
mod roll_up;
mod seen;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use airside_baseline::StateKey;
use airside_detect::profile::ClusterProfile;
use airside_types::{
    Cluster, CorrelationCandidate, Id, Record, SightingBatch, Suppression, Tenant, Timestamp,
    UsedGrant,
};

use cluster::ClusterSift;
pub use recorded::Recorded;
pub use roll_up::Rolled;
pub use shared::SharedLimits;
use shared::{LastUses, Part, Totals};

/// What bounds the memory of the sift.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For how long at most an event that comes again is known to have come before, by when events are taken in; there may be
    /// [no room](SharedLimits::seen) for so many. An API server tries a batch again for about four minutes, a file may be
    /// read hours after a webhook told the same, and a shell is told when it opens and when it ends. Default: a day.
    pub seen_for: Duration,
    /// For how long a detection stands for others that say the same. Default: ten minutes.
    pub roll_up: Duration,
    /// The most detections that stand for others at a time in a cluster; beyond it the oldest no longer do. Default:
    /// 2,000.
    pub rolled: usize,
    /// The most objects and clients of which it is known what controllers carry out for them; those that were written
    /// last. Default: 20,000.
    pub cascades: usize,
    /// What is usual in a cluster.
    pub behaviour: airside_baseline::Limits,
    /// What is counted in a cluster.
    pub counting: airside_detect::counting::Limits,
    /// What holds for all clusters together.
    pub shared: SharedLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            seen_for: Duration::from_hours(24),
            roll_up: Duration::from_mins(10),
            rolled: 2_000,
            cascades: 20_000,
            behaviour: airside_baseline::Limits::default(),
            counting: airside_detect::counting::Limits::default(),
            shared: SharedLimits::default(),
        }
    }
}

/// What sifting a batch gives.
#[derive(Debug, Default)]
pub struct Sifted {
    /// What is told for the first time: facts and detections.
    pub told: Vec<Record>,
    /// What was told before, under the same ids, with what is known of it now: how often it repeated itself, and how a
    /// request that stayed open ended.
    pub revised: Vec<Record>,
    /// Detections for which one that was told stands.
    pub rolled_up: Vec<Record>,
    /// Detections about controllers, for which what was told of the request that they carry out stands.
    pub carried_out: Vec<Record>,
    /// How many anomalies were not told, since as many of the model that their actor raised within the hour were, and stand
    /// for them.
    pub beyond: u64,
    /// What correlation rules of people's own count, with the event; of each event once.
    pub candidates: Vec<(Id, CorrelationCandidate)>,
    /// How many events were folded.
    pub events: u64,
    /// How many events were only counted, or had come before.
    pub left_out: u64,
}

impl Sifted {
    /// All that is published: what is told, and what was told before and is known better now.
    pub fn published(self) -> Vec<Record> {
        let mut all = self.told;
        all.extend(self.revised);
        all
    }
}

/// A cluster of a tenant.
pub type ClusterKey = (Tenant, Cluster);

/// A row of the state: what it is now, or none when it is gone.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A part of what is usual.
    Behaviour(StateKey, Option<Vec<u8>>),
    /// The events of a batch, by the first of them, and when they were taken in.
    Seen(Id, Option<(Timestamp, Vec<Id>)>),
    /// A detection that a rule counts.
    Counted(Id, Option<Box<Record>>),
    /// What a rule over several requests remembers under a key.
    Window(Id, Option<Vec<u8>>),
    /// A detection that stands for others.
    Rolled(Id, Option<Box<Rolled>>),
    /// A part of what is known of cascades.
    Cascade(Id, Option<Vec<u8>>),
    /// A binding that allowed requests.
    Grant(Id, Option<Vec<u8>>),
    /// A line of the ledger.
    Ledger(Suppression),
    /// How many events were folded.
    Folded(u64),
}

/// The state of the clusters that are in memory.
#[derive(Debug)]
pub struct Sift {
    limits: Limits,
    clusters: BTreeMap<ClusterKey, ClusterSift>,
    used: LastUses,
    /// How much the clusters have together.
    totals: Totals,
    /// The clusters that have changed.
    changed: BTreeSet<ClusterKey>,
}

impl Sift {
    /// Nothing seen yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            clusters: BTreeMap::new(),
            used: LastUses::default(),
            totals: Totals::default(),
            changed: BTreeSet::new(),
        }
    }

    /// Takes a batch in, of a cluster of which this is known; its records are taken out of it. One without events tells the
    /// time: by it alone a log that falls silent is noticed.
    pub fn take(&mut self, batch: &mut SightingBatch, profile: &ClusterProfile) -> Sifted {
        let key = (batch.tenant.clone(), batch.cluster.clone());
        self.changed.insert(key.clone());
        let time = Some(batch.ingest_time);
        let mut sifted = self.with(key, time, |cluster| cluster.take(batch, profile));
        for part in Part::ALL {
            let most = self.limits.shared.most(part);
            if self.totals.of(part) > most {
                let clusters = self.clusters.iter_mut();
                let (changed, told) = self.totals.relieve(part, most, clusters);
                self.changed.extend(changed);
                sifted.revised.extend(told);
            }
        }
        sifted
    }

    /// Whether a cluster is in memory.
    pub fn has(&self, key: &ClusterKey) -> bool {
        self.clusters.contains_key(key)
    }

    /// Puts clusters away that were not used for longest, while more are in memory than there is room for: those of which
    /// nothing came for an hour, and then those of the tenant that has most. Whoever keeps what has changed has to have done so
    /// before, and takes it back ([`Sift::restore`]) before their next batch.
    pub fn put_away(&mut self) {
        for key in self.used.take_beyond(self.limits.shared.clusters) {
            self.changed.remove(&key);
            if let Some(cluster) = self.clusters.remove(&key) {
                self.totals.left(&cluster);
            }
        }
    }

    /// Ends all roll-ups: nothing follows. What they counted last is told.
    pub fn finish(&mut self) -> Vec<Record> {
        self.clusters.values_mut().flat_map(ClusterSift::finish).collect()
    }

    /// The ledger of a cluster, by reason and rule.
    pub fn ledger(&self, key: &ClusterKey) -> impl Iterator<Item = &Suppression> {
        self.clusters.get(key).into_iter().flat_map(ClusterSift::ledger)
    }

    /// How many events of a cluster were folded, each once.
    pub fn folded(&self, key: &ClusterKey) -> u64 {
        self.clusters.get(key).map_or(0, ClusterSift::folded)
    }

    /// From when until when the time is worth telling to a cluster from which nothing arrives, by a batch without events:
    /// until its silence was told, or, where too little was heard to tell of one, for an hour.
    pub fn awaits_silence(&self, key: &ClusterKey) -> Range<Timestamp> {
        let never = Timestamp::EPOCH..Timestamp::EPOCH;
        self.clusters.get(key).map_or(never, ClusterSift::awaits_silence)
    }

    /// A number that differs whenever the used grants of a cluster differ.
    pub fn version_of_grants(&self, key: &ClusterKey) -> u64 {
        self.clusters.get(key).map_or(0, ClusterSift::version_of_grants)
    }

    /// Which bindings of a cluster allowed requests, and whether there were more than can be remembered.
    pub fn used_grants(&self, key: &ClusterKey) -> (Vec<UsedGrant>, bool) {
        self.clusters.get(key).map(ClusterSift::used_grants).unwrap_or_default()
    }

    /// The clusters that are in memory.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterKey> {
        self.clusters.keys()
    }

    /// The clusters that have changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<ClusterKey> {
        std::mem::take(&mut self.changed)
    }

    /// What has changed of a cluster since the last call.
    pub fn take_changes(&mut self, key: &ClusterKey) -> Vec<Change> {
        self.clusters.get_mut(key).map(ClusterSift::take_changes).unwrap_or_default()
    }

    /// Forgets what has changed: nobody keeps it.
    pub fn discard_changes(&mut self) {
        self.clusters.values_mut().for_each(ClusterSift::discard_changes);
        self.changed.clear();
    }

    /// Takes a row back as it was kept; says why where it is not one of this version.
    pub fn restore(&mut self, key: ClusterKey, row: Change) -> Result<(), String> {
        self.with(key, None, |cluster| cluster.restore(row))
    }

    /// Works on a cluster, which is the one that was used last then.
    fn with<T>(
        &mut self,
        key: ClusterKey,
        taken_in: Option<Timestamp>,
        work: impl FnOnce(&mut ClusterSift) -> T,
    ) -> T {
        let limits = self.limits;
        self.used.use_of(&key, taken_in);
        let cluster = self.clusters.entry(key).or_insert_with(|| ClusterSift::new(limits));
        self.totals.left(cluster);
        let done = work(cluster);
        self.totals.came(cluster);
        done
    }
}
