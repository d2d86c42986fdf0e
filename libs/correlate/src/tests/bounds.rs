//! What happens at every bound: siblings instead of one blob, evidence that is counted, horizons.

use std::time::Duration;

use airside_types::{Link, Severity, Tenant};

use super::scene::*;
use crate::{Engine, Settings, incidents_of};

fn engine_with(scene: &Scene, settings: Settings) -> Engine {
    let mut engine = Engine::new(settings);
    scene.records.iter().for_each(|record| _ = engine.apply(record));
    engine.take_changes();
    engine
}

#[test]
fn too_many_signals_are_told_as_siblings_along_time() {
    let mut scene = Scene::new();
    let web = pod("shop", "web", "u1");
    (0..25).for_each(|second| _ = scene.fires(second, SHELL, &[by_pod(&web)]));
    let mut settings = Settings::default();
    settings.caps.signals = 10;
    let engine = engine_with(&scene, settings.clone());
    let tenant = Tenant::default();
    let mut sizes: Vec<_> =
        engine.incidents(&tenant).map(|it| (it.first_seen, it.aliases.len())).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(at(0), 10), (at(10), 10), (at(20), 5)]);
    let expected = incidents_of(&scene.records, &settings);
    assert_eq!(engine.incidents(&tenant).cloned().collect::<Vec<_>>(), expected);
}

#[test]
fn evidence_keeps_the_most_severe_and_counts_the_others() {
    let mut scene = Scene::new();
    let web = pod("shop", "web", "u1");
    (0..20).for_each(|second| _ = scene.fires(second, SHELL, &[by_pod(&web)]));
    scene.fires(50, MINER, &[by_pod(&web)]);
    let mut settings = Settings::default();
    settings.caps.evidence = 5;
    let incidents = incidents_of(&scene.records, &settings);
    let rules: Vec<&str> = incidents[0].evidence.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(rules, ["shell", "shell", "shell", "shell", "miner"]);
    let last = incidents[0].terms.last().unwrap();
    assert_eq!(last.reason, "16 more signals belong to this incident and are not listed");
}

#[test]
fn one_who_touches_everything_glues_nothing() {
    let mut scene = Scene::new();
    let mut settings = Settings::default();
    settings.guards.objects_of_actor = 5;
    let attacked = |number: i64| pod("shop", &format!("web-{number}"), &format!("u{number}"));
    for number in 0..6 {
        let web = attacked(number);
        scene.fires(number, EXEC, &[user("ci"), from("10.3.0.8"), to(&web)]);
        scene.fires(number + 1, MINER, &[by_pod(&web)]);
    }
    let glued = |settings: &Settings| {
        let incidents = incidents_of(&scene.records, settings);
        incidents.iter().filter(|it| it.severity >= Severity::Medium).count()
    };
    let severe = incidents_of(&scene.records, &settings)
        .iter()
        .filter(|incident| incident.evidence.iter().any(|piece| piece.rule == "miner"))
        .count();
    assert_eq!(severe, 6, "six attacks stay six");
    settings.guards.objects_of_actor = 6;
    assert_eq!(glued(&settings), 1, "who touches few things joins them");
}

#[test]
fn an_address_that_many_share_joins_nothing() {
    let people: Vec<String> = (0..4).map(|number| format!("person-{number}")).collect();
    let gateway = from("192.0.2.1");
    let mut scene = Scene::new();
    for person in &people {
        scene.fires(0, ASK_RIGHTS, &[user(person), gateway.clone()]);
    }
    scene.fires(5, REFUSED, std::slice::from_ref(&gateway));
    assert_eq!(incidents_of(&scene.records, &Settings::default()).len(), 5);
    scene.records.remove(0);
    assert_eq!(incidents_of(&scene.records, &Settings::default()).len(), 1);
}

#[test]
fn a_pod_that_is_only_named_is_the_one_that_bore_the_name_then() {
    let name = |seconds: i64, scene: &mut Scene| {
        let named = airside_types::Entity::pod("shop", "db-0", None);
        scene.fires(seconds, EXEC, &[user("ann"), from("192.0.2.1"), to(&named)]);
    };
    let (first, second) = (pod("shop", "db-0", "u1"), pod("shop", "db-0", "u2"));
    let mut scene = Scene::new();
    scene.fires(100, SHELL, &[by_pod(&first)]).fires(1_000, SHELL, &[by_pod(&second)]);
    name(95, &mut scene);
    let incidents = incidents_of(&scene.records, &Settings::default());
    let mut sizes: Vec<_> = incidents.iter().map(|it| (it.first_seen, it.aliases.len())).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(at(95), 2), (at(1_000), 1)]);
}

#[test]
fn records_beyond_the_horizon_are_given_back_and_their_incidents_end() {
    let mut scene = Scene::new();
    let links: [Link; 1] = [by_pod(&pod("shop", "web", "u1"))];
    scene.fires(0, SHELL, &links).fires(5, SHELL, &links);
    let old: Vec<_> = scene.records.iter().map(|record| record.id).collect();
    let mut engine = engine_with(&scene, Settings::default());
    assert_eq!(engine.expired(), []);
    let week = Settings::default().retention.signals;
    let mut later = Scene::new();
    let days = i64::try_from((week + Duration::from_secs(6)).as_secs()).unwrap();
    later.fires(days, SHELL, &links);
    engine.apply(&later.records[0]);
    assert_eq!(engine.expired(), old);
    let changes = engine.take_changes();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(matches!(changes.last(), Some(crate::Change::Withdrawn { .. })));
    // Too late: what comes from beyond the horizon is given back at once.
    engine.apply(&scene.records[0]);
    assert_eq!(engine.expired(), [old[0]]);
    assert_eq!(engine.take_changes(), []);
}
