//! What must hold of the fold, whatever happens: bounds, and that nothing is lost by keeping and taking back.

use airside_types::{Id, Timestamp};
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::observation::{Actor, BoundPod, Client, Outcome, Request};

const VERBS: [&str; 5] = ["get", "list", "create", "delete", "patch"];
const RESOURCES: [&str; 6] = ["pods", "secrets", "configmaps", "nodes", "roles", "pods"];
const ACTORS: [(&str, Class); 5] = [
    ("ada", Class::Person),
    ("system:serviceaccount:shop:web", Class::Account),
    ("system:node:n1", Class::Node),
    ("system:kube-scheduler", Class::Component),
    ("", Class::Anonymous),
];

/// An observation that some bytes describe, a while after the one before.
fn observed(bytes: [u8; 6], now: &mut i64) -> Observation<'static> {
    let of = |index: usize| usize::from(bytes[index]);
    *now += [0, 1_000_000_000, 60_000_000_000, 3_600_000_000_000][of(0) % 4];
    let (name, class) = ACTORS[of(1) % 5];
    let outcomes = [Outcome::Done, Outcome::Done, Outcome::Refused, Outcome::Unauthenticated];
    Observation {
        event: Id::builder("test").finish(),
        time: Timestamp::from_nanos(*now),
        actor: Actor { name, class },
        credential: [None, Some("a"), Some("b")][of(2) % 3],
        pod: None,
        client: Client {
            tool: ["web", "kubectl"][of(2) % 2],
            version: "1",
            is_by_hand: of(2) % 2 == 1,
        },
        address: [None, Some([10, 0, 0, 1].into()), Some([203, 0, 113, 5].into())][of(3) % 3],
        request: Request {
            verb: VERBS[of(4) % 5],
            group: "",
            resource: RESOURCES[of(5) % 6],
            subresource: "",
            namespace: ["shop", "bank"][of(5) % 2],
            name: ["", "x", "y"][of(4) % 3],
        },
        outcome: outcomes[of(3) % 4],
        bytes: 100 * u32::from(bytes[0]),
        issued: None,
        grant: None,
        images: &[],
    }
}

/// Days and hours around a midnight, and the ends of what can be written.
fn time() -> impl Strategy<Value = i64> {
    const HOUR: i64 = 3_600_000_000_000;
    const MIDNIGHT: i64 = 1_767_571_200_000_000_000;
    prop_oneof![
        6 => (-3 * 24..3 * 24_i64).prop_map(|hours| MIDNIGHT + hours * HOUR),
        3 => (-5..5_i64).prop_map(|tenths| MIDNIGHT + tenths * 100_000_000),
        1 => prop::sample::select(vec![i64::MIN, -1, 0, i64::MAX]),
        1 => any::<i64>(),
    ]
}

fn moved(from: &mut ClusterBehaviour, kept: &mut BTreeMap<StateKey, Vec<u8>>) {
    for (key, bytes) in from.take_changed() {
        match bytes {
            Some(bytes) => kept.insert(key, bytes),
            None => kept.remove(&key),
        };
    }
}

proptest! {
    #[test]
    fn whoever_takes_over_what_was_kept_tells_the_same(
        bytes in prop::collection::vec(any::<[u8; 6]>(), 1..200), at in 0_usize..200,
    ) {
        let limits = Limits { actors: 3, things: 4 };
        let mut now = 1_767_571_200_000_000_000;
        let all: Vec<_> = bytes.into_iter().map(|bytes| observed(bytes, &mut now)).collect();
        let mut one = ClusterBehaviour::new(limits);
        let (mut other, mut kept) = (ClusterBehaviour::new(limits), BTreeMap::new());
        for (index, observation) in all.iter().enumerate() {
            if index % 7 == 0 {
                moved(&mut other, &mut kept);
            }
            if index == at {
                moved(&mut other, &mut kept);
                other = ClusterBehaviour::new(limits);
                for (key, bytes) in &kept {
                    prop_assert_eq!(other.restore(*key, bytes), Ok(()));
                }
            }
            prop_assert_eq!(one.observe_all(observation), other.observe_all(observation));
        }
        prop_assert!(one.actors() <= 3);
    }

    /// Two API servers' clocks differ, files are read in any order, and anybody may write a time.
    #[test]
    fn times_in_any_order_break_nothing(
        all in prop::collection::vec((any::<[u8; 6]>(), time()), 1..60),
    ) {
        let mut behaviour = ClusterBehaviour::new(Limits { actors: 3, things: 4 });
        for (bytes, mut time) in all {
            let mut observation = observed([0, bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]], &mut time);
            let bound = BoundPod { uid: "u", node: "n1" };
            observation.pod = Some(bound).filter(|_| bytes[0] % 2 == 0);
            behaviour.observe_all(&observation);
            if bytes[0] % 3 == 0 {
                behaviour.heard(observation.time, 5_000);
                behaviour.elapsed(observation.time);
            }
        }
    }

    #[test]
    fn no_bytes_break_what_takes_them_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut behaviour = ClusterBehaviour::new(Limits::default());
        for part in 0..12 {
            let key = StateKey::from_bytes(&[part, 0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
            let formed: Vec<u8> = [2].into_iter().chain(bytes.iter().copied()).collect();
            let _refused = (behaviour.restore(key, &bytes), behaviour.restore(key, &formed));
        }
    }
}

