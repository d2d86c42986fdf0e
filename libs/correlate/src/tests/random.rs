//! Random scenes: few pods, people, addresses and credentials, so that everything meets everything.

use airside_types::attack::technique;
use airside_types::{
    Authorisation, Cluster, Entity, FindingState, Link, LinkRole, Payload, Record, Relation,
    Severity, Tenant, Verdict,
};
use proptest::prelude::*;

use super::scene::*;

/// One thing that happens, by numbers that choose from the small world.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Runtime { time: i64, rule: usize, pod: usize },
    Api { time: i64, rule: usize, who: usize, address: usize, target: usize },
    Decision { time: i64, verdict: usize, who: usize, target: usize },
    Owned { time: i64, pod: usize },
    Runs { time: i64, pod: usize, node: usize },
    Address { time: i64, pod: usize, address: usize },
    RunsAs { time: i64, pod: usize, account: usize },
    Token { time: i64, asker: usize },
    Host { time: i64, node: usize },
    Finding { check: usize, fixed: bool, version: i64 },
    Gap { from: i64, length: i64 },
}

fn times() -> impl Strategy<Value = i64> {
    // Mostly close together, sometimes hours apart, often at the same second.
    prop_oneof![4 => 0_i64..40, 2 => 0_i64..9_000, 1 => 0_i64..200_000]
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let number = 0_usize..64;
    prop_oneof![
        4 => (times(), number.clone(), number.clone())
            .prop_map(|(time, rule, pod)| Event::Runtime { time, rule, pod }),
        6 => (times(), number.clone(), number.clone(), number.clone(), number.clone())
            .prop_map(|(time, rule, who, address, target)| Event::Api { time, rule, who, address, target }),
        2 => (times(), number.clone(), number.clone(), number.clone())
            .prop_map(|(time, verdict, who, target)| Event::Decision { time, verdict, who, target }),
        1 => (times(), number.clone()).prop_map(|(time, pod)| Event::Owned { time, pod }),
        1 => (times(), number.clone(), number.clone())
            .prop_map(|(time, pod, node)| Event::Runs { time, pod, node }),
        1 => (times(), number.clone(), number.clone())
            .prop_map(|(time, pod, address)| Event::Address { time, pod, address }),
        1 => (times(), number.clone(), number.clone())
            .prop_map(|(time, pod, account)| Event::RunsAs { time, pod, account }),
        1 => (times(), number.clone()).prop_map(|(time, asker)| Event::Token { time, asker }),
        1 => (times(), number.clone()).prop_map(|(time, node)| Event::Host { time, node }),
        1 => (number, any::<bool>(), 0_i64..3)
            .prop_map(|(check, fixed, version)| Event::Finding { check, fixed, version }),
        1 => (times(), 0_i64..500).prop_map(|(from, length)| Event::Gap { from, length }),
    ]
}

fn pick<T: Clone>(from: &[T], number: usize) -> T {
    from[number % from.len()].clone()
}

fn pods() -> [Entity; 4] {
    [
        pod("shop", "web-6dcdd65946-gjx46", "p1"),
        pod("shop", "db-0", "p2"),
        // The same name again, after the first was deleted.
        pod("shop", "db-0", "p3"),
        pod("pay", "warm-29922155-svjjl", "p4"),
    ]
}

fn owners() -> [Entity; 2] {
    [
        with_uid(&object("apps", "Deployment", "shop", "web"), "d1"),
        with_uid(&object("batch", "CronJob", "pay", "warm"), "d2"),
    ]
}

fn addresses() -> [&'static str; 4] {
    ["10.1.0.1", "10.1.0.2", "192.0.2.1", "198.51.100.1"]
}

fn ip(number: usize) -> Entity {
    Entity::Address { ip: pick(&addresses(), number).to_owned() }
}

/// Who asks the API server: people, service accounts with and without credential and pod, a node, a
/// controller, nobody.
fn who(number: usize) -> Vec<Link> {
    let [web, first, ..] = pods();
    let choices: [Vec<Link>; 9] = [
        vec![user("ann")],
        vec![user("ben")],
        vec![account("shop", "web"), by_pod(&web), with_credential("JTI=web")],
        vec![account("shop", "db"), by_pod(&first), with_credential("JTI=db")],
        vec![account("shop", "web")],
        vec![account("pay", "warm"), with_credential("JTI=issued")],
        vec![Link::new(LinkRole::Actor, node("node-1"))],
        vec![account("kube-system", "job-controller")],
        vec![],
    ];
    pick(&choices, number)
}

fn targets() -> Vec<Entity> {
    let [deployment, job] = owners();
    vec![
        Entity::pod("shop", "web-6dcdd65946-gjx46", None),
        Entity::pod("shop", "db-0", None),
        pods()[1].clone(),
        secret("shop", "keys"),
        object("batch", "CronJob", "pay", "warm"),
        deployment,
        job,
        Entity::Credential { id: "JTI=issued".to_owned() },
        Entity::service_account("pay", "warm"),
        object("rbac.authorization.k8s.io", "ClusterRole", "", "wide"),
    ]
}

