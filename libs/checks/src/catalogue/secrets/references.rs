//! Checks on what refers to Secrets and ConfigMaps: nothing at all, or a key that is not there.

use airside_k8s::Value;
use airside_k8s::graph::{Referent, keys, references};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "orphaned-secret",
        title: "Nothing refers to the Secret",
        why: "A credential that nobody uses is not missed when it is stolen, and nobody rotates it.",
        fix: "Delete the Secret, or correct the name where it is meant to be used.",
        severity: Severity::Info,
        category: Category::Secrets,
        techniques: &[],
        controls: &[],
        equivalents: &["popeye:400"],
        judge: Judge::Object(&[("", "Secret")], |secret, report| {
            orphaned(secret, Referent::Secret, report);
        }),
        fails: r"apiVersion: v1
kind: Secret
metadata: {name: database}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, secret: {secretName: data-base}}]}
",
        passes: r"apiVersion: v1
kind: Secret
metadata: {name: database}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, secret: {secretName: database}}]}
",
    },
    Check {
        id: "orphaned-config-map",
        title: "Nothing refers to the ConfigMap",
        why: "Configuration that nobody reads misleads: who changes it expects an effect.",
        fix: "Delete the ConfigMap, or correct the name where it is meant to be used.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["popeye:400"],
        judge: Judge::Object(&[("", "ConfigMap")], |map, report| {
            orphaned(map, Referent::ConfigMap, report);
        }),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, configMap: {name: set-tings}}]}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, configMap: {name: settings}}]}
",
    },
    Check {
        id: "missing-secret-key",
        title: "Pod asks for a key that its Secret does not have",
        why: "The container does not start: the kubelet waits for the key.",
        fix: "Add the key to the Secret or correct its name; set optional where the pod can do without.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:env-value-from"],
        judge: Judge::Pod(|pod, report| missing_keys(pod, Referent::Secret, report)),
        fails: r"apiVersion: v1
kind: Secret
metadata: {name: database}
data: {user: ''}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, secret: {secretName: database, items: [{key: usr, path: u}]}}]}
",
        passes: r"apiVersion: v1
kind: Secret
metadata: {name: database}
data: {user: ''}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, secret: {secretName: database, items: [{key: user, path: u}]}}]}
",
    },
    Check {
        id: "missing-config-map-key",
        title: "Pod asks for a key that its ConfigMap does not have",
        why: "The container does not start: the kubelet waits for the key.",
        fix: "Add the key to the ConfigMap or correct its name; set optional where the pod can do without.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:env-value-from"],
        judge: Judge::Pod(|pod, report| missing_keys(pod, Referent::ConfigMap, report)),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, configMap: {name: settings, items: [{key: colour, path: c}]}}]}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {volumes: [{name: words, configMap: {name: settings, items: [{key: color, path: c}]}}]}
",
    },
];

/// Labels that say what an object is, not who shall find it by them.
const PLAIN_LABELS: [&str; 12] = [
    "app",
    "chart",
    "component",
    "heritage",
    "instance",
    "k8s-app",
    "name",
    "part-of",
    "release",
    "tier",
    "version",
    "environment",
];

fn orphaned(whole: &Whole<'_>, to: Referent, report: &mut Report<'_>) {
    let (object, graph) = (whole.object, whole.graph);
    if object.name().is_empty() || is_found_otherwise(whole) {
        return;
    }
    if graph.is_single_object() {
        report.undecided("what refers to a Secret or ConfigMap is not known at admission");
        return;
    }
    let namespace = object.namespace();
    if graph.has_pods_in(namespace)
        && !graph.is_mentioned(object)
        && !graph.has_reader_in(to, namespace)
    {
        let (kind, name) = (to.kind(), object.name());
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("nothing in the input mentions {kind} `{name}`"),
        );
    }
}

/// Whether an object is read without being named: by its labels, by its type, or because its name is known.
fn is_found_otherwise(whole: &Whole<'_>) -> bool {
    let object = whole.object;
    let is_plain = |label: &str| {
        label.starts_with("app.kubernetes.io/")
            || label.starts_with("helm.sh/")
            || PLAIN_LABELS.contains(&label)
    };
    let has_label = object.labels().is_some_and(|labels| !labels.keys().all(is_plain));
    let kind = object.fields().get("type").and_then(Value::as_str).unwrap_or_default();
    let is_typed = kind.contains('/') && !kind.starts_with("kubernetes.io/")
        || kind == "kubernetes.io/service-account-token";
    let is_system = matches!(object.namespace(), Some("kube-system" | "kube-public"));
    has_label || is_typed || is_system || object.name() == "kube-root-ca.crt"
}

fn missing_keys(pod: &Pod<'_>, to: Referent, report: &mut Report<'_>) {
    let namespace = pod.object.namespace();
    // A patch of kustomize, whose Secrets another overlay changes too.
    if pod.spec.containers.iter().any(|container| container.image().is_none()) {
        return;
    }
    for reference in references(pod.spec) {
        let Some(key) = reference.key.filter(|_| reference.to == to && !reference.is_optional)
        else {
            continue;
        };
        if pod.graph.is_single_object() {
            report.undecided("the keys of Secrets and ConfigMaps are not known at admission");
            return;
        }
        let objects = pod.graph.referred(to, namespace, reference.name);
        // Several of one name are variants of which one will be applied.
        let [object] = objects.as_slice() else { continue };
        let keys = keys(object);
        // What holds nothing yet is filled by somebody else.
        if !keys.is_empty() && !keys.contains(&key) {
            let (kind, name) = (to.kind(), reference.name);
            report.fail(reference.path, format!("{kind} `{name}` has no key `{key}`"));
        }
    }
}