#[test]
fn what_another_version_kept_is_refused() {
    let mut behaviour = ClusterBehaviour::new(Limits::default());
    let key = StateKey::from_bytes(&[1, 0, 0, 0, 0, 0, 0, 0, 7]).unwrap();
    assert_eq!(key.to_bytes(), [1, 0, 0, 0, 0, 0, 0, 0, 7]);
    let error = behaviour.restore(key, &[0, 1, 2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "what was kept (Actor) is not of this version: it has another form; it is learnt anew"
    );
}

#[test]
fn an_actor_that_was_kept_before_its_times_were_known_is_taken_back() {
    let mut now = 1_767_571_200_000_000_000;
    let mut one = ClusterBehaviour::new(Limits::default());
    for _ in 0..50 {
        one.observe(&observed([3, 1, 0, 1, 0, 0], &mut now));
    }
    let whose = key("actor", &[observed([3, 1, 0, 1, 0, 0], &mut now).actor.name]);
    let known = one.actors.get(&whose).unwrap().clone();
    let mut other = ClusterBehaviour::new(Limits::default());
    let is_actor = |(of, _): &(StateKey, _)| of.to_bytes()[0] == 1;
    let (of, bytes) = one.take_changed().into_iter().find(is_actor).unwrap();
    let (mut bytes, behind) = (bytes.unwrap(), postcard::to_allocvec(&known.spells).unwrap());
    bytes.truncate(bytes.len() - behind.len());
    assert_eq!(other.restore(of, &bytes), Ok(()));
    let taken = other.actors.get(&whose).unwrap();
    assert_eq!(taken.occasions(), known.occasions());
    assert_eq!((taken.spells, known.spells.usual.times()), (Spells::default(), 49));
}

#[test]
fn who_makes_actors_up_pushes_out_what_he_made_up() {
    let mut behaviour = ClusterBehaviour::new(Limits { actors: 100, things: 100 });
    let mut now = 1_767_571_200_000_000_000;
    let usual = observed([3, 1, 0, 1, 0, 0], &mut now);
    for hour in 0..50 {
        let time = Timestamp::from_nanos(now + hour * 3_600_000_000_000);
        behaviour.observe(&Observation { time, ..usual });
    }
    let names: Vec<String> = (0..1000).map(|number| format!("made-up-{number}")).collect();
    for name in &names {
        let time = Timestamp::from_nanos(now + 51 * 3_600_000_000_000);
        let actor = Actor { name, class: Class::Account };
        behaviour.observe(&Observation { time, actor, ..usual });
    }
    assert!(behaviour.actors() <= 100);
    let known = behaviour.actors.get(&key("actor", &[usual.actor.name]));
    assert_eq!(known.map(ActorMemory::occasions), Some(50));
}

#[test]
fn what_an_actor_raises_beyond_so_many_of_a_model_in_an_hour_is_told_apart() {
    let mut behaviour = ClusterBehaviour::new(Limits::default());
    let mut now = 1_767_571_200_000_000_000;
    let usual = observed([3, 1, 0, 1, 0, 0], &mut now);
    let mut raised = Vec::new();
    // Twice: the second time long after, when something new is rare again.
    for round in [0, 4_000] {
        for hour in round..round + 3_000 {
            let time = Timestamp::from_nanos(now + hour * 3_600_000_000_000);
            assert_eq!(behaviour.observe_all(&Observation { time, ..usual }), Rare::default());
        }
        for number in 0..8 {
            let time = Timestamp::from_nanos(now + (round + 3_001) * 3_600_000_000_000 + number);
            let name = format!("kind-{round}-{number}");
            let request = Request { verb: "create", resource: &name, ..usual.request };
            let rare = behaviour.observe_all(&Observation { time, request, ..usual });
            let of = |all: &[Anomaly]| all.iter().filter(|it| it.rule == "AUD-B01").count();
            raised.push((of(&rare.told), of(&rare.beyond)));
        }
    }
    let expected = [[(1, 0); 5].as_slice(), &[(0, 1); 3]].concat();
    assert_eq!(raised, expected.repeat(2));
}
