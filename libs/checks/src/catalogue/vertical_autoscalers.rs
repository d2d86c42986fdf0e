//! Checks on VerticalPodAutoscalers: whether what they resize exists, and is theirs alone.

use airside_k8s::fields::down;
use airside_k8s::{Object, Value};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "vertical-autoscaler-target-missing",
        title: "Vertical autoscaler resizes something that does not exist",
        why: "The autoscaler does nothing, and nobody is told.",
        fix: "Correct targetRef, or add the workload to what is applied.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:other/verify-vpa-target"],
        judge: Judge::Object(VERTICAL, target_missing),
        fails: r"apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
",
        passes: r"apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
",
    },
    Check {
        id: "duplicate-vertical-autoscaler",
        title: "Two vertical autoscalers resize the same workload",
        why: "Only one of them takes effect, and which one is not said; the other's bounds mean nothing.",
        fix: "Keep one VerticalPodAutoscaler for each workload.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:other/prevent-duplicate-vpa"],
        judge: Judge::Object(VERTICAL, duplicate),
        fails: r"apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web-again}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
",
        passes: r"apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web}
spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
",
    },
];

const GROUP: &str = "autoscaling.k8s.io";

const KIND: &str = "VerticalPodAutoscaler";

const VERTICAL: &[(&str, &str)] = &[(GROUP, KIND)];

/// Kind and name of what an autoscaler resizes.
fn target<'a>(autoscaler: &Object<'a>) -> Option<(&'a str, &'a str)> {
    let text = |field| down(autoscaler.value(), &["spec", "targetRef", field])?.as_str();
    Some((text("kind")?, text("name")?))
}

fn api_group<'a>(autoscaler: &Object<'a>) -> &'a str {
    let version = down(autoscaler.value(), &["spec", "targetRef", "apiVersion"]);
    let version = version.and_then(Value::as_str).unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

/// Kinds of others are often made by a program, and then in no manifest.
fn target_missing(autoscaler: &Whole<'_>, report: &mut Report<'_>) {
    let (object, graph) = (autoscaler.object, autoscaler.graph);
    let Some((kind, name)) = target(object) else { return };
    let group = api_group(object);
    if !matches!(group, "apps" | "batch" | "") {
        return;
    }
    if graph.is_single_object() {
        return report.undecided("the workload is another object");
    }
    if graph.find(group, kind, object.namespace(), name).is_none() {
        report.fail(
            FieldPath::of(&["spec", "targetRef", "name"]),
            format!("there is no {kind} `{name}`"),
        );
    }
}

fn duplicate(autoscaler: &Whole<'_>, report: &mut Report<'_>) {
    let (object, graph) = (autoscaler.object, autoscaler.graph);
    if graph.is_single_object() {
        return report.undecided("other autoscalers are other objects");
    }
    let Some(resized) = target(object) else { return };
    let other = graph
        .of_kind_in(GROUP, KIND, object.namespace())
        .filter(|other| other.name() != object.name() && target(other) == Some(resized))
        .map(|other| other.name())
        .min();
    if let Some(other) = other {
        report.fail(
            FieldPath::of(&["spec", "targetRef"]),
            format!("{KIND} `{other}` resizes the same workload"),
        );
    }
}
