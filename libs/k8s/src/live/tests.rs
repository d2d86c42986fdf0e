//! What is left of an object that was read, what it is called, and who made it.

use super::*;
use crate::json;

fn trimmed(mut value: Value) -> Value {
    trim(&mut value);
    value
}

#[test]
fn what_nobody_is_told_by_is_left_out() {
    let deployment = |metadata: Value| json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata });
    let mut read = deployment(json!({
        "name": "web", "uid": "u", "generation": 3, "resourceVersion": "9",
        "managedFields": [{ "manager": "kubectl", "fieldsV1": {} }],
    }));
    read["status"] = json!({ "replicas": 1 });
    assert_eq!(trimmed(read), deployment(json!({ "name": "web", "uid": "u" })));
    let node = json!({
        "apiVersion": "v1", "kind": "Node",
        "status": { "nodeInfo": { "kubeletVersion": "v1.36.0" }, "conditions": [{ "lastHeartbeatTime": "…" }] },
    });
    assert_eq!(trimmed(node)["status"], json!({ "nodeInfo": { "kubeletVersion": "v1.36.0" } }));
    let resource = json!({ "apiVersion": "example.dev/v1", "kind": "Rotor", "status": { "a": 1 } });
    assert_eq!(trimmed(resource.clone()), resource);
}

#[test]
fn a_secret_keeps_its_keys_and_no_value() {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "door", "annotations": { "a": "b", LAST_APPLIED: "{\"data\":{\"key\":\"b3Blbg==\"}}" } },
        "data": { "key": "b3Blbg==" }, "stringData": { "other": "open" }, "type": "Opaque",
    });
    assert_eq!(
        trimmed(secret),
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "door", "annotations": { "a": "b" } },
            "data": { "key": "" }, "stringData": { "other": "" }, "type": "Opaque",
        })
    );
}

#[test]
fn a_path_is_what_kubectl_would_be_asked_for() {
    let shown = |value: Value| path(&Object::new(&value).unwrap());
    let web = json!({ "namespace": "shop", "name": "web" });
    for (version, kind, metadata, path) in [
        ("apps/v1", "Deployment", &web, "live:/deployment.apps/shop/web"),
        ("v1", "Service", &web, "live:/service/shop/web"),
        ("serving.knative.dev/v1", "Service", &web, "live:/service.serving.knative.dev/shop/web"),
        ("v1", "Node", &json!({ "name": "n-1" }), "live:/node/n-1"),
    ] {
        let value = json!({ "apiVersion": version, "kind": kind, "metadata": metadata });
        assert_eq!(shown(value), path);
    }
    assert_eq!(folder("apps", "Deployment", None), "live:/deployment.apps/");
    assert_eq!(folder("apps", "Deployment", Some("shop")), "live:/deployment.apps/shop/");
}

fn role(name: &str, bootstrapped: bool, managers: &[&str]) -> Value {
    let labels = if bootstrapped {
        json!({ "kubernetes.io/bootstrapping": "rbac-defaults" })
    } else {
        json!({})
    };
    let managers: Vec<Value> =
        managers.iter().map(|it| json!({ "manager": it, "fieldsV1": {} })).collect();
    trimmed(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": { "name": name, "labels": labels, "managedFields": managers },
    }))
}

#[test]
fn a_role_of_the_cluster_is_one_that_nobody_else_has_written() {
    for (name, bootstrapped, managers, origin) in [
        ("system:node", true, &["kube-apiserver"][..], Origin::Cluster),
        ("system:controller:job-controller", true, &["kube-apiserver"], Origin::Cluster),
        ("admin", true, &["kube-apiserver", "kube-controller-manager"], Origin::Cluster),
        ("system:node", true, &["kube-apiserver", "kubectl-edit"], Origin::Applied),
        ("system:node", false, &["kube-apiserver"], Origin::Applied),
        ("system:controller:miner", true, &["kube-apiserver"], Origin::Applied),
        ("deployer", true, &["kube-apiserver"], Origin::Applied),
    ] {
        let role = role(name, bootstrapped, managers);
        assert_eq!(Origin::of(&Object::new(&role).unwrap()), origin, "{name} {managers:?}");
    }
}

#[test]
fn a_copy_is_what_its_owner_says_already() {
    let owned = |version: &str, kind: &str, owner: (&str, &str)| {
        json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x", "ownerReferences": [
            { "apiVersion": owner.0, "kind": owner.1, "name": "y", "controller": true },
        ] } })
    };
    for (version, kind, owner, copy, origin) in [
        ("v1", "Pod", ("apps/v1", "ReplicaSet"), true, Origin::Owned),
        ("apps/v1", "ReplicaSet", ("apps/v1", "Deployment"), true, Origin::Owned),
        ("apps/v1", "ReplicaSet", ("argoproj.io/v1alpha1", "Rollout"), true, Origin::Owned),
        ("batch/v1", "Job", ("batch/v1", "CronJob"), true, Origin::Owned),
        // The operator's own kind has no pod template that is judged.
        (
            "apps/v1",
            "StatefulSet",
            ("monitoring.coreos.com/v1", "Prometheus"),
            false,
            Origin::Owned,
        ),
        ("v1", "Pod", ("example.dev/v1", "Rotor"), false, Origin::Owned),
        // A static pod: somebody has written a file on the node.
        ("v1", "Pod", ("v1", "Node"), false, Origin::Applied),
    ] {
        let value = owned(version, kind, owner);
        let object = Object::new(&value).unwrap();
        assert_eq!(
            (is_a_copy(&object), Origin::of(&object)),
            (copy, origin),
            "{kind} of {owner:?}"
        );
    }
}
