//! What an incremental run says is what a run over all objects says, after every change.

mod policies;
mod touched;
mod ways;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::{Completeness, Document, Object, Places, Value, json};
use airside_types::{Cluster, Finding, Severity, Tenant};
use proptest::prelude::*;

use super::*;
use crate::{InputFile, Passes, Terms, check_in, evaluate};

fn living(value: Value) -> Living {
    let document = Document { value, places: Places::default(), line: 1, template: None };
    Living { document: Arc::new(document), item: None, path: "cluster".into() }
}

/// A run over all objects in the order of their identities.
fn full(objects: &BTreeMap<Identity, Living>) -> Evaluation {
    let objects: Vec<Object<'_>> =
        objects.values().map(|living| living.located().unwrap().object).collect();
    evaluate(&objects, Completeness::WholeInput)
}

/// What two runs do not say alike.
fn difference(
    incremental: &Evaluation,
    full: &Evaluation,
    objects: &BTreeMap<Identity, Living>,
) -> String {
    let mut text = String::new();
    let sides = [("missing", full, incremental), ("surplus", incremental, full)];
    for (side, of, other) in sides {
        for failure in of.failures.iter().filter(|it| !other.failures.contains(it)) {
            let object = objects.keys().nth(failure.object).unwrap();
            let (id, message) = (failure.check.id, &failure.message);
            text.push_str(&format!("{side}: {id} of {} {}: {message}\n", object.kind, object.name));
        }
        for check in of.not_evaluated.iter().filter(|it| !other.not_evaluated.contains(it)) {
            text.push_str(&format!("{side}: {} is undecided: {}\n", check.check.id, check.reason));
        }
        for check in of.applied.difference(&other.applied) {
            text.push_str(&format!("{side}: {check} has met something\n"));
        }
    }
    if text.is_empty() && incremental != full {
        text.push_str("the order differs\n");
    }
    text
}

fn put(value: Value) -> Change {
    Change::Put(living(value), "".into())
}

fn ids(failures: &[Failure]) -> Vec<&str> {
    failures.iter().map(|failure| failure.check.id).collect()
}

fn service(selector: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "selector": { "app": selector }, "ports": [{ "port": 80 }] },
    })
}

fn pod(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": namespace, "labels": { "app": "web" } },
        "spec": { "containers": [{ "name": "c", "image": "registry.example.com/web:1.2" }] },
    })
}

#[test]
fn a_change_tells_whose_failures_are_new_and_whose_are_gone() {
    let mut incremental = Incremental::new();
    incremental.apply(vec![put(service("web"))]);
    let is_told = |altered: &[Altered], kind: &str, is_new: bool| {
        altered.iter().filter(|it| it.object.kind == kind).any(|it| {
            ids(if is_new { &it.new } else { &it.gone }).contains(&"service-selects-nothing")
        })
    };
    let delta = incremental.apply(vec![put(pod("shop", "web"))]);
    assert_eq!(delta.judged, 2, "the pod, and the Service that selects it");
    assert!(is_told(&delta.altered, "Service", false));
    let delta = incremental.apply(vec![put(pod("bank", "other"))]);
    assert_eq!(delta.judged, 1, "a pod of another namespace is nobody's");
    let gone = Identity::of(&Object::new(&pod("shop", "web")).unwrap(), "".into());
    let delta = incremental.apply(vec![Change::Remove(gone.clone())]);
    assert!(is_told(&delta.altered, "Service", true));
    assert!(delta.altered.iter().any(|it| *it.object == gone && it.new.is_empty()));
    assert_eq!(incremental.failures_of(&gone), []);
    assert_eq!(incremental.apply(vec![Change::Remove(gone)]), Delta::default());
}

#[test]
fn an_object_that_is_removed_and_put_again_is_told_once() {
    let mut incremental = Incremental::new();
    incremental.apply(vec![put(service("web"))]);
    let gone = Identity::of(&Object::new(&service("web")).unwrap(), "".into());
    let delta = incremental.apply(vec![Change::Remove(gone), put(service("web"))]);
    assert_eq!((delta.altered, delta.judged), (vec![], 1));
}

#[test]
fn what_is_put_again_as_it_is_changes_nothing() {
    let mut incremental = Incremental::new();
    incremental.apply(vec![put(service("web"))]);
    assert_eq!(incremental.apply(vec![put(service("web"))]), Delta::default());
    assert_eq!(incremental.apply(vec![put(service("db"))]).judged, 1);
}

#[test]
fn a_policy_of_another_plugin_far_away_opens_what_was_known() {
    let policy = |version: &str, kind: &str, namespace: &str, spec: Value| {
        let metadata = json!({ "name": "db", "namespace": namespace });
        json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec })
    };
    let mut database = pod("shop", "db");
    database["spec"]["containers"][0]["image"] = json!("registry.example.com/postgres:17");
    let closed = json!({ "podSelector": {}, "policyTypes": ["Ingress"] });
    let opening = json!({ "endpointSelector": {}, "ingress": [{ "fromEntities": ["world"] }] });
    let cilium = policy("cilium.io/v2", "CiliumNetworkPolicy", "shop", opening);
    let far =
        policy("projectcalico.org/v3", "NetworkPolicy", "bank", json!({ "selector": "all()" }));
    let opened = Identity::of(&Object::new(&cilium).unwrap(), "".into());
    let mut incremental = Incremental::new();
    let closed = policy("networking.k8s.io/v1", "NetworkPolicy", "shop", closed);
    incremental.apply(vec![put(database), put(closed), put(cilium)]);
    let is_open = |incremental: &Incremental| {
        let failures = incremental.failures_of(&opened);
        ids(&failures).contains(&"policy-opens-data-store-to-internet")
    };
    assert!(is_open(&incremental));
    incremental.apply(vec![put(far)]);
    assert!(!is_open(&incremental), "which plug-in runs is not known any more");
}

