//! Who refers to what, in small inputs.

use super::*;
use crate::json;
use crate::value::Value;
use crate::{Completeness, workload};

fn graph(values: &[Value]) -> Graph<'_> {
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    Graph::new(&objects, Completeness::WholeInput)
}

fn named(kind: &str, name: &str, namespace: Option<&str>) -> Value {
    json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name, "namespace": namespace } })
}

#[test]
fn a_pod_refers_by_environment_volumes_and_pull_secrets() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
        "spec": {
            "imagePullSecrets": [{ "name": "pull" }],
            "containers": [{
                "name": "web",
                "env": [
                    { "name": "A", "value": "literal" },
                    { "name": "B", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k", "optional": true } } },
                    { "name": "C", "valueFrom": { "configMapKeyRef": { "name": "c", "key": "k" } } },
                ],
                "envFrom": [{ "secretRef": { "name": "all" } }],
            }],
            "volumes": [
                { "name": "a", "secret": { "secretName": "v", "items": [{ "key": "x", "path": "x" }] } },
                { "name": "b", "projected": { "sources": [{ "configMap": { "name": "p" } }] } },
                { "name": "c", "csi": { "driver": "d", "nodePublishSecretRef": { "name": "n" } } },
            ],
        },
    });
    let object = Object::new(&pod).unwrap();
    let specs = workload::pod_specs(&object);
    let shown: Vec<String> = references(&specs[0])
        .iter()
        .map(|reference| {
            let (kind, name) = (reference.to.kind(), reference.name);
            let key = reference.key.map(|key| format!("#{key}")).unwrap_or_default();
            format!("{kind} {name}{key} by {}", reference.path)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Secret s#k by spec.containers[0].env[1].valueFrom.secretKeyRef",
            "ConfigMap c#k by spec.containers[0].env[2].valueFrom.configMapKeyRef",
            "Secret all by spec.containers[0].envFrom[0].secretRef",
            "Secret v by spec.volumes[0].secret",
            "Secret v#x by spec.volumes[0].secret.items[0].key",
            "ConfigMap p by spec.volumes[1].projected.sources[0].configMap",
            "Secret n by spec.volumes[2].csi.nodePublishSecretRef",
            "Secret pull by spec.imagePullSecrets[0]",
        ]
    );
    let flags: Vec<_> =
        references(&specs[0]).iter().map(|r| (r.is_optional, r.is_environment)).collect();
    assert_eq!(flags[..4], [(true, true), (false, true), (false, true), (false, false)]);
}

#[test]
fn a_mention_is_a_word_in_another_object() {
    let values = [
        named("Secret", "tls", Some("shop")),
        named("Secret", "unused", Some("shop")),
        named("ConfigMap", "web", Some("shop")),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" },
            "data": { "unused-by-itself": "settings" },
        }),
        // Its own name and labels mention nobody.
        json!({
            "apiVersion": "example.com/v1", "kind": "Proxy",
            "metadata": { "name": "web", "labels": { "app": "unused" } },
            "spec": { "certificate": "shop/tls", "note": "not-unused-at-all" },
        }),
    ];
    let graph = graph(&values);
    let mentioned: Vec<_> = graph
        .objects()
        .iter()
        .filter(|object| graph.is_mentioned(object))
        .map(Object::name)
        .collect();
    assert_eq!(mentioned, ["tls"]);
}

#[test]
fn names_are_found_in_their_namespace_or_in_one_left_open() {
    let values = [
        named("Secret", "a", Some("shop")),
        named("Secret", "a", Some("bank")),
        named("Secret", "b", None),
    ];
    let graph = graph(&values);
    let count = |namespace, name| graph.referred(Referent::Secret, namespace, name).len();
    assert_eq!(count(Some("shop"), "a"), 1);
    assert_eq!(count(None, "a"), 2);
    assert_eq!(count(Some("shop"), "b"), 1);
    assert_eq!(count(Some("shop"), "c"), 0);
    assert_eq!(graph.referred(Referent::ConfigMap, None, "a").len(), 0);
}

#[test]
fn who_may_read_all_may_know_names() {
    let rule = |extra: Value| {
        let mut rule = json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] });
        rule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        rule
    };
    let role = |rule: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": { "name": "r", "namespace": "shop" }, "rules": [rule],
        })
    };
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": "b", "namespace": "shop" },
        "roleRef": { "kind": "Role", "name": "r" },
        "subjects": [{ "kind": "ServiceAccount", "name": "web", "namespace": "shop" }],
    });
    for (rule, expected) in [
        (rule(json!({})), true),
        (rule(json!({ "verbs": ["create"] })), false),
        (rule(json!({ "resourceNames": ["a"] })), false),
        (rule(json!({ "resources": ["configmaps"] })), false),
    ] {
        let values = [named("Secret", "a", Some("shop")), role(rule), binding.clone()];
        let graph = graph(&values);
        assert_eq!(graph.has_reader_in(Referent::Secret, Some("shop")), expected);
        assert!(!graph.has_reader_in(Referent::Secret, Some("bank")));
    }
}
