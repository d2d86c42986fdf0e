//! Correlation rules against an oracle that keeps everything, sorts it and looks at each window.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use airside_detect::audit::{Event, own};
use airside_detect::{Clock, ClusterProfile, Intake};
use airside_types::{Cluster, Id, Payload, Record, Tenant, Timestamp};
use proptest::prelude::*;

use super::{Change, Correlating, Limits, TakenBack};
use crate::set::RuleSet;

mod limits;

const RULES: &str = "
title: Got
logsource: {product: kubernetes, service: audit}
level: low
tags: [attack.discovery]
detection: {selection: {verb: get}, condition: selection}
---
title: Created
logsource: {product: kubernetes, service: audit}
level: low
tags: [attack.discovery]
detection: {selection: {verb: create}, condition: selection}
---
title: Deleted
logsource: {product: kubernetes, service: audit}
level: low
tags: [attack.discovery]
detection: {selection: {verb: delete}, condition: selection}
---
title: Three got
level: high
tags: [attack.discovery]
correlation: {type: event_count, rules: [Got, Created], group-by: [user.username], timespan: 1m, condition: {gte: 3}}
---
title: Two exactly
level: high
tags: [attack.discovery]
correlation: {type: event_count, rules: [Got], timespan: 30s, condition: {eq: 2}}
---
title: Many names
level: high
tags: [attack.discovery]
correlation:
  {type: value_count, rules: [Got, Deleted], group-by: [user.username], timespan: 1m, condition: {gt: 2, field: objectRef.name}}
---
title: Both
level: high
tags: [attack.discovery]
correlation: {type: temporal, rules: [Created, Deleted], group-by: [user.username, objectRef.name], timespan: 1m}
---
title: Either without the other
level: high
tags: [attack.discovery]
correlation: {type: temporal, rules: [Created, Deleted, Got], timespan: 20s, condition: Created and (Deleted or not Got)}
---
title: In order
level: high
tags: [attack.discovery]
correlation: {type: temporal_ordered, rules: [Got, Created, Got, Deleted], group-by: [user.username], timespan: 1m}
";

const LATENESS: i64 = 40;

static READ: LazyLock<RuleSet> = LazyLock::new(|| {
    let (rules, problems) = RuleSet::read([("rules.yaml", RULES)]);
    assert_eq!(problems, []);
    rules
});

fn rules() -> &'static RuleSet {
    &READ
}

#[derive(Debug, Clone)]
struct Seen {
    second: i64,
    delay: i64,
    verb: &'static str,
    user: u8,
    name: u8,
    twice: bool,
}

fn seen() -> impl Strategy<Value = Vec<Seen>> {
    let one = (0..200_i64, 0..LATENESS, 0..3_usize, 0..2_u8, 0..5_u8, any::<bool>()).prop_map(
        |(second, delay, verb, user, name, twice)| {
            let verb = ["get", "create", "delete"][verb];
            Seen { second, delay, verb, user, name, twice }
        },
    );
    prop::collection::vec(one, 0..60)
}

impl Seen {
    fn json(&self, number: usize) -> String {
        let (minute, second) = (self.second / 60, self.second % 60);
        let Self { verb, user, name, .. } = self;
        format!(
            r#"{{"auditID":"{number}","stage":"ResponseComplete","verb":"{verb}","user":{{"username":"u{user}"}},
               "objectRef":{{"resource":"pods","name":"n{name}"}},"stageTimestamp":"2026-11-26T08:{minute:02}:{second:02}Z"}}"#
        )
    }
}

fn intake<'i>(tenant: &'i Tenant, cluster: &'i Cluster) -> Intake<'i> {
    Intake {
        tenant,
        cluster,
        clock: Clock::Recorded,
        profile: ClusterProfile::unknown(),
        origin: None,
    }
}

/// The order in which events arrive: each late by its delay, some twice.
fn arrivals(all: &[Seen]) -> Vec<usize> {
    let mut order: Vec<(i64, usize)> = Vec::new();
    for (number, seen) in all.iter().enumerate() {
        order.push((seen.second + seen.delay, number));
        if seen.twice {
            order.push((seen.second + (seen.delay + 7) % LATENESS, number));
        }
    }
    order.sort_unstable();
    order.into_iter().map(|(_, number)| number).collect()
}

