//! Whose the frames of a segment are, in memory beside it: whoever asks has none read that are another tenant's.
//!
//! Learnt from the batches themselves, while they are written or when a segment is opened: nothing of it lies on
//! the disk.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use airside_types::Tenant;

use crate::record::Head;

/// Where the frames of each tenant begin, in their order. A place takes eight bytes, and its frame a hundred at
/// least: as what may lie unsealed is bounded, so is this.
#[derive(Debug, Default)]
pub(crate) struct Owners(RwLock<BTreeMap<Tenant, Vec<u64>>>);

impl Owners {
    /// Takes in the frame that begins there. Whose one is that cannot be understood nobody can tell.
    pub(crate) fn add(&self, at: u64, batch: &[u8]) {
        let Some(head) = Head::of(batch) else { return };
        let mut owners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        owners.entry(head.tenant).or_default().push(at);
    }

    /// Where the frames of a tenant begin, before a place.
    pub(crate) fn frames_of(&self, tenant: &Tenant, before: u64) -> Vec<u64> {
        let owners = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let frames = owners.get(tenant).map(Vec::as_slice).unwrap_or_default();
        frames.iter().copied().take_while(|at| *at < before).collect()
    }
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Timestamp};

    use super::*;
    use crate::record::Batch;

    #[test]
    fn each_tenant_has_its_frames_before_a_place_and_no_others() {
        let tenants = ["a", "b"].map(|name| Tenant::new(name).unwrap());
        let owners = Owners::default();
        for (at, tenant) in [(0, 0), (7, 1), (20, 0), (31, 0)] {
            let batch = Batch::new(&tenants[tenant], &Cluster::default(), Timestamp::EPOCH);
            owners.add(at, &batch.into_bytes());
        }
        owners.add(40, b"no batch");
        for (tenant, before, frames) in [
            (0, u64::MAX, vec![0, 20, 31]),
            (0, 31, vec![0, 20]),
            (0, 0, vec![]),
            (1, 8, vec![7]),
            (1, 7, vec![]),
        ] {
            assert_eq!(owners.frames_of(&tenants[tenant], before), frames, "{tenant} {before}");
        }
        assert_eq!(owners.frames_of(&Tenant::new("c").unwrap(), u64::MAX), [0; 0]);
    }
}