fn verdict(number: usize) -> Verdict {
    pick(&Verdict::ALL, number)
}

/// Writes events down as records.
pub(super) fn records_in(tenant: &Tenant, cluster: &Cluster, events: &[Event]) -> Vec<Record> {
    let mut scene = Scene::of(tenant.clone(), cluster.clone());
    for event in events {
        write(&mut scene, event);
    }
    scene.records
}

pub(super) fn records(events: &[Event]) -> Vec<Record> {
    records_in(&Tenant::default(), &Cluster::default(), events)
}

fn write(scene: &mut Scene, event: &Event) {
    match *event {
        Event::Runtime { time, rule, pod } => {
            let rule = pick(&[SHELL, TOKEN_FILE, ESCAPE, MINER], rule);
            scene.fires(time, rule, &[by_pod(&pick(&pods(), pod))]);
        }
        Event::Api { time, rule, who: by, address, target } => {
            let rules: Vec<Rule> = ALL_RULES
                .into_iter()
                .filter(|rule| rule.source == airside_types::Source::Audit)
                .collect();
            let mut links = who(by);
            links.push(Link::new(LinkRole::Means, ip(address)));
            links.push(to(&pick(&targets(), target)));
            let wide = object("rbac.authorization.k8s.io", "ClusterRole", "", "wide");
            if target % 3 == 0 {
                links.push(allowed_by(&wide));
            }
            let mut values = vec![("userAgent", pick(&["curl", "kubectl"], address / 4))];
            let decision = last_decision(scene).filter(|_| target % 4 == 0);
            values.extend(decision.as_deref().map(|id| ("decision-id", id)));
            scene.fires_with(time, pick(&rules, rule), &links, &values);
        }
        Event::Decision { time, verdict: said, who: by, target } => {
            let objects: Vec<Entity> =
                targets().into_iter().filter(|target| target.as_object().is_some()).collect();
            let object = pick(&objects, target);
            let pass = scene.pass(&object, &place("a.yaml", 1));
            let place = place("a.yaml", 1);
            let authorisation = match said % 2 {
                0 => Authorisation::Authorised { pass, place },
                _ => Authorisation::Unknown,
            };
            scene.decides_by(time, verdict(said), &object, &who(by), authorisation);
        }
        Event::Owned { time, pod } => {
            let [deployment, job] = owners();
            let owner = if pod % 2 == 0 { deployment } else { job };
            scene.fact(time, &pick(&pods(), pod), Relation::OwnedBy, &owner);
        }
        Event::Runs { time, pod, node: on } => {
            let on = node(pick(&["node-1", "node-2"], on));
            scene.fact(time, &pick(&pods(), pod), Relation::RunsOn, &on);
        }
        Event::Address { time, pod, address } => {
            scene.fact(time, &pick(&pods(), pod), Relation::HasAddress, &ip(address));
        }
        Event::RunsAs { time, pod, account } => {
            let account = Entity::service_account("shop", pick(&["web", "db"], account));
            scene.fact(time, &pick(&pods(), pod), Relation::RunsAs, &account);
        }
        Event::Token { time, asker } => {
            let token = Entity::Credential { id: "JTI=issued".to_owned() };
            let asker = Entity::User { name: pick(&["ann", "ben"], asker).to_owned() };
            scene.fact(time, &token, Relation::IssuedTo, &asker).fact(
                time,
                &token,
                Relation::IssuedFor,
                &Entity::service_account("pay", "warm"),
            );
        }
        Event::Host { time, node: on } => {
            scene.fires(time, SSH_KEY, &[on_node(pick(&["node-1", "node-2"], on))]);
        }
        Event::Finding { check, fixed, version } => write_finding(scene, check, fixed, version),
        Event::Gap { from, length } => {
            scene.gap(from, from + length);
        }
    }
}

/// The id of the decision that was written down last.
fn last_decision(scene: &Scene) -> Option<String> {
    let is_decision = |record: &&Record| matches!(record.payload, Payload::Decision(_));
    scene.records.iter().rfind(is_decision).map(|record| record.id.to_string())
}

/// Findings keep their id from scan to scan: a later one replaces an earlier one.
fn write_finding(scene: &mut Scene, check: usize, fixed: bool, version: i64) {
    let wide = object("rbac.authorization.k8s.io", "ClusterRole", "", "wide");
    let [deployment, _] = owners();
    let bare = object("apps", "Deployment", "", deployment.name());
    let holds = pick(&[wide, Entity::service_account("shop", "web"), bare], check);
    let techniques = [technique("T1611"), technique("T1552"), technique("T1499")];
    let enables = pick(&techniques, check / 3);
    let name = pick(&["alpha", "beta"], check / 9);
    scene.finding(name, pick(&Severity::ALL, check), enables, &holds, &place("a.yaml", 5));
    if let Some(record) = scene.records.last_mut() {
        record.event_time = at(version);
        record.ingest_time = at(version);
        if let Payload::Finding(finding) = &mut record.payload {
            finding.state = if fixed { FindingState::Fixed } else { FindingState::Open };
            finding.place.line = 5 + u32::try_from(version).unwrap();
        }
    }
}
