//! What a user is told of a controller's deeds, and whom nobody can blame for them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::tests::{Events, detections, keep, ledger, sift, told};
use crate::{Limits, Sift};
use airside_types::{Cluster, LinkRole, Payload, Relation, Tenant, Timestamp};

const ADA: &str = "ada";
const DEPLOYMENTS: &str = "system:serviceaccount:kube-system:deployment-controller";
const SETS: &str = "system:serviceaccount:kube-system:replicaset-controller";

/// An owner: kind, name and uid.
type Owner<'o> = Option<(&'o str, &'o str, &'o str)>;

impl Events {
    /// A second later somebody writes an object whose pods are privileged; an empty uid leaves the bodies out.
    fn write(
        &mut self,
        user: &str,
        verb: &str,
        of: (&str, &str, &str),
        owner: Owner<'_>,
    ) -> &mut Self {
        self.now += 1_000_000_000;
        let (kind, name, uid) = of;
        let (group, resource) = match kind {
            "Pod" => ("", "pods"),
            "ReplicaSet" => ("apps", "replicasets"),
            _ => ("apps", "deployments"),
        };
        let pod = json!({ "containers": [{ "name": "web", "image": "web:1", "securityContext": { "privileged": true } }] });
        let spec = if kind == "Pod" { pod } else { json!({ "template": { "spec": pod } }) };
        let owners: Vec<Value> = owner
            .iter()
            .map(|(kind, name, uid)| json!({ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true }))
            .collect();
        let version = if group.is_empty() { "v1" } else { "apps/v1" };
        let body = json!({
            "apiVersion": version, "kind": kind, "spec": spec,
            "metadata": { "name": name, "namespace": "shop", "uid": uid, "ownerReferences": owners },
        });
        let number = self.batch.events();
        let agent = if user == ADA { "kubectl/v1.31.0" } else { "kube-controller-manager/v1.31.0" };
        let group_of = if user == ADA { "staff" } else { "system:serviceaccounts:kube-system" };
        let mut event = json!({
            "auditID": number.to_string(), "stage": "ResponseComplete", "verb": verb, "requestURI": "/x",
            "user": { "username": user, "groups": [group_of, "system:authenticated"] },
            "userAgent": agent, "sourceIPs": ["10.0.0.7"],
            "objectRef": { "apiGroup": group, "resource": resource, "namespace": "shop", "name": name },
            "responseStatus": { "code": 200 },
            "requestReceivedTimestamp": Timestamp::from_nanos(self.now).to_string(),
        });
        if !uid.is_empty() {
            event["requestObject"] = body.clone();
            event["responseObject"] = body;
        }
        self.read(&event.to_string())
    }

    /// Ada applies a deployment, and controllers make a set and so many pods.
    fn roll_out(&mut self, pods: usize) -> &mut Self {
        self.write(ADA, "patch", ("Deployment", "web", "d1"), None);
        let set = ("ReplicaSet", "web-7d4b", "s1");
        self.write(DEPLOYMENTS, "create", set, Some(("Deployment", "web", "d1")));
        for number in 0..pods {
            let name = format!("web-7d4b-{number}");
            self.write(SETS, "create", ("Pod", &name, &format!("p{number}")), Some(set));
        }
        self
    }
}

fn all_told(events: &Events) -> (String, String) {
    let mut state = Sift::new(Limits::default());
    let sifted = sift(&events.batch, &mut state);
    let privileged: Vec<_> = sifted
        .told
        .into_iter()
        .filter(|it| {
            detections(std::slice::from_ref(it)).iter().any(|it| it.title.contains("rivileged"))
        })
        .collect();
    (told(&privileged), ledger(&state))
}

