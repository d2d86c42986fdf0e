//! The objects of the live cluster: small applications of five objects each, and settings beside them.

use std::fmt::Write;

use serde_json::{Value, json};

/// How many objects there are, namespaces included.
pub(crate) const COUNT: usize = TEAMS + APPLICATIONS * 5 + SETTINGS;
const TEAMS: usize = 20;
const APPLICATIONS: usize = 150;
const SETTINGS: usize = 1_230;

/// An object, and where it is created.
pub(crate) type Placed = (String, Value);

/// The namespaces, which have to be there before the rest.
pub(crate) fn namespaces() -> Vec<Placed> {
    let team = |team| {
        let metadata = json!({ "name": format!("team-{team}") });
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata })
    };
    (0..TEAMS).map(|number| ("/api/v1/namespaces".to_owned(), team(number))).collect()
}

/// Everything in the namespaces.
pub(crate) fn objects() -> Vec<Placed> {
    let settings = (0..SETTINGS).map(|number| {
        let metadata = named("settings", number);
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "LEVEL": "info" } })
    });
    (0..APPLICATIONS).flat_map(application).chain(settings).map(placed).collect()
}

/// All of them, as manifests.
pub(crate) fn manifests() -> String {
    let all = namespaces().into_iter().chain(objects());
    all.fold(String::new(), |mut text, (_, object)| {
        writeln!(text, "---\n{object}").unwrap();
        text
    })
}

fn placed(object: Value) -> Placed {
    let (api, plural) = match object["kind"].as_str().unwrap() {
        "Deployment" => ("apis/apps/v1", "deployments"),
        "Role" => ("apis/rbac.authorization.k8s.io/v1", "roles"),
        "ConfigMap" => ("api/v1", "configmaps"),
        "ServiceAccount" => ("api/v1", "serviceaccounts"),
        "Service" => ("api/v1", "services"),
        kind => panic!("where are objects of the kind {kind}?"),
    };
    let namespace = object["metadata"]["namespace"].as_str().unwrap();
    (format!("/{api}/namespaces/{namespace}/{plural}"), object)
}

/// The deployment of an application, which starts no pod.
pub(crate) fn deployment(number: usize, privileged: bool) -> Value {
    let name = format!("app-{number}");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": named("app", number),
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "serviceAccountName": name,
                    "containers": [{
                        "name": "main", "image": "registry.shop.example/app:1.2.0",
                        "envFrom": [{ "configMapRef": { "name": name } }],
                        "resources": { "limits": { "cpu": "1000m", "memory": "1Gi" } },
                        "securityContext": { "privileged": privileged },
                    }],
                },
            },
        },
    })
}

fn application(number: usize) -> [Value; 5] {
    let name = format!("app-{number}");
    let metadata = named("app", number);
    [
        deployment(number, false),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "MODE": "fast" },
        }),
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": { "selector": { "app": name }, "ports": [{ "port": 80 }] },
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
            "rules": [{
                "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"],
                "resourceNames": [name],
            }],
        }),
    ]
}

fn named(name: &str, number: usize) -> Value {
    json!({ "name": format!("{name}-{number}"), "namespace": format!("team-{}", number % TEAMS) })
}
