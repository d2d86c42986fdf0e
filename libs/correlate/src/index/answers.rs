//! The answers that the lookup tables give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_types::{EntityKey, Gap, Id, Record, Relation, Timestamp};

use super::Index;
use crate::keyed::Keyed;
use crate::knowledge::{ActorKey, Knowledge};

impl Knowledge for Index {
    fn bearer_of(&self, name: EntityKey, near: Timestamp) -> Option<Arc<Keyed>> {
        self.bearers.get(&name)?.nearest(near)
    }

    fn related(&self, subject: EntityKey, relation: Relation) -> Vec<Arc<Keyed>> {
        let related = self.relations.get(&(subject, relation)).into_iter().flatten();
        related.filter_map(|(_, forms)| Some(Arc::clone(forms.last_key_value()?.0))).collect()
    }

    fn holder_of(&self, address: EntityKey, near: Timestamp) -> Option<Arc<Keyed>> {
        self.holders.get(&address)?.nearest(near)
    }

    fn acts_on_many(&self, actor: ActorKey) -> bool {
        let objects = self.objects_of_actors.get(&actor);
        objects.is_some_and(|objects| objects.distinct() > self.guards.objects_of_actor)
    }

    fn is_shared_address(&self, address: EntityKey) -> bool {
        let callers = self.callers_of_addresses.get(&address);
        callers.is_some_and(|callers| callers.distinct() > self.guards.callers_of_address)
    }

    fn places_of(&self, user: EntityKey, from: Timestamp, until: Timestamp) -> Vec<Arc<Keyed>> {
        self.places.get(&user).map(|places| places.between(from, until)).unwrap_or_default()
    }

    fn decision_on(&self, object: EntityKey, at: Timestamp) -> Option<Arc<Record>> {
        let decisions = self.decisions_on.get(&object)?;
        let upto = (at, Id::from_bytes([0xff; 16]));
        let before = decisions.range(..=upto).next_back();
        before.or_else(|| decisions.first_key_value()).map(|(_, record)| Arc::clone(record))
    }

    fn decision(&self, id: Id) -> Option<Arc<Record>> {
        self.decisions.get(&id).cloned()
    }

    fn boarding_pass(&self, id: Id) -> Option<Arc<Record>> {
        self.passes.get(&id).cloned()
    }

    fn boarding_passes_of(&self, name: EntityKey) -> Vec<Arc<Record>> {
        self.passes_by_name.get(&name).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    fn findings_in(&self, name: EntityKey) -> Vec<Arc<Record>> {
        self.findings_by_name.get(&name).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    fn gaps_between(&self, from: Timestamp, until: Timestamp) -> Vec<Gap> {
        let overlaps = |gap: &&Gap| gap.from <= until && gap.until >= from;
        let found: BTreeSet<Gap> = self.gaps.values().filter(overlaps).cloned().collect();
        found.into_iter().collect()
    }
}
