//! The objects of the live cluster: many small applications, each of five objects.

use std::fmt::Write;

use serde_json::{Value, json};

/// How many objects there are, namespaces included.
pub(crate) const COUNT: usize = APPLICATIONS * 5 + TEAMS;
const APPLICATIONS: usize = 396;
const TEAMS: usize = 20;

/// All objects, as manifests.
pub(crate) fn manifests() -> String {
    let teams = (0..TEAMS).map(|team| {
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": format!("team-{team}") } })
    });
    let applications = (0..APPLICATIONS).flat_map(application);
    teams.chain(applications).fold(String::new(), |mut text, object| {
        writeln!(text, "---\n{object}").unwrap();
        text
    })
}

/// The deployment of an application, which starts no pod.
pub(crate) fn deployment(number: usize, privileged: bool) -> Value {
    let name = format!("app-{number}");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(number),
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
    let metadata = metadata(number);
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

fn metadata(number: usize) -> Value {
    json!({ "name": format!("app-{number}"), "namespace": format!("team-{}", number % TEAMS) })
}
