//! What all clusters share: one memory, of which each may take what others leave, and in which those stay that are used.
//!
//! The tenant that has most gives up first, so that none can push out what another one has by sending much, or under many
//! names (`fairness.rs`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_types::{Record, Timestamp};

use crate::ClusterKey;
use crate::cluster::ClusterSift;
use crate::fairness::{enough, relieve};

/// What bounds the memory of all clusters together. With all of it in use a process has about 300 MB, and another 130 where
/// as many detections are counted as there may be.
#[derive(Debug, Clone, Copy)]
pub struct SharedLimits {
    /// The most events that are known to have come before; beyond it the oldest are forgotten. Default: 1.2
    /// million, which is four minutes of 5,000 a second.
    pub seen: usize,
    /// The most detections that stand for others at a time; beyond it the oldest no longer do. Default: 15,000.
    pub rolled: usize,
    /// The most actors that are remembered; beyond it those go that were seen on the fewest occasions. Default: 15,000.
    pub actors: usize,
    /// The most objects and clients of which it is known what controllers carry out for them; beyond it those go that
    /// were written long before others. Default: 40,000.
    pub cascades: usize,
    /// The most requests whose auditID is known; beyond it the oldest are forgotten. Default: 200,000.
    pub audit_ids: usize,
    /// The most detections that rules count, whole records of some 3 KB; beyond it the oldest are forgotten. Default: 40,000.
    pub counted: usize,
    /// The most clusters that are in memory at a time; beyond it those are put away that were not used for longest: any of
    /// which nothing came for an hour, and then those of the tenant that has most. Default: 1,000.
    pub clusters: usize,
}

impl Default for SharedLimits {
    fn default() -> Self {
        Self {
            seen: 1_200_000,
            rolled: 15_000,
            actors: 15_000,
            cascades: 40_000,
            audit_ids: 200_000,
            counted: 40_000,
            clusters: 1_000,
        }
    }
}

impl SharedLimits {
    pub(crate) const fn most(&self, part: Part) -> usize {
        match part {
            Part::Seen => self.seen,
            Part::Rolled => self.rolled,
            Part::Actors => self.actors,
            Part::Cascades => self.cascades,
            Part::AuditIds => self.audit_ids,
            Part::Counted => self.counted,
        }
    }
}

/// A part of a cluster's state of which there is one bound for all clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Events that came before.
    Seen,
    /// Detections that stand for others.
    Rolled,
    /// Actors.
    Actors,
    /// Objects and clients of which it is known what controllers carry out for them.
    Cascades,
    /// Requests whose auditID is known.
    AuditIds,
    /// Detections that rules count.
    Counted,
}

impl Part {
    pub(crate) const ALL: [Self; 6] =
        [Self::Seen, Self::Rolled, Self::Actors, Self::Cascades, Self::AuditIds, Self::Counted];
}

/// How much all clusters have of each part.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    seen: usize,
    rolled: usize,
    actors: usize,
    cascades: usize,
    audit_ids: usize,
    counted: usize,
}

impl Totals {
    pub(crate) const fn of(&self, part: Part) -> usize {
        match part {
            Part::Seen => self.seen,
            Part::Rolled => self.rolled,
            Part::Actors => self.actors,
            Part::Cascades => self.cascades,
            Part::AuditIds => self.audit_ids,
            Part::Counted => self.counted,
        }
    }

    const fn of_mut(&mut self, part: Part) -> &mut usize {
        match part {
            Part::Seen => &mut self.seen,
            Part::Rolled => &mut self.rolled,
            Part::Actors => &mut self.actors,
            Part::Cascades => &mut self.cascades,
            Part::AuditIds => &mut self.audit_ids,
            Part::Counted => &mut self.counted,
        }
    }

    /// What a cluster has is counted.
    pub(crate) fn came(&mut self, cluster: &ClusterSift) {
        for part in Part::ALL {
            *self.of_mut(part) += cluster.size(part);
        }
    }

    /// What a cluster has is not counted any more.
    pub(crate) fn left(&mut self, cluster: &ClusterSift) {
        for part in Part::ALL {
            let total = self.of_mut(part);
            *total = total.saturating_sub(cluster.size(part));
        }
    }

    /// Lets those that have most of a part give up some of it, until there is some room again. Returns the clusters that
    /// did, and what is to be told before it is gone.
    pub(crate) fn relieve<'c>(
        &mut self,
        part: Part,
        most: usize,
        clusters: impl Iterator<Item = (&'c ClusterKey, &'c mut ClusterSift)>,
    ) -> (BTreeSet<ClusterKey>, Vec<Record>) {
        let (mut changed, mut told) = (BTreeSet::new(), Vec::new());
        let by_size = |cluster: &&mut ClusterSift| {
            let size = cluster.size(part);
            (size, size)
        };
        *self.of_mut(part) = relieve(clusters, enough(most), by_size, |key, cluster| {
            told.extend(cluster.give_up(part));
            changed.insert(key.clone());
        });
        (changed, told)
    }
}

/// Who was not used for so long, by when batches are taken in, needs no room.
const IDLE: Duration = Duration::from_hours(1);

/// Which cluster was used when.
#[derive(Debug, Default)]
pub(crate) struct LastUses {
    of: BTreeMap<ClusterKey, Use>,
    number: u64,
    /// The latest time that was told.
    now: Timestamp,
}

/// The last use of a cluster. Uses are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    number: u64,
    time: Timestamp,
}

impl LastUses {
    /// A cluster is used now, by a batch that was taken in at this time if it is one.
    pub(crate) fn use_of(&mut self, key: &ClusterKey, taken_in: Option<Timestamp>) {
        self.number += 1;
        self.now = taken_in.map_or(self.now, |time| self.now.max(time));
        let last = Use { number: self.number, time: self.now };
        if let Some(known) = self.of.get_mut(key) {
            *known = last;
        } else {
            self.of.insert(key.clone(), last);
        }
    }

    /// The clusters that have to go so that no more than `most` remain, which are forgotten here: those that are idle, and
    /// then of the tenant that has most clusters the one that was not used for longest.
    pub(crate) fn take_beyond(&mut self, most: usize) -> Vec<ClusterKey> {
        let beyond = self.of.len().saturating_sub(most);
        if beyond == 0 {
            return Vec::new();
        }
        let since = self.now.minus(IDLE);
        let mut idle: Vec<_> = self.of.iter().filter(|(_, last)| last.time < since).collect();
        idle.sort_unstable_by_key(|(_, last)| **last);
        let mut gone: Vec<_> = idle.into_iter().take(beyond).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.of.remove(key);
        }
        let mut next = Vec::new();
        let uses = self.of.iter().map(|(key, last)| (key, Some(*last)));
        let by_age = |last: &Option<Use>| (usize::from(last.is_some()), Reverse(*last));
        relieve(uses, most, by_age, |key, last| {
            next.push(key.clone());
            *last = None;
        });
        for key in &next {
            self.of.remove(key);
        }
        gone.extend(next);
        gone
    }
}
