//! What people and programs see of a comparison.

use airside_k8s::{Value, json};
use airside_types::{Cluster, Severity, Tenant};
use airside_wire::scan::SourceFile;

use super::*;

const MANIFESTS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  template: {spec: {containers: [{name: main, image: web:1, env: [{name: MODE, value: fast}]}]}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: old, namespace: shop}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: door, namespace: shop}
stringData: {pin: '0000'}
---
apiVersion: shop.example/v1
kind: Route
metadata: {name: front, namespace: shop}
spec: {key: {password: open}}
";

fn live() -> Vec<Value> {
    let metadata = |name: &str| json!({ "name": name, "namespace": "shop", "uid": name });
    vec![
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata("web"),
            "spec": { "replicas": 5, "paused": false, "template": { "spec": { "containers": [
                { "name": "injected", "image": "proxy:3", "env": [{ "name": "PASSWORD", "value": "hunter22" }] },
                { "name": "main", "image": "web:1", "stdin": true, "env": [{ "name": "MODE", "value": "postgres://web:hunter22@db.shop.example/web" }] },
            ] } } },
        }),
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("web") }),
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata("door") }),
        json!({
            "apiVersion": "shop.example/v1", "kind": "Route", "metadata": metadata("front"),
            "spec": { "key": { "password": "shut" }, "timeout": "10s" },
        }),
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("default") }),
        json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata("debug") }),
        json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
            "name": "web-1", "namespace": "shop", "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true },
            ],
        } }),
    ]
}

fn told<T>(tell: impl FnOnce(&Told<'_>) -> T) -> T {
    let file = SourceFile { path: "deploy/web.yaml".to_owned(), content: MANIFESTS.into() };
    let inputs = Inputs { files: vec![file], ..Inputs::default() };
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let scan =
        airside_scanner::scan_files(&inputs.files, &Terms::new(&tenant, &cluster, Severity::High));
    let values = live();
    let live: Vec<Object<'_>> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    let passes = &scan.report.passes;
    let comparison = compare_live(passes, &live, |_| true);
    let manifests = Manifests::of(&inputs, passes);
    tell(&Told { comparison: &comparison, live: &live, passes, manifests: &manifests })
}

#[test]
fn people_see_what_is_authorised_what_has_drifted_and_what_nobody_checked_in() {
    let text = told(|it| it.text());
    insta::assert_snapshot!(anstream::adapter::strip_str(&text), @"
    authorised  ServiceAccount shop/web  deploy/web.yaml:8:1
    authorised  Secret shop/door  deploy/web.yaml:17:1
    authorised  Route shop/front  deploy/web.yaml:22:1
        not compared: the value of 1 credential
    never checked in  Pod shop/debug
    drifted  Deployment shop/web  deploy/web.yaml:1:1
        spec.replicas: `2`, now `5`  deploy/web.yaml:5:3
        spec.template.spec.containers[0] (injected) added: `{env, image, name}`  deploy/web.yaml:6:21
        spec.template.spec.containers[0].env[0].value: `fast`, now a credential  deploy/web.yaml:6:80
        spec.template.spec.containers[1].stdin added: `true`  deploy/web.yaml:6:21
    not in the cluster  ConfigMap shop/old  deploy/web.yaml:12:1

    3 authorised, 1 drifted, 1 never checked in, 1 not in the cluster
    1 belong to other objects and follow them; 1 are the cluster's own
    not compared: values of credentials: 1; contents of Secrets, of which only the metadata is read: 1; objects with fields that their manifests do not set, in kinds whose defaults are not known: 1
    ");
}

#[test]
fn programs_get_the_same() {
    let told = told(|it| it.json());
    let standings: Vec<&Value> =
        told["objects"].as_array().unwrap().iter().map(|it| &it["standing"]).collect();
    assert_eq!(
        standings,
        ["drifted", "authorised", "authorised", "authorised", "never-checked-in"]
    );
    assert_eq!(
        told["objects"][0]["drifted"],
        json!([
            {
                "field": "spec.replicas", "change": "changed", "name": null,
                "manifest": "`2`", "live": "`5`",
                "location": { "path": "deploy/web.yaml", "line": 5, "column": 3 },
            },
            {
                "field": "spec.template.spec.containers[0]", "change": "added", "name": "injected",
                "manifest": "nothing", "live": "`{env, image, name}`",
                "location": { "path": "deploy/web.yaml", "line": 6, "column": 21 },
            },
            {
                "field": "spec.template.spec.containers[0].env[0].value",
                "change": "changed", "name": null,
                "manifest": "`fast`", "live": "a credential",
                "location": { "path": "deploy/web.yaml", "line": 6, "column": 80 },
            },
            {
                "field": "spec.template.spec.containers[1].stdin", "change": "added", "name": null,
                "manifest": "nothing", "live": "`true`",
                "location": { "path": "deploy/web.yaml", "line": 6, "column": 21 },
            },
        ])
    );
    assert_eq!((&told["owned"], &told["of_the_cluster"]), (&json!(1), &json!(1)));
}

#[test]
fn what_was_not_listed_is_not_missing() {
    let scope = |kind: &str, namespace: Option<&str>| ListScope {
        kind: ObjectKind { group: String::new(), version: "v1".to_owned(), kind: kind.to_owned() },
        namespace: namespace.map(str::to_owned),
    };
    let listed = [scope("ConfigMap", Some("shop")), scope("Pod", None)];
    for (kind, namespace, covered) in [
        ("ConfigMap", Some("shop"), true),
        ("ConfigMap", Some("till"), false),
        ("ConfigMap", None, false),
        ("Pod", Some("till"), true),
        ("Secret", Some("shop"), false),
    ] {
        let object = ObjectRef::named("", kind, namespace, "x");
        assert_eq!(is_covered(&listed, &object), covered, "{object}");
    }
}
