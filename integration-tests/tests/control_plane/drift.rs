//! What is added to live objects: nothing is told while nobody touches them, and each addition by its field.
//!
//! Owns the additions. Which fields Kubernetes adds by itself, this control plane shows.

use std::path::Path;

use serde_json::{Value, json};

use crate::binaries::ControlPlaneBinaries;
use crate::cluster::{Cluster, SETUP};
use crate::live::scan;
use crate::say;

const MANIFESTS: &str = include_str!("manifests/drift.yaml");

/// An object, the place of what is added to it (a JSON pointer) and the value, and how that is told.
const ADDITIONS: [(&str, &str, &str, &str); 17] = [
    ("configmap/keys", "/data/run.sh", r#""true""#, r#"data["run.sh"]"#),
    (
        "daemonset/lamps",
        "/spec/template/spec/volumes",
        r#"[{"name": "root", "hostPath": {"path": "/"}}]"#,
        "spec.template.spec.volumes[0] (root)",
    ),
    (
        "deployment/keys",
        "/spec/template/spec/containers/0/env/-",
        r#"{"name": "LD_PRELOAD", "value": "/evil.so"}"#,
        "spec.template.spec.containers[0].env[2] (LD_PRELOAD)",
    ),
    (
        "horizontalpodautoscaler/ledger",
        "/metadata/annotations/lockers.example~1note",
        r#""x""#,
        r#"metadata.annotations["lockers.example/note"]"#,
    ),
    ("ingress/keys", "/spec/rules", r#"[{"host": "eve.example"}]"#, "spec.rules[0]"),
    ("job/count", "/spec/activeDeadlineSeconds", "600", "spec.activeDeadlineSeconds"),
    (
        "limitrange/sizes",
        "/spec/limits/-",
        r#"{"type": "Pod", "max": {"memory": "9Gi"}}"#,
        "spec.limits[1]",
    ),
    ("namespace/lockers", "/metadata/labels", r#"{"team": "eve"}"#, "metadata.labels.team"),
    ("networkpolicy/keys", "/spec/ingress/-", "{}", "spec.ingress[1]"),
    ("persistentvolumeclaim/spool", "/metadata/labels", r#"{"a": "b"}"#, "metadata.labels.a"),
    (
        "pod/door",
        "/spec/tolerations/-",
        r#"{"key": "dedicated", "operator": "Exists"}"#,
        "spec.tolerations[2]",
    ),
    (
        "role/keys",
        "/rules/-",
        r#"{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}"#,
        "rules[1]",
    ),
    (
        "rolebinding/keys",
        "/subjects/-",
        r#"{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve"}"#,
        "subjects[1] (eve)",
    ),
    ("service/keys", "/spec/externalIPs", r#"["203.0.113.7"]"#, "spec.externalIPs[0]"),
    (
        "serviceaccount/keys",
        "/imagePullSecrets",
        r#"[{"name": "eve"}]"#,
        "imagePullSecrets[0] (eve)",
    ),
    (
        "statefulset/ledger",
        "/spec/template/spec/initContainers",
        r#"[{"name": "miner", "image": "miner:1"}]"#,
        "spec.template.spec.initContainers[0] (miner)",
    ),
    (
        "validatingwebhookconfiguration/lockers-gate",
        "/webhooks/0/objectSelector",
        r#"{"matchLabels": {"checked": "yes"}}"#,
        "webhooks[0].objectSelector.matchLabels.checked",
    ),
];

/// Applies the manifests, and adds something to each object.
pub(crate) async fn play(binaries: &ControlPlaneBinaries) {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("lockers.yaml");
    std::fs::write(&manifests, MANIFESTS).unwrap();
    let cluster = Cluster::start(binaries, folder.path(), None, &[]).await;
    let kubeconfig = cluster.kubeconfig(&SETUP.token());
    let kubectl = cluster.kubectl(&SETUP).await;
    kubectl.apply(MANIFESTS).await;

    let untouched = comparison(&kubeconfig, &manifests);
    assert_eq!(drifted(&untouched), [""; 0]);
    let count = MANIFESTS.split("\n---\n").count();
    assert_eq!(authorised(&untouched).count(), count);
    assert_eq!(untouched["not_in_the_cluster"], json!([]));
    let not_compared = |name: &str| {
        let object = authorised(&untouched).find(|it| it["resource"]["kind"] == name).unwrap();
        object["not_compared"].clone()
    };
    assert_eq!(not_compared("Deployment")["credentials"], 1);
    assert_eq!(not_compared("Secret")["content"], true);

    for (object, pointer, value, _) in ADDITIONS {
        let patch = format!(r#"[{{"op": "add", "path": "{pointer}", "value": {value}}}]"#);
        kubectl
            .must(&["--namespace=lockers", "patch", object, "--type=json", "--patch", &patch], "")
            .await;
    }
    let mut expected: Vec<String> =
        ADDITIONS.iter().map(|(object, _, _, told)| format!("{object}: {told}")).collect();
    expected.sort();
    let touched = comparison(&kubeconfig, &manifests);
    assert_eq!(drifted(&touched), expected);
    assert_eq!(authorised(&touched).count(), count - ADDITIONS.len());
    say(&format!("{count} objects untouched: no drift; {} additions, each told", ADDITIONS.len()));
}

fn comparison(kubeconfig: &Path, manifests: &Path) -> Value {
    let manifests = manifests.to_str().unwrap();
    let (text, _) = scan(kubeconfig, &["--exit-zero", "--output", "json", manifests]);
    serde_json::from_str(&text).unwrap()
}

fn authorised(told: &Value) -> impl Iterator<Item = &Value> {
    told["objects"].as_array().unwrap().iter().filter(|it| it["standing"] == "authorised")
}

/// Each object that has drifted with the fields that were added, in order.
fn drifted(told: &Value) -> Vec<String> {
    let objects = told["objects"].as_array().unwrap().iter();
    let mut drifted: Vec<String> = objects
        .filter(|it| it["standing"] == "drifted")
        .map(|it| {
            let fields: Vec<String> =
                it["drifted"].as_array().unwrap().iter().map(told_field).collect();
            let (kind, name) = (&it["resource"]["kind"], &it["resource"]["name"]);
            let kind = kind.as_str().unwrap().to_lowercase();
            format!("{kind}/{}: {}", name.as_str().unwrap(), fields.join(", "))
        })
        .collect();
    drifted.sort();
    drifted
}

fn told_field(drift: &Value) -> String {
    let field = drift["field"].as_str().unwrap();
    match (&drift["change"], drift["name"].as_str()) {
        (change, Some(name)) if change == "added" => format!("{field} ({name})"),
        (change, None) if change == "added" => field.to_owned(),
        _ => format!("{field} changed"),
    }
}
