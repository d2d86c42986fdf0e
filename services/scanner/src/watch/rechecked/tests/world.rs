//! A small cluster that changes: few names and labels, so that objects meet, and all that lets the findings of one
//! object change with another, with an owner, or with the day.

use airside_k8s::{Value, json};
use airside_ports::{ClusterChange, ListScope, ObjectKind};
use proptest::prelude::*;

use crate::testing::at;

const NAMES: [&str; 3] = ["web", "db", "default"];
const NAMESPACES: [&str; 3] = ["shop", "bank", "kube-system"];

/// An object is put, removed, or all of a kind are listed.
pub(super) fn any_change() -> impl Strategy<Value = ClusterChange> {
    let list = (0..KINDS, prop::collection::vec(prop::array::uniform8(any::<u8>()), 0..4));
    prop_oneof![
        8 => any_object().prop_map(ClusterChange::Changed),
        3 => any_object().prop_map(ClusterChange::Removed),
        1 => list.prop_map(|(kind, all)| {
            let objects: Vec<Value> = all.iter().map(|choices| object(kind, choices)).collect();
            ClusterChange::Listed { scope: scope(&object(kind, &[0; 8])), objects }
        }),
    ]
}

fn any_object() -> impl Strategy<Value = Value> {
    (0..KINDS, prop::array::uniform8(any::<u8>()))
        .prop_map(|(kind, choices)| object(kind, &choices))
}

fn scope(object: &Value) -> ListScope {
    let (version, kind) =
        (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let (group, version, kind) = (group.to_owned(), version.to_owned(), kind.to_owned());
    ListScope { kind: ObjectKind { group, version, kind }, namespace: None }
}

const KINDS: u8 = 12;

fn object(kind: u8, choices: &[u8; 8]) -> Value {
    let of = |index: usize, all: &[&str]| all[usize::from(choices[index]) % all.len()].to_owned();
    let (name, namespace) = (of(0, &NAMES), of(1, &NAMESPACES));
    let labels = json!({ "app": of(2, &NAMES), "team": of(3, &["", "", "core"]) });
    let (version, kind, body) = match kind {
        0 | 1 => ("v1", "Pod", json!({ "spec": pod(choices) })),
        2 => {
            let template =
                json!({ "metadata": { "labels": { "app": of(4, &NAMES) } }, "spec": pod(choices) });
            let selector = json!({ "matchLabels": { "app": of(4, &NAMES) } });
            (
                "apps/v1",
                "Deployment",
                json!({ "spec": { "selector": selector, "template": template } }),
            )
        }
        3 => {
            let ports = json!([{ "port": 80 }]);
            let spec = json!({ "selector": { "app": of(4, &NAMES) }, "ports": ports, "type": of(5, &["ClusterIP", "LoadBalancer"]) });
            ("v1", "Service", json!({ "spec": spec }))
        }
        4 => {
            let selector = json!({ "matchLabels": { "app": of(4, &NAMES) } });
            let spec = json!({ "podSelector": selector, "policyTypes": ["Ingress"] });
            ("networking.k8s.io/v1", "NetworkPolicy", json!({ "spec": spec }))
        }
        5 => ("v1", "Namespace", json!({})),
        6 => ("v1", "ServiceAccount", json!({})),
        7 => {
            let verbs = of(4, &["get", "*", "create"]);
            let rule = json!({ "apiGroups": [""], "resources": [of(5, &["secrets", "pods"])], "verbs": [verbs] });
            (RBAC, "ClusterRole", json!({ "rules": [rule] }))
        }
        8 => {
            let subject = json!({ "kind": "ServiceAccount", "name": of(4, &NAMES), "namespace": of(5, &NAMESPACES) });
            let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": of(6, &NAMES) });
            (RBAC, "ClusterRoleBinding", json!({ "subjects": [subject], "roleRef": role }))
        }
        9 => ("v1", "ConfigMap", json!({ "data": { "key": of(4, &["", "x"]) } })),
        10 => {
            let backend = json!({ "service": { "name": of(4, &NAMES), "port": { "number": 80 } } });
            let path = json!({ "path": "/", "pathType": "Prefix", "backend": backend });
            let rule = json!({ "host": "shop.example.com", "http": { "paths": [path] } });
            ("networking.k8s.io/v1", "Ingress", json!({ "spec": { "rules": [rule] } }))
        }
        _ => {
            let target =
                json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": of(4, &NAMES) });
            let spec = json!({ "scaleTargetRef": target, "maxReplicas": 3 });
            ("autoscaling/v2", "HorizontalPodAutoscaler", json!({ "spec": spec }))
        }
    };
    let mut metadata =
        json!({ "name": name, "labels": labels, "annotations": annotations(choices) });
    // Who is created anew has another uid.
    metadata["uid"] = json!(of(7, &["1", "1", "2"]));
    match kind {
        "Namespace" => metadata["name"] = json!(namespace),
        "ClusterRole" | "ClusterRoleBinding" => {}
        _ => metadata["namespace"] = json!(namespace),
    }
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": metadata });
    let fields = body.as_object().cloned().unwrap_or_default();
    object.as_object_mut().unwrap().extend(fields);
    if kind == "Pod" && choices[6] % 8 == 7 {
        let owner = json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": true });
        object["metadata"]["ownerReferences"] = json!([owner]);
    }
    object
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";

fn pod(choices: &[u8; 8]) -> Value {
    let account = NAMES[usize::from(choices[5]) % NAMES.len()];
    let container = json!({
        "name": "main", "image": "registry.example.com/app:1",
        "securityContext": { "privileged": choices[6].is_multiple_of(2) },
    });
    json!({ "serviceAccountName": account, "containers": [container] })
}

/// Exceptions that hold, expire or mean nothing, an owner, and tests of charts.
fn annotations(choices: &[u8; 8]) -> Value {
    let day = at(i64::from(choices[7] % 4) * 86_400).to_string();
    let day = day.split('T').next().unwrap_or_default();
    match choices[7] / 4 % 8 {
        0 | 1 => {
            json!({ "airside.dev/ignore": format!("privileged-container until={day}: for now") })
        }
        2 => json!({ "airside.dev/ignore": "privileged-container: loads the driver" }),
        3 => json!({ "owner": "somebody" }),
        4 => json!({ "helm.sh/hook": "test" }),
        _ => json!({}),
    }
}
