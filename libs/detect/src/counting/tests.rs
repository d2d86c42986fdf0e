//! The rules over several requests as sequences of events: what fires them, and the ordinary life beside it.
//!
//! The sequences lie in `libs/detect/sequences`; what a line means is [`Sequence`]'s.

mod sequence;

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Cluster, Detection, Payload, Record, SightingBatch, Tenant, Timestamp};
use proptest::prelude::*;
use sequence::Sequence;
use serde_json::{Value, json};

use super::{Answered, Counting, Limits};
use crate::audit::own::Found;
use crate::audit::{Event, Request, Telling, event_of, sight};
use crate::authorised::Authorised;
use crate::{Clock, ClusterProfile, Intake};

impl Sequence {
    fn faults(&self) -> Vec<String> {
        let found = told(&self.events());
        let of = |id: &str| found.iter().filter(|it| it.rule == id).collect::<Vec<_>>();
        let known: BTreeSet<&str> = super::rules().map(|rule| rule.id).collect();
        let named = || self.fires.iter().chain(&self.quiet);
        let unknown = named().filter(|id| !known.contains(id.as_str()));
        let mut faults: Vec<_> = unknown.map(|id| format!("{id} is no rule")).collect();
        let silent = self.fires.iter().filter(|id| of(id).is_empty());
        faults.extend(silent.map(|id| format!("{id} is silent")));
        let loud = self.quiet.iter().filter(|id| !of(id).is_empty());
        faults.extend(loud.map(|id| format!("{id} fires")));
        for (id, words) in &self.says {
            if !of(id).iter().any(|it| it.message.contains(words)) {
                let said: Vec<_> = of(id).into_iter().map(|it| &it.message).collect();
                faults.push(format!("{id} does not say `{words}`: {said:?}"));
            }
        }
        for (id, severity) in &self.weighs {
            if !of(id).iter().any(|it| it.severity.as_str() == severity) {
                faults.push(format!("{id} is not {severity}"));
            }
        }
        faults
    }
}

fn sequences() -> Vec<(String, Sequence)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sequences");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let at = format!("{}:{number}", file.file_name().unwrap().to_string_lossy());
            let sequence =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{at}: {error}"));
            all.push((at, sequence));
        }
    }
    all
}

/// What the owner of a cluster hears of events.
fn sighted(events: &[String]) -> SightingBatch {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = intake(&tenant, &cluster);
    let mut batch = SightingBatch::new(tenant.clone(), cluster.clone(), Timestamp::EPOCH);
    for text in events {
        let event = Event::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let judging = (Telling::ToCorrelate, &Authorised::default());
        let request = Request::new(&event, intake.profile);
        sight((&request, text.len()), &intake, judging, Found::default(), &mut batch);
    }
    batch
}

fn intake<'a>(tenant: &'a Tenant, cluster: &'a Cluster) -> Intake<'a> {
    let profile = ClusterProfile::unknown();
    Intake { tenant, cluster, clock: Clock::Recorded, profile, origin: None }
}

/// Counts the sightings at some places of a batch, in that order.
fn count(counting: &mut Counting, batch: &SightingBatch, order: &[usize]) -> Vec<Record> {
    let intake = intake(&batch.tenant, &batch.cluster);
    let sightings = order.iter().filter_map(|at| batch.sightings.get(*at));
    let looked = sightings.flat_map(|sighting| {
        let event = event_of(batch, sighting);
        let records = &sighting.records;
        let mut told: Vec<_> = records.iter().flat_map(|it| counting.observe(it)).collect();
        let request = Request::new(&event, intake.profile);
        let answered = Answered { sighting, request: &request, records, batch };
        told.extend(counting.look(&answered, &intake));
        told
    });
    looked.collect()
}

fn told(events: &[String]) -> Vec<Detection> {
    let batch = sighted(events);
    let order: Vec<_> = (0..batch.sightings.len()).collect();
    detections(count(&mut Counting::new(Limits::default()), &batch, &order))
}

fn detections(records: Vec<Record>) -> Vec<Detection> {
    let detection = |record: Record| match record.payload {
        Payload::Detection(detection) => Some(detection),
        _ => None,
    };
    records.into_iter().filter_map(detection).collect()
}

