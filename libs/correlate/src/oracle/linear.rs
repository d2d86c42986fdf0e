//! Knowledge by looking at every record for every question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_types::{
    Entity, EntityKey, Fact, FindingState, Gap, Id, Payload, Record, Relation, Timestamp, Verdict,
};

use crate::joins::{acted_on, actor_of};
use crate::keyed::Keyed;
use crate::knowledge::{ActorKey, Knowledge};
use crate::settings::Guards;
use crate::signal::Signal;

/// All records of one scope.
pub(super) struct Everything<'a> {
    records: Vec<Arc<Record>>,
    signals: Vec<Arc<Signal>>,
    guards: &'a Guards,
}

impl<'a> Everything<'a> {
    pub(super) fn new(records: Vec<Arc<Record>>, guards: &'a Guards) -> Self {
        let signals = records.iter().filter_map(Signal::of).map(Arc::new).collect();
        Self { records, signals, guards }
    }

    pub(super) fn signals(&self) -> impl Iterator<Item = &Arc<Signal>> {
        self.signals.iter()
    }

    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.records.iter().filter_map(|record| match &record.payload {
            Payload::Fact(fact) => Some(fact),
            _ => None,
        })
    }

    /// The records that a choice takes, in the order of their ids.
    fn chosen(&self, choice: impl Fn(&Payload) -> bool) -> Vec<Arc<Record>> {
        let chosen = self.records.iter().filter(|record| choice(&record.payload));
        let by_id: BTreeMap<Id, &Arc<Record>> = chosen.map(|record| (record.id, record)).collect();
        by_id.into_values().cloned().collect()
    }

    /// Every entity that was named together with its uid, and when.
    fn exact_objects(&self) -> Vec<(Entity, Timestamp)> {
        let mut seen = Vec::new();
        for signal in &self.signals {
            let parties = &signal.parties;
            let entities = parties.targets.iter().chain(&parties.grants).chain(&parties.pod);
            let entities = entities.chain(&parties.identities);
            seen.extend(entities.map(|entity| (entity.entity().clone(), signal.time())));
        }
        for fact in self.facts() {
            seen.extend([(fact.subject.clone(), fact.from), (fact.object.clone(), fact.from)]);
        }
        seen.retain(|(entity, _)| {
            entity.as_object().is_some_and(|it| it.uid.is_some() && !it.name.is_empty())
        });
        seen
    }
}

/// The entity that was seen nearest to a moment, in its fullest form.
fn nearest(seen: &[(Entity, Timestamp)], near: Timestamp) -> Option<Arc<Keyed>> {
    let (closest, _) = seen.iter().min_by_key(|(it, time)| (time.distance(near), it.key()))?;
    let forms = seen.iter().map(|(entity, _)| entity);
    forms.filter(|entity| entity.key() == closest.key()).max().cloned().map(Keyed::new)
}

impl Knowledge for Everything<'_> {
    fn bearer_of(&self, name: EntityKey, near: Timestamp) -> Option<Arc<Keyed>> {
        let mut seen = self.exact_objects();
        seen.retain(|(entity, _)| entity.name_key() == name);
        nearest(&seen, near)
    }

    fn related(&self, subject: EntityKey, relation: Relation) -> Vec<Arc<Keyed>> {
        let mut objects: BTreeMap<EntityKey, Entity> = BTreeMap::new();
        for fact in self.facts() {
            if fact.relation == relation && fact.subject.key() == subject {
                let form = objects.entry(fact.object.key()).or_insert_with(|| fact.object.clone());
                if fact.object > *form {
                    form.clone_from(&fact.object);
                }
            }
        }
        objects.into_values().map(Keyed::new).collect()
    }

    fn holder_of(&self, address: EntityKey, near: Timestamp) -> Option<Arc<Keyed>> {
        let holding = self
            .facts()
            .filter(|fact| fact.relation == Relation::HasAddress && fact.object.key() == address);
        let seen: Vec<_> = holding.map(|fact| (fact.subject.clone(), fact.from)).collect();
        nearest(&seen, near)
    }

    fn acts_on_many(&self, actor: ActorKey) -> bool {
        let by_actor = self.signals.iter().filter(|it| actor_of(&it.parties) == Some(actor));
        let objects: BTreeSet<EntityKey> = by_actor.flat_map(|it| acted_on(it)).collect();
        objects.len() > self.guards.objects_of_actor
    }

    fn is_shared_address(&self, address: EntityKey) -> bool {
        let mut callers: BTreeSet<EntityKey> = BTreeSet::new();
        for signal in &self.signals {
            let parties = &signal.parties;
            if parties.address.as_ref().is_some_and(|it| it.key() == address) {
                callers.extend(parties.identities.iter().map(|it| it.name_key()));
            }
        }
        callers.len() > self.guards.callers_of_address
    }

    fn places_of(&self, user: EntityKey, from: Timestamp, until: Timestamp) -> Vec<Arc<Keyed>> {
        let mut places: BTreeMap<EntityKey, Arc<Keyed>> = BTreeMap::new();
        for signal in &self.signals {
            let by_user = signal.parties.users().any(|it| it.name_key() == user);
            let time = signal.time();
            if let Some(address) = &signal.parties.address
                && by_user
                && from <= time
                && time <= until
            {
                places.insert(address.key(), Arc::clone(address));
            }
        }
        places.into_values().collect()
    }

    fn decision_on(&self, object: EntityKey, at: Timestamp) -> Option<Arc<Record>> {
        let mut decisions = self.chosen(|payload| match payload {
            Payload::Decision(decision) => {
                let entity = Entity::Object(decision.object.clone());
                let about = entity.key() == object || entity.name_key() == object;
                about && decision.verdict != Verdict::Deny && !decision.dry_run
            }
            _ => false,
        });
        decisions.sort_by_key(|record| (record.event_time, record.id));
        let before = decisions.iter().rfind(|record| record.event_time <= at);
        before.or_else(|| decisions.first()).cloned()
    }

    fn decision(&self, id: Id) -> Option<Arc<Record>> {
        let decisions = self.chosen(|payload| matches!(payload, Payload::Decision(_)));
        decisions.into_iter().find(|record| record.id == id)
    }

    fn boarding_pass(&self, id: Id) -> Option<Arc<Record>> {
        let passes = self.chosen(|payload| matches!(payload, Payload::BoardingPass(_)));
        passes.into_iter().find(|record| record.id == id)
    }

    fn boarding_passes_of(&self, name: EntityKey) -> Vec<Arc<Record>> {
        self.chosen(|payload| match payload {
            Payload::BoardingPass(pass) => Entity::Object(pass.object.clone()).name_key() == name,
            _ => false,
        })
    }

    fn findings_in(&self, name: EntityKey) -> Vec<Arc<Record>> {
        self.chosen(|payload| match payload {
            Payload::Finding(finding) if finding.state == FindingState::Open => {
                Entity::Object(finding.object.as_ref().clone()).name_key() == name
            }
            _ => false,
        })
    }

    fn gaps_between(&self, from: Timestamp, until: Timestamp) -> Vec<Gap> {
        let gaps = self.records.iter().filter_map(|record| match &record.payload {
            Payload::Gap(gap) if gap.from <= until && gap.until >= from => Some(gap.clone()),
            _ => None,
        });
        gaps.collect::<BTreeSet<Gap>>().into_iter().collect()
    }
}
