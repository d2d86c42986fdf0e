//! Checks on how requests and limits go together, and on local disk space.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements, field};
use airside_k8s::quantity::Quantity;
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "implied-request",
        title: "Container asks for as much as it may take at most",
        why: "Where only a limit is given, Kubernetes takes it as the request: nodes look full while they idle.",
        fix: "Set the request to what the container usually uses.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-score:container-resources",
            "kubescape:C-0004",
            "kubescape:C-0050",
            "kyverno:other/require-qos-guaranteed",
        ],
        judge: Judge::Container(implied_request),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {memory: 64Mi}}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {memory: 64Mi}, requests: {memory: 64Mi}}}]}
",
    },
    Check {
        id: "request-above-limit",
        title: "Container asks for more than it may take",
        why: "The API server refuses the object: a request cannot be above its limit.",
        fix: "Lower the request or raise the limit.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Container(request_above_limit),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {memory: 1Gi}, requests: {memory: 2Gi}}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {memory: 2Gi}, requests: {memory: 1Gi}}}]}
",
    },
    Check {
        id: "memory-request-below-limit",
        title: "Container may take more memory than it asks for",
        why: "Memory cannot be taken back: when several containers use more than they asked for, the kernel kills some of them.",
        fix: "Set the memory request to the limit where the container has to stay up.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-score:container-resource-requests-equal-limits",
            "kube-score:container-memory-requests-equal-limits",
            "kyverno:other/memory-requests-equal-limits",
            "kyverno:other/require-qos-guaranteed",
        ],
        judge: Judge::Container(|container, report| differs(container, "memory", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {memory: 1Gi}, requests: {memory: 64Mi}}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {memory: 1Gi}, requests: {memory: 1024Mi}}}]}
",
    },
    Check {
        id: "cpu-request-below-limit",
        title: "Container may take more CPU than it asks for",
        why: "How fast it is depends on its neighbours; only with equal requests and limits does Kubernetes guarantee the resources and may pin the CPUs.",
        fix: "Set the CPU request to the limit where the speed has to be steady.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-score:container-resource-requests-equal-limits",
            "kube-score:container-cpu-requests-equal-limits",
            "kyverno:other/require-qos-guaranteed",
        ],
        judge: Judge::Container(|container, report| differs(container, "cpu", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {cpu: 500m}, requests: {cpu: 100m}}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {cpu: 500m}, requests: {cpu: 0.5}}}]}
",
    },
    Check {
        id: "ephemeral-storage-limit-missing",
        title: "Container may fill the disk of its node",
        why: "Its logs, its writable layer and its emptyDir volumes lie on the node's disk; when that is full, pods are evicted, others' included.",
        fix: "Set resources.limits.ephemeral-storage.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-score:container-ephemeral-storage-request-and-limit",
            "gatekeeper-library:general/ephemeralstoragelimit",
        ],
        judge: Judge::Container(|container, report| disk(container, "limits", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {requests: {ephemeral-storage: 1Gi}}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {requests: {ephemeral-storage: 1Gi}, limits: {ephemeral-storage: 1Gi}}}]}
",
    },
    Check {
        id: "empty-dir-unbounded",
        title: "Volume for scratch files may fill the disk of its node",
        why: "An emptyDir without a sizeLimit grows until the node's disk is full, and with medium: Memory until its memory is; pods are then evicted, others' included.",
        fix: "Set emptyDir.sizeLimit.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kyverno:other/require-emptydir-requests-limits",
            "kyverno:other/require-emptydir-requests-and-limits",
        ],
        judge: Judge::Pod(empty_dirs),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, volumeMounts: [{name: scratch, mountPath: /tmp}]}]
  volumes: [{name: scratch, emptyDir: {}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, volumeMounts: [{name: scratch, mountPath: /tmp}]}]
  volumes: [{name: scratch, emptyDir: {sizeLimit: 1Gi}}]
",
    },
    Check {
        id: "ephemeral-storage-request-missing",
        title: "Container asks for no disk space",
        why: "The scheduler puts it on nodes whose disk is nearly full, and it is among the first to be evicted there.",
        fix: "Set resources.requests.ephemeral-storage to what logs, writable layer and emptyDir volumes usually take.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:container-ephemeral-storage-request-and-limit"],
        judge: Judge::Container(|container, report| disk(container, "requests", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {limits: {ephemeral-storage: 1Gi}}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {requests: {ephemeral-storage: 1Gi}, limits: {ephemeral-storage: 1Gi}}}]}
