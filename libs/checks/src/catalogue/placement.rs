//! Checks on how many pods a workload has and how they are spread over nodes and zones.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_k8s::graph::{replicas, selects};
use airside_types::{FieldPath, Severity};

use super::disruption::may_be_several;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// Kinds whose count of pods their author chooses freely.
const COUNTED: &[(&str, &str)] = &[
    ("apps", "Deployment"),
    ("extensions", "Deployment"),
    ("", "Deployment"),
    ("apps.openshift.io", "DeploymentConfig"),
];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "single-replica",
        title: "Workload has one pod only",
        why: "An eviction, a crash or an update of its node is an outage.",
        fix: "Set replicas to 2 or more, or add an autoscaler; where the program cannot run twice, accept the finding.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "polaris:deploymentMissingReplicas",
            "kube-score:deployment-replicas",
            "kyverno:other/require-deployments-have-multiple-replicas",
            "kyverno:other/deployment-has-multiple-replicas",
        ],
        judge: Judge::Object(COUNTED, |workload, report| fewer_than(workload, 2, report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 1}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 2}
",
    },
    Check {
        id: "fewer-than-three-replicas",
        title: "Workload has fewer than three pods",
        why: "With three pods one may be updated while another one fails.",
        fix: "Set replicas to 3 where the service has to be there at any time.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:minimum-three-replicas"],
        judge: Judge::Object(COUNTED, |workload, report| fewer_than(workload, 3, report)),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 2}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 3}
",
    },
    Check {
        id: "pods-on-one-node",
        title: "All pods of a workload may run on one node",
        why: "When the node fails, all of them are gone at once, and the count of pods was no help.",
        fix: "Add a podAntiAffinity term or a topologySpreadConstraint with the topologyKey kubernetes.io/hostname that selects the workload's own pods.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:no-anti-affinity",
            "kube-score:deployment-has-host-podantiaffinity",
            "kube-score:statefulset-has-host-podantiaffinity",
        ],
        judge: Judge::Pod(on_one_node),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web}]
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: wep}}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web}]
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}
",
    },
    Check {
        id: "topology-spread-missing",
        title: "Pods are not told to spread",
        why: "The scheduler may place them all in one zone or on one node, and what takes that down takes all of them down.",
        fix: "Add topologySpreadConstraints for topology.kubernetes.io/zone and kubernetes.io/hostname.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "polaris:topologySpreadConstraint",
            "kyverno:other/topologyspreadconstraints-policy",
        ],
        judge: Judge::Pod(spread_missing),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web}]
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web}]
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
        labelSelector: {matchLabels: {app: web}}
",
    },
    Check {
        id: "topology-spread-invalid",
        title: "Constraint for spreading the pods says nothing",
        why: "Without a selector it counts no pod, and with other values that Kubernetes does not know the pod is refused.",
        fix: "Set maxSkew to 1 or more, a topologyKey, a labelSelector for the workload's own pods, and DoNotSchedule or ScheduleAnyway.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:pod-topology-spread-constraints"],
        judge: Judge::Pod(spread_invalid),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: zone
    whenUnsatisfiable: DoNotSchedule
    labelSelector: {matchLabels: {app: web}}
",
    },
];

/// An autoscaler's counts are judged by checks of their own.
fn fewer_than(workload: &Whole<'_>, wanted: u64, report: &mut Report<'_>) {
    let written = replicas(workload.object);
    let count = written.unwrap_or(1);
    // 0 is switched off.
    if count >= wanted || count == 0 {
        return;
    }
    if workload.graph.is_single_object() {
        return report.undecided("an autoscaler may set the count of pods, and is another object");
    }
    if workload.graph.autoscalers_of(workload.object).next().is_some() {
        return;
    }
    let how = if written.is_some() { "" } else { ", since it is not set" };
    report.fail(FieldPath::of(&["spec", "replicas"]), format!("replicas is {count}{how}"));
}

fn on_one_node(pod: &Pod<'_>, report: &mut Report<'_>) {
    if !may_be_several(pod.object) || keeps_apart(pod) {
        return;
    }
    let spreads = elements(pod.field("topologySpreadConstraints")).iter().any(|constraint| {
        is_host(constraint)
            && constraint.get("labelSelector").is_some_and(|own| selects(own, pod.spec.labels()))
    });
    if !spreads {
        report.fail(
            pod.spec.path.keys(&["affinity", "podAntiAffinity"]),
            "nothing keeps the pods on different nodes".to_owned(),
        );
    }
}

/// Whether a term of the pod's anti-affinity, required or preferred, is about its own kind.
fn keeps_apart(pod: &Pod<'_>) -> bool {
    let rules = pod.field("affinity").and_then(|affinity| down(affinity, &["podAntiAffinity"]));
    let Some(rules) = rules else { return false };
    let required = elements(rules.get("requiredDuringSchedulingIgnoredDuringExecution")).iter();
    let preferred = elements(rules.get("preferredDuringSchedulingIgnoredDuringExecution"))
        .iter()
        .filter_map(|preference| preference.get("podAffinityTerm"));
    required.chain(preferred).any(|term| {
        is_host(term)
            && term.get("labelSelector").is_some_and(|own| selects(own, pod.spec.labels()))
            && is_for(term, pod.object.namespace())
    })
}

fn is_host(term: &Value) -> bool {
    term.get("topologyKey").and_then(Value::as_str) == Some("kubernetes.io/hostname")
}

/// Whether a term is about pods of a namespace: by default it is about those of its own.
fn is_for(term: &Value, namespace: Option<&str>) -> bool {
    if term.get("namespaceSelector").is_some_and(|selector| !selector.is_null()) {
        return true;
    }
    let listed = elements(term.get("namespaces"));
    namespace.is_none()
        || listed.is_empty()
        || listed.iter().any(|listed| listed.as_str() == namespace)
}

fn spread_missing(pod: &Pod<'_>, report: &mut Report<'_>) {
    let is_set = !elements(pod.field("topologySpreadConstraints")).is_empty();
    if may_be_several(pod.object) && !is_set {
        report.fail(
            pod.path("topologySpreadConstraints"),
            "there are no topologySpreadConstraints".to_owned(),
        );
    }
}

fn spread_invalid(pod: &Pod<'_>, report: &mut Report<'_>) {
    let constraints = elements(pod.field("topologySpreadConstraints"));
    for (index, constraint) in constraints.iter().enumerate() {
        if let Some((field, problem)) = problem_of(constraint) {
            report.fail(
                pod.path("topologySpreadConstraints").index(index).key(field),
                problem.to_owned(),
            );
        }
    }
}

fn problem_of(constraint: &Value) -> Option<(&'static str, &'static str)> {
    let text = |name| constraint.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_zero = |name| constraint.get(name).is_some_and(|count| count.as_i64() < Some(1));
    if down(constraint, &["labelSelector"]).is_none() {
        Some(("labelSelector", "the constraint has no labelSelector, so it counts no pod"))
    } else if constraint.get("maxSkew").is_none() || is_zero("maxSkew") {
        Some(("maxSkew", "maxSkew is not 1 or more"))
    } else if is_zero("minDomains") {
        Some(("minDomains", "minDomains is not 1 or more"))
    } else if text("topologyKey").is_empty() {
        Some(("topologyKey", "the constraint has no topologyKey"))
    } else if !matches!(text("whenUnsatisfiable"), "DoNotSchedule" | "ScheduleAnyway") {
        Some(("whenUnsatisfiable", "whenUnsatisfiable is neither DoNotSchedule nor ScheduleAnyway"))
    } else {
        None
    }
}
