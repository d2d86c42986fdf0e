//! Counting each as a specification: what fires, and that order does not matter.

mod naive;

use std::collections::BTreeSet;
use std::time::Duration;

use airside_types::{Cluster, Id, Payload, Record, Severity, Tenant, Timestamp};
use naive::Naive;
use proptest::prelude::*;

use super::{Each, Limits};
use crate::audit::{self, Event};
use crate::{Clock, ClusterProfile, Intake};

/// An observation: who, which secret, at which second.
type Read = (&'static str, u8, u16);

fn records(reads: &[Read]) -> Vec<Record> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = Intake {
        tenant: &tenant,
        cluster: &cluster,
        clock: Clock::Recorded,
        profile: ClusterProfile::unknown(),
        origin: None,
    };
    reads
        .iter()
        .flat_map(|(user, secret, second)| {
            let (minute, second) = (second / 60, second % 60);
            let text = format!(
                r#"{{"auditID":"{user}-{secret}","verb":"get","user":{{"username":"{user}"}},
                    "sourceIPs":["10.0.0.1"],"objectRef":{{"resource":"secrets","namespace":"shop","name":"s{secret}"}},
                    "requestReceivedTimestamp":"2026-11-22T10:{minute:02}:{second:02}Z"}}"#
            );
            audit::records(&Event::parse(&text).unwrap(), &intake)
        })
        .collect()
}

fn fired(limits: Limits, records: &[Record]) -> Vec<Record> {
    let mut counting = Each::new(limits);
    records.iter().flat_map(|record| counting.observe(record)).collect()
}

fn ids(records: &[Record]) -> BTreeSet<Id> {
    records.iter().map(|record| record.id).collect()
}

fn five_from(user: &'static str, start: u16, apart: u16) -> Vec<Read> {
    (0..5).map(|n: u8| (user, n, start + u16::from(n) * apart)).collect()
}

/// So many reads of one actor, a millisecond apart, which go round so many secrets.
fn rounds(reads: i64, secrets: i64) -> impl Iterator<Item = Record> {
    let first = records(&[("dana", 0, 0)]).into_iter().find(Each::counts).unwrap();
    (0..reads).map(move |number| {
        let mut record = first.clone();
        record.id = Id::builder("test").number(number).finish();
        record.event_time = Timestamp::from_nanos(first.event_time.as_nanos() + number * 1_000_000);
        let Payload::Detection(detection) = &mut record.payload else { panic!("a detection") };
        let name = detection.values.iter_mut().find(|value| value.name == "objectRef.name");
        name.unwrap().value = format!("s{}", number % secrets);
        record
    })
}

#[test]
fn five_different_secrets_in_ten_minutes_fire_for_each_of_them() {
    let fired = fired(Limits::default(), &records(&five_from("dana", 0, 10)));
    assert_eq!(fired.len(), 5);
    for record in &fired {
        let Payload::Detection(detection) = &record.payload else { panic!("a detection") };
        assert_eq!((detection.rule.as_str(), detection.severity), ("AUD-R14", Severity::Medium));
    }
}

#[test]
fn less_does_not_fire() {
    let one_secret: Vec<Read> = (0..20).map(|n| ("dana", 1, n)).collect();
    let four = &five_from("dana", 0, 10)[..4];
    let slow = five_from("dana", 0, 151);
    let mut two_people = five_from("dana", 0, 10);
    two_people.iter_mut().step_by(2).for_each(|read| read.0 = "erin");
    for reads in [&one_secret[..], four, &slow[..], &two_people[..]] {
        assert!(fired(Limits::default(), &records(reads)).is_empty(), "{reads:?}");
    }
}

#[test]
fn clusters_and_tenants_are_counted_apart() {
    let mut records = records(&five_from("dana", 0, 10));
    for record in records.iter_mut().step_by(2) {
        record.cluster = Cluster::new("other").unwrap();
    }
    assert!(fired(Limits::default(), &records).is_empty());
}

#[test]
fn memory_is_bounded() {
    let limits = Limits { per_actor: 3, actors: 2, ..Limits::default() };
    let mut counting = Each::new(limits);
    for record in records(
        &[five_from("dana", 0, 1), five_from("erin", 9, 1), five_from("finn", 20, 1)].concat(),
    ) {
        counting.observe(&record);
        assert!(counting.actors.len() <= 2);
        assert!(counting.actors.values().all(|sightings| sightings.len() <= 3));
    }
}

#[test]
fn of_many_observations_the_oldest_are_forgotten_whosever_they_are() {
    let limits = Limits { counted: 7, ..Limits::default() };
    let mut counting = Each::new(limits);
    let observed = records(&[five_from("dana", 0, 1), five_from("erin", 9, 1)].concat());
    let observed: Vec<_> = observed.into_iter().filter(Each::counts).collect();
    for record in &observed {
        counting.observe(record);
        assert!(counting.has(record) && counting.len() <= 7);
    }
    let ids = |records: &[Record]| records.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(counting.take_forgotten(), ids(&observed[..3]));
    assert_eq!(counting.observe(&observed[9]), [], "it fired, and is known");
    counting.give_up();
    assert_eq!(counting.take_forgotten(), ids(&observed[3..4]));
    counting.forget_beyond(observed[7].event_time);
    assert_eq!(counting.take_forgotten(), ids(&observed[4..7]));
    assert_eq!((counting.len(), counting.actors.len(), counting.by_age.len()), (3, 1, 1));
}

