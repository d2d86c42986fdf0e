//! Checks on what PodDisruptionBudgets ask for: whether a node with the pods can still be drained.

use airside_k8s::fields::{down, field};
use airside_k8s::graph::{lowest_count, replicas};
use airside_k8s::{Graph, Object, Value};
use airside_types::Severity;

use super::disruption::{BUDGETS, spec_path};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "disruption-budget-allows-none",
        title: "PodDisruptionBudget allows no eviction at all",
        why: "A node with one of the pods can never be drained: upgrades and scale-downs hang, and in the end somebody deletes the pods by force.",
        fix: "Set maxUnavailable to 1 or more, or minAvailable below 100%.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:pdb-max-unavailable",
            "kube-linter:pdb-min-available",
            "polaris:pdbDisruptionsIsZero",
            "gatekeeper-library:general/poddisruptionbudget",
            "kyverno:other/pdb-maxunavailable",
            "kyverno:other/pdb-maxunavailable-with-deployments",
            "kyverno:other/require-reasonable-pdbs",
        ],
        judge: Judge::Object(BUDGETS, allows_none),
        fails: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 0
  selector: {}
",
        passes: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1
  selector: {}
",
    },
    Check {
        id: "disruption-budget-too-high",
        title: "PodDisruptionBudget asks for as many pods as there are",
        why: "No pod can be evicted while all of them are needed: a node with one of them cannot be drained.",
        fix: "Run more pods than minAvailable, or use maxUnavailable, which follows the count of pods.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:pdb-min-available",
            "gatekeeper-library:general/poddisruptionbudget",
            "kyverno:other/deployment-replicas-higher-than-pdb",
            "kyverno:other/pdb-minavailable",
            "kyverno:other/require-reasonable-pdbs",
        ],
        judge: Judge::Object(BUDGETS, |budget, report| {
            too_high(
                budget,
                |minimum, lowest| minimum >= lowest.count && !lowest.is_above(minimum),
                report,
            );
        }),
        fails: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "disruption-budget-above-autoscaler",
        title: "PodDisruptionBudget asks for more pods than the autoscaler keeps",
        why: "When the autoscaler goes down to its minimum, the budget cannot be met any more and no node with these pods can be drained.",
        fix: "Set minAvailable below the autoscaler's minReplicas, or use maxUnavailable.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "polaris:pdbMinAvailableGreaterThanHPAMinReplicas",
            "kube-linter:pdb-min-available",
        ],
        judge: Judge::Object(BUDGETS, |budget, report| {
            too_high(budget, |minimum, lowest| lowest.is_above(minimum), report);
        }),
        fails: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 4
  selector: {matchLabels: {app: web}}
---
apiVersion: autoscaling/v2
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
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
",
        passes: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: web}}
---
apiVersion: autoscaling/v2
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
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
",
    },
    Check {
        id: "disruption-budget-without-limit",
        title: "PodDisruptionBudget says neither how many may go nor how many must stay",
        why: "Without minAvailable and maxUnavailable there is nothing to keep, and Kubernetes then allows no eviction at all.",
        fix: "Set maxUnavailable, with 1 to begin with.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:poddisruptionbudget-has-policy"],
        judge: Judge::Object(BUDGETS, without_limit),
        fails: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  selector: {}
",
        passes: r"apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  maxUnavailable: 1
  selector: {}
",
    },
];

/// A limit as its author wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    Count(u64),
    Percent(u64),
}

impl Amount {
    fn of(budget: &Whole<'_>, name: &str) -> Option<Self> {
        match budget.spec(name)? {
            Value::Number(count) => count.as_u64().map(Self::Count),
            Value::String(text) => match text.strip_suffix('%') {
                Some(percent) => percent.trim().parse().ok().map(Self::Percent),
                None => text.parse().ok().map(Self::Count),
            },
            _ => None,
        }
    }