#[test]
fn other_data_on_vulnerabilities_judge_otherwise() {
    let mut vulnerable = pod("shop", "kyverno");
    vulnerable["spec"]["containers"][0]["image"] = json!("ghcr.io/kyverno/kyverno:v1.8.4");
    let identity = Identity::of(&Object::new(&vulnerable).unwrap(), "".into());
    let is_told = |mut incremental: Incremental| {
        incremental.apply(vec![put(vulnerable.clone())]);
        let failures = incremental.failures_of(&identity);
        failures.iter().any(|failure| failure.check.id.starts_with("vulnerable-"))
    };
    assert!(is_told(Incremental::new()));
    assert!(!is_told(Incremental::with_components(Arc::default())));
}

#[test]
fn an_object_is_checked_in_by_itself_as_among_all() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: shop\n  annotations:\n    \
        airside.dev/ignore: \"privileged-container: loads the driver\"\nspec:\n  containers:\n  - name: c\n    \
        image: registry.example.com/web:1.2\n    securityContext: {privileged: true}\n";
    let parsed = airside_k8s::yaml::parse(text, &airside_k8s::Limits::default());
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let terms = Terms::new(&tenant, &cluster, Severity::High);
    let file = InputFile { path: "pod.yaml", documents: &parsed.documents, comments: &[] };
    let all = check_in(&[file], &terms);
    let document = Arc::new(parsed.documents[0].clone());
    let living = Living { document, item: None, path: "pod.yaml".into() };
    let identity = Identity::of(&living.located().unwrap().object, "pod.yaml".into());
    let mut incremental = Incremental::new();
    incremental.apply(vec![Change::Put(living, "pod.yaml".into())]);
    let one = incremental.check_in(&identity, &[], &terms).unwrap();
    assert_eq!((&one.findings, &one.accepted), (&all.findings, &all.accepted));
    assert_eq!((one.pass, one.ineffective), (all.passes.first().cloned(), all.ineffective));
    assert_eq!(one.accepted.len(), 1);
}

/// One change of a small world: what the bytes make of a kind is put, or removed.
type OneChange = (bool, u8, [u8; 12]);

fn any_changes(kinds: Vec<u8>) -> impl Strategy<Value = Vec<Vec<OneChange>>> {
    let bytes = prop::array::uniform12(any::<u8>());
    let change = (prop::bool::weighted(0.8), prop::sample::select(kinds), bytes);
    prop::collection::vec(prop::collection::vec(change, 1..4), 1..32)
}

/// Makes the changes, and compares after each batch.
fn agrees(batches: Vec<Vec<OneChange>>) -> Result<(), TestCaseError> {
    let mut incremental = Incremental::new();
    let mut objects = BTreeMap::new();
    let mut told: BTreeMap<(Identity, &str, String, String), ()> = BTreeMap::new();
    for batch in batches {
        let changes = batch.into_iter().map(|(is_put, kind, bytes)| {
            let (value, source) = world::object(kind, &bytes);
            let identity = Identity::of(&Object::new(&value).unwrap(), source.into());
            if is_put {
                let living = living(value);
                objects.insert(identity, living.clone());
                Change::Put(living, source.into())
            } else {
                objects.remove(&identity);
                Change::Remove(identity)
            }
        });
        let delta = incremental.apply(changes.collect());
        let expected = full(&objects);
        let difference = difference(&incremental.evaluation(), &expected, &objects);
        prop_assert!(difference.is_empty(), "{}", difference);
        // The deltas add up to the same.
        for altered in delta.altered {
            let key = |failure: Failure| {
                let Failure { check, field, message, .. } = failure;
                (Identity::clone(&altered.object), check.id, field.to_string(), message)
            };
            for failure in altered.gone.clone() {
                prop_assert!(told.remove(&key(failure)).is_some());
            }
            for failure in altered.new.clone() {
                told.insert(key(failure), ());
            }
        }
        prop_assert_eq!(told.len(), expected.failures.len());
    }
    let (one_by_one, all) = checked_in(&incremental, &objects);
    prop_assert_eq!(one_by_one, all);
    let mut at_once = Incremental::new();
    let puts = objects.into_iter().map(|(it, living)| Change::Put(living, it.source));
    at_once.fill(puts.collect());
    prop_assert_eq!(at_once.evaluation(), incremental.evaluation());
    Ok(())
}

/// The findings of a check-in of each object by itself, and of one of all.
fn checked_in(
    incremental: &Incremental,
    objects: &BTreeMap<Identity, Living>,
) -> (Vec<Finding>, Vec<Finding>) {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let terms = Terms { passes: Passes::None, ..Terms::new(&tenant, &cluster, Severity::High) };
    let each = objects.keys().filter_map(|it| incremental.check_in(it, &[], &terms));
    let files = objects.values().map(|living| InputFile {
        path: &living.path,
        documents: std::slice::from_ref(&*living.document),
        comments: &[],
    });
    let all = check_in(&files.collect::<Vec<_>>(), &terms);
    (each.flat_map(|it| it.findings).collect(), all.findings)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn after_every_change_it_says_what_a_full_run_says(
        batches in any_changes((0..world::KINDS).collect()),
    ) {
        agrees(batches)?;
    }

    /// Where policies of all kinds meet more often.
    #[test]
    fn among_network_policies_it_says_what_a_full_run_says(
        batches in any_changes(policies::KINDS.to_vec()),
    ) {
        agrees(batches)?;
    }
}