#[test]
fn what_is_older_than_the_horizon_is_not_counted() {
    let mut records = records(&five_from("dana", 0, 1));
    records[4].event_time = Timestamp::parse_rfc3339("2026-11-22T14:00:00Z").unwrap();
    records.rotate_right(1);
    let mut counting = Each::new(Limits::default());
    for record in &records {
        assert!(counting.observe(record).is_empty());
    }
    assert_eq!(counting.actors.values().map(|sightings| sightings.len()).sum::<usize>(), 1);
}

#[test]
fn actors_of_whom_only_what_is_older_than_the_horizon_is_known_are_forgotten() {
    let mut observed = records(&[five_from("dana", 0, 1), five_from("erin", 0, 1)].concat());
    observed.last_mut().unwrap().event_time =
        Timestamp::parse_rfc3339("2026-11-22T14:00:00Z").unwrap();
    let mut counting = Each::new(Limits::default());
    for record in &observed {
        counting.observe(record);
    }
    assert_eq!((counting.actors.len(), counting.by_age.len()), (1, 1));
}

/// A second or less altogether; looking at all windows around each observation takes many minutes.
#[test]
fn somebody_who_reads_a_great_many_secrets_or_few_again_and_again_costs_little() {
    for (reads, secrets, fires) in [(20_000, 20_000, 20_000), (5_000, 5, 5_000), (5_000, 4, 0)] {
        let mut counting = Each::new(Limits::default());
        let fired = rounds(reads, secrets).map(|record| counting.observe(&record).len());
        assert_eq!(fired.sum::<usize>(), fires, "{reads} reads of {secrets} secrets");
    }
}

proptest! {
    /// The detections are a function of the set of observations: order and repetition change nothing.
    #[test]
    fn order_and_repetition_do_not_matter(
        reads in prop::collection::vec((prop_oneof![Just("dana"), Just("erin")], 0u8..8, 0u16..2400), 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 60),
    ) {
        let in_order = records(&reads);
        let expected = fired(Limits::default(), &in_order);
        let mut shuffled: Vec<Record> =
            order.iter().filter(|_| !in_order.is_empty()).map(|index| index.get(&in_order).clone()).collect();
        shuffled.extend(in_order.iter().rev().cloned());
        let again = fired(Limits::default(), &shuffled);
        prop_assert_eq!(ids(&expected), ids(&again));
        prop_assert_eq!(again.len(), ids(&again).len(), "each fires once");
        for record in &again {
            prop_assert!(expected.contains(record), "also its content is the same");
        }
    }

    /// What fires is what the definition says, computed the slow way.
    #[test]
    fn an_observation_fires_if_some_window_with_it_is_full(
        reads in prop::collection::vec((Just("dana"), 0u8..8, 0u16..2400), 1..25),
    ) {
        let observed = records(&reads);
        let fired: BTreeSet<_> = fired(Limits::default(), &observed)
            .iter()
            .map(|record| record.event_time)
            .collect();
        for (_, _, second) in &reads {
            let full = reads.iter().any(|(_, _, from)| {
                let window = |at: &u16| (*from..=*from + 600).contains(at);
                let things: BTreeSet<_> =
                    reads.iter().filter(|(_, _, at)| window(at)).map(|(_, thing, _)| thing).collect();
                window(second) && things.len() >= 5
            });
            let start = Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap();
            let at = start.plus(Duration::from_secs(u64::from(*second)));
            prop_assert_eq!(fired.contains(&at), full, "{}", second);
        }
    }

    /// Each observation completes what the definition says, at once and in the same order, whatever was forgotten before.
    #[test]
    fn an_observation_completes_what_all_windows_around_it_say(
        reads in prop::collection::vec(
            (prop_oneof![Just("dana"), Just("erin"), Just("finn")], 0u8..7, 0u16..1800), 1..80,
        ),
        is_in_order in any::<bool>(),
        (per_actor, actors, counted, minutes) in (1usize..40, 1usize..4, 1usize..60, 5u64..40),
    ) {
        let horizon = Duration::from_mins(minutes);
        let limits = Limits { horizon, per_actor, actors, counted, ..Limits::default() };
        let mut observed = records(&reads);
        if is_in_order {
            observed.sort_by_key(|record| record.event_time);
        }
        let (mut counting, mut naive) = (Each::new(limits), Naive::new(limits));
        let mut kept = BTreeSet::new();
        for record in &observed {
            prop_assert_eq!(counting.observe(record), naive.observe(record));
            // Who keeps what is counted, and removes what is told as forgotten, has the same.
            if counting.has(record) {
                kept.insert(record.id);
            }
            for gone in counting.take_forgotten() {
                kept.remove(&gone);
            }
            prop_assert_eq!(&counting.all, &naive.keys());
            prop_assert_eq!(&kept, &naive.keys().into_iter().map(|(_, record, _)| record).collect());
            prop_assert!(counting.len() <= counted && counting.actors.len() == counting.by_age.len());
        }
    }
}
