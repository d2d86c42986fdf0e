//! Checks on autoscalers: what they scale, and between which counts.

use airside_k8s::Value;
use airside_k8s::graph::{lowest_count, replicas, scale_target};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const AUTOSCALERS: &[(&str, &str)] = &[("autoscaling", "HorizontalPodAutoscaler")];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "autoscaler-target-missing",
        title: "Autoscaler scales something that does not exist",
        why: "It does nothing: the workload that it was written for keeps its count of pods under any load.",
        fix: "Correct the kind and name in scaleTargetRef; the target must be in the same namespace.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:dangling-horizontalpodautoscaler",
            "kube-score:horizontalpodautoscaler-has-target",
            "kubescape:C-0300",
            "popeye:600",
        ],
        judge: Judge::Object(AUTOSCALERS, target_missing),
        fails: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: wep}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 3}
",
        passes: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 3}
",
    },
    Check {
        id: "autoscaler-minimum-one",
        title: "Autoscaler may go down to one pod",
        why: "With one pod, an eviction, a crash or an update of a node is an outage.",
        fix: "Set minReplicas to 2 or more.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["polaris:hpaMinAvailability", "kube-score:horizontalpodautoscaler-replicas"],
        judge: Judge::Object(AUTOSCALERS, |autoscaler, report| {
            if lowest_count(autoscaler.object).is_some_and(|count| count < 2) {
                few(autoscaler, report);
            }
        }),
        fails: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 9
",
        passes: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 2
  maxReplicas: 9
",
    },
    Check {
        id: "autoscaler-minimum-unset",
        title: "Autoscaler leaves its lowest count open",
        why: "It is one pod then: under little load an eviction or a crash is an outage.",
        fix: "Set minReplicas to the count that has to be there at any time.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:horizontalpodautoscaler-replicas"],
        judge: Judge::Object(AUTOSCALERS, |autoscaler, report| {
            if lowest_count(autoscaler.object).is_none() {
                report.fail(
                    FieldPath::of(&["spec", "minReplicas"]),
                    "minReplicas is not set, so it is 1".to_owned(),
                );
            }
        }),
        fails: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 9
",
        passes: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 9
",
    },
    Check {
        id: "autoscaler-minimum-below-three",
        title: "Autoscaler may go below three pods",
        why: "With three pods one may be updated while another one fails.",
        fix: "Set minReplicas to 3 where the service has to be there at any time.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:hpa-minimum-three-replicas"],
        judge: Judge::Object(AUTOSCALERS, |autoscaler, report| {
            if lowest_count(autoscaler.object).is_some_and(|count| count < 3) {
                few(autoscaler, report);
            }
        }),
        fails: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 2
  maxReplicas: 9
",
        passes: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 9
",
    },
    Check {
        id: "autoscaler-cannot-scale",
        title: "Autoscaler has one count only",
        why: "The lowest and the highest count are the same, so load changes nothing.",
        fix: "Set maxReplicas above minReplicas, or remove the autoscaler and set replicas.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["polaris:hpaMaxAvailability"],
        judge: Judge::Object(AUTOSCALERS, cannot_scale),
        fails: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 3
",
        passes: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 9
",
    },
    Check {
        id: "duplicate-autoscaler",
        title: "Two autoscalers scale the same workload",
        why: "Each undoes what the other one did: the count of pods jumps up and down.",
        fix: "Keep one of them; an autoscaler can have several metrics.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:other/prevent-duplicate-hpa:check-targetref-duplicates"],
        judge: Judge::Object(AUTOSCALERS, duplicate),
        fails: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cpu}
spec:
  minReplicas: 3
  maxReplicas: 9
  scaleTargetRef: {apiVersion: example.com/v1, kind: Shop, name: web}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: memory}
spec:
  minReplicas: 3
  maxReplicas: 9
  scaleTargetRef: {apiVersion: example.com/v1, kind: Shop, name: web}
",
        passes: r"apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cpu}
spec:
  minReplicas: 3
  maxReplicas: 9
  scaleTargetRef: {apiVersion: example.com/v1, kind: Shop, name: web}
",
    },
    Check {
        id: "autoscaled-replicas-set",
        title: "Manifest and autoscaler both set the count of pods",
        why: "Each time the manifest is applied, the count jumps back to the manifest's: under load pods are stopped that are needed.",
        fix: "Remove spec.replicas from the manifest.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:deployment-targeted-by-hpa-does-not-have-replicas-configured"],
        judge: Judge::Object(
            &[
                ("", "Deployment"),
                ("apps", "Deployment"),
                ("extensions", "Deployment"),
                ("apps", "StatefulSet"),
            ],
            replicas_set,
        ),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 3
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
",
    },
];

/// Targets of other kinds may be made by an operator.
fn target_missing(autoscaler: &Whole<'_>, report: &mut Report<'_>) {
    let Some((kind, name)) = scale_target(autoscaler.object) else { return };
    let groups: &[&str] = match kind {
        "Deployment" | "StatefulSet" | "ReplicaSet" => &["apps", "extensions", ""],
        "ReplicationController" => &[""],
        "DeploymentConfig" => &["apps.openshift.io"],
        _ => return,
    };
    if autoscaler.graph.is_single_object() {
        return report.undecided("what the autoscaler scales is another object");
    }
    let namespace = autoscaler.object.namespace();
    let found =
        groups.iter().any(|group| autoscaler.graph.find(group, kind, namespace, name).is_some());
    if !found {
        report.missing(
            FieldPath::of(&["spec", "scaleTargetRef", "name"]),
            name,
            format!("there is no {kind} `{name}`"),
        );
    }
}

/// Variants of one autoscaler, in files that are not meant to be applied together, have the same name.
fn duplicate(autoscaler: &Whole<'_>, report: &mut Report<'_>) {
    if autoscaler.graph.is_single_object() {
        return report.undecided("other autoscalers are other objects");
    }
    let other = autoscaler
        .graph
        .autoscalers_alike(autoscaler.object)
        .filter(|other| other.name() != autoscaler.object.name())
        .min_by_key(|other| (other.kind(), other.name()));
    if let Some(other) = other {
        report.fail(
            FieldPath::of(&["spec", "scaleTargetRef"]),
            format!("{} `{}` scales the same workload", other.kind(), other.name()),
        );
    }
}

fn few(autoscaler: &Whole<'_>, report: &mut Report<'_>) {
    let count = lowest_count(autoscaler.object).unwrap_or(1);
    report.fail(FieldPath::of(&["spec", "minReplicas"]), format!("minReplicas is {count}"));
}

fn cannot_scale(autoscaler: &Whole<'_>, report: &mut Report<'_>) {
    let Some(highest) = autoscaler.spec("maxReplicas").and_then(Value::as_u64) else { return };
    let lowest = lowest_count(autoscaler.object).unwrap_or(1);
    if lowest >= highest {
        report.fail(
            FieldPath::of(&["spec", "maxReplicas"]),
            format!("the lowest count is {lowest} and the highest {highest}"),
        );
    }
}

fn replicas_set(workload: &Whole<'_>, report: &mut Report<'_>) {
    let Some(count) = replicas(workload.object) else { return };
    if workload.graph.is_single_object() {
        return report.undecided("autoscalers are other objects");
    }
    let autoscalers = workload.graph.autoscalers_of(workload.object);
    let Some(autoscaler) = autoscalers.min_by_key(|found| (found.kind(), found.name())) else {
        return;
    };
    report.fail(
        FieldPath::of(&["spec", "replicas"]),
        format!(
            "replicas is {count}, and {} `{}` sets it too",
            autoscaler.kind(),
            autoscaler.name()
        ),
    );
}
