//! Checks on names in a pod that lead nowhere: service accounts, ConfigMaps, keys; and on monitors.

use airside_k8s::Object;
use airside_k8s::fields::{down, elements, field};
use airside_k8s::graph::{same_namespace, selects};
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod, Whole};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "service-account-missing",
        title: "Pod names a service account that does not exist",
        why: "The API server refuses to create the pods; and whoever creates the account later gives them its rights.",
        fix: "Add the ServiceAccount, or correct the name.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:non-existent-service-account",
            "kubescape:C-0307",
            "popeye:307",
        ],
        judge: Judge::Pod(account_missing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: wep}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {serviceAccountName: web}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: web}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {serviceAccountName: web}
",
    },
    Check {
        id: "config-map-missing",
        title: "Pod needs a ConfigMap that does not exist",
        why: "The container does not start until somebody creates it, and takes whatever it then says.",
        fix: "Add the ConfigMap, correct the name, or set optional: true where the program can do without.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:env-value-from"],
        judge: Judge::Container(config_map_missing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, envFrom: [{configMapRef: {name: wep}}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {MODE: fast}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, envFrom: [{configMapRef: {name: web}}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {MODE: fast}
",
    },
    Check {
        id: "config-key-missing",
        title: "Container needs a key that its ConfigMap or Secret does not have",
        why: "The container does not start.",
        fix: "Correct the key, add it, or set optional: true where the program can do without.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:env-value-from"],
        judge: Judge::Container(key_missing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env: [{name: MODE, valueFrom: {configMapKeyRef: {name: web, key: MOOD}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {MODE: fast}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env: [{name: MODE, valueFrom: {configMapKeyRef: {name: web, key: MODE}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {MODE: fast}
",
    },
    Check {
        id: "service-monitor-selects-nothing",
        title: "ServiceMonitor fits no Service",
        why: "Prometheus collects nothing, and alerts that build on these metrics stay silent.",
        fix: "Make selector fit the labels of the Service (not of the pods), and namespaceSelector its namespace.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:dangling-servicemonitor"],
        judge: Judge::Object(&[("monitoring.coreos.com", "ServiceMonitor")], monitor),
        fails: r"apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: wep}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
",
        passes: r"apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
",
    },
];

fn account_missing(pod: &Pod<'_>, report: &mut Report<'_>) {
    let by_name = |name| pod.field(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (field, name) = match (by_name("serviceAccountName"), by_name("serviceAccount")) {
        (Some(name), _) => ("serviceAccountName", name),
        (None, Some(name)) => ("serviceAccount", name),
        (None, None) => return,
    };
    if name == "default" {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("service accounts are other objects");
    }
    if pod.graph.service_account(pod.object.namespace(), name).is_none() {
        report.fail(pod.path(field), format!("there is no ServiceAccount `{name}`"));
    }
}

/// A reference to a ConfigMap or Secret that has to be there.
struct Source<'a> {
    path: FieldPath,
    kind: &'static str,
    name: &'a str,
    key: Option<&'a str>,
}

/// What the environment of a container is filled from.
fn sources<'a>(container: &ContainerOf<'a>) -> Vec<Source<'a>> {
    let mut found = Vec::new();
    for (list, below, forms) in [
        ("env", Some("valueFrom"), [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")]),
        ("envFrom", None, [("configMapRef", "ConfigMap"), ("secretRef", "Secret")]),
    ] {
        for (index, entry) in elements(container.field(list)).iter().enumerate() {
            let carrier = below.map_or(Some(entry), |below| entry.get(below));
            for (form, kind) in forms {
                let Some(reference) = carrier.and_then(|carrier| carrier.get(form)) else {
                    continue;
                };
                let text = |name| reference.get(name).and_then(Value::as_str);
                let is_optional = reference.get("optional") == Some(&Value::Bool(true));
                if let Some(name) = text("name").filter(|_| !is_optional) {
                    let path = container.path(list).index(index);
                    let path =
                        below.map_or_else(|| path.clone(), |below| path.key(below)).key(form);
                    found.push(Source { path, kind, name, key: text("key") });
                }
            }
        }
    }
    found
}

/// Secrets often come from elsewhere: operators, vaults, people. ConfigMaps hardly ever do, but Kustomize
/// makes them from files, and Kubernetes one for the certificates of its API.
fn config_map_missing(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    const BY_KUBERNETES: [&str; 2] = ["kube-root-ca.crt", "openshift-service-ca.crt"];
    let graph = container.pod.graph;
    for source in sources(container).into_iter().filter(|source| source.kind == "ConfigMap") {
        if BY_KUBERNETES.contains(&source.name) {
            continue;
        }
        if graph.is_single_object() {
            return report.undecided("ConfigMaps are other objects");
        }
        let namespace = container.pod.object.namespace();
        if graph.all_named("ConfigMap", namespace, source.name).next().is_none()
            && !is_generated(container, source.name)
        {
            report.fail(
                source.path,
                format!("{}: there is no ConfigMap `{}`", container.label(), source.name),
            );
        }
    }
}

/// Whether a Kustomization of the input generates the ConfigMap.
fn is_generated(container: &ContainerOf<'_>, name: &str) -> bool {
    let mut kustomizations =
        container.pod.graph.of_kind("kustomize.config.k8s.io", "Kustomization");
    kustomizations.any(|kustomization| {
        let generators = elements(kustomization.fields().get("configMapGenerator"));
        generators.iter().any(|made| made.get("name").and_then(Value::as_str) == Some(name))
    })
}

fn key_missing(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let graph = container.pod.graph;
    for source in sources(container) {
        let Some(key) = source.key else { continue };
        if graph.is_single_object() {
            return report.undecided("ConfigMaps and Secrets are other objects");
        }
        let namespace = container.pod.object.namespace();
        let mut found = graph.all_named(source.kind, namespace, source.name).peekable();
        if found.peek().is_some() && !found.any(|found| has_key(found, key)) {
            report.fail(
                source.path.key("key"),
                format!(
                    "{}: {} `{}` has no key `{key}`",
                    container.label(),
                    source.kind,
                    source.name
                ),
            );
        }
    }
}

/// A Secret without any content is filled by somebody else.
fn has_key(object: &Object<'_>, key: &str) -> bool {
    let parts = ["data", "binaryData", "stringData"];
    let mut maps = parts.iter().filter_map(|part| field(object.fields(), part)?.as_object());
    let is_empty = maps.clone().all(serde_json::Map::is_empty);
    (is_empty && object.kind() == "Secret") || maps.any(|map| map.contains_key(key))
}

fn monitor(monitor: &Whole<'_>, report: &mut Report<'_>) {
    let nothing = Value::Object(serde_json::Map::new());
    let selector = monitor.spec("selector").unwrap_or(&nothing);
    let chosen = monitor.spec("namespaceSelector");
    let any = chosen.and_then(|chosen| chosen.get("any")) == Some(&Value::Bool(true));
    let named = elements(chosen.and_then(|chosen| down(chosen, &["matchNames"])));
    let is_in_reach = |service: &Object<'_>| match service.namespace() {
        _ if any => true,
        Some(namespace) if !named.is_empty() => {
            named.iter().any(|name| name.as_str() == Some(namespace))
        }
        None if !named.is_empty() => true,
        namespace => same_namespace(namespace, monitor.object.namespace()),
    };
    if monitor.graph.is_single_object() {
        return report.undecided("the Services that the monitor selects are other objects");
    }
    // The control plane has Services of its own, in no repository.
    let of_cluster = |name: &Value| matches!(name.as_str(), Some("default" | "kube-system"));
    if !named.is_empty() && named.iter().all(of_cluster) {
        return;
    }
    let mut services = monitor.graph.of_kind("", "Service");
    if !services.any(|service| is_in_reach(service) && selects(selector, service.labels())) {
        report
            .fail(FieldPath::of(&["spec", "selector"]), "the selector fits no Service".to_owned());
    }
}
