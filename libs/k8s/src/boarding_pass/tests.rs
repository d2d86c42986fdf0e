//! What is scanned, what is left out, and when a live object is the scanned one.

use airside_types::{BoardingPass, FieldPath, PassVerdict, Place};
use proptest::prelude::*;

use super::*;
use crate::json;

mod added;
mod credentials;

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "web", "labels": { "app": "web" } },
        "spec": {
            "replicas": 2,
            "template": { "spec": {
                "automountServiceAccountToken": false,
                "hostNetwork": false,
                "containers": [{
                    "name": "web",
                    "image": "registry.example/web:1",
                    "env": [{ "name": "MODE", "value": "" }, { "name": "DB_PASSWORD", "value": "x" }],
                    "ports": [{ "containerPort": 80 }],
                    "resources": { "limits": { "cpu": "1000m", "memory": "1024Mi" }, "requests": { "cpu": 0.5 } },
                    "securityContext": { "privileged": false },
                }],
            } },
        },
    })
}

fn pass_for(value: &Value) -> BoardingPass {
    let object = Object::new(value).unwrap();
    let fields = fields(&object);
    BoardingPass {
        object: object.object_ref(),
        digest: digest_of(&object, &fields),
        place: Place::default(),
        template: None,
        verdict: PassVerdict::Clean,
        findings: Vec::new(),
        fields,
        origin: None,
        rules: None,
        accepted: Vec::new(),
        attestation: None,
    }
}

fn drift(scanned: &Value, live: &Value) -> Vec<String> {
    let found = compare(&pass_for(scanned), &Object::new(live).unwrap());
    found.drifts.iter().map(ToString::to_string).collect()
}

/// The deployment with one change, given as a JSON pointer and a value; null removes.
fn changed(pointer: &str, value: Value) -> Value {
    let mut live = deployment();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = live.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(map), Value::Null) => drop(map.remove(key)),
        (Value::Object(map), value) => drop(map.insert(key.to_owned(), value)),
        (other, value) => other[key.parse::<usize>().unwrap()] = value,
    }
    live
}

#[test]
fn scanned_are_leaves_that_the_manifest_sets() {
    let mut value = deployment();
    value["status"] = json!({ "replicas": 1 });
    value["metadata"]["uid"] = json!("u");
    value["metadata"]["creationTimestamp"] = json!(null);
    value["metadata"]["annotations"] = json!({ LAST_APPLIED: "{}", "note": "n" });
    value["spec"]["strategy"] = json!({});
    value["spec"]["args"] = json!([]);
    let object = Object::new(&value).unwrap();
    let shown: Vec<String> = fields(&object).iter().map(|leaf| leaf.field.to_string()).collect();
    let container = "spec.template.spec.containers[0]";
    let expected = [
        "kind".to_owned(),
        "metadata.annotations.note".to_owned(),
        "metadata.labels.app".to_owned(),
        "metadata.name".to_owned(),
        "spec.replicas".to_owned(),
        "spec.template.spec.automountServiceAccountToken".to_owned(),
        format!("{container}.env[0].name"),
        format!("{container}.env[0].value"),
        format!("{container}.env[1].name"),
        format!("{container}.env[1].value"),
        format!("{container}.image"),
        format!("{container}.name"),
        format!("{container}.ports[0].containerPort"),
        format!("{container}.resources.limits.cpu"),
        format!("{container}.resources.limits.memory"),
        format!("{container}.resources.requests.cpu"),
        format!("{container}.securityContext.privileged"),
        "spec.template.spec.hostNetwork".to_owned(),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_kustomize_notes_changes_no_digest() {
    let plain = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "conf", "annotations": { "team": "shop" } },
    });
    let mut noted = plain.clone();
    noted["metadata"]["annotations"]["config.kubernetes.io/origin"] = json!("path: a.yaml");
    let of = |value: &Value| digest(&Object::new(value).unwrap());
    assert_eq!(of(&plain), of(&noted));
}

