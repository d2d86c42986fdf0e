//! Checks on Tiller, the server of Helm 2, which takes orders from anybody.

use airside_k8s::fields::{text, texts};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod, Whole};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
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
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
  - {name: server, image: registry.example/helm/tiller:v2.16.1, args: ["--listen=localhost:44134"]}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
  - {name: server, image: registry.example/shop/server:v2.16.1, args: ["--listen=localhost:44134"]}
"#,
    },
    Check {
        id: "tiller-reachable",
        title: "Tiller (Helm 2) listens to every pod",
        why: "Without --listen on the loopback address, whoever runs a pod in the cluster gives Tiller orders, without credentials.",
        fix: "Delete Tiller; until then start it with --listen=localhost:44134.",
        severity: Severity::High,
        category: Category::SupplyChain,
        techniques: &[technique("T1210")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_45"],
        judge: Judge::Container(reachable),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
  - {name: server, image: registry.example/helm/tiller:v2.16.1}
",
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
  - {name: server, image: registry.example/helm/tiller:v2.16.1, args: ["--listen=localhost:44134"]}
"#,
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

fn reachable(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if !container.container.image().is_some_and(has_tiller) {
        return;
    }
    let fields = container.container.fields;
    let mut words = texts(fields, "command").chain(texts(fields, "args"));
    let is_local = words.any(|(_, word)| {
        let address = word.strip_prefix("--listen=").or_else(|| word.strip_prefix("-listen="));
        address.unwrap_or(word).starts_with("localhost:")
            || address.unwrap_or(word).starts_with("127.0.0.1:")
    });
    if !is_local {
        report.fail(
            container.path("args"),
            format!("{} runs Tiller without --listen=localhost:44134", container.label()),
        );
    }
}

fn tiller_service(service: &Whole<'_>, report: &mut Report<'_>) {
    let object = service.object;
    let selector = service.spec("selector").and_then(Value::as_object);
    let in_values = |labels: Option<&Map>| {
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
