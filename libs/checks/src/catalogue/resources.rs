//! Checks on requests and limits for CPU and memory.

use airside_k8s::fields::field;
use airside_k8s::{ContainerRole, Value};
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "cpu-request-missing",
        title: "Container asks for no CPU",
        why: "The scheduler counts it as free, so nodes are overfilled, and it gets the smallest share when CPU is short.",
        fix: "Set resources.requests.cpu to what the container usually uses.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:unset-cpu-requirements",
            "polaris:cpuRequestsMissing",
            "kubescape:C-0268",
            "trivy:KSV-0015",
            "checkov:CKV_K8S_10",
            "kyverno:best-practices/require-pod-requests-limits",
            "gatekeeper-library:general/containerrequests",
            "kubescape:C-0050",
            "kube-score:container-resources",
            "kubesec:RequestsCPU",
            "gatekeeper-library:general/containerresources",
            "kyverno:other/require-qos-guaranteed",
            "kyverno:best-practices/require-requests-limits",
        ],
        judge: Judge::Container(|container, report| request(container, "cpu", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {memory: 64Mi}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {memory: 64Mi, cpu: 50m}}
",
    },
    Check {
        id: "memory-request-missing",
        title: "Container asks for no memory",
        why: "The scheduler counts it as free, so nodes are overfilled, and it is among the first to be evicted when memory is short.",
        fix: "Set resources.requests.memory to what the container usually uses.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:unset-memory-requirements",
            "polaris:memoryRequestsMissing",
            "kubescape:C-0269",
            "trivy:KSV-0016",
            "checkov:CKV_K8S_12",
            "kyverno:best-practices/require-pod-requests-limits",
            "gatekeeper-library:general/containerrequests",
            "kubescape:C-0004",
            "kube-score:container-resources",
            "kubesec:RequestsMemory",
            "gatekeeper-library:general/containerresources",
            "kyverno:other/require-qos-guaranteed",
            "kyverno:best-practices/require-requests-limits",
        ],
        judge: Judge::Container(|container, report| request(container, "memory", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {cpu: 50m}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {cpu: 50m, memory: 64Mi}}
",
    },
    Check {
        id: "cpu-limit-missing",
        title: "Container may take all the CPU of its node",
        why: "A loop, or a miner that an intruder starts, slows down everything else on the node.",
        fix: "Set resources.limits.cpu; for programs that must not be throttled, set at least a request and a quota for the namespace.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:unset-cpu-requirements",
            "polaris:cpuLimitsMissing",
            "kubescape:C-0270",
            "trivy:KSV-0011",
            "checkov:CKV_K8S_11",
            "kyverno:other/require-cpu-limits",
            "gatekeeper-library:general/containerlimits",
            "kubescape:C-0050",
            "kube-score:container-resources",
            "kubesec:LimitsCPU",
            "kubescape:C-0009",
            "kubescape:resource-policies",
            "gatekeeper-library:general/containerresources",
            "kubescape:resources-sandbox-cpu-limits",
            "kyverno:other/require-qos-guaranteed",
        ],
        judge: Judge::Container(|container, report| limit(container, "cpu", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {cpu: 50m}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {cpu: 50m}, limits: {cpu: 500m}}
",
    },
    Check {
        id: "memory-limit-missing",
        title: "Container may take all the memory of its node",
        why: "A leak makes the kernel kill processes on the node, others' included.",
        fix: "Set resources.limits.memory.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:unset-memory-requirements",
            "polaris:memoryLimitsMissing",
            "kubescape:C-0271",
            "trivy:KSV-0018",
            "checkov:CKV_K8S_13",
            "kyverno:best-practices/require-pod-requests-limits",
            "gatekeeper-library:general/containerlimits",
            "kubescape:C-0004",
            "kube-score:container-resources",
            "kubesec:LimitsMemory",
            "kubescape:C-0009",
            "kubescape:resource-policies",
            "gatekeeper-library:general/containerresources",
            "kubescape:resources-sandbox-memory-limits",
            "kyverno:other/require-qos-guaranteed",
            "kyverno:best-practices/require-requests-limits",
        ],
        judge: Judge::Container(|container, report| limit(container, "memory", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {memory: 64Mi}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    resources: {requests: {memory: 64Mi}, limits: {memory: 256Mi}}
",
    },
    Check {
        id: "best-effort-pod",
        title: "Pod is the first to be evicted",
        why: "A pod that asks for nothing and is limited in nothing is of the class BestEffort: when its node runs short of memory, the kubelet and the kernel end it before all others.",
        fix: "Set a request or a limit for CPU or memory on at least one container.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:other/require-qos-burstable"],
        judge: Judge::Pod(best_effort),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers: [{name: wait}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  initContainers: [{name: wait, resources: {requests: {cpu: 10m}}}]
",
    },
];

/// The class that Kubernetes gives is by CPU and memory of all containers but the ephemeral ones.
fn best_effort(pod: &Pod<'_>, report: &mut Report<'_>) {
    let asks = |container: &ContainerOf<'_>| {
        ["requests", "limits"]
            .iter()
            .any(|kind| ["cpu", "memory"].iter().any(|resource| is_set(container, kind, resource)))
    };
    let mut counted =
        pod.containers().filter(|one| one.container.role != ContainerRole::Ephemeral).peekable();
    if counted.peek().is_some() && !counted.any(|one| asks(&one)) {
        report.fail(
            pod.path("containers"),
            "no container asks for CPU or memory or is limited in it".to_owned(),
        );
    }
}

/// Whether the container, or since Kubernetes 1.34 its pod as a whole, sets a resource.
fn is_set(container: &ContainerOf<'_>, kind: &str, resource: &str) -> bool {
    let own = container.field("resources");
    let of_pod = container.pod.field("resources");
    own.into_iter().chain(of_pod).any(|resources| {
        let amounts = resources.get(kind).and_then(Value::as_object);
        amounts.is_some_and(|amounts| field(amounts, resource).is_some())
    })
}

fn report_missing(
    container: &ContainerOf<'_>,
    kind: &str,
    resource: &str,
    report: &mut Report<'_>,
) {
    report.fail(
        container.path("resources").keys(&[kind, resource]),
        format!("{}: resources.{kind}.{resource} is not set", container.label()),
    );
}

/// Without a request, Kubernetes takes the limit for it.
fn request(container: &ContainerOf<'_>, resource: &str, report: &mut Report<'_>) {
    let asked = ["requests", "limits"].iter().any(|kind| is_set(container, kind, resource));
    if container.container.is_long_running() && !asked {
        report_missing(container, "requests", resource, report);
    }
}

fn limit(container: &ContainerOf<'_>, resource: &str, report: &mut Report<'_>) {
    if container.container.is_long_running() && !is_set(container, "limits", resource) {
        report_missing(container, "limits", resource, report);
    }
}
