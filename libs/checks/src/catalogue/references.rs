//! Checks on names in a pod that lead nowhere: service accounts, ConfigMaps; and on monitors. Keys are judged
//! with the secrets.

use airside_k8s::fields::{down, elements};
use airside_k8s::{Map, Value};
use airside_types::{FieldPath, Severity};

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
spec: {containers: [{name: web, image: web, envFrom: [{configMapRef: {name: wep}}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {MODE: fast}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: web, envFrom: [{configMapRef: {name: web}}]}]}
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
        let message = format!("there is no ServiceAccount `{name}`");
        report.missing(pod.path(field), name, message);
    }
}

/// The ConfigMaps that the environment of a container is filled from and that have to be there, with the paths
/// to their names. A container without an image is a patch, for objects that another one of its kind also
/// changes.
fn config_maps<'a>(container: &ContainerOf<'a>) -> Vec<(FieldPath, &'a str)> {
    const FORMS: [(&str, &[&str]); 2] =
        [("env", &["valueFrom", "configMapKeyRef"]), ("envFrom", &["configMapRef"])];
    let mut found = Vec::new();
    if container.container.image().is_none() {
        return found;
    }
    for (list, steps) in FORMS {
        for (index, entry) in elements(container.field(list)).iter().enumerate() {
            let Some(reference) = down(entry, steps) else { continue };
            let name = reference.get("name").and_then(Value::as_str);
            let is_optional = reference.get("optional") == Some(&Value::Bool(true));
            if let Some(name) = name.filter(|_| !is_optional) {
                found.push((container.path(list).index(index).keys(steps), name));
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
    for (path, name) in config_maps(container) {
        if BY_KUBERNETES.contains(&name) {
            continue;
        }
        if graph.is_single_object() {
            return report.undecided("ConfigMaps are other objects");
        }
        let namespace = container.pod.object.namespace();
        let is_there = graph.all_named("ConfigMap", namespace, name).next().is_some();
        if !is_there && !is_generated(container, name) {
            let message = format!("{}: there is no ConfigMap `{name}`", container.label());
            report.missing(path, name, message);
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

fn monitor(monitor: &Whole<'_>, report: &mut Report<'_>) {
    let nothing = Value::Object(Map::new());
    let selector = monitor.spec("selector").unwrap_or(&nothing);
    let chosen = monitor.spec("namespaceSelector");
    let any = chosen.and_then(|chosen| chosen.get("any")) == Some(&Value::Bool(true));
    let named = elements(chosen.and_then(|chosen| down(chosen, &["matchNames"])));
    let reach: Vec<Option<&str>> = match named {
        _ if any => vec![None],
        [] => vec![monitor.object.namespace()],
        named => named.iter().filter_map(Value::as_str).map(Some).collect(),
    };
    if monitor.graph.is_single_object() {
        return report.undecided("the Services that the monitor selects are other objects");
    }
    // The control plane has Services of its own, in no repository.
    let of_cluster = |name: &Value| matches!(name.as_str(), Some("default" | "kube-system"));
    if !named.is_empty() && named.iter().all(of_cluster) {
        return;
    }
    let graph = monitor.graph;
    if !reach.iter().any(|namespace| graph.has_services_labelled(*namespace, selector)) {
        report
            .fail(FieldPath::of(&["spec", "selector"]), "the selector fits no Service".to_owned());
    }
}