#[test]
fn what_the_api_server_does_to_an_object_is_no_drift() {
    let mut live = deployment();
    live["metadata"]["namespace"] = json!("shop");
    live["metadata"]["uid"] = json!("u1");
    live["spec"]["strategy"] = json!({ "type": "RollingUpdate" });
    let pod = &mut live["spec"]["template"]["spec"];
    pod["restartPolicy"] = json!("Always");
    pod.as_object_mut().unwrap().remove("hostNetwork");
    let container = &mut pod["containers"][0];
    container["env"][0].as_object_mut().unwrap().remove("value");
    container["ports"][0]["protocol"] = json!("TCP");
    container["resources"] =
        json!({ "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "500m" } });
    live["apiVersion"] = json!("apps/v1beta2");
    assert_eq!(drift(&deployment(), &live), Vec::<String>::new());
}

#[test]
fn containers_are_found_by_name_wherever_an_injector_moves_them() {
    let mut live = deployment();
    let containers = &mut live["spec"]["template"]["spec"]["containers"];
    let injected = json!({ "name": "proxy", "image": "proxy:1" });
    *containers = [injected].into_iter().chain(containers.as_array().unwrap().to_vec()).collect();
    let told = ["spec.template.spec.containers[0] (proxy) added"];
    assert_eq!(drift(&deployment(), &live), told);
}

#[test]
fn a_changed_or_removed_value_is_drift_at_its_field() {
    let pod = "/spec/template/spec";
    for (pointer, value, expected) in [
        ("/spec/replicas", json!(3), "spec.replicas"),
        ("/metadata/labels/app", json!("api"), "metadata.labels.app"),
        (
            &format!("{pod}/automountServiceAccountToken"),
            json!(null),
            "spec.template.spec.automountServiceAccountToken",
        ),
        (&format!("{pod}/hostNetwork"), json!(true), "spec.template.spec.hostNetwork"),
        (
            &format!("{pod}/containers/0/securityContext"),
            json!({ "privileged": true }),
            "spec.template.spec.containers[0].securityContext.privileged",
        ),
        (
            &format!("{pod}/containers/0/image"),
            json!("evil:1"),
            "spec.template.spec.containers[0].image",
        ),
        (
            &format!("{pod}/containers/0/resources/limits/cpu"),
            json!("1001m"),
            "spec.template.spec.containers[0].resources.limits.cpu",
        ),
        (
            &format!("{pod}/containers/0/ports"),
            json!([{ "containerPort": "80" }]),
            "spec.template.spec.containers[0].ports[0].containerPort",
        ),
    ] {
        assert_eq!(drift(&deployment(), &changed(pointer, value)), [expected], "{pointer}");
    }
}

/// Any object content, as a fuzzer would write it.
fn any_content() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        "[a-z0-9:=/ ]{0,10}".prop_map(Value::from),
        Just(json!("500m")),
    ];
    leaf.prop_recursive(4, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("(name|value|limits|data|[a-z.]{1,5})", inner, 0..5)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

proptest! {
    #[test]
    fn every_object_is_the_same_as_itself(spec in any_content(), metadata in any_content()) {
        let value = json!({ "apiVersion": "x.io/v1", "kind": "Any", "metadata": metadata, "spec": spec });
        let pass = pass_for(&value);
        let object = Object::new(&value).unwrap();
        prop_assert_eq!(compare(&pass, &object).drifts, []);
        prop_assert!(pass.fields.is_sorted_by(|a, b| a.field < b.field), "{:?}", pass.fields);
        prop_assert_eq!(digest(&object), pass.digest);
    }
}

/// The deployment has one credential.
fn authorised_but_for_one(pass: usize) -> Standing<usize> {
    Standing::Authorised(pass, NotCompared { credentials: 1, ..NotCompared::default() })
}

fn drifted_in(pass: usize, field: &FieldPath) -> Standing<usize> {
    let drifts = vec![Drift::Changed { field: field.clone(), live: Some(field.clone()) }];
    let not_compared = NotCompared { credentials: 1, ..NotCompared::default() };
    Standing::Drifted(pass, Comparison { drifts, not_compared })
}

/// What comes of the comparison of live objects with passes.
fn compared(passes: &[BoardingPass], live: &[Value]) -> LiveComparison {
    let live: Vec<Object<'_>> = live.iter().map(|value| Object::new(value).unwrap()).collect();
    compare_live(passes, &live, |_| true)
}

#[test]
fn of_several_passes_the_one_that_fits_counts_else_the_closest() {
    let in_shop = |mut value: Value| {
        value["metadata"]["namespace"] = json!("shop");
        value
    };
    let scaled = changed("/spec/replicas", json!(7));
    let far = changed("/metadata/labels", json!({ "app": "x", "tier": "y" }));
    let live = [in_shop(deployment())];
    let passes = [&far, &scaled, &deployment()].map(pass_for);
    assert_eq!(compared(&passes, &live).objects, [(0, authorised_but_for_one(2))]);
    let drifted = drifted_in(1, &FieldPath::of(&["spec", "replicas"]));
    assert_eq!(compared(&[&far, &scaled].map(pass_for), &live).objects, [(0, drifted)]);
    let elsewhere = pass_for(&changed("/metadata/namespace", json!("till")));
    assert_eq!(compared(&[elsewhere], &live).objects, [(0, Standing::NeverCheckedIn)]);
}

#[test]
fn the_count_of_pods_is_the_autoscalers_where_there_is_one() {
    let scaler = |kind: &str, name: &str| {
        let api = if kind == "ScaledObject" { "keda.sh/v1alpha1" } else { "autoscaling/v2" };
        json!({ "apiVersion": api, "kind": kind, "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "scaleTargetRef": { "kind": "Deployment", "name": name } } })
    };
    let in_shop = |pointer: &str, value: Value| {
        let mut live = changed(pointer, value);
        live["metadata"]["namespace"] = json!("shop");
        live
    };
    let passes = [pass_for(&deployment())];
    let web = in_shop("/spec/replicas", json!(7));
    let counts = FieldPath::of(&["spec", "replicas"]);
    let drifted = |field: &FieldPath| drifted_in(0, field);
    let mut relabelled = web.clone();
    relabelled["metadata"]["labels"]["app"] = json!("x");
    let label = FieldPath::of(&["metadata", "labels", "app"]);
    for (live, autoscaler, expected) in [
        (&web, scaler("HorizontalPodAutoscaler", "web"), authorised_but_for_one(0)),
        (&web, scaler("ScaledObject", "web"), authorised_but_for_one(0)),
        (&web, scaler("HorizontalPodAutoscaler", "api"), drifted(&counts)),
        (&relabelled, scaler("HorizontalPodAutoscaler", "web"), drifted(&label)),
    ] {
        let comparison = compared(&passes, &[live.clone(), autoscaler.clone()]);
        assert_eq!(comparison.objects[0], (0, expected), "{autoscaler}");
    }
}

#[test]
fn what_controllers_make_follows_its_owner_and_what_every_cluster_has_is_apart() {
    let owned = |group: &str, kind: &str, owner: &str| {
        json!({ "apiVersion": group, "kind": kind, "metadata": {
            "name": "web-1", "namespace": "shop",
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": owner, "name": "web", "controller": true }],
        } })
    };
    let named = |version: &str, kind: &str, name: &str| json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name, "namespace": "shop" } });
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "db", "namespace": "shop" },
        "spec": { "volumeClaimTemplates": [{ "metadata": { "name": "data" } }] },
    });
    let live = [
        owned("apps/v1", "ReplicaSet", "Deployment"),
        owned("v1", "Pod", "ReplicaSet"),
        named("v1", "PersistentVolumeClaim", "data-db-0"),
        named("v1", "PersistentVolumeClaim", "data-db-x"),
        named("v1", "ConfigMap", "kube-root-ca.crt"),
        named("v1", "ServiceAccount", "default"),
        named("v1", "ServiceAccount", "intruder"),
        set.clone(),
    ];
    let gone = pass_for(&deployment());
    let comparison = compared(&[pass_for(&set), gone], &live);
    assert_eq!(
        comparison,
        LiveComparison {
            objects: vec![
                (3, Standing::NeverCheckedIn),
                (6, Standing::NeverCheckedIn),
                (7, Standing::Authorised(0, NotCompared::default())),
            ],
            owned: 3,
            of_the_cluster: 2,
            absent: vec![1],
        }
    );
    let checked_in = pass_for(&named("v1", "ServiceAccount", "default"));
    assert_eq!(
        compared(&[checked_in], &live).objects[1],
        (5, Standing::Authorised(0, NotCompared::default()))
    );
}

#[test]
fn a_secret_without_values_is_compared_by_its_metadata() {
    let manifest = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "door", "labels": { "app": "web" } },
        "type": "Opaque", "immutable": true,
    });
    let mut live = manifest.clone();
    live.as_object_mut().unwrap().retain(|key, _| key != "type" && key != "immutable");
    assert_eq!(drift(&manifest, &live), [""; 0]);
    live["metadata"]["labels"]["app"] = json!("other");
    assert_eq!(drift(&manifest, &live), ["metadata.labels.app"]);
    live["type"] = json!("Opaque");
    assert_eq!(drift(&manifest, &live), ["immutable", "metadata.labels.app"]);
}
