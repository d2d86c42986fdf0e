//! Ways over nodes and to the cloud stay those of a full run, whichever part of one comes or goes.

use super::*;

fn object(version: &str, kind: &str, place: (Option<&str>, &str), body: Value) -> Value {
    let (namespace, name) = place;
    let mut value = body;
    value["apiVersion"] = json!(version);
    value["kind"] = json!(kind);
    value["metadata"]["name"] = json!(name);
    if let Some(namespace) = namespace {
        value["metadata"]["namespace"] = json!(namespace);
    }
    value
}

fn running(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    spec["containers"] = json!([{
        "name": "c", "image": "registry.example.com/a:1",
        "volumeMounts": [{ "name": "v", "mountPath": "/v" }],
    }]);
    object("v1", "Pod", (Some("shop"), name), json!({ "spec": spec }))
}

/// Every part of several ways: a node agent, an operator, who enters and starts pods, an account of the
/// cloud, a claim on a node's files, a token in a Secret.
fn parts() -> Vec<Value> {
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    let bound = |role: (&str, &str), account: &str| {
        json!({
            "roleRef": { "kind": role.0, "name": role.1 },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": "shop" }],
        })
    };
    let role = |verbs: &[&str], group: &str, resources: &[&str]| json!({ "rules": [{ "verbs": verbs, "apiGroups": [group], "resources": resources }] });
    let noted = |key: &str, value: &str| json!({ "metadata": { "annotations": { key: value } } });
    let account = noted("eks.amazonaws.com/role-arn", "backup");
    let mut token = noted("kubernetes.io/service-account.name", "operator");
    token["type"] = json!("kubernetes.io/service-account-token");
    let volume = |source: Value| {
        let mut volume = source;
        volume["name"] = json!("v");
        json!({ "serviceAccountName": "idle", "volumes": [volume] })
    };
    let claim = json!({ "persistentVolumeClaim": { "claimName": "data" } });
    let shop = Some("shop");
    vec![
        running("agent", json!({ "serviceAccountName": "agent", "hostPID": true })),
        running("operator", json!({ "serviceAccountName": "operator" })),
        running("web", json!({ "serviceAccountName": "web" })),
        running("backup", json!({ "serviceAccountName": "backup" })),
        running("database", volume(claim)),
        running("reader", volume(json!({ "secret": { "secretName": "token" } }))),
        object(
            RBAC,
            "ClusterRoleBinding",
            (None, "all"),
            bound(("ClusterRole", "cluster-admin"), "operator"),
        ),
        object(RBAC, "Role", (shop, "enter"), role(&["create"], "", &["pods/exec"])),
        object(RBAC, "RoleBinding", (shop, "enter"), bound(("Role", "enter"), "web")),
        object(RBAC, "Role", (shop, "start"), role(&["create"], "batch", &["jobs"])),
        object(RBAC, "RoleBinding", (shop, "start"), bound(("Role", "start"), "idle")),
        object("v1", "Namespace", (None, "shop"), json!({})),
        object("kyverno.io/v1", "ClusterPolicy", (None, "gate"), json!({ "spec": {} })),
        object("v1", "ServiceAccount", (shop, "backup"), account),
        object("v1", "Secret", (shop, "token"), token),
        object(
            "v1",
            "PersistentVolumeClaim",
            (shop, "data"),
            json!({ "spec": { "volumeName": "node" } }),
        ),
        object(
            "v1",
            "PersistentVolume",
            (None, "node"),
            json!({ "spec": { "hostPath": { "path": "/" } } }),
        ),
    ]
}