fn fired(all: &[Seen], order: &[usize], kept_at: Option<usize>) -> BTreeSet<Id> {
    let rules = rules();
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let lateness = Duration::from_secs(LATENESS.unsigned_abs());
    let limits = Limits { lateness, ..Limits::default() };
    let mut state = Correlating::kept(limits);
    let mut rows = BTreeMap::new();
    let mut records = Vec::new();
    for (step, number) in order.iter().enumerate() {
        for Change { key, row } in state.take_changes() {
            match row {
                Some(row) => drop(rows.insert(key, row)),
                None => drop(rows.remove(&key)),
            }
        }
        if kept_at == Some(step) {
            state = Correlating::kept(limits);
            for (key, row) in &rows {
                assert_eq!(state.restore(rules, key, row.clone()), TakenBack::Yes);
            }
        }
        let json = all[*number].json(*number);
        let event = Event::parse(&json).unwrap();
        records.extend(state.observe(rules, &event, &intake(&tenant, &cluster)));
    }
    records.extend(state.finish(rules));
    let ids: BTreeSet<Id> = records.iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), records.len(), "nothing fires twice");
    ids
}

/// What a rule sees of an event: time, identity, the places of its rules, and the value counted.
type Point = (i64, Id, Vec<usize>, u8);

fn oracle(all: &[Seen]) -> BTreeSet<Id> {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let intake = intake(&tenant, &cluster);
    let mut ids = BTreeSet::new();
    for definition in rules().correlations() {
        let verbs: Vec<&str> = definition
            .rules
            .iter()
            .map(|id| match id.as_str() {
                "SIGMA-got" => "get",
                "SIGMA-created" => "create",
                _ => "delete",
            })
            .collect();
        let group_of = |seen: &Seen| {
            let named = |name: &str| definition.group_by.iter().any(|it| it.name == name);
            (
                named("user.username").then_some(seen.user),
                named("objectRef.name").then_some(seen.name),
            )
        };
        let groups: BTreeSet<_> = all.iter().map(group_of).collect();
        for group in groups {
            let mut points: Vec<Point> = Vec::new();
            for (number, seen) in all.iter().enumerate().filter(|(_, it)| group_of(it) == group) {
                let json = seen.json(number);
                let id = own::event_id(&Event::parse(&json).unwrap(), &intake);
                let places = (0..verbs.len()).filter(|at| verbs[*at] == seen.verb);
                let places: Vec<usize> = places.collect();
                if !places.is_empty() {
                    points.push((seen.second, id, places, seen.name));
                }
            }
            points.sort();
            let span = i64::try_from(definition.span.as_secs()).unwrap();
            let mut last = None;
            for (at, (time, id, ..)) in points.iter().enumerate() {
                let window: Vec<&Point> =
                    points[..=at].iter().filter(|it| it.0 >= time - span).collect();
                let may = last.is_none_or(|last| time - last > span);
                if may && holds(&definition.info.title, &window, verbs.len()) {
                    last = Some(*time);
                    ids.insert(Record::detection_id(
                        &tenant,
                        &cluster,
                        airside_types::Source::Audit,
                        *id,
                        &definition.info.id,
                    ));
                }
            }
        }
    }
    ids
}

/// Each rule once more, in the plainest words.
fn holds(title: &str, window: &[&Point], rules: usize) -> bool {
    let has = |place: usize| window.iter().any(|it| it.2.contains(&place));
    match title {
        "Three got" => window.len() >= 3,
        "Two exactly" => window.len() == 2,
        "Many names" => window.iter().map(|it| it.3).collect::<BTreeSet<_>>().len() > 2,
        "Both" => has(0) && has(1),
        "Either without the other" => has(0) && (has(1) || !has(2)),
        "In order" => {
            let Some((last, before)) = window.split_last() else { return false };
            last.2.contains(&(rules - 1)) && is_run(before, rules - 1)
        }
        other => panic!("no words for {other}"),
    }
}

/// Whether the first so many rules are found one after the other.
fn is_run(window: &[&Point], rules: usize) -> bool {
    let Some(wanted) = rules.checked_sub(1) else { return true };
    (0..window.len()).any(|at| window[at].2.contains(&wanted) && is_run(&window[..at], wanted))
}

proptest! {
    #[test]
    fn what_fires_is_what_the_oracle_says_however_the_events_arrive(all in seen()) {
        let expected = oracle(&all);
        let in_order: Vec<usize> = {
            let mut order: Vec<usize> = (0..all.len()).collect();
            order.sort_by_key(|at| all[*at].second);
            order
        };
        prop_assert_eq!(&fired(&all, &in_order, None), &expected);
        prop_assert_eq!(&fired(&all, &arrivals(&all), None), &expected);
    }

    #[test]
    fn a_state_that_is_kept_and_taken_up_again_changes_nothing(all in seen(), at in 0..120_usize) {
        let order = arrivals(&all);
        let at = at.checked_rem(order.len().max(1));
        prop_assert_eq!(fired(&all, &order, at), fired(&all, &order, None));
    }
}

