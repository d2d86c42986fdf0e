//! What a tenant keeps of the memory that all share, whatever others send, and under however many names.

use super::*;

/// A batch of a tenant's cluster with an event each of some users, at a minute.
fn of_users(tenant: &str, cluster: &str, users: Range<u32>, minute: i64) -> SightingBatch {
    let mut events = Events::new();
    events.batch.tenant = Tenant::new(tenant).unwrap();
    events.batch.cluster = Cluster::new(cluster).unwrap();
    events.now += 60 * SECOND * minute;
    for user in users {
        let (user, name) = (format!("{tenant}-{user}"), format!("web-{user}"));
        events.add(1, &user, "create", "pods/exec", &name).add(0, &user, "get", "secrets", &name);
    }
    events.batch
}

/// How much a tenant has of a part.
fn held(all: &Sift, tenant: &str, part: Part) -> usize {
    let clusters = all.clusters.iter().filter(|((of, _), _)| of.as_str() == tenant);
    clusters.map(|(_, cluster)| cluster.size(part)).sum()
}

#[test]
fn a_tenant_of_many_clusters_takes_no_room_from_one_that_has_a_large_one() {
    let shared = SharedLimits {
        seen: 128,
        rolled: 192,
        actors: 64,
        cascades: 128,
        audit_ids: 128,
        counted: 64,
        ..SharedLimits::default()
    };
    let mut all = Sift::new(Limits { shared, ..Limits::default() });
    sift(&of_users("steady", "prod", 0..24, 0), &mut all);
    let before = Part::ALL.map(|part| held(&all, "steady", part));
    assert!(before.iter().all(|held| *held > 0), "{before:?}");
    for number in 0..60 {
        sift(&of_users("spread", &format!("made-up-{number}"), 0..3, number), &mut all);
    }
    assert_eq!(Part::ALL.map(|part| held(&all, "steady", part)), before);
    for part in Part::ALL {
        let (steady, spread) = (held(&all, "steady", part), held(&all, "spread", part));
        assert!(steady + spread <= shared.most(part), "{part:?}: {steady} and {spread}");
    }
    assert!(held(&all, "spread", Part::Actors) > 0, "what is left it has");
}

#[test]
fn a_tenant_of_many_clusters_puts_away_its_own() {
    let shared = SharedLimits { clusters: 4, ..SharedLimits::default() };
    let mut all = Sift::new(Limits { shared, ..Limits::default() });
    let mut take = |tenant: &str, cluster: &str, minute: i64| {
        sift(&of_users(tenant, cluster, 0..1, minute), &mut all);
        all.put_away();
        let names = all.clusters().map(|(tenant, cluster)| format!("{tenant}/{cluster}"));
        names.collect::<Vec<_>>().join(" ")
    };
    take("steady", "prod", 0);
    take("other", "prod", 1);
    for number in 0..9 {
        take("spread", &format!("made-up-{number}"), 2 + number);
    }
    assert_eq!(take("spread", "last", 20), "other/prod spread/last spread/made-up-8 steady/prod");
    assert_eq!(take("third", "prod", 21), "other/prod spread/last steady/prod third/prod");
    assert_eq!(
        take("fourth", "prod", 22),
        "fourth/prod other/prod spread/last third/prod",
        "of tenants that have as many the one goes that was not used for longest"
    );
    assert_eq!(
        take("third", "test", 90),
        "fourth/prod spread/last third/prod third/test",
        "who was not heard of for an hour needs no room"
    );
}

#[test]
fn of_what_is_counted_no_more_is_kept_than_counts() {
    let default = Limits::default();
    let few = Limits {
        counting: airside_detect::counting::Limits { counted: 20, ..default.counting },
        ..default
    };
    for (limits, expected) in [(default, default.counting.per_actor), (few, 20)] {
        let (mut state, mut kept) = (Sift::new(limits), BTreeMap::new());
        let mut events = Events::new();
        for number in 0..600 {
            events.batch.clear(usize::MAX);
            events.now += SECOND;
            let now = Timestamp::from_nanos(events.now);
            events.read(&format!(
                r#"{{"auditID":"{number}","stage":"ResponseComplete","verb":"get","requestURI":"/x","user":{{"username":"ada"}},"sourceIPs":["10.0.0.7"],"objectRef":{{"resource":"secrets","namespace":"shop","name":"s{number}"}},"responseStatus":{{"code":200}},"requestReceivedTimestamp":"{now}"}}"#
            ));
            sift(&events.batch, &mut state);
            keep(&mut state, &mut kept);
        }
        let key = (Tenant::default(), Cluster::default());
        let mut other = Sift::new(limits);
        for row in kept.values() {
            other.restore(key.clone(), row.clone()).unwrap();
        }
        let rows = kept.keys().filter(|key| key.starts_with('c')).count();
        let tenant = key.0.as_str();
        let held = [&state, &other].map(|of| held(of, tenant, Part::Counted));
        assert_eq!((rows, held), (expected, [expected; 2]));
        // What is too old to count with anything goes, whatever comes next.
        events.batch.clear(usize::MAX);
        events.add(3 * 3600, "ben", "list", "pods", "");
        sift(&events.batch, &mut state);
        keep(&mut state, &mut kept);
        assert_eq!(kept.keys().filter(|key| key.starts_with('c')).count(), 0);
    }
}

#[test]
fn what_was_put_away_is_gone_on_with() {
    let shared = SharedLimits { clusters: 2, ..SharedLimits::default() };
    let mut all = Sift::new(Limits { shared, ..Limits::default() });
    let batches = of_clusters(&["a", "b", "a", "c"], 0);
    let mut kept: BTreeMap<ClusterKey, Vec<Change>> = BTreeMap::new();
    for batch in &batches {
        sift(batch, &mut all);
        for key in all.take_changed() {
            kept.entry(key.clone()).or_default().extend(all.take_changes(&key));
        }
        all.put_away();
    }
    let in_memory: Vec<_> = all.clusters().map(|(_, it)| it.as_str()).collect();
    assert_eq!(in_memory, ["a", "c"], "b was not used for longest");
    let b = (Tenant::default(), Cluster::new("b").unwrap());
    assert!(!all.has(&b));
    for change in kept.remove(&b).unwrap() {
        all.restore(b.clone(), change).unwrap();
    }
    assert_eq!(sift(&batches[1], &mut all).left_out, 1, "it knows what came before");
    assert_eq!(all.folded(&b), 1);
}
