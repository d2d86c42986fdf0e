//! Two that never met: an account and a kind of object, an image and a namespace.

use super::*;

fn account(name: &'static str) -> Actor<'static> {
    Actor { name, class: Class::Account }
}

fn reads(name: &'static str, kind: &'static str) -> Observation<'static> {
    Observation { actor: account(name), request: request("list", kind, "shop", ""), ..usual() }
}

/// A cluster in which every account keeps to its kind, for so many hours.
fn settled(hours: i64) -> World {
    let mut world = World::new();
    for _ in 0..hours {
        world.after(HOUR, reads("web", "configmaps"));
        for (name, kind) in [("api", "configmaps"), ("sync", "certificates"), ("mesh", "endpoints")]
        {
            world.after(SECOND, reads(name, kind));
        }
    }
    world
}

#[test]
fn an_account_that_reads_what_is_others_is_told() {
    let mut world = settled(300);
    assert_eq!(world.told(), "");
    world.moves();
    world.after(MINUTE, reads("web", "certificates"));
    insta::assert_snapshot!(world.told(), @"AUD-B17 low: did `list certificates in shop`, which is others'; on 299 occasions 1 other account had to do with that kind, on 300 it had to do with other kinds, and by chance they would have met 74 times (3322 of a million)");
    world.after(MINUTE, reads("web", "certificates"));
    world.after(MINUTE, reads("web", "limitranges"));
    assert_eq!(world.told(), "", "the second time is no first, and what nobody reads is nobody's");
    world.after(MINUTE, reads("new", "certificates"));
    assert_eq!(world.told(), "", "who is not known yet");
    world.after(MINUTE, Observation { outcome: Outcome::Refused, ..reads("mesh", "certificates") });
    assert_eq!(world.told(), "", "who was refused has not met it");
}

#[test]
fn what_an_account_writes_is_told_as_its_own_novelty_and_not_twice() {
    let mut world = settled(300);
    let write = request("create", "certificates", "shop", "x");
    world.after(MINUTE, Observation { actor: account("web"), request: write, ..usual() });
    let told = world.told();
    assert!(told.starts_with("AUD-B01 ") && !told.contains("AUD-B17"), "{told}");
}

#[test]
fn what_new_accounts_turn_to_all_the_time_is_nobodys() {
    let names: Vec<String> = (0..400).map(|number| format!("tenant-{number}")).collect();
    let mut world = settled(300);
    for name in &names {
        let actor = Actor { name, class: Class::Account };
        world.after(HOUR, reads("web", "configmaps"));
        world.after(SECOND, Observation { actor, ..reads("", "certificates") });
    }
    world.after(MINUTE, reads("web", "certificates"));
    assert_eq!(world.told(), "");
}

fn runs<'a>(images: &'a [&'a str], namespace: &'a str) -> Observation<'a> {
    let request = Request { namespace, ..request("create", "pods", "", "x") };
    Observation { images, request, ..usual() }
}

#[test]
fn an_image_that_never_leaves_its_namespace_is_told_where_it_turns_up() {
    let made: Vec<String> = (0..300).map(|number| format!("team/job-{number}")).collect();
    let mut world = World::new();
    for image in &made {
        world.after(HOUR, runs(&["vault/backup"], "vault"));
        // Something new comes to this namespace every hour: that it is new there says nothing.
        world.after(SECOND, runs(&[image, "team/base"], "lab"));
        world.after(SECOND, runs(&["team/base"], "shop"));
    }
    world.told.clear();
    world.moves();
    world.after(MINUTE, runs(&["team/another"], "lab"));
    assert_eq!(world.told(), "", "it has no home");
    world.after(MINUTE, runs(&["vault/backup"], "lab"));
    insta::assert_snapshot!(world.told(), @"AUD-B17 low: brought image vault/backup into lab, where it never ran; on 299 occasions it ran in 1 other namespace, on 377 other images ran there, and by chance they would have met 115 times (3322 of a million)");
    world.after(MINUTE, runs(&["vault/backup"], "lab"));
    world.after(MINUTE, runs(&["vault/backup"], "fair"));
    world.told.retain(|it| it.rule == "AUD-B17");
    assert_eq!(
        world.told(),
        "",
        "the second time is no first, and of a new namespace nothing is known"
    );
}
