//! What must not change incidents, and how what may change them does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_types::{
    Authorisation, Cluster, Entity, Id, Incident, ObjectRef, Payload, Record, Tenant,
};
use proptest::prelude::*;

use super::oracle::arriving;
use super::random::{event, records, records_in};
use super::scene::{EXEC, SHELL, Scene, by_pod, from, pod, to, user};
use crate::{Change, Engine, Settings, incidents_of};

fn told(records: &[Record]) -> Vec<Incident> {
    let mut engine = Engine::new(Settings::default());
    records.iter().for_each(|record| _ = engine.apply(record));
    engine.take_changes();
    engine.incidents(&Tenant::default()).cloned().collect()
}

/// Which signals are together.
fn groups(incidents: &[Incident]) -> BTreeSet<Vec<Id>> {
    incidents.iter().map(|incident| incident.aliases.clone()).collect()
}

fn later(records: &[Record], by: Duration) -> Vec<Record> {
    let mut moved = records.to_vec();
    for record in &mut moved {
        record.event_time = record.event_time.plus(by);
        record.ingest_time = record.ingest_time.plus(by);
        match &mut record.payload {
            Payload::Fact(fact) => fact.from = fact.from.plus(by),
            Payload::Gap(gap) => {
                gap.from = gap.from.plus(by);
                gap.until = gap.until.plus(by);
            }
            _ => {}
        }
    }
    moved
}

/// Gives all pods that have a uid another name.
fn renamed(records: &[Record]) -> Vec<Record> {
    let rename = |entity: &mut Entity| {
        if let Entity::Object(ObjectRef { kind, name, .. }) = entity
            && kind == "Pod"
        {
            name.push_str("-renamed");
        }
    };
    let mut records = records.to_vec();
    for record in &mut records {
        match &mut record.payload {
            Payload::Detection(detection) => {
                detection.links.iter_mut().for_each(|link| rename(&mut link.entity));
            }
            Payload::Decision(decision) => {
                decision.links.iter_mut().for_each(|link| rename(&mut link.entity));
                let mut object = Entity::Object(decision.object.clone());
                rename(&mut object);
                decision.object = object.as_object().unwrap().clone();
            }
            Payload::Fact(fact) => {
                rename(&mut fact.subject);
                rename(&mut fact.object);
            }
            _ => {}
        }
    }
    records
}

/// A signal that can only bring others together.
fn only_joins(record: &Record) -> bool {
    match &record.payload {
        Payload::Detection(_) => true,
        Payload::Decision(decision) => {
            !matches!(decision.authorisation, Authorisation::Authorised { .. })
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repetition_do_not_matter(
        (one, other) in arriving(50).prop_flat_map(|one| (Just(one.clone()), Just(one).prop_shuffle()))
    ) {
        let twice: Vec<Record> = other.iter().chain(&one).cloned().collect();
        prop_assert_eq!(told(&one), told(&other));
        prop_assert_eq!(told(&one), told(&twice));
    }

    #[test]
    fn a_shift_in_time_changes_only_times(events in prop::collection::vec(event(), 1..50)) {
        let records = records(&events);
        let (now, then) = (told(&records), told(&later(&records, Duration::from_secs(86_401))));
        prop_assert_eq!(groups(&now), groups(&then));
        let shown = |incidents: &[Incident]| -> BTreeMap<Id, (i64, String)> {
            incidents.iter().map(|it| (it.id, (it.score, it.title.clone()))).collect()
        };
        prop_assert_eq!(shown(&now), shown(&then));
    }

    #[test]
    fn other_tenants_and_clusters_change_nothing(
        events in prop::collection::vec(event(), 1..40),
        others in prop::collection::vec(event(), 1..40),
    ) {
        let alone = told(&records(&events));
        let stranger = Tenant::new("stranger").unwrap();
        let second = Cluster::new("second").unwrap();
        let mut together = records(&events);
        together.extend(records_in(&stranger, &Cluster::default(), &others));
        together.extend(records_in(&Tenant::default(), &second, &others));
        let with: Vec<Incident> = told(&together);
        let here: Vec<Incident> =
            with.iter().filter(|it| it.clusters == [Cluster::default()]).cloned().collect();
        prop_assert_eq!(alone, here);
        prop_assert!(with.iter().all(|incident| incident.tenant == Tenant::default()));
    }

    #[test]
    fn the_names_of_pods_do_not_matter(events in prop::collection::vec(event(), 1..50)) {
        let records = records(&events);
        prop_assert_eq!(groups(&told(&records)), groups(&told(&renamed(&records))));
    }

    /// Below the guards, that is: whoever acts on many things joins less than whoever acts on few. And
    /// where the signals do not tell which uid a name had: one sighting less may leave another the
    /// nearest. And a decision that says authorised keeps apart what it is about, so it stays.
    #[test]
    fn without_a_signal_groups_only_shrink_or_split(
        events in prop::collection::vec(event(), 2..50),
        gone in any::<prop::sample::Index>(),
    ) {
        let mut settings = Settings::default();
        settings.guards.callers_of_address = usize::MAX;
        let all: Vec<Record> =
            records(&events).into_iter().filter(|record| !names_the_second_database(record)).collect();
        let signals: Vec<Id> =
            all.iter().filter(|record| only_joins(record)).map(|record| record.id).collect();
        prop_assume!(!signals.is_empty());
        let gone = *gone.get(&signals);
        let rest: Vec<Record> = all.iter().filter(|record| record.id != gone).cloned().collect();
        let before = groups(&incidents_of(&all, &settings));
        for group in groups(&incidents_of(&rest, &settings)) {
            let within = before.iter().any(|old| group.iter().all(|id| old.contains(id)));
            prop_assert!(within, "{group:?} was not together before");
        }
    }
}

/// The pod that takes over a name in the random scenes.
fn names_the_second_database(record: &Record) -> bool {
    format!("{:?}", record.payload).contains("\"p3\"")
}

#[test]
fn a_late_record_merges_and_old_ids_lead_on() {
    let mut scene = Scene::new();
    let web = pod("shop", "web", "u1");
    let first = [user("ann"), from("192.0.2.1")];
    scene.fires(0, super::scene::ASK_RIGHTS, &first).fires(100, SHELL, &[by_pod(&web)]).fires(
        99,
        EXEC,
        &[user("ann"), from("192.0.2.1"), to(&web)],
    );
    let [rights, shell, exec] = scene.records.as_slice() else { panic!("three records") };
    let tenant = Tenant::default();
    let mut engine = Engine::new(Settings::default());
    engine.apply(shell);
    let changes = engine.take_changes();
    let [Change::Revised(alone)] = changes.as_slice() else { panic!("{changes:?}") };
    let old = alone.id;
    engine.apply(rights);
    engine.take_changes();
    assert_eq!(engine.incidents(&tenant).count(), 2);
    engine.apply(exec);
    let changes = engine.take_changes();
    let [Change::Revised(whole), Change::Merged { old: merged, into, .. }] = changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert_eq!((*merged, *into), (old, whole.id));
    assert_eq!(engine.incidents(&tenant).count(), 1);
    assert_eq!(engine.resolve(&tenant, old).unwrap().id, whole.id);
    engine.apply(exec);
    assert_eq!(engine.take_changes(), []);
}
