//! Knowledge of one tenant's cluster that changes with each record and answers at once.
//!
//! Owns the lookup tables. Adding and removing a record are inverse, so the tables are a function of
//! the set of records. Each change tells which questions may now be answered differently
//! ([`Topic`]), so that only what asked them is looked at again.

mod answers;
mod asking;
mod sightings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_types::{
    Entity, EntityKey, Fact, FindingState, Gap, Id, Payload, Record, Relation, Timestamp, Verdict,
};

use crate::joins::{acted_on, actor_of};
use crate::keyed::Keyed;
use crate::knowledge::ActorKey;
use crate::settings::Guards;
use crate::signal::Signal;
use crate::table::Table;
pub(crate) use asking::{Askers, Asking};
use sightings::{Sightings, Tally, step};

/// A question whose answer may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Topic {
    Bearer(EntityKey),
    Related(EntityKey, Relation),
    Holder(EntityKey),
    ActsOnMany(ActorKey),
    SharedAddress(EntityKey),
    Places(EntityKey),
    DecisionOn(EntityKey),
    Decision(Id),
    Pass(Id),
    Manifest(EntityKey),
}

/// The forms under which one entity was named, with how often.
type Forms = BTreeMap<Arc<Keyed>, u32>;

/// The lookup tables.
#[derive(Debug)]
pub(crate) struct Index {
    guards: Guards,
    bearers: Table<EntityKey, Sightings>,
    relations: Table<(EntityKey, Relation), BTreeMap<EntityKey, Forms>>,
    holders: Table<EntityKey, Sightings>,
    objects_of_actors: Table<ActorKey, Tally<EntityKey>>,
    callers_of_addresses: Table<EntityKey, Tally<EntityKey>>,
    places: Table<EntityKey, Sightings>,
    decisions: Table<Id, Arc<Record>>,
    decisions_on: Table<EntityKey, BTreeMap<(Timestamp, Id), Arc<Record>>>,
    passes: Table<Id, Arc<Record>>,
    passes_by_name: Table<EntityKey, BTreeMap<Id, Arc<Record>>>,
    findings_by_name: Table<EntityKey, BTreeMap<Id, Arc<Record>>>,
    gaps: BTreeMap<Id, Gap>,
}

/// Whether a record comes or goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    In,
    Out,
}

impl Index {
    pub(crate) fn new(guards: Guards) -> Self {
        Self {
            guards,
            bearers: Table::default(),
            relations: Table::default(),
            holders: Table::default(),
            objects_of_actors: Table::default(),
            callers_of_addresses: Table::default(),
            places: Table::default(),
            decisions: Table::default(),
            decisions_on: Table::default(),
            passes: Table::default(),
            passes_by_name: Table::default(),
            findings_by_name: Table::default(),
            gaps: BTreeMap::new(),
        }
    }

    /// Takes a record in. Returns what may be answered differently now.
    pub(crate) fn add(&mut self, record: &Arc<Record>, signal: Option<&Signal>) -> BTreeSet<Topic> {
        self.turn(Turn::In, record, signal)
    }

    /// Takes a record out that was taken in.
    pub(crate) fn remove(
        &mut self,
        record: &Arc<Record>,
        signal: Option<&Signal>,
    ) -> BTreeSet<Topic> {
        self.turn(Turn::Out, record, signal)
    }

    fn turn(
        &mut self,
        turn: Turn,
        record: &Arc<Record>,
        signal: Option<&Signal>,
    ) -> BTreeSet<Topic> {
        let mut changed = BTreeSet::new();
        if let Some(signal) = signal {
            self.turn_signal(turn, signal, &mut changed);
        }
        match &record.payload {
            Payload::Fact(fact) => self.turn_fact(turn, fact, &mut changed),
            Payload::Decision(decision) => {
                keep(&mut self.decisions, record, turn);
                changed.insert(Topic::Decision(record.id));
                if decision.verdict != Verdict::Deny && !decision.dry_run {
                    let object = Entity::Object(decision.object.clone());
                    for key in BTreeSet::from([object.key(), object.name_key()]) {
                        let at = (record.event_time, record.id);
                        enter(&mut self.decisions_on, key, at, record, turn);
                        changed.insert(Topic::DecisionOn(key));
                    }
                }
            }
            Payload::BoardingPass(pass) => {
                let name = Entity::Object(pass.object.without_uid()).name_key();
                enter(&mut self.passes_by_name, name, record.id, record, turn);
                keep(&mut self.passes, record, turn);
                changed.extend([Topic::Manifest(name), Topic::Pass(record.id)]);
            }
            Payload::Finding(finding) if finding.state == FindingState::Open => {
                let name = Entity::Object(finding.object.without_uid()).name_key();
                enter(&mut self.findings_by_name, name, record.id, record, turn);
                changed.insert(Topic::Manifest(name));
            }
            Payload::Gap(gap) => {
                match turn {
                    Turn::In => self.gaps.insert(record.id, gap.clone()),
                    Turn::Out => self.gaps.remove(&record.id),
                };
            }
            _ => {}
        }
        changed
    }

