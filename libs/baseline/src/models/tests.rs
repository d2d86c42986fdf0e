//! What each model tells, and what it does not: a habit, and what departs from it.

mod credentials;
mod pairs;
mod points;

use std::net::IpAddr;

use airside_types::{Entity, Fact, Id, ObjectRef, Relation, Timestamp};

use crate::observation::{Actor, BoundPod, Class, Client, Observation, Outcome, Request};
use crate::{Anomaly, ClusterBehaviour, Limits};

const HOUR: i64 = 3600 * 1_000_000_000;
const MINUTE: i64 = 60 * 1_000_000_000;
const SECOND: i64 = 1_000_000_000;
/// A Monday at midnight.
const START: i64 = 1_767_571_200 * SECOND;

/// A cluster in which one thing after the other happens.
struct World {
    behaviour: ClusterBehaviour,
    now: i64,
    told: Vec<Anomaly>,
}

fn usual() -> Observation<'static> {
    Observation {
        event: Id::builder("test").finish(),
        time: Timestamp::EPOCH,
        actor: Actor { name: "system:serviceaccount:shop:web", class: Class::Account },
        credential: None,
        pod: None,
        client: Client { tool: "web", version: "1", is_by_hand: false },
        address: Some(IpAddr::from([10, 0, 1, 7])),
        request: request("get", "configmaps", "shop", "web"),
        outcome: Outcome::Done,
        bytes: 600,
        issued: None,
        grant: None,
        images: &[],
    }
}

fn request(
    verb: &'static str,
    what: &'static str,
    namespace: &'static str,
    name: &'static str,
) -> Request<'static> {
    let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
    Request { verb, group: "", resource, subresource, namespace, name }
}

impl World {
    fn new() -> Self {
        Self { behaviour: ClusterBehaviour::new(Limits::default()), now: START, told: Vec::new() }
    }

    /// A world in which the usual has been going on for so many hours.
    fn of_hours(hours: i64) -> Self {
        let mut world = Self::new();
        for _ in 0..hours {
            world.after(HOUR, usual());
        }
        assert_eq!(world.told(), "", "the usual is quiet");
        world
    }

    fn after(&mut self, nanos: i64, observation: Observation<'_>) {
        self.now += nanos;
        let observation = Observation { time: Timestamp::from_nanos(self.now), ..observation };
        self.told.extend(self.behaviour.observe(&observation));
    }

    /// Somebody else goes on with what was kept.
    fn moves(&mut self) {
        let kept = self.behaviour.take_changed();
        self.behaviour = ClusterBehaviour::new(Limits::default());
        for (key, bytes) in kept {
            bytes.into_iter().for_each(|bytes| self.behaviour.restore(key, &bytes).unwrap());
        }
    }

