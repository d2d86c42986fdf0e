//! Who gives up first where all clusters have too much together: the tenant that has most, and of its clusters the one
//! whose turn it is.
//!
//! Whoever sends names their clusters: by cluster alone, a tenant that names many would have as many shares as it likes.
//! Tenants that have as much as each other give up in the order of the turns of their clusters, and then by name, so that
//! the same past leaves the same memory.

use std::cmp::Ordering;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap};

use airside_types::Tenant;

use crate::ClusterKey;

/// How much all may have after some was given up, where they may have `most`: all are looked at, and not for each batch
/// anew.
pub const fn enough(most: usize) -> usize {
    most - most / 16
}

/// Lets clusters give something up until all have no more than `enough`, or nobody can give up more. Returns how much they
/// have then.
///
/// A `claim` is how much a cluster has, and its turn: of the clusters of a tenant the one goes first whose turn is the
/// greatest. `give_up` is called for one after the other; whoever has not less then is let be, as is who has nothing. Looks
/// at each cluster once, and then at those alone that give something up.
pub fn relieve<'c, C, T: Ord>(
    clusters: impl IntoIterator<Item = (&'c ClusterKey, C)>,
    enough: usize,
    claim: impl Fn(&C) -> (usize, T),
    mut give_up: impl FnMut(&'c ClusterKey, &mut C),
) -> usize {
    let (mut shares, mut total) = (BTreeMap::<&Tenant, Share<'c, C, T>>::new(), 0);
    for (key, cluster) in clusters {
        let (size, turn) = claim(&cluster);
        total += size;
        let share = shares.entry(&key.0).or_insert_with(Share::new);
        share.size += size;
        if size > 0 {
            share.clusters.push(Claim { turn, key, size, cluster });
        }
    }
    let mut shares: BinaryHeap<_> = shares.into_values().collect();
    while total > enough
        && let Some(mut share) = shares.peek_mut()
    {
        let Some(mut next) = share.clusters.pop() else {
            PeekMut::pop(share);
            continue;
        };
        give_up(next.key, &mut next.cluster);
        let (size, turn) = claim(&next.cluster);
        let gone = next.size.saturating_sub(size);
        total -= gone;
        share.size -= gone;
        if gone > 0 && size > 0 {
            share.clusters.push(Claim { turn, size, ..next });
        }
    }
    total
}

/// What a tenant has, and those of its clusters that may give something up.
struct Share<'c, C, T> {
    size: usize,
    clusters: BinaryHeap<Claim<'c, C, T>>,
}

/// What a cluster has.
struct Claim<'c, C, T> {
    turn: T,
    key: &'c ClusterKey,
    size: usize,
    cluster: C,
}

impl<C, T: Ord> Share<'_, C, T> {
    const fn new() -> Self {
        Self { size: 0, clusters: BinaryHeap::new() }
    }
}

impl<C, T: Ord> Ord for Share<'_, C, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.size.cmp(&other.size);
        order.then_with(|| self.clusters.peek().cmp(&other.clusters.peek()))
    }
}

impl<C, T: Ord> Ord for Claim<'_, C, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.turn, self.key).cmp(&(&other.turn, other.key))
    }
}

impl<C, T: Ord> PartialOrd for Share<'_, C, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C, T: Ord> PartialOrd for Claim<'_, C, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C, T: Ord> PartialEq for Share<'_, C, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<C, T: Ord> PartialEq for Claim<'_, C, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<C, T: Ord> Eq for Share<'_, C, T> {}
impl<C, T: Ord> Eq for Claim<'_, C, T> {}

#[cfg(test)]
mod tests {
    use airside_types::Cluster;
    use proptest::prelude::*;

    use super::*;

    fn key(tenant: u8, cluster: u8) -> ClusterKey {
        let (tenant, cluster) = (format!("tenant-{tenant}"), format!("cluster-{cluster}"));
        (Tenant::new(&tenant).unwrap(), Cluster::new(&cluster).unwrap())
    }

    /// The sizes by which all have enough, and who gave something up, one after the other.
    fn relieved(
        sizes: &BTreeMap<ClusterKey, usize>,
        enough: usize,
    ) -> (BTreeMap<ClusterKey, usize>, Vec<ClusterKey>) {
        let (mut left, mut order) = (sizes.clone(), Vec::new());
        let by_size = |size: &&mut usize| (**size, **size);
        let total = relieve(left.iter_mut(), enough, by_size, |key, size| {
            **size -= size.div_ceil(10);
            order.push(key.clone());
        });
        assert_eq!(total, left.values().sum::<usize>());
        (left, order)
    }

    /// The same by its definition.
    fn naive(
        sizes: &BTreeMap<ClusterKey, usize>,
        enough: usize,
    ) -> (BTreeMap<ClusterKey, usize>, Vec<ClusterKey>) {
        let (mut left, mut order) = (sizes.clone(), Vec::new());
        while left.values().sum::<usize>() > enough {
            let of_tenant = |tenant: &Tenant| -> usize {
                left.iter().filter(|((of, _), _)| of == tenant).map(|(_, size)| size).sum()
            };
            let largest = |tenant: &Tenant| {
                left.iter()
                    .filter(|((of, _), _)| of == tenant)
                    .map(|(key, size)| (*size, key))
                    .max()
            };
            let tenants = left.keys().map(|(tenant, _)| tenant);
            let most = tenants.max_by_key(|tenant| (of_tenant(tenant), largest(tenant))).unwrap();
            let next = largest(most).unwrap().1.clone();
            let size = left.get_mut(&next).unwrap();
            *size -= size.div_ceil(10);
            order.push(next);
        }
        (left, order)
    }

    proptest! {
        #[test]
        fn the_largest_cluster_of_the_tenant_that_has_most_gives_up_first(
            sizes in prop::collection::btree_map((0_u8..5, 0_u8..9), 0_usize..60, 0..30),
            enough in 0_usize..900,
        ) {
            let sizes = sizes.into_iter().map(|((tenant, cluster), size)| (key(tenant, cluster), size)).collect();
            prop_assert_eq!(relieved(&sizes, enough), naive(&sizes, enough));
        }

        #[test]
        fn who_has_no_more_than_their_share_gives_up_nothing(
            sizes in prop::collection::btree_map((0_u8..5, 0_u8..9), 0_usize..60, 1..30),
            enough in 0_usize..900,
        ) {
            let sizes: BTreeMap<_, _> =
                sizes.into_iter().map(|((tenant, cluster), size)| (key(tenant, cluster), size)).collect();
            let of = |sizes: &BTreeMap<ClusterKey, usize>, tenant: &Tenant| -> usize {
                sizes.iter().filter(|((of, _), _)| of == tenant).map(|(_, size)| size).sum()
            };
            let (left, _) = relieved(&sizes, enough);
            let tenants: std::collections::BTreeSet<_> = sizes.keys().map(|(tenant, _)| tenant).collect();
            for tenant in &tenants {
                let (before, after) = (of(&sizes, tenant), of(&left, tenant));
                prop_assert!(after == before || before > enough / tenants.len(), "{tenant}: {before}");
            }
        }
    }

    #[test]
    fn who_can_give_up_nothing_is_let_be() {
        let sizes = BTreeMap::from([(key(0, 0), 10), (key(0, 1), 5), (key(1, 0), 7)]);
        let mut asked = Vec::new();
        let by_size = |size: &&usize| (**size, **size);
        let total = relieve(&sizes, 1, by_size, |key, _| asked.push(key.clone()));
        assert_eq!((total, asked), (22, vec![key(0, 0), key(0, 1), key(1, 0)]));
    }
}