    /// Of so many pods; Kubernetes rounds up.
    fn of_pods(self, pods: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => pods.saturating_mul(percent).div_ceil(100),
        }
    }
}

fn allows_none(budget: &Whole<'_>, report: &mut Report<'_>) {
    let maximum = Amount::of(budget, "maxUnavailable");
    if matches!(maximum, Some(Amount::Count(0) | Amount::Percent(0))) {
        report.fail(
            spec_path("maxUnavailable"),
            "maxUnavailable is 0: no pod may be evicted".to_owned(),
        );
    }
    if let Some(Amount::Percent(percent)) = Amount::of(budget, "minAvailable")
        && percent >= 100
    {
        report.fail(
            spec_path("minAvailable"),
            format!("minAvailable is {percent}%: no pod may be evicted"),
        );
    }
}

/// How many pods a workload has when it has the fewest.
struct Lowest {
    count: u64,
    /// The minimum that an autoscaler's manifest gives.
    of_autoscaler: Option<u64>,
}

impl Lowest {
    fn of(graph: &Graph<'_>, workload: &Object<'_>) -> Self {
        let scalers: Vec<_> = graph.autoscalers_of(workload).collect();
        let of_autoscaler = scalers.iter().filter_map(|scaler| lowest_count(scaler)).min();
        let count = match of_autoscaler {
            Some(count) => count,
            None if !scalers.is_empty() => 1,
            None => replicas(workload).unwrap_or(1),
        };
        Self { count, of_autoscaler }
    }

    /// Whether a budget's minimum is more than an autoscaler keeps.
    fn is_above(&self, minimum: u64) -> bool {
        self.of_autoscaler.is_some_and(|count| minimum > count)
    }
}

/// Workloads without pods meanwhile (replicas: 0) have nothing to evict.
fn too_high(budget: &Whole<'_>, is_too_high: fn(u64, &Lowest) -> bool, report: &mut Report<'_>) {
    let Some(amount) = Amount::of(budget, "minAvailable") else { return };
    let Some(selector) = budget.spec("selector") else { return };
    if budget.graph.is_single_object() {
        return report.undecided("the workload that the budget selects is another object");
    }
    let pods = budget.graph.pods_selected(budget.object.namespace(), selector);
    let owners = pods.filter_map(|pod| budget.graph.owner(pod)).filter(|owner| has_count(owner));
    let blocked = owners.filter_map(|owner| {
        let lowest = Lowest::of(budget.graph, owner);
        let minimum = amount.of_pods(lowest.count);
        // 100% is reported by itself.
        let is_told = amount == Amount::Percent(100) || lowest.count == 0;
        let is_blocked = !is_told && is_too_high(minimum, &lowest);
        is_blocked.then(|| (owner.kind(), owner.name(), minimum, lowest.count))
    });
    // One workload is enough to be told; variants of it often lie in several files.
    if let Some((kind, name, minimum, count)) = blocked.min() {
        report.fail(
            spec_path("minAvailable"),
            format!(
                "{minimum} of the pods of {kind} `{name}` must stay, and it may have only {count}"
            ),
        );
    }
}

/// Kinds that count their pods by `spec.replicas`.
fn has_count(owner: &Object<'_>) -> bool {
    matches!(
        owner.kind(),
        "Deployment"
            | "StatefulSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "DeploymentConfig"
            | "Rollout"
    )
}

fn without_limit(budget: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = down(budget.object.value(), &["spec"]).and_then(Value::as_object) else {
        return;
    };
    if field(spec, "minAvailable").is_none() && field(spec, "maxUnavailable").is_none() {
        report.fail(
            spec_path("maxUnavailable"),
            "neither minAvailable nor maxUnavailable is set".to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_up() {
        assert_eq!(Amount::Percent(50).of_pods(3), 2);
        assert_eq!(Amount::Percent(150).of_pods(10), 15);
        assert_eq!(Amount::Count(2).of_pods(10), 2);
    }
}
