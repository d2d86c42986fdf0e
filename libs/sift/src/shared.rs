//! What all clusters share: one memory, of which each may take what others leave, and in which those stay that are used.
//!
//! Whoever has most gives up first, so that no cluster can push out what another one has by sending much.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use airside_types::Record;

use crate::ClusterKey;
use crate::cluster::ClusterSift;

/// What bounds the memory of all clusters together. With all of it in use a process has about 300 MB.
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
    /// The most clusters that are in memory at a time; beyond it those are put away that were not used for longest.
    /// Default: 1,000.
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
}

impl Part {
    pub(crate) const ALL: [Self; 5] =
        [Self::Seen, Self::Rolled, Self::Actors, Self::Cascades, Self::AuditIds];
}

/// How much all clusters have of each part.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    seen: usize,
    rolled: usize,
    actors: usize,
    cascades: usize,
    audit_ids: usize,
}

impl Totals {
    pub(crate) const fn of(&self, part: Part) -> usize {
        match part {
            Part::Seen => self.seen,
            Part::Rolled => self.rolled,
            Part::Actors => self.actors,
            Part::Cascades => self.cascades,
            Part::AuditIds => self.audit_ids,
        }
    }

    const fn of_mut(&mut self, part: Part) -> &mut usize {
        match part {
            Part::Seen => &mut self.seen,
            Part::Rolled => &mut self.rolled,
            Part::Actors => &mut self.actors,
            Part::Cascades => &mut self.cascades,
            Part::AuditIds => &mut self.audit_ids,
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

    /// Lets the clusters that have most of a part give up some of it, until there is some room again. Returns these
    /// clusters, and what is to be told before it is gone.
    pub(crate) fn relieve<'c>(
        &mut self,
        part: Part,
        most: usize,
        clusters: impl Iterator<Item = (&'c ClusterKey, &'c mut ClusterSift)>,
    ) -> (BTreeSet<ClusterKey>, Vec<Record>) {
        // Not for each batch anew.
        let enough = most - most / 16;
        let (mut changed, mut told) = (BTreeSet::new(), Vec::new());
        let sized =
            |(key, cluster): (_, &'c mut ClusterSift)| Sized(cluster.size(part), key, cluster);
        let mut largest: BinaryHeap<_> = clusters.map(sized).collect();
        while self.of(part) > enough
            && let Some(Sized(before, key, cluster)) = largest.pop()
            && before > 0
        {
            told.extend(cluster.give_up(part));
            changed.insert(key.clone());
            let after = cluster.size(part);
            let total = self.of_mut(part);
            *total = (*total + after).saturating_sub(before);
            if after < before {
                largest.push(Sized(after, key, cluster));
            }
        }
        (changed, told)
    }
}

/// A cluster by how much it has, and then by its name.
struct Sized<'c>(usize, &'c ClusterKey, &'c mut ClusterSift);

impl Ord for Sized<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

impl PartialOrd for Sized<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sized<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sized<'_> {}

/// Which cluster was used when. Uses are numbered.
#[derive(Debug, Default)]
pub(crate) struct LastUses {
    of: BTreeMap<ClusterKey, u64>,
    at: BTreeMap<u64, ClusterKey>,
    number: u64,
}

impl LastUses {
    /// A cluster is used now.
    pub(crate) fn use_of(&mut self, key: &ClusterKey) {
        self.number += 1;
        match self.of.get_mut(key) {
            Some(last) => drop(self.at.remove(&std::mem::replace(last, self.number))),
            None => drop(self.of.insert(key.clone(), self.number)),
        }
        self.at.insert(self.number, key.clone());
    }

    /// The cluster that was not used for longest, which is forgotten here.
    pub(crate) fn take_oldest(&mut self) -> Option<ClusterKey> {
        let (_, key) = self.at.pop_first()?;
        self.of.remove(&key);
        Some(key)
    }
}
