//! Checks on PodDisruptionBudgets: whether there is one, and for which pods. What it asks for is
//! `budget_limits`'.

use airside_k8s::graph::replicas;
use airside_k8s::{Map, Object};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// The kind, also with the API version that its authors often write by mistake.
pub(super) const BUDGETS: &[(&str, &str)] =
    &[("policy", "PodDisruptionBudget"), ("", "PodDisruptionBudget")];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "disruption-budget-missing",
        title: "Nothing limits how many pods a node drain may stop",
        why: "Draining nodes for an upgrade evicts all pods of the workload at once when they happen to be on the drained nodes.",
        fix: "Add a PodDisruptionBudget that selects the pods, with maxUnavailable: 1 to begin with.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "polaris:missingPodDisruptionBudget",
            "kube-score:deployment-has-poddisruptionbudget",
            "kube-score:statefulset-has-poddisruptionbudget",
            "kyverno:other/require-pdb",
        ],
        judge: Judge::Pod(missing),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
",
    },
    Check {
        id: "disruption-budget-eviction-policy",
        title: "PodDisruptionBudget keeps pods that do not work",
        why: "By default a pod that is not ready may be evicted only while the budget is met: pods that crash block the drain of their node.",
        fix: "Set unhealthyPodEvictionPolicy to AlwaysAllow, or to IfHealthyBudget if this is meant.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:pdb-unhealthy-pod-eviction-policy"],
        judge: Judge::Object(BUDGETS, eviction_policy),
        fails: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1
  selector: {}
",
        passes: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1
  selector: {}
  unhealthyPodEvictionPolicy: AlwaysAllow
",
    },
    Check {
        id: "disruption-budget-selects-nothing",
        title: "PodDisruptionBudget protects no pod",
        why: "Its selector fits no pod of the namespace, so the pods that it was written for can be evicted all at once.",
        fix: "Make the selector fit the labels of the pods, in the same namespace.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["popeye:900"],
        judge: Judge::Object(BUDGETS, selects_nothing),
        fails: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: wep}}
",
        passes: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {}
",
    },
];

/// Whether a workload may have more than one pod. A count that the manifest leaves open may be anything:
/// an autoscaler or a person sets it.
pub(super) fn may_be_several(workload: &Object<'_>) -> bool {
    let is_replicated = matches!(
        (workload.group(), workload.kind()),
        ("" | "apps" | "extensions", "Deployment" | "StatefulSet")
            | ("apps.openshift.io", "DeploymentConfig")
            | ("argoproj.io", "Rollout")
    );
    is_replicated && replicas(workload).is_none_or(|count| count > 1)
}

pub(super) fn spec_path(name: &str) -> FieldPath {
    FieldPath::of(&["spec", name])
}

fn missing(pod: &Pod<'_>, report: &mut Report<'_>) {
    if !may_be_several(pod.object) {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("disruption budgets are other objects");
    }
    let mut budgets = pod.graph.budgets_selecting(pod.object.namespace(), pod.spec.labels());
    if budgets.next().is_none() {
        let labels = pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "labels"]);
        report.fail(labels, "no PodDisruptionBudget selects the pods".to_owned());
    }
}

/// The field exists since policy/v1.
fn eviction_policy(budget: &Whole<'_>, report: &mut Report<'_>) {
    let is_known = budget.object.version() == "v1";
    if is_known && budget.spec("unhealthyPodEvictionPolicy").is_none() {
        report.fail(
            spec_path("unhealthyPodEvictionPolicy"),
            "unhealthyPodEvictionPolicy is not set: pods that are not ready count as the others"
                .to_owned(),
        );
    }
}

fn selects_nothing(budget: &Whole<'_>, report: &mut Report<'_>) {
    let Some(selector) = budget.spec("selector") else { return };
    let is_empty = selector.as_object().is_some_and(Map::is_empty);
    if is_empty {
        return;
    }
    if budget.graph.is_single_object() {
        return report.undecided("the pods that the budget selects are other objects");
    }
    if !budget.graph.has_pods_selected(budget.object.namespace(), selector) {
        report.fail(spec_path("selector"), "the selector fits no pod".to_owned());
    }
}