#[test]
fn a_deployment_is_told_once_by_who_wrote_it_and_its_pods_are_counted_beside() {
    let mut events = Events::new();
    events.roll_out(20);
    let mut state = Sift::new(Limits::default());
    let sifted = sift(&events.batch, &mut state);
    insta::assert_snapshot!(told(&sifted.told), @"
    AUD-R38 User ada changed Deployment shop/web: container `web` runs privileged, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R50-hand User ada changed Deployment shop/web: image web:1, from 10.0.0.7 with kubectl/v1.31.0.
    AUD-R53 User ada changed Deployment shop/web: container web added, from 10.0.0.7 with kubectl/v1.31.0.
    ");
    let last = state.finish();
    insta::assert_snapshot!(told(&last), @"AUD-R38 22 × User ada changed Deployment shop/web: container `web` runs privileged, from 10.0.0.7 with kubectl/v1.31.0.");
    let carried_out =
        detections(&last).into_iter().filter_map(|it| it.repeats).map(|it| it.carried_out);
    assert_eq!(carried_out.collect::<Vec<_>>(), [21]);
    insta::assert_snapshot!(ledger(&state), @"
    cascade AUD-R37 20
    cascade AUD-R38 1
    ");
}

#[test]
fn the_pod_of_a_controller_names_who_asked_for_it() {
    let mut events = Events::new();
    // The audit policy keeps no bodies of deployments: the pod is the first that is seen to be privileged.
    events.write(ADA, "patch", ("Deployment", "web", ""), None);
    events.write(
        SETS,
        "create",
        ("Pod", "web-7d4b-x", "p1"),
        Some(("ReplicaSet", "web-7d4b", "s1")),
    );
    let mut state = Sift::new(Limits::default());
    let sifted = sift(&events.batch, &mut state);
    insta::assert_snapshot!(told(&sifted.told), @"AUD-R37 ServiceAccount kube-system/replicaset-controller created Pod shop/web-7d4b-x: container `web` runs privileged, from 10.0.0.7 with kube-controller-manager/v1.31.0. It carries out what User ada asked for: patch Deployment shop/web.");
    let causes: Vec<_> = detections(&sifted.told)
        .iter()
        .flat_map(|it| it.linked(LinkRole::Cause).map(ToString::to_string))
        .collect();
    assert_eq!(causes, ["User ada", "Deployment shop/web"]);
}

#[test]
fn nobody_is_blamed_for_what_does_not_follow_from_their_request() {
    let of_ada = Some(("ReplicaSet", "web-7d4b", "s1"));
    let told_of = |who: &str, pod: &str, owner: Owner<'_>| {
        let mut events = Events::new();
        events.roll_out(0).write(who, "create", ("Pod", pod, "p1"), owner);
        all_told(&events).0
    };
    let carries = |text: &str| text.contains("It carries out what");
    // Whoever claims an owner without being its controller answers for the pod.
    assert!(!carries(&told_of("eve", "web-7d4b-x", of_ada)));
    assert!(!carries(&told_of("system:serviceaccount:shop:web", "web-7d4b-x", of_ada)));
    // A controller's pod without an owner is nobody's, whatever it is called.
    assert!(!carries(&told_of(SETS, "web-7d4b-x", None)));
    // A set of the same name that came later is another one.
    let mut events = Events::new();
    events.write(ADA, "create", ("ReplicaSet", "api", "s1"), None);
    events.write(SETS, "create", ("Pod", "api-x", "p1"), Some(("ReplicaSet", "api", "s2")));
    assert!(!carries(&all_told(&events).0));
}

#[test]
fn the_first_pod_of_a_cascade_of_which_nothing_was_told_stands_for_the_rest() {
    let mut events = Events::new();
    events.write(ADA, "patch", ("Deployment", "web", ""), None);
    for number in 0..4 {
        let name = format!("web-7d4b-{number}");
        events.write(SETS, "create", ("Pod", &name, &name), Some(("ReplicaSet", "web-7d4b", "s1")));
    }
    let (told, ledger) = all_told(&events);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(ledger, "cascade AUD-R37 3");
}

#[test]
fn who_wrote_an_object_is_a_fact_and_what_controllers_make_of_it_is_none() {
    let mut events = Events::new();
    events.write(ADA, "create", ("Deployment", "web", "d1"), None);
    // A pipeline that applies the same again and again says so once a day.
    for _ in 0..5 {
        events.roll_out(3);
    }
    events.write("ben", "patch", ("Deployment", "web", "d1"), None);
    events.now += 24 * 3_600 * 1_000_000_000;
    events.write("ben", "patch", ("Deployment", "web", "d1"), None);
    events.write(ADA, "delete", ("Deployment", "web", "d1"), None);
    let sifted = sift(&events.batch, &mut Sift::new(Limits::default()));
    let facts = sifted.told.iter().filter_map(|record| match &record.payload {
        Payload::Fact(fact) => Some(fact),
        _ => None,
    });
    let written = facts.filter(|fact| {
        matches!(fact.relation, Relation::CreatedBy | Relation::ChangedBy | Relation::DeletedBy)
    });
    let told: Vec<_> =
        written.map(|it| format!("{} {} {}", it.subject, it.relation, it.object)).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    Deployment shop/web created-by User ada
    Deployment shop/web changed-by User ada
    Deployment shop/web changed-by User ben
    Deployment shop/web changed-by User ben
    Deployment shop/web deleted-by User ada
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whoever_takes_over_knows_what_follows_from_what(
        choices in prop::collection::vec((0_u8..4, 0_u8..3), 1..40), at in 0_usize..8,
    ) {
        let (mut one, mut other) = (Sift::new(Limits::default()), Sift::new(Limits::default()));
        let mut kept = BTreeMap::new();
        let mut events = Events::new();
        for (index, batch) in choices.chunks(5).enumerate() {
            events.batch.sightings.clear();
            for (deed, which) in batch {
                let (name, set) = (format!("web{which}"), format!("web{which}-7d4b"));
                let (uid, set_uid) = (format!("d{which}"), format!("s{which}"));
                let pod = format!("{set}-{index}");
                let number = events.now.to_string();
                match deed {
                    0 => events.write(ADA, "patch", ("Deployment", &name, &uid), None),
                    1 => events.write(DEPLOYMENTS, "create", ("ReplicaSet", &set, &set_uid), Some(("Deployment", &name, &uid))),
                    2 => events.write(SETS, "create", ("Pod", &pod, &number), Some(("ReplicaSet", &set, &set_uid))),
                    _ => events.write(SETS, "create", ("Pod", "odd", &number), Some(("ReplicaSet", &set, &set_uid))),
                };
            }
            keep(&mut other, &mut kept);
            if index == at {
                other = Sift::new(Limits::default());
                for row in kept.values() {
                    let key = (Tenant::default(), Cluster::default());
                    prop_assert_eq!(other.restore(key, row.clone()), Ok(()));
                }
            }
            let (from_one, from_other) = (sift(&events.batch, &mut one), sift(&events.batch, &mut other));
            prop_assert_eq!(from_one.told, from_other.told);
            prop_assert_eq!(from_one.revised, from_other.revised);
            prop_assert_eq!(from_one.carried_out, from_other.carried_out);
        }
        prop_assert_eq!(ledger(&one), ledger(&other));
    }
}