",
    },
    Check {
        id: "ephemeral-storage-request-below-limit",
        title: "Container may take more disk space than it asks for",
        why: "Disk space cannot be taken back: when several containers use more than they asked for, pods are evicted.",
        fix: "Set the request for ephemeral-storage to the limit.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:container-ephemeral-storage-request-equals-limit"],
        judge: Judge::Container(|container, report| {
            differs(container, "ephemeral-storage", report);
        }),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {requests: {ephemeral-storage: 1Gi}, limits: {ephemeral-storage: 2Gi}}}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, resources: {requests: {ephemeral-storage: 2Gi}, limits: {ephemeral-storage: 2Gi}}}]}
",
    },
];

fn amount<'a>(container: &ContainerOf<'a>, kind: &str, resource: &str) -> Option<&'a Value> {
    field(container.field("resources")?.get(kind)?.as_object()?, resource)
}

fn shown(amount: &Value) -> String {
    amount.as_str().map_or_else(|| amount.to_string(), str::to_owned)
}

fn implied_request(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for resource in ["cpu", "memory"] {
        let limit = amount(container, "limits", resource);
        let request = amount(container, "requests", resource);
        if let (Some(limit), None, true) = (limit, request, container.container.is_long_running()) {
            report.fail(
                container.path("resources").keys(&["requests", resource]),
                format!(
                    "{}: the request for {resource} is the limit, {}",
                    container.label(),
                    shown(limit)
                ),
            );
        }
    }
}

/// The request and the limit, as written and as amounts.
fn both(container: &ContainerOf<'_>, resource: &str) -> Option<[(String, Quantity); 2]> {
    let read = |kind| {
        let text = shown(amount(container, kind, resource)?);
        let amount = Quantity::parse(&text)?;
        Some((text, amount))
    };
    Some([read("requests")?, read("limits")?])
}

fn differs(container: &ContainerOf<'_>, resource: &str, report: &mut Report<'_>) {
    let Some([(request, asked), (limit, allowed)]) = both(container, resource) else { return };
    if container.container.is_long_running() && asked < allowed {
        report.fail(
            container.path("resources").keys(&["requests", resource]),
            format!("{} asks for {request} of {resource} and may take {limit}", container.label()),
        );
    }
}

fn request_above_limit(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for resource in ["cpu", "memory", "ephemeral-storage"] {
        let Some([(request, asked), (limit, allowed)]) = both(container, resource) else {
            continue;
        };
        if asked > allowed {
            report.fail(
                container.path("resources").keys(&["requests", resource]),
                format!(
                    "{} asks for {request} of {resource}, above its limit of {limit}",
                    container.label()
                ),
            );
        }
    }
}

fn disk(container: &ContainerOf<'_>, kind: &str, report: &mut Report<'_>) {
    const RESOURCE: &str = "ephemeral-storage";
    if container.container.is_long_running() && amount(container, kind, RESOURCE).is_none() {
        report.fail(
            container.path("resources").keys(&[kind, RESOURCE]),
            format!("{}: resources.{kind}.{RESOURCE} is not set", container.label()),
        );
    }
}

/// A container's limit for local disk space counts its volumes too.
fn empty_dirs(pod: &Pod<'_>, report: &mut Report<'_>) {
    for (index, volume) in elements(pod.field("volumes")).iter().enumerate() {
        let Some(scratch) = volume.get("emptyDir") else { continue };
        let is_limited = down(scratch, &["sizeLimit"]).is_some();
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        let bounded = |container: &ContainerOf<'_>| {
            amount(container, "limits", "ephemeral-storage").is_some() || !mounts(container, name)
        };
        let in_memory = scratch.get("medium").and_then(Value::as_str) == Some("Memory");
        if is_limited || (!in_memory && pod.containers().all(|container| bounded(&container))) {
            continue;
        }
        report.fail(
            pod.path("volumes").index(index).keys(&["emptyDir", "sizeLimit"]),
            format!("volume `{name}` has no sizeLimit"),
        );
    }
}

fn mounts(container: &ContainerOf<'_>, volume: &str) -> bool {
    let mounts = elements(container.field("volumeMounts"));
    mounts.iter().any(|mount| mount.get("name").and_then(Value::as_str) == Some(volume))
}