    fn turn_signal(&mut self, turn: Turn, signal: &Signal, changed: &mut BTreeSet<Topic>) {
        let parties = &signal.parties;
        let entities = parties.targets.iter().chain(&parties.pod);
        for entity in entities.chain(&parties.identities).chain(&parties.grants) {
            self.turn_bearer(turn, entity, signal.time(), changed);
        }
        if let Some(address) = &parties.address {
            for caller in &parties.identities {
                let callers = self.callers_of_addresses.entry(address.key()).or_default();
                callers.turn(caller.name_key(), turn == Turn::In);
                if callers.crossed(self.guards.callers_of_address) {
                    changed.insert(Topic::SharedAddress(address.key()));
                }
            }
            for user in parties.users() {
                let places = self.places.entry(user.name_key()).or_default();
                places.turn(address, signal.time(), turn == Turn::In);
                if places.candidates() > 1 || turn == Turn::Out {
                    changed.insert(Topic::Places(user.name_key()));
                }
            }
        }
        if let Some(actor) = actor_of(parties) {
            for object in acted_on(signal) {
                let objects = self.objects_of_actors.entry(actor).or_default();
                objects.turn(object, turn == Turn::In);
                if objects.crossed(self.guards.objects_of_actor) {
                    changed.insert(Topic::ActsOnMany(actor));
                }
            }
        }
    }

    fn turn_bearer(
        &mut self,
        turn: Turn,
        entity: &Arc<Keyed>,
        time: Timestamp,
        changed: &mut BTreeSet<Topic>,
    ) {
        let Entity::Object(object) = entity.entity() else { return };
        if object.uid.is_none() || object.name.is_empty() {
            return;
        }
        let bearers = self.bearers.entry(entity.name_key()).or_default();
        // One bearer answers for any time; of several, each sighting may change which is nearest.
        if bearers.turn(entity, time, turn == Turn::In) || bearers.candidates() > 1 {
            changed.insert(Topic::Bearer(entity.name_key()));
        }
    }

    fn turn_fact(&mut self, turn: Turn, fact: &Fact, changed: &mut BTreeSet<Topic>) {
        let Fact { relation, from, .. } = fact;
        let subject = &Keyed::new(fact.subject.clone());
        let object = &Keyed::new(fact.object.clone());
        self.turn_bearer(turn, subject, *from, changed);
        self.turn_bearer(turn, object, *from, changed);
        let related = self.relations.entry((subject.key(), *relation)).or_default();
        let forms = related.entry(object.key()).or_default();
        let before = forms.last_key_value().map(|(form, _)| Arc::clone(form));
        step(forms, Arc::clone(object), turn == Turn::In);
        if forms.last_key_value().map(|(form, _)| form) != before.as_ref() {
            changed.insert(Topic::Related(subject.key(), *relation));
        }
        if forms.is_empty() {
            related.remove(&object.key());
        }
        if *relation == Relation::HasAddress {
            let holders = self.holders.entry(object.key()).or_default();
            holders.turn(subject, *from, turn == Turn::In);
            changed.insert(Topic::Holder(object.key()));
        }
    }
}

/// Keeps a record under its id, or lets it go.
fn keep(table: &mut Table<Id, Arc<Record>>, record: &Arc<Record>, turn: Turn) {
    match turn {
        Turn::In => table.insert(record.id, Arc::clone(record)),
        Turn::Out => table.remove(&record.id),
    };
}

/// Enters a record under a key, or strikes it out.
fn enter<T: Ord>(
    table: &mut Table<EntityKey, BTreeMap<T, Arc<Record>>>,
    key: EntityKey,
    entry: T,
    record: &Arc<Record>,
    turn: Turn,
) {
    let entries = table.entry(key).or_default();
    match turn {
        Turn::In => entries.insert(entry, Arc::clone(record)),
        Turn::Out => entries.remove(&entry),
    };
    if entries.is_empty() {
        table.remove(&key);
    }
}
