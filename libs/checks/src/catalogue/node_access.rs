//! Checks on further ways from a pod to its node and into the pod: Windows' host processes, files that can be
//! written, containers for debugging and for terminals.

use airside_k8s::fields::{elements, maps};
use airside_k8s::{ContainerRole, Value};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "windows-host-process",
        title: "Windows container runs as a process of its node",
        why: "A HostProcess container is not isolated: it has the node's files, network and registry, and may run as SYSTEM.",
        fix: "Remove windowsOptions.hostProcess. A node agent that needs it belongs into a namespace of its own that only cluster administrators can write to.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.2.11", "pod-security-standards:baseline"],
        equivalents: &[
            "polaris:hostProcess",
            "kubescape:set-hostprocess-true",
            "trivy:KSV-0103",
            "kyverno:pod-security/disallow-host-process",
            "gatekeeper-library:pod-security-policy/host-process",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(host_process),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: {windowsOptions: {hostProcess: true}}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: {windowsOptions: {hostProcess: false}}}]
",
    },
    Check {
        id: "writable-host-mount",
        title: "Container can write to files of its node",
        why: "What it writes outlives the pod and may be read or run by the node or by other pods: a way to stay and to break out.",
        fix: "Set readOnly: true on the volumeMount, or use a volume that is not the node's.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1543"), technique("T1611")],
        controls: &[],
        equivalents: &[
            "kube-linter:writable-host-mount",
            "kubescape:C-0045",
            "kyverno:other/ensure-readonly-hostpath",
        ],
        judge: Judge::Container(writable_mount),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, volumeMounts: [{name: node, mountPath: /node}]}]
  volumes: [{name: node, hostPath: {path: /data}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, volumeMounts: [{name: node, mountPath: /node, readOnly: true}]}]
  volumes: [{name: node, hostPath: {path: /data}}]
",
    },
    Check {
        id: "ephemeral-container",
        title: "Pod still has a container that somebody added for debugging",
        why: "A container of kubectl debug sees the pod's processes and files, is in no manifest, and cannot be removed without replacing the pod.",
        fix: "Delete the pod once the debugging is done, so that its controller starts a clean one.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &["kyverno:other/block-ephemeral-containers"],
        judge: Judge::Pod(ephemeral),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: &strict {readOnlyRootFilesystem: true, runAsUser: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}]
  ephemeralContainers: [{name: debugger, securityContext: *strict}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, securityContext: {readOnlyRootFilesystem: true, runAsUser: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}]
",
    },
    Check {
        id: "interactive-container",
        title: "Container waits for input from a terminal",
        why: "stdin and tty are for people: whoever may attach to the pod can type into its program, past exec and what watches it.",
        fix: "Remove stdin and tty.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1609")],
        controls: &[],
        equivalents: &["gatekeeper-library:general/disallowinteractive"],
        judge: Judge::Container(interactive),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, stdin: true, tty: true}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web}]}
",
    },
];

/// Reported where it is written: once for the pod, once for each container that says it itself.
fn host_process(pod: &Pod<'_>, report: &mut Report<'_>) {
    let is_true = |options: Option<&Value>| {
        options.and_then(|options| options.get("hostProcess")) == Some(&Value::Bool(true))
    };
    if is_true(pod.security("windowsOptions")) {
        report.fail(
            pod.security_path("windowsOptions").key("hostProcess"),
            "the pod's containers are processes of the node: hostProcess is true".to_owned(),
        );
    }
    for container in pod.containers() {
        if is_true(container.security("windowsOptions")) {
            report.fail(
                container.security_path("windowsOptions").key("hostProcess"),
                format!("{} is a process of the node: hostProcess is true", container.label()),
            );
        }
    }
}

fn writable_mount(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let volumes = elements(container.pod.field("volumes"));
    let host_path = |name: &str| {
        let named = volumes.iter().find(|volume| volume.get("name").is_some_and(|own| own == name));
        named?.get("hostPath")?.get("path")?.as_str()
    };
    for (index, mount) in maps(container.container.fields, "volumeMounts") {
        let Some(path) = mount.get("name").and_then(Value::as_str).and_then(host_path) else {
            continue;
        };
        if mount.get("readOnly") != Some(&Value::Bool(true)) {
            report.fail(
                container.path("volumeMounts").index(index).key("readOnly"),
                format!("{} can write to {path} of its node", container.label()),
            );
        }
    }
}

fn ephemeral(pod: &Pod<'_>, report: &mut Report<'_>) {
    for container in &pod.spec.containers {
        if container.role == ContainerRole::Ephemeral {
            report.fail(
                container.path.clone(),
                format!("the pod has the ephemeral container `{}`", container.name()),
            );
        }
    }
}

fn interactive(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let is_meant = container.container.role != ContainerRole::Ephemeral;
    let fields = ["stdin", "tty"];
    let open = fields.iter().find(|name| container.field(name) == Some(&Value::Bool(true)));
    if let Some(name) = open.filter(|_| is_meant) {
        report.fail(container.path(name), format!("{}: {name} is true", container.label()));
    }
}