/// What leads to nodes and to those of the control plane: a pod that writes the logs which its account reads, one
/// that has the token of another account and is entered, one that is placed anywhere, and who takes the standard
/// from a namespace.
fn parts_of_nodes() -> Vec<Value> {
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    let bound = |role: &str, account: &str| {
        json!({
            "roleRef": { "kind": "Role", "name": role },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": "shop" }],
        })
    };
    let rule = |verbs: &[&str], group: &str, resource: &str| json!({ "verbs": verbs, "apiGroups": [group], "resources": [resource] });
    let role = |rules: &[Value]| json!({ "rules": rules });
    let shop = Some("shop");
    let mut admin = bound("cluster-admin", "operator");
    admin["roleRef"]["kind"] = json!("ClusterRole");
    let mut token = json!({ "type": "kubernetes.io/service-account-token" });
    token["metadata"]["annotations"] = json!({ "kubernetes.io/service-account.name": "operator" });
    let logs = json!([{ "name": "v", "hostPath": { "path": "/var/log" } }]);
    let secret = json!([{ "name": "v", "secret": { "secretName": "token" } }]);
    let anywhere = json!([{ "operator": "Exists" }]);
    let lifting = [rule(&["create"], "batch", "jobs"), rule(&["patch"], "", "namespaces")];
    let levels =
        json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "baseline" } } });
    vec![
        running("operator", json!({ "serviceAccountName": "operator" })),
        object(RBAC, "ClusterRoleBinding", (None, "all"), admin),
        running("logger", json!({ "serviceAccountName": "logger", "volumes": logs })),
        object(RBAC, "Role", (shop, "logs"), role(&[rule(&["get"], "", "pods/log")])),
        object(RBAC, "RoleBinding", (shop, "logs"), bound("logs", "logger")),
        running("enterer", json!({ "serviceAccountName": "enterer" })),
        object(RBAC, "Role", (shop, "enter"), role(&[rule(&["patch"], "", "pods")])),
        object(RBAC, "RoleBinding", (shop, "enter"), bound("enter", "enterer")),
        running("holder", json!({ "serviceAccountName": "holder", "volumes": secret })),
        object("v1", "Secret", (shop, "token"), token),
        running(
            "agent",
            json!({ "serviceAccountName": "agent", "hostPID": true, "tolerations": anywhere }),
        ),
        object(
            "v1",
            "Node",
            (None, "first"),
            json!({
                "metadata": { "labels": { "node-role.kubernetes.io/control-plane": "" } },
            }),
        ),
        running("lifter", json!({ "serviceAccountName": "lifter" })),
        object(RBAC, "Role", (shop, "lift"), role(&lifting)),
        object(RBAC, "RoleBinding", (shop, "lift"), bound("lift", "lifter")),
        object("v1", "Namespace", (None, "shop"), levels),
    ]
}

/// Who has built-in roles, one of which another role adds to and one the input holds itself, and who may bind a
/// role by its name.
fn parts_of_roles() -> Vec<Value> {
    const RBAC: &str = "rbac.authorization.k8s.io/v1";
    let bound = |kind: &str, role: &str, account: &str| {
        let body = json!({
            "roleRef": { "kind": "ClusterRole", "name": role },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": "shop" }],
        });
        object(RBAC, kind, (Some("shop").filter(|_| kind == "RoleBinding"), account), body)
    };
    let role = |name: &str, rules: Value| {
        object(RBAC, "ClusterRole", (None, name), json!({ "rules": rules }))
    };
    let rule = |verbs: &[&str], group: &str, resource: &str| json!({ "verbs": verbs, "apiGroups": [group], "resources": [resource] });
    let mut more = role("more", json!([rule(&["get"], "", "secrets")]));
    more["metadata"]["labels"] = json!({ "rbac.authorization.k8s.io/aggregate-to-view": "true" });
    let mut bind = rule(&["bind"], "rbac.authorization.k8s.io", "clusterroles");
    bind["resourceNames"] = json!(["supreme"]);
    let create = rule(&["create"], "rbac.authorization.k8s.io", "clusterrolebindings");
    vec![
        running("viewer", json!({ "serviceAccountName": "viewer" })),
        bound("RoleBinding", "view", "viewer"),
        more,
        running("editor", json!({ "serviceAccountName": "editor" })),
        bound("RoleBinding", "edit", "editor"),
        role("edit", json!([])),
        running("binder", json!({ "serviceAccountName": "binder" })),
        bound("ClusterRoleBinding", "binder", "binder"),
        role("binder", json!([bind, create])),
        role("supreme", json!([rule(&["*"], "*", "*")])),
    ]
}

#[test]
fn every_part_of_a_way_counts_when_it_goes_and_when_it_comes_back() {
    each_part_counts(&[parts(), parts_of_roles()].concat(), 4);
    each_part_counts(&parts_of_nodes(), 4);
}

/// Takes each part away and puts it back. All together tell at least some ways.
fn each_part_counts(parts: &[Value], at_least: usize) {
    let mut incremental = Incremental::new();
    let mut objects = BTreeMap::new();
    for part in parts {
        let identity = Identity::of(&Object::new(part).unwrap(), "".into());
        objects.insert(identity, living(part.clone()));
    }
    incremental.apply(parts.iter().cloned().map(put).collect());
    let ways = |evaluation: &Evaluation| {
        let told = evaluation
            .failures
            .iter()
            .filter(|it| matches!(it.check.id, "workload-escalation-path" | "workload-cloud-path"));
        told.map(|it| it.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(incremental.evaluation(), full(&objects));
    let all = ways(&incremental.evaluation());
    assert!(all.len() >= at_least, "{all:#?}");
    let mut alterations = 0;
    for part in parts {
        let identity = Identity::of(&Object::new(part).unwrap(), "".into());
        let kept = objects.remove(&identity).unwrap();
        incremental.apply(vec![Change::Remove(identity.clone())]);
        let expected = full(&objects);
        assert_eq!(difference(&incremental.evaluation(), &expected, &objects), "", "{identity:?}");
        alterations += usize::from(ways(&expected) != all);
        objects.insert(identity, kept);
        incremental.apply(vec![put(part.clone())]);
        assert_eq!(incremental.evaluation(), full(&objects));
    }
    assert!(alterations >= parts.len() / 2, "{alterations}");
}
