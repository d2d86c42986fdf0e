//! Checks on pods that belong elsewhere or should not run any more: the control plane's nodes, Tiller.

use airside_k8s::fields::{maps, text};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use serde_json::{Map, Value};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "control-plane-scheduling",
        title: "Pod may run on nodes of the control plane",
        why: "A program that leaves its container there is beside the keys of the API server and of etcd, and it takes CPU and memory from them.",
        fix: "Remove the toleration or the node selector.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["kyverno:other/restrict-controlplane-scheduling"],
        judge: Judge::Pod(control_plane),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  tolerations:
  - {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  tolerations:
  - {key: node.kubernetes.io/disk-pressure, operator: Exists, effect: NoSchedule}
",
    },
    Check {
        id: "tiller",
        title: "Tiller of Helm 2 runs in the cluster",
        why: "Tiller takes orders from whoever reaches its port, without asking who it is, and carries them out with the rights of an administrator.",
        fix: "Move the releases to Helm 3, which needs no server, and delete Tiller with its service and its binding.",
        severity: Severity::High,
        category: Category::SupplyChain,
        techniques: &[technique("T1210"), technique("T1072")],
        controls: &[],
        equivalents: &[
            "trivy:KSV-0102",
            "checkov:CKV_K8S_34",
            "kyverno:best-practices/disallow-helm-tiller",
        ],
        judge: Judge::Pod(tiller),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
  - {name: server, image: registry.example/helm/tiller:v2.16.1}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
  - {name: server, image: registry.example/shop/server:v2.16.1}
",
    },
    Check {
        id: "tiller-service",
        title: "The port of Tiller (Helm 2) is published",
        why: "Every pod of the cluster reaches Tiller through the Service and gives it orders, without credentials.",
        fix: "Delete the Service, and Tiller.",
        severity: Severity::High,
        category: Category::SupplyChain,
        techniques: &[technique("T1210")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_44"],
        judge: Judge::Object(&[("", "Service")], tiller_service),
        fails: r"apiVersion: v1
kind: Service
metadata: {name: server}
spec:
  selector: {name: tiller}
",
        passes: r"apiVersion: v1
kind: Service
metadata: {name: server}
spec:
  selector: {name: server}
",
    },
];

/// The taints, and labels, of nodes of the control plane.
const CONTROL_PLANE: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

fn is_control_plane(key: &str) -> bool {
    CONTROL_PLANE.contains(&key)
}

/// A DaemonSet with a toleration of everything is an agent of all nodes; anything else with one is told.
fn control_plane(pod: &Pod<'_>, report: &mut Report<'_>) {
    let is_agent = pod.object.kind() == "DaemonSet";
    for (index, toleration) in maps(pod.spec.fields, "tolerations") {
        let path = pod.path("tolerations").index(index);
        let exists = text(toleration, "operator") == Some("Exists");
        match text(toleration, "key") {
            Some(key) if is_control_plane(key) => {
                report.fail(path.key("key"), format!("the pod tolerates the taint {key}"));
            }
            None if exists && !is_agent && text(toleration, "effect") != Some("NoExecute") => {
                report.fail(path, "the pod tolerates every taint".to_owned());
            }
            _ => {}
        }
    }
    if let Some(selector) = pod.field("nodeSelector").and_then(Value::as_object) {
        for key in selector.keys().filter(|key| is_control_plane(key)) {
            report.fail(
                pod.path("nodeSelector").key(key),
                format!("the pod selects nodes with the label {key}"),
            );
        }
    }
}

fn has_tiller(text: &str) -> bool {
    text.to_ascii_lowercase().contains("tiller")
}

/// Tiller's image, a name that holds its name, or the label app=helm, which `helm init` gives it.
fn tiller(pod: &Pod<'_>, report: &mut Report<'_>) {
    for container in pod.containers() {
        if let Some(image) = container.container.image().filter(|image| has_tiller(image)) {
            report.fail(container.path("image"), format!("{} runs {image}", container.label()));
            return;
        }
    }
    let carrier = pod.spec.path.parent().unwrap_or_default();
    let template = pod.spec.metadata.and_then(|metadata| text(metadata, "name"));
    let labels = pod.spec.labels();
    let label = |name: &str| labels.and_then(|labels| text(labels, name));
    if has_tiller(pod.object.name()) {
        let path = FieldPath::of(&["metadata", "name"]);
        report.fail(path, format!("`{}` is Tiller by its name", pod.object.name()));
    } else if let Some(name) = template.filter(|name| has_tiller(name)) {
        let path = carrier.keys(&["metadata", "name"]);
        report.fail(path, format!("the pods are Tiller by their name, {name}"));
    } else if label("name").is_some_and(has_tiller) || label("app") == Some("helm") {
        let path = carrier.keys(&["metadata", "labels"]);
        report.fail(path, "the pods bear the labels of Tiller".to_owned());
    }
}

fn tiller_service(service: &Whole<'_>, report: &mut Report<'_>) {
    let object = service.object;
    let selector = service.spec("selector").and_then(Value::as_object);
    let in_values = |labels: Option<&Map<String, Value>>| {
        labels.is_some_and(|labels| labels.values().filter_map(Value::as_str).any(has_tiller))
    };
    let path = if has_tiller(object.name()) {
        FieldPath::of(&["metadata", "name"])
    } else if in_values(object.labels()) {
        FieldPath::of(&["metadata", "labels"])
    } else if in_values(selector) {
        FieldPath::of(&["spec", "selector"])
    } else {
        return;
    };
    report.fail(path, format!("the Service `{}` publishes Tiller", object.name()));
}
