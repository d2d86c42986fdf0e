//! Checks on what workloads say twice: selectors and labels, variables, the name of the service account.

use std::collections::BTreeMap;

use airside_k8s::Value;
use airside_k8s::fields::maps;
use airside_k8s::graph::{labels_match, selects};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "selector-mismatch",
        title: "Workload does not select its own pods",
        why: "The API server refuses the object, since it would start pods without end.",
        fix: "Make spec.selector and the labels of spec.template agree.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:mismatching-selector",
            "kubescape:C-0296",
            "kube-score:deployment-pod-selector-labels-match-template-metadata-labels",
            "kube-score:statefulset-pod-selector-labels-match-template-metadata-labels",
        ],
        judge: Judge::Pod(mismatch),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: wep}}, spec: {}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: wep}}
  template: {metadata: {labels: {app: wep}}, spec: {}}
",
    },
    Check {
        id: "duplicate-variable",
        title: "Environment variable is given twice",
        why: "The last one wins, so the one before it says something that is not so.",
        fix: "Remove the one that stands first; the program runs with the last one.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:duplicate-env-var",
            "kube-score:environment-variable-key-duplication",
            "kubescape:C-0295",
        ],
        judge: Judge::Container(duplicate_variable),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, env: [{name: MODE, value: "1"}, {name: MODE, value: "2"}]}]}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, env: [{name: MODE, value: "1"}, {name: MOOD, value: "2"}]}]}
"#,
    },
    Check {
        id: "deprecated-service-account-field",
        title: "Pod names its service account in a field of old",
        why: "serviceAccount is only kept for old clients: checks and policies that read serviceAccountName see the default account.",
        fix: "Write serviceAccountName instead.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:deprecated-service-account-field", "kubescape:C-0294"],
        judge: Judge::Pod(old_account_field),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccount: default}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {serviceAccountName: default}
",
    },
];

/// The old kinds select by plain labels, and select their template's labels where nothing is given.
fn mismatch(pod: &Pod<'_>, report: &mut Report<'_>) {
    let selector = pod.object.fields().get("spec").and_then(|spec| spec.get("selector"));
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else { return };
    let labels = pod.spec.labels();
    let fits = match (pod.object.group(), pod.object.kind()) {
        ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet") => {
            selects(selector, labels)
        }
        ("argoproj.io", "Rollout")
        | ("apps.kruise.io", "CloneSet" | "DaemonSet" | "StatefulSet")
            if pod.spec.path == FieldPath::of(&["spec", "template", "spec"]) =>
        {
            selects(selector, labels)
        }
        ("", "ReplicationController") | ("apps.openshift.io", "DeploymentConfig") => {
            selector.as_object().is_none_or(|wanted| labels_match(wanted, labels))
        }
        _ => return,
    };
    if !fits {
        report.fail(
            FieldPath::of(&["spec", "selector"]),
            "spec.selector does not fit the labels of spec.template".to_owned(),
        );
    }
}

/// The one that does not count is told, since that is the one to remove.
fn duplicate_variable(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let variables = maps(container.container.fields, "env");
    let named: Vec<(&str, usize)> =
        variables.filter_map(|(index, it)| Some((it.get("name")?.as_str()?, index))).collect();
    let last: BTreeMap<&str, usize> = named.iter().copied().collect();
    for (name, index) in named {
        if last.get(name).is_some_and(|last| *last != index) {
            report.fail(
                container.path("env").index(index).key("name"),
                format!(
                    "{} has the variable {name} again further down, and that value wins",
                    container.label()
                ),
            );
        }
    }
}

/// The API server itself fills both fields, so both together say nothing.
fn old_account_field(pod: &Pod<'_>, report: &mut Report<'_>) {
    let has =
        |name: &str| pod.field(name).and_then(Value::as_str).filter(|account| !account.is_empty());
    if let (Some(account), None) = (has("serviceAccount"), has("serviceAccountName")) {
        report.fail(
            pod.path("serviceAccount"),
            format!("the service account `{account}` is named in serviceAccount"),
        );
    }
}
