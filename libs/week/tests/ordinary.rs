//! A day of a small cluster through the way of the services: silent when it is ordinary, and not when it is attacked.
//! The whole week is `airside-loadtest week`'s.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its harness too")]

use airside_detect::authorised::Authorised;
use airside_types::Severity;
use airside_week::watch::Watch;
use airside_week::{Plan, Week};

/// Small, so that it takes seconds without optimisation as well.
const DAY: Plan = Plan { seed: 11, days: 1, workers: 3, attacks: true, seldom: 30 };

fn pass(plan: Plan, authorised: &Authorised) -> (Week, Watch<'_>) {
    let (mut week, mut watch) = (Week::new(plan), Watch::new(authorised));
    while let Some(lines) = week.next_hour() {
        watch.take(&lines);
    }
    assert_eq!(watch.unreadable, 0);
    (week, watch)
}

/// The incidents as a person would see them, to find out why.
fn told<'i>(incidents: impl Iterator<Item = &'i airside_types::Incident>) -> Vec<String> {
    incidents
        .map(|it| {
            let evidence = it.evidence.iter().filter(|it| it.severity > Severity::Info).take(8);
            let evidence: Vec<_> =
                evidence.map(|it| format!("{} {}", it.rule, it.summary)).collect();
            format!("{} {}: {}", it.severity, it.title, evidence.join(" | "))
        })
        .collect()
}

#[test]
fn each_attack_in_an_ordinary_day_is_an_incident_that_names_the_attacker_and_nothing_else_is() {
    let nothing = Authorised::default();
    let (week, watch) = pass(DAY, &nothing);
    assert!(watch.events > 15_000, "{}", watch.events);
    assert!(week.planted().len() >= 10, "{}", week.planted().len());
    let missed: Vec<_> = watch.missed(week.planted()).map(|it| it.name).collect();
    assert_eq!(missed, [""; 0]);
    assert_eq!(told(watch.false_incidents(week.planted())), [""; 0]);
}

#[test]
fn the_same_seed_is_the_same_week() {
    let hour = |seed| Week::new(Plan { seed, ..DAY }).next_hour().expect("an hour");
    assert_eq!(hour(1), hour(1));
    assert_ne!(hour(1), hour(2));
}
