//! Partitions: which ordered part of the log a record belongs to.
//!
//! The publisher computes the partition, so that every adapter places a record alike.

use airside_types::{Cluster, Id, Tenant};

/// One ordered part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Partition(pub u16);

/// How many partitions a deployment has, fixed for its life: changing it would move every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitioner {
    count: u16,
}

impl Partitioner {
    /// The number of partitions of a deployment that names none.
    pub const DEFAULT_COUNT: u16 = 64;
    /// The largest number of partitions.
    pub const MAX_COUNT: u16 = 1024;

    /// A deployment with this many partitions; at least 1 and at most [`Self::MAX_COUNT`].
    pub const fn new(count: u16) -> Self {
        let count = if count == 0 { 1 } else { count };
        Self { count: if count > Self::MAX_COUNT { Self::MAX_COUNT } else { count } }
    }

    /// The number of partitions.
    pub const fn count(self) -> u16 {
        self.count
    }

    /// The partition of a tenant's cluster. `locality` divides a cluster that is too large for one
    /// partition; it is empty by default.
    pub fn partition(self, tenant: &Tenant, cluster: &Cluster, locality: &str) -> Partition {
        let id = Id::builder("partition")
            .text(tenant.as_str())
            .text(cluster.as_str())
            .text(locality)
            .finish();
        let hash = u128::from_be_bytes(*id.as_bytes()) % u128::from(self.count);
        Partition(u16::try_from(hash).unwrap_or_default())
    }

    /// All partitions.
    pub fn all(self) -> PartitionSet {
        PartitionSet::range(0, self.count)
    }
}

impl Default for Partitioner {
    fn default() -> Self {
        Self::new(Self::DEFAULT_COUNT)
    }
}

/// A contiguous range of partitions, which is what one owner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionSet {
    first: u16,
    end: u16,
}

impl PartitionSet {
    /// The partitions from `first` to `end`, without `end`.
    pub const fn range(first: u16, end: u16) -> Self {
        Self { first, end }
    }

    /// Whether the partition belongs to the set.
    pub const fn contains(self, partition: Partition) -> bool {
        self.first <= partition.0 && partition.0 < self.end
    }

    /// Whether no partition belongs to the set.
    pub const fn is_empty(self) -> bool {
        self.first >= self.end
    }

    /// The partitions in order.
    pub fn iter(self) -> impl Iterator<Item = Partition> {
        (self.first..self.end).map(Partition)
    }

    /// Whether the set has every partition of a deployment.
    pub const fn is_all(self, partitioner: Partitioner) -> bool {
        self.first == 0 && self.end >= partitioner.count()
    }
}