    /// What was told since the last call, a line each.
    fn told(&mut self) -> String {
        let lines = self.told.drain(..).map(|it| {
            format!(
                "{} {}: {}; {} ({} of a million)",
                it.rule, it.severity, it.seen, it.usual, it.per_million
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn a_deed_that_is_new_is_told_by_what_it_can_do() {
    let mut world = World::of_hours(300);
    world.after(MINUTE, Observation { request: request("list", "pods", "shop", ""), ..usual() });
    assert_eq!(world.told(), "", "reading is nothing");
    world.after(
        MINUTE,
        Observation { request: request("create", "configmaps", "shop", "x"), ..usual() },
    );
    insta::assert_snapshot!(world.told(), @"AUD-B01 low: did `create configmaps in shop` for the first time; on 299 occasions it has not done it, nor has any other of its kind (3322 of a million)");
    world.after(
        MINUTE,
        Observation { request: request("create", "pods/exec", "shop", "db"), ..usual() },
    );
    insta::assert_snapshot!(world.told(), @"AUD-B01 medium: did `create pods/exec in shop` for the first time; on 299 occasions it has not done it, nor has any other of its kind (3322 of a million)");
    world.after(
        MINUTE,
        Observation { request: request("create", "pods/exec", "shop", "db"), ..usual() },
    );
    assert_eq!(world.told(), "", "the second time is no first");
}

#[test]
fn who_is_not_known_yet_surprises_nobody() {
    let mut world = World::of_hours(10);
    world.after(
        MINUTE,
        Observation { request: request("create", "pods/exec", "shop", "db"), ..usual() },
    );
    assert_eq!(world.told(), "");
}

#[test]
fn who_starts_with_many_things_at_once_is_not_known_by_them() {
    let kinds: Vec<String> = (0..100).map(|number| format!("kind{number}")).collect();
    let mut world = World::new();
    for kind in &kinds {
        let request = Request { resource: kind, ..request("create", "", "shop", "x") };
        world.after(SECOND, Observation { request, ..usual() });
    }
    let exec = request("create", "pods/exec", "shop", "db");
    world.after(SECOND, Observation { request: exec, ..usual() });
    assert_eq!(world.told(), "");
}

#[test]
fn a_new_version_of_a_program_may_do_new_things() {
    let mut world = World::of_hours(60);
    let released =
        Observation { client: Client { tool: "web", version: "2", is_by_hand: false }, ..usual() };
    world.after(MINUTE, released);
    world
        .after(MINUTE, Observation { request: request("create", "jobs", "shop", "x"), ..released });
    assert_eq!(world.told(), "");
}

#[test]
fn what_is_done_in_every_namespace_is_nothing_new_in_one_more() {
    let namespaces = ["shop", "bank", "club", "fair", "port"];
    for (known, is_told) in [(5, false), (4, true)] {
        let mut world = World::new();
        for namespace in &namespaces[..known] {
            for _ in 0..60 {
                let request = request("list", "secrets", namespace, "");
                world.after(HOUR, Observation { request, ..usual() });
            }
        }
        world.told();
        let request = request("list", "secrets", "loyalty", "");
        world.after(HOUR, Observation { request, ..usual() });
        assert_eq!(world.told().contains("in loyalty"), is_told, "known in {known}");
    }
}

#[test]
fn a_node_is_measured_by_the_others() {
    let mut world = World::new();
    let node = |name: &'static str| Observation {
        actor: Actor { name, class: Class::Node },
        request: request("get", "secrets", "shop", "db"),
        client: Client { tool: "kubelet", version: "1", is_by_hand: false },
        ..usual()
    };
    for _ in 0..300 {
        world.after(HOUR, node("system:node:a"));
    }
    world.after(MINUTE, node("system:node:b"));
    assert_eq!(world.told(), "", "a new node does what nodes do");
    world.after(
        MINUTE,
        Observation {
            request: request("create", "pods/exec", "shop", "db"),
            ..node("system:node:b")
        },
    );
    insta::assert_snapshot!(world.told(), @"AUD-B19 medium: did `create pods/exec in shop` for the first time; on 299 occasions no node has done it (3322 of a million)");
}

#[test]
fn a_network_that_is_new_is_told_by_whose_it_is() {
    let from = |address: [u8; 4]| Observation { address: Some(IpAddr::from(address)), ..usual() };
    let mut world = World::of_hours(300);
    world.after(MINUTE, from([10, 0, 9, 9]));
    assert_eq!(world.told(), "", "another node of the same network");
    world.after(MINUTE, from([10, 9, 9, 9]));
    insta::assert_snapshot!(world.told(), @"AUD-B02 info: came from 10.9.9.9 for the first time; on 897 occasions it came from other networks (1112 of a million)");
    world.after(MINUTE, from([203, 0, 113, 9]));
    insta::assert_snapshot!(world.told(), @"AUD-B02 medium: came from 203.0.113.9 for the first time; on 897 occasions it came from other networks (1112 of a million)");
}

#[test]
fn far_more_requests_than_ever_are_told_once() {
    let mut world = World::new();
    for _ in 0..100 {
        for _ in 0..5 {
            world.after(SECOND, usual());
        }
        world.after(MINUTE, usual());
    }
    for _ in 0..300 {
        world.after(SECOND / 10, usual());
    }
    insta::assert_snapshot!(world.told(), @"AUD-B03 low: made 60 requests within a minute; in 108 minutes it made 6 at most (9174 of a million)");
}

#[test]
fn refusals_of_one_new_thing_after_the_other_are_told() {
    const KINDS: [&str; 8] =
        ["secrets", "pods", "nodes", "roles", "jobs", "services", "events", "leases"];
    let refused = |kind: &'static str| Observation {
        outcome: Outcome::Refused,
        request: request("list", kind, "", ""),
        ..usual()
    };
    let mut world = World::of_hours(100);
    for _ in 0..50 {
        world.after(SECOND, refused("secrets"));
    }
    assert_eq!(world.told(), "", "the same thing again and again");
    KINDS.into_iter().for_each(|kind| world.after(SECOND, refused(kind)));
    insta::assert_snapshot!(world.told(), @"AUD-B04 medium: was refused 6 different things, list services the last; of 100 occasions on which it was allowed something, few were new (244 of a million)");
}

#[test]
fn failed_logins_of_one_address_are_told_once_a_day() {
    let failed = |address: [u8; 4]| Observation {
        outcome: Outcome::Unauthenticated,
        actor: Actor { name: "", class: Class::Anonymous },
        address: Some(IpAddr::from(address)),
        ..usual()
    };
    let mut world = World::new();
    (0..100).for_each(|_| world.after(SECOND, failed([203, 0, 113, 9])));
    insta::assert_snapshot!(world.told(), @"AUD-B05 medium: failed to log in 15 times from 203.0.113.9; whoever has a credential fails once, if at all (1000 of a million)");
    (0..10).for_each(|_| world.after(SECOND, failed([203, 0, 113, 10])));
    (0..40).for_each(|_| world.after(HOUR, failed([10, 0, 0, 1])));
    insta::assert_snapshot!(world.told(), @"
    AUD-B05 low: failed to log in 15 times from 10.0.0.1; whoever has a credential fails once, if at all (1000 of a million)
    AUD-B05 low: failed to log in 39 times from 10.0.0.1; whoever has a credential fails once, if at all (1000 of a million)
    ");
}

#[test]
fn going_through_objects_is_told_when_it_is_more_than_ever() {
    let names: Vec<String> = (0..60).map(|number| format!("o{number}")).collect();
    let read = |name| Observation {
        request: Request { name, ..request("get", "pods", "shop", "") },
        ..usual()
    };
    let mut world = World::of_hours(60);
    names.iter().for_each(|name| world.after(SECOND, read(name)));
    insta::assert_snapshot!(world.told(), @"AUD-B06 low: asked for 25 different objects within ten minutes; in 59 such times it asked for 1 at most (16666 of a million)");
}

#[test]
fn a_new_reader_of_a_secret_is_told_and_so_are_many_secrets_at_once() {
    let read = |name| Observation {
        request: Request { name, ..request("get", "secrets", "shop", "") },
        ..usual()
    };
    let other = Actor { name: "system:serviceaccount:shop:api", class: Class::Account };
    let mut world = World::new();
    for _ in 0..60 {
        world.after(HOUR, read("db"));
        world.after(MINUTE, Observation { actor: other, ..read("api") });
    }
    assert_eq!(world.told(), "");
    world.after(MINUTE, Observation { actor: other, ..read("db") });
    insta::assert_snapshot!(world.told(), @"AUD-B07 low: read Secret shop/db for the first time; on 60 occasions others read it (16129 of a million)");
    let names: Vec<String> = (0..9).map(|number| format!("s{number}")).collect();
    names.iter().for_each(|name| world.after(SECOND, read(name)));
    insta::assert_snapshot!(world.told(), @"AUD-B07 medium: read 8 different Secrets within ten minutes; in 60 such times it read 1 at most (16393 of a million)");
}

#[test]
fn a_tool_that_is_new_is_told_by_who_uses_it() {
    let mut world = World::of_hours(100);
    let by_hand = Client { tool: "kubectl", version: "1", is_by_hand: true };
    world.after(MINUTE, Observation { client: by_hand, ..usual() });
    insta::assert_snapshot!(world.told(), @"AUD-B13 medium: used kubectl for the first time; on 99 occasions it used other tools (9900 of a million)");
    world.after(MINUTE, Observation { client: by_hand, ..usual() });
    assert_eq!(world.told(), "");
}

#[test]
fn other_verbs_than_ever_are_told() {
    let mut world = World::new();
    (0..1500).for_each(|_| world.after(MINUTE, usual()));
    for _ in 0..100 {
        world.after(
            SECOND,
            Observation { request: request("delete", "pods", "shop", "x"), ..usual() },
        );
    }
    world.told.retain(|it| it.rule == "AUD-B14");
    insta::assert_snapshot!(world.told(), @"AUD-B14 info: does mostly delete of late; of 1556 requests most were get (29673 of a million)");
}

#[test]
fn steps_in_a_new_order_are_told() {
    const KINDS: [&str; 4] = ["configmaps", "pods", "services", "endpoints"];
    let step = |kind| Observation { request: request("get", kind, "shop", "x"), ..usual() };
    let mut world = World::new();
    for _ in 0..100 {
        KINDS.into_iter().for_each(|kind| world.after(15 * MINUTE, step(kind)));
    }
    assert_eq!(world.told(), "");
    for from in 0..4 {
        for to in [2, 3, 0] {
            world.after(SECOND, step(KINDS[from]));
            world.after(SECOND, step(KINDS[(from + to) % 4]));
        }
    }
    insta::assert_snapshot!(world.told(), @"AUD-B16 low: did 10 of its last 20 steps in an order that is new; on 399 occasions it kept to its order (4987 of a million)");
}

#[test]
fn who_follows_many_things_beside_each_other_keeps_to_no_order() {
    const KINDS: &str = "pods nodes services secrets events endpoints namespaces limitranges configmaps deployments \
        replicasets daemonsets statefulsets jobs cronjobs roles rolebindings leases ingresses storageclasses";
    let kinds: Vec<&str> = KINDS.split_whitespace().collect();
    let mut world = World::new();
    let mut chance = 7_u64;
    for _ in 0..20_000 {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let kind = usize::try_from(chance >> 33).unwrap() % kinds.len();
        let watch = Observation { request: request("watch", kinds[kind], "", ""), ..usual() };
        world.after(12 * SECOND, watch);
    }
    world.told.retain(|it| it.rule == "AUD-B16");
    assert_eq!(world.told(), "");
}

#[test]
fn a_right_that_was_never_used_is_told_when_it_is_dangerous() {
    let by = |grant, what| Observation {
        grant: Some(grant),
        request: request("create", what, "shop", "x"),
        ..usual()
    };
    let mut world = World::new();
    (0..100).for_each(|_| world.after(HOUR, by("RoleBinding shop/web", "jobs")));
    world.after(MINUTE, by("RoleBinding shop/other", "jobs"));
    world.told.retain(|it| it.rule == "AUD-B18");
    assert_eq!(world.told(), "");
    world.after(MINUTE, by("ClusterRoleBinding old", "pods/exec"));
    world.told.retain(|it| it.rule == "AUD-B18");
    insta::assert_snapshot!(world.told(), @"AUD-B18 low: was allowed to create pods/exec in shop by ClusterRoleBinding old; on 99 occasions it used other rights (9900 of a million)");
}

#[test]
fn a_person_has_hours() {
    let at_work = Observation {
        actor: Actor { name: "ada", class: Class::Person },
        request: request("create", "pods/exec", "shop", "web"),
        ..usual()
    };
    let mut world = World::new();
    for day in 0..30 {
        world.now = START + day * 24 * HOUR + 8 * HOUR;
        (0..8).for_each(|_| world.after(HOUR, at_work));
    }
    assert_eq!(world.told(), "");
    world.now = START + 30 * 24 * HOUR + 3 * HOUR;
    world.after(0, Observation { request: request("get", "pods", "shop", ""), ..at_work });
    assert_eq!(world.told(), "", "looking is no work");
    world.now = START + 31 * 24 * HOUR + 3 * HOUR;
    world.after(0, at_work);
    insta::assert_snapshot!(world.told(), @"AUD-B20 low: did `create pods/exec in shop` at an unusual hour; in 242 hours of work it was never at work within two hours of this one (4115 of a million)");
}

#[test]
fn a_persons_account_that_asks_like_a_clock_is_told() {
    let ask = Observation { actor: Actor { name: "ada", class: Class::Person }, ..usual() };
    let mut world = World::new();
    (0..100).for_each(|_| world.after(30 * SECOND, ask));
    insta::assert_snapshot!(world.told(), @"AUD-B21 info: asks to get configmaps in shop every 30 seconds; 40 requests in a row were less than 5 % off (10000 of a million)");
    let mut world = World::new();
    (0..100).for_each(|number| world.after((10 + number % 37) * SECOND, ask));
    assert_eq!(world.told(), "", "people ask when they want to know");
}

#[test]
fn who_looks_around_slowly_is_told() {
    let kinds: Vec<String> = (0..12).map(|number| format!("kind{number}")).collect();
    let mut world = World::of_hours(600);
    for kind in &kinds {
        world.after(
            5 * HOUR,
            Observation {
                request: Request { resource: kind, ..request("list", "", "shop", "") },
                ..usual()
            },
        );
        (0..5).for_each(|_| world.after(HOUR / 5, usual()));
    }
    world.told.retain(|it| it.rule == "AUD-B22");
    insta::assert_snapshot!(world.told(), @"AUD-B22 low: read 8 things for the first time, list kind9 in shop the last; on 627 occasions it read the same few (15898 of a million)");
}

/// What is told when somebody looks at the clock every minute, for so many minutes.
fn minutes(world: &mut World, number: i64) -> Vec<String> {
    let told = (0..number).filter_map(|_| {
        world.now += MINUTE;
        world.behaviour.elapsed(Timestamp::from_nanos(world.now)).map(|it| it.seen)
    });
    told.collect()
}

/// A world in which something arrives every second, and was heard a moment ago.
fn lively() -> World {
    let mut world = World::new();
    for _ in 0..10_000 {
        world.now += SECOND;
        world.behaviour.heard(Timestamp::from_nanos(world.now), 1);
    }
    world
}

#[test]
fn a_log_that_falls_silent_is_told_once() {
    let mut world = lively();
    assert_eq!(minutes(&mut world, 5), [""; 0]);
    assert_eq!(minutes(&mut world, 20), ["has told nothing for 6 minutes"]);
    world.behaviour.heard(Timestamp::from_nanos(world.now), 1);
    assert_eq!(minutes(&mut world, 20), ["has told nothing for 6 minutes"]);
}

#[test]
fn who_was_away_has_heard_no_silence() {
    let mut world = lively();
    world.now += 10 * HOUR;
    assert_eq!(minutes(&mut world, 5), [""; 0], "nobody listened");
    assert_eq!(minutes(&mut world, 3), ["has told nothing for 6 minutes"]);
}

#[test]
fn an_event_that_is_far_larger_is_told() {
    let mut world = World::new();
    let list =
        Observation { request: request("list", "secrets", "shop", ""), bytes: 4096, ..usual() };
    (0..300).for_each(|_| world.after(MINUTE, list));
    assert_eq!(world.told(), "");
    world.after(MINUTE, Observation { bytes: 900_000, ..list });
    insta::assert_snapshot!(world.told(), @"AUD-B26 medium: did `list secrets in shop` with an event of 878 KiB; 300 such events had 4 KiB at most (3322 of a million)");
}
