//! Credentials: where they are used, by whom, and for how long.

use super::*;

#[test]
fn a_credential_that_comes_back_was_copied() {
    let from = |address: [u8; 4], tool| Observation {
        credential: Some("JTI=1"),
        address: Some(IpAddr::from(address)),
        client: Client { tool, version: "1", is_by_hand: false },
        ..usual()
    };
    let (home, thief) = ([10, 0, 1, 7], [203, 0, 113, 9]);
    let mut world = World::new();
    world.after(MINUTE, from(home, "web"));
    world.after(MINUTE, from(thief, "curl"));
    assert_eq!(world.told(), "", "it may have moved");
    world.after(MINUTE, from(home, "web"));
    assert_eq!(world.told(), "", "it was there first");
    world.after(MINUTE, from(thief, "curl"));
    insta::assert_snapshot!(world.told(), @"AUD-B08 high: came from 203.0.113.9, and from 10.0.1.7 in between; a credential that moves does not come back within a quarter of an hour (1000 of a million)");
    let mut world = World::new();
    for address in [home, [10, 9, 1, 7], home] {
        world.after(MINUTE, from(address, "web"));
    }
    for (wait, address) in [(HOUR, home), (HOUR, thief), (HOUR, home)] {
        world.after(wait, from(address, "web"));
    }
    assert_eq!(world.told(), "", "gateways of a private network, and what moves slowly");
}

#[test]
fn a_person_is_in_one_place_at_a_time() {
    let from = |address: [u8; 4]| Observation {
        actor: Actor { name: "ada", class: Class::Person },
        address: Some(IpAddr::from(address)),
        ..usual()
    };
    let mut world = World::new();
    for address in [[203, 0, 113, 9], [198, 51, 100, 4], [203, 0, 113, 9], [198, 51, 100, 4]] {
        world.after(MINUTE, from(address));
    }
    insta::assert_snapshot!(world.told(), @"AUD-B12 medium: came from 198.51.100.4, and from 203.0.113.9 in between; a credential that moves does not come back within a quarter of an hour (1000 of a million)");
}

fn pod(uid: &str, name: &str) -> ObjectRef {
    ObjectRef { uid: Some(uid.to_owned()), ..ObjectRef::named("", "Pod", Some("shop"), name) }
}

#[test]
fn a_token_of_a_pod_is_used_in_its_pod_while_that_is() {
    let bound = |address: [u8; 4]| Observation {
        pod: Some(BoundPod { uid: "u1", node: "n1" }),
        address: Some(IpAddr::from(address)),
        ..usual()
    };
    let has = |uid: &str, name: &str, ip: &str| Fact {
        subject: Entity::Object(pod(uid, name)),
        relation: Relation::HasAddress,
        object: Entity::Address { ip: ip.to_owned() },
        from: Timestamp::EPOCH,
        until: None,
    };
    let mut world = World::new();
    world.behaviour.know(&has("u1", "web-1", "10.0.1.7"));
    world.behaviour.know(&has("u2", "db-1", "10.0.1.8"));
    world.after(MINUTE, bound([10, 0, 1, 7]));
    world.after(MINUTE, bound([10, 0, 7, 7]));
    assert_eq!(world.told(), "", "its own address, and one that may be its node's");
    world.after(MINUTE, bound([10, 0, 1, 8]));
    world.after(MINUTE, bound([203, 0, 113, 9]));
    insta::assert_snapshot!(world.told(), @"
    AUD-B09 high: used the token of pod web-1 from 10.0.1.8, the address of pod db-1; the pod has 10.0.1.7 (1 of a million)
    AUD-B09 high: used the token of pod web-1 from 203.0.113.9, an address of the internet; the pod has 10.0.1.7 (1 of a million)
    ");
    world.behaviour.know(&Fact {
        subject: Entity::Object(pod("u1", "web-1")),
        relation: Relation::Exists,
        object: Entity::Object(pod("u1", "web-1")),
        from: Timestamp::EPOCH,
        until: Some(Timestamp::from_nanos(world.now)),
    });
    world.after(MINUTE, bound([10, 0, 1, 7]));
    assert_eq!(world.told(), "", "it ends in its own time");
    world.after(HOUR, bound([10, 0, 1, 7]));
    insta::assert_snapshot!(world.told(), @"AUD-B10 high: used the token of pod web-1, which ended 61 minutes before; a pod's token ends with the pod (1 of a million)");
}

#[test]
fn a_token_that_was_asked_for_is_followed() {
    let asked = |class, name| Observation {
        actor: Actor { name, class },
        issued: Some("JTI=7"),
        request: request("create", "serviceaccounts/token", "shop", "web"),
        ..usual()
    };
    let used = |address: [u8; 4]| Observation {
        credential: Some("JTI=7"),
        address: Some(IpAddr::from(address)),
        ..usual()
    };
    let mut world = World::new();
    world.after(MINUTE, asked(Class::Person, "ada"));
    world.after(MINUTE, used([10, 0, 1, 9]));
    assert_eq!(world.told(), "", "where it was asked for");
    world.after(HOUR, used([203, 0, 113, 9]));
    world.after(MINUTE, used([203, 0, 113, 9]));
    insta::assert_snapshot!(world.told(), @"AUD-B11 medium: used from 203.0.113.9 a token that ada had asked for from 10.0.1.7; who asks for a token uses it where he is (5000 of a million)");
    let mut world = World::new();
    world.after(MINUTE, asked(Class::Node, "system:node:n1"));
    world.after(HOUR, used([10, 9, 1, 9]));
    assert_eq!(world.told(), "", "kubelets have tokens made for pods");
}
