//! Checks on the numbers of users and groups beside root's own.

use airside_k8s::Value;
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "low-user-id",
        title: "Container's user may be one of the node's",
        why: "Users of the node have low numbers. A process with the same number that leaves the container, or a file on a shared volume, is that user's.",
        fix: "Set runAsUser to 10000 or above.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "trivy:KSV-0020",
            "checkov:CKV_K8S_40",
            "kube-score:container-security-context-user-group-id",
            "kubesec:RunAsUser",
        ],
        judge: Judge::Container(|container, report| low_id(container, "runAsUser", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {runAsUser: 1000}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {runAsUser: 10001}
",
    },
    Check {
        id: "low-group-id",
        title: "Container's group may be one of the node's",
        why: "Groups of the node have low numbers, and without runAsGroup the group is root's: files on shared volumes, and what leaves the container, belong to it.",
        fix: "Set runAsGroup to 10000 or above.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "trivy:KSV-0021",
            "kube-score:container-security-context-user-group-id",
            "kubesec:RunAsGroup",
        ],
        judge: Judge::Container(|container, report| low_id(container, "runAsGroup", report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {runAsGroup: 1000}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {runAsGroup: 10001}
",
    },
    Check {
        id: "root-primary-group",
        title: "Container may run in root's group",
        why: "Without runAsGroup the image decides, and most images leave the group at 0: files of the node and of shared volumes are often open to root's group.",
        fix: "Set runAsGroup above 0, for the pod or for each container.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:other/require-non-root-groups:check-runasgroup"],
        judge: Judge::Container(root_primary_group),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 1000}
  containers: [{name: web}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 1000, runAsGroup: 1000}
  containers: [{name: web}]
",
    },
    Check {
        id: "root-group",
        title: "Pod is in root's group",
        why: "Files of the node and of images are often open to group 0: on a shared volume, or outside the container, membership is a good part of root.",
        fix: "Remove 0 from runAsGroup, supplementalGroups and fsGroup.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "trivy:KSV-0116",
            "kyverno:other/require-non-root-groups:check-supplementalgroups",
            "kyverno:other/require-non-root-groups:check-fsgroup",
        ],
        judge: Judge::Pod(root_group),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 0}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 10001}
",
    },
];

/// Numbers below are given by distributions and administrators of nodes.
const FIRST_FREE_ID: i64 = 10_000;

fn low_id(container: &ContainerOf<'_>, field: &str, report: &mut Report<'_>) {
    let id = container.effective(field).and_then(Value::as_i64);
    if id.is_some_and(|id| id >= FIRST_FREE_ID) || container.pod.is_windows() {
        return;
    }
    let how = id.map_or_else(|| "is not set".to_owned(), |id| format!("is {id}"));
    report.fail(container.security_path(field), format!("{}: {field} {how}", container.label()));
}

fn is_root(group: &Value) -> bool {
    group.as_i64() == Some(0)
}

fn root_primary_group(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "runAsGroup";
    let id = container.effective(FIELD).and_then(Value::as_i64);
    if id.is_some_and(|id| id > 0) || container.pod.is_windows() {
        return;
    }
    let how = if id.is_some() { "is 0, root's group" } else { "is not set" };
    report.fail(container.security_path(FIELD), format!("{}: {FIELD} {how}", container.label()));
}

fn root_group(pod: &Pod<'_>, report: &mut Report<'_>) {
    for field in ["runAsGroup", "fsGroup"] {
        if pod.security(field).is_some_and(is_root) {
            report.fail(pod.security_path(field), format!("{field} is 0, root's group"));
        }
    }
    let groups = pod.security("supplementalGroups").and_then(Value::as_array);
    let root = groups.and_then(|groups| groups.iter().position(is_root));
    if let Some(index) = root {
        report.fail(
            pod.security_path("supplementalGroups").index(index),
            "supplementalGroups holds 0, root's group".to_owned(),
        );
    }
    for container in pod.containers() {
        if container.security("runAsGroup").is_some_and(is_root) {
            report.fail(
                container.security_path("runAsGroup"),
                format!("{}: runAsGroup is 0, root's group", container.label()),
            );
        }
    }
}
