//! What correlation rules remember, and that it takes no longer to forget the more there is.

use airside_types::{Id, Payload, Record, Timestamp};

use super::super::definition::Definition;
use super::{Correlating, Duration, Limits, RuleSet, rules, titles};

#[test]
fn the_group_that_saw_nothing_for_longest_is_forgotten_first() {
    let limits = Limits { groups: 2, ..Limits::default() };
    // The third user fills the memory: of the two others the one goes who was seen last before the other.
    let fires = |events: &[(i64, usize)]| {
        let (told, state) = titles(rules(), limits, events);
        (told.contains(&"Three got".to_owned()), state.forgotten() > 0)
    };
    assert_eq!(fires(&[(0, 0), (1, 1), (2, 0), (3, 2), (4, 0)]), (true, true));
    assert_eq!(fires(&[(0, 0), (1, 0), (2, 1), (3, 2), (4, 0)]), (false, true));
    assert_eq!(fires(&[(0, 0), (1, 0), (2, 1), (4, 0)]), (true, false));
}

const BY_USER: &str = "
title: Got
logsource: {product: kubernetes, service: audit}
level: low
tags: [attack.discovery]
detection: {selection: {verb: get}, condition: selection}
---
title: Often
level: low
tags: [attack.discovery]
correlation: {type: event_count, rules: [Got], group-by: [user.username], timespan: 7d, condition: {gte: 3}}
";

fn read(text: &str) -> RuleSet {
    let (rules, problems) = RuleSet::read([("rules.yaml", text)]);
    assert_eq!(problems, []);
    rules
}

/// What is told of a rule, with a value of so many bytes.
fn record(rule: &Definition, bytes: usize) -> Box<Record> {
    let event = airside_detect::audit::Event::parse(
        r#"{"auditID":"1","verb":"get","user":{"username":"a"},"objectRef":{"resource":"pods"}}"#,
    );
    let (tenant, cluster) = <_>::default();
    let intake = super::intake(&tenant, &cluster);
    let mut record = super::own::record(&rule.info, &event.unwrap(), &intake, Vec::new());
    let Payload::Detection(detection) = &mut record.payload else { panic!("{record:?}") };
    detection.message = "x".repeat(bytes);
    Box::new(record)
}

/// A state after so many events, each of another user and a second later.
fn of_users(rules: &RuleSet, limits: Limits, users: u64, bytes: usize) -> Correlating {
    let [definition] = rules.correlations() else { panic!("one rule") };
    let record = record(definition, bytes);
    let mut state = Correlating::new(limits);
    for user in 0..users {
        let id = Id::builder("user").text(&user.to_string()).finish();
        let candidate = airside_types::CorrelationCandidate {
            rule: definition.key,
            group: id,
            value: None,
            places: vec![0],
            time: Timestamp::EPOCH.plus(Duration::from_secs(user)),
            record: record.clone(),
        };
        state.count(rules, id, candidate);
    }
    state
}

/// Each event was compared with all 10,000 groups: with so many events that takes minutes.
#[test]
fn many_groups_are_forgotten_one_by_one() {
    let rules = read(BY_USER);
    let mut state = of_users(&rules, Limits::default(), 100_000, 10);
    state.finish(&rules);
    assert_eq!(state.forgotten(), 90_000);
    assert_eq!(state.size(), 20_000, "a group and its event each");
    let mut steps = 0;
    while state.size() > 0 {
        state.give_up();
        steps += 1;
    }
    assert!(steps < 100, "{steps}");
}

#[test]
fn an_event_that_waits_weighs_the_more_the_longer_what_is_told_of_it() {
    let rules = read(BY_USER);
    let waiting = Limits { lateness: Duration::from_hours(48), ..Limits::default() };
    let size = |bytes| of_users(&rules, waiting, 100, bytes).size();
    assert_eq!(size(10), 1_000);
    assert!((5_000..8_000).contains(&size(8_000)), "{}", size(8_000));
    // Twice as many as weigh so much: half of them wait no longer.
    let few = Limits { held: 300, ..waiting };
    let state = of_users(&rules, few, 100, 8_000);
    assert!((3_000..4_000).contains(&state.size()), "{}", state.size());
    assert_eq!(of_users(&rules, few, 100, 10).size(), 1_000);
}

#[test]
fn rules_that_a_group_remembers_count_as_events_do() {
    let temporal = BY_USER.replace("event_count", "temporal").replace(", condition: {gte: 3}", "");
    let rules = read(&temporal.replace("[Got]", "[Got, Got]"));
    let mut state = of_users(&rules, Limits::default(), 10, 10);
    state.finish(&rules);
    assert_eq!(state.size(), 20, "a group and a rule each");
    let few = Limits { counted: 5, ..Limits::default() };
    let mut state = of_users(&rules, few, 10, 10);
    state.finish(&rules);
    assert_eq!((state.size(), state.forgotten()), (10, 5));
}