/// The titles that fire on events at these seconds, each by one user of these many.
fn titles(rules: &RuleSet, limits: Limits, events: &[(i64, usize)]) -> (Vec<String>, Correlating) {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let mut state = Correlating::new(limits);
    let mut records = Vec::new();
    for (number, (second, user)) in events.iter().enumerate() {
        let time = Timestamp::from_nanos(1_700_000_000_000_000_000)
            .plus(Duration::from_secs(second.unsigned_abs()));
        let json = format!(
            r#"{{"auditID":"{number}","verb":"get","user":{{"username":"u{user}"}},"objectRef":{{"resource":"pods"}},"stageTimestamp":"{time}"}}"#
        );
        let event = Event::parse(&json).unwrap();
        records.extend(state.observe(rules, &event, &intake(&tenant, &cluster)));
    }
    records.extend(state.finish(rules));
    let titles = records.into_iter().filter_map(|record| match record.payload {
        Payload::Detection(detection) => Some(detection.title),
        _ => None,
    });
    (titles.collect(), state)
}

#[test]
fn who_fills_the_memory_is_forgotten_and_that_is_counted() {
    let rules = rules();
    let limits = Limits { groups: 50, ..Limits::default() };
    // One user is nearly there; a thousand others come in between.
    let others = (1..1_000).map(|user| (2, user));
    let events: Vec<_> = [(0, 0), (1, 0)].into_iter().chain(others).chain([(3, 0)]).collect();
    let (told, state) = titles(rules, limits, &events);
    assert!(!told.contains(&"Three got".to_owned()), "{told:?}");
    assert!(state.forgotten() > 900, "{}", state.forgotten());
    let (told, state) = titles(rules, Limits::default(), &events);
    assert!(told.contains(&"Three got".to_owned()), "{told:?}");
    assert_eq!(state.forgotten(), 0);
}

#[test]
fn what_comes_too_late_is_counted_and_a_firing_is_not_repeated_within_the_span() {
    let rules = rules();
    let three = |seconds: &[i64]| {
        let events: Vec<_> = seconds.iter().map(|second| (*second, 0)).collect();
        let (told, state) = titles(rules, Limits::default(), &events);
        (told.iter().filter(|it| *it == "Three got").count(), state.late())
    };
    assert_eq!(three(&[0, 1, 2]), (1, 0));
    assert_eq!(three(&[0, 30, 60]), (1, 0), "the span is included");
    assert_eq!(three(&[0, 30, 61]), (0, 0));
    assert_eq!(three(&[0, 1, 2, 3, 4, 5, 61, 62]), (1, 0), "once a span");
    assert_eq!(three(&[0, 1, 2, 61, 62, 63]), (2, 0));
    // The event at 100 settles all before 40, so that the one at 2 is too late for each of the five rules about it.
    assert_eq!(three(&[0, 1, 100, 2]), (0, 5));
}

/// One event, at the beginning, of a user by number.
fn got(state: &mut Correlating, number: usize) -> Timestamp {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let user = u8::try_from(number).unwrap();
    let seen = Seen { second: 0, delay: 0, verb: "get", user, name: 1, twice: false };
    let json = seen.json(number);
    let event = Event::parse(&json).unwrap();
    state.observe(rules(), &event, &intake(&tenant, &cluster));
    own::moment(&event, &intake(&tenant, &cluster))
}

#[test]
fn what_was_too_late_is_too_late_after_a_restart_though_only_other_events_told_the_time() {
    let mut before = Correlating::kept(Limits::default());
    let time = got(&mut before, 0);
    let mut kept = before.take_changes();
    before.advance(rules(), time.plus(Duration::from_hours(1)));
    kept.extend(before.take_changes());
    let kept: BTreeMap<_, _> = kept.into_iter().map(|change| (change.key, change.row)).collect();
    let mut after = Correlating::kept(Limits::default());
    for (key, row) in kept.into_iter().filter_map(|(key, row)| Some((key, row?))) {
        assert_eq!(after.restore(rules(), &key, row), TakenBack::Yes);
    }
    got(&mut after, 1);
    assert!(after.late() > 0);
}

#[test]
fn a_state_gives_up_until_nothing_is_left_and_says_what_is_gone() {
    let mut state = Correlating::kept(Limits::default());
    let time = (0..40).map(|user| got(&mut state, user)).last().unwrap();
    state.advance(rules(), time.plus(Duration::from_hours(1)));
    let mut rows: BTreeMap<_, _> =
        state.take_changes().into_iter().map(|change| (change.key, change.row)).collect();
    let mut size = state.size();
    assert!(size >= 40);
    while size > 0 {
        state.give_up();
        assert!(state.size() < size, "of {size} nothing was given up");
        size = state.size();
    }
    assert!(state.forgotten() > 0);
    rows.extend(state.take_changes().into_iter().map(|change| (change.key, change.row)));
    let mut after = Correlating::kept(Limits::default());
    for (key, row) in rows.into_iter().filter_map(|(key, row)| Some((key, row?))) {
        after.restore(rules(), &key, row);
    }
    assert_eq!(after.size(), 0);
}