#[test]
fn sequences_fire_what_they_name_and_nothing_that_they_exclude() {
    let wrong: Vec<_> = sequences()
        .into_iter()
        .flat_map(|(at, it)| it.faults().into_iter().map(move |fault| format!("{at}: {fault}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_sequence_that_fires_it_and_one_that_does_not() {
    let all = sequences();
    for rule in super::rules() {
        let is_in = |of: fn(&Sequence) -> &Vec<String>| {
            all.iter().any(|(_, it)| of(it).iter().any(|id| id == rule.id))
        };
        assert!(is_in(|it| &it.fires), "{} fires in no sequence", rule.id);
        assert!(is_in(|it| &it.quiet), "{} is quiet in no sequence", rule.id);
    }
    assert!(all.iter().all(|(at, it)| it.why.len() > 8 || panic!("{at}: why?")));
}

/// Of what is learnt first (images, whose Secrets are whose) the order is the point.
#[test]
fn in_which_order_the_events_of_a_window_are_heard_of_changes_nothing() {
    let windows: BTreeSet<&str> = super::rules::all().map(|it| it.rule.id).collect();
    for (at, sequence) in sequences() {
        let batch = sighted(&sequence.events());
        let order: Vec<_> = (0..batch.sightings.len()).rev().collect();
        let told = detections(count(&mut Counting::new(Limits::default()), &batch, &order));
        let fired: BTreeSet<&str> = told.iter().map(|it| &*it.rule).collect();
        for rule in sequence.fires.iter().filter(|it| windows.contains(it.as_str())) {
            assert!(fired.contains(rule.as_str()), "{at}: {rule} is silent from behind");
        }
        for rule in &sequence.quiet {
            assert!(!fired.contains(rule.as_str()), "{at}: {rule} fires from behind");
        }
    }
}

#[test]
fn a_rule_says_once_what_goes_on() {
    let event = json!({ "times": 300, "verb": "get", "requestURI": "/try/{n}", "user": { "username": "system:anonymous", "groups": ["system:unauthenticated"] }, "sourceIPs": ["10.1.2.3"], "responseStatus": { "code": 403 } });
    let Value::Object(event) = event else { panic!("an event") };
    let sequence = Sequence { events: vec![event], ..Sequence::default() };
    let told = told(&sequence.events());
    assert_eq!(told.iter().filter(|it| it.rule == "AUD-R04").count(), 1);
}

#[test]
fn memory_is_bounded() {
    let events: Vec<_> = (0..200)
        .map(|n| {
            format!(
                r#"{{"auditID":"{n}","stage":"ResponseComplete","verb":"list","user":{{"username":"user-{n}"}},"userAgent":"kubectl/v1.33.1","objectRef":{{"resource":"pods","namespace":"shop"}},"responseStatus":{{"code":200}},"requestReceivedTimestamp":"2026-11-22T10:00:{:02}Z"}}"#,
                n % 60
            )
        })
        .collect();
    let batch = sighted(&events);
    let mut counting = Counting::new(Limits { windows: 20, ..Limits::default() });
    for at in 0..batch.sightings.len() {
        count(&mut counting, &batch, &[at]);
        assert!(counting.rows() <= 20);
    }
    assert_eq!(counting.rows(), 20);
}

/// A policy with a ConfigMap as its parameters, which is changed then.
fn parameters_changed() -> Vec<String> {
    let all = sequences().into_iter().map(|(_, sequence)| sequence);
    let fires = |it: &Sequence| it.fires.iter().any(|id| id == "AUD-R55-parameters");
    all.into_iter().find(fires).unwrap().events()
}

#[test]
fn whoever_is_declared_may_change_the_parameters_of_a_policy() {
    let mut batch = sighted(&parameters_changed());
    let told = |batch: &SightingBatch| {
        let order: Vec<_> = (0..batch.sightings.len()).collect();
        detections(count(&mut Counting::new(Limits::default()), batch, &order)).len()
    };
    assert_eq!(told(&batch), 1);
    let declared = batch.texts.add("release");
    // What is declared is learnt from all the same.
    for sighting in batch.sightings.iter_mut().take(2) {
        sighting.request.authorised = declared;
    }
    assert_eq!(told(&batch), 1);
    batch.sightings.iter_mut().for_each(|it| it.request.authorised = declared);
    assert_eq!(told(&batch), 0);
}

#[test]
fn so_many_policies_are_remembered_and_those_that_were_written_last() {
    let [policy, binding, change] = &parameters_changed()[..] else { panic!("three events") };
    let others = (0..1_500).map(|n| {
        let other = binding.replace("replicas-in-shop", &format!("binding-{n}"));
        other.replace("\"limits\"", &format!("\"limits-{n}\""))
    });
    let events: Vec<_> = std::iter::once(policy.clone()).chain(others).collect();
    let batch = sighted(&events);
    let mut counting = Counting::new(Limits::default());
    count(&mut counting, &batch, &(0..batch.sightings.len()).collect::<Vec<_>>());
    assert_eq!(counting.rows(), 1_000);
    // The policy itself was written first, and is forgotten; written again it is known.
    let again = |events: &[String], counting: &mut Counting| {
        let batch = sighted(events);
        count(counting, &batch, &(0..batch.sightings.len()).collect::<Vec<_>>()).len()
    };
    let last = change.replace("\"limits\"", "\"limits-1499\"");
    assert_eq!(again(std::slice::from_ref(&last), &mut counting), 0);
    assert_eq!(again(&[policy.replace("10:00:00", "10:00:09"), last], &mut counting), 1);
    assert_eq!(counting.rows(), 1_000);
}

#[test]
fn as_many_ids_are_known_as_there_is_room_for_and_not_for_ever() {
    let again = |apart: u64, between: u64, room: usize| {
        let one = |at: u64, id: &str, verb: &str| {
            let text = json!({ "at": at, "auditID": id, "verb": verb, "user": { "username": "ada" }, "objectRef": { "resource": "secrets" } });
            text.as_object().cloned().unwrap()
        };
        let mut events = vec![one(0, "same", "list")];
        events.extend((0..between).map(|n| one(apart - 1, &format!("other-{n}"), "list")));
        events.push(one(apart, "same", "delete"));
        let sequence = Sequence { events, ..Sequence::default() };
        let batch = sighted(&sequence.events());
        let limits = Limits { audit_ids: room, ..Limits::default() };
        let mut counting = Counting::new(limits);
        let told = (0..batch.sightings.len()).map(|at| {
            counting.take_changed();
            detections(count(&mut counting, &batch, &[at])).len()
        });
        told.sum::<usize>()
    };
    assert_eq!(again(60, 5, 100), 1);
    assert_eq!(again(1200, 5, 100), 0, "nobody sends it again after so long");
    assert_eq!(again(60, 200, 100), 0, "the oldest went");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whoever takes the rows over at any point tells the same from there on.
    #[test]
    fn rows_that_were_kept_count_on(at in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()) {
        let all = sequences();
        let (_, sequence) = which.get(&all);
        let batch = sighted(&sequence.events());
        let cut = at.index(batch.sightings.len() + 1);
        let (before, after): (Vec<_>, Vec<_>) =
            (0..batch.sightings.len()).partition(|place| *place < cut);
        let mut one = Counting::new(Limits::default());
        let mut kept = BTreeMap::new();
        for at in before {
            count(&mut one, &batch, &[at]);
            for (key, row) in one.take_changed() {
                match row {
                    Some(row) => kept.insert(key, row),
                    None => kept.remove(&key),
                };
            }
        }
        let mut other = Counting::new(Limits::default());
        for (key, row) in &kept {
            prop_assert_eq!(other.restore(*key, row), Ok(()));
        }
        // What is observed one by one is kept as records.
        let is_window = |it: &Record| matches!(&it.payload, Payload::Detection(it) if it.rule != "AUD-R14");
        let told = |counting: &mut Counting| -> Vec<_> {
            count(counting, &batch, &after).into_iter().filter(is_window).collect()
        };
        prop_assert_eq!(told(&mut one), told(&mut other));
    }
}
