//! Checks on Linux capabilities.

use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::ContainerOf;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "dangerous-capability",
        title: "Container is given a capability that leads to the node",
        why: "With one of these capabilities a process loads kernel modules, mounts file systems, traces other processes, reads any file or rewires the network of the node.",
        fix: "Remove the capability; where a program really needs it, run it as a node agent of its own.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.2.9", "cis-aks-t1.8.0:4.2.7", "pod-security-standards:baseline"],
        equivalents: &[
            "polaris:dangerousCapabilities",
            "kubescape:C-0046",
            "trivy:KSV-0005",
            "trivy:KSV-0022",
            "trivy:KSV-0106",
            "trivy:KSV-0120",
            "checkov:CKV_K8S_25",
            "checkov:CKV_K8S_39",
            "kyverno:pod-security/disallow-capabilities",
            "gatekeeper-library:pod-security-policy/capabilities",
            "kubesec:CapSysAdmin",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(dangerous),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [SYS_ADMIN]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [NET_BIND_SERVICE]}
",
    },
    Check {
        id: "capability-beyond-baseline",
        title: "Container is given a capability that the runtime withholds",
        why: "Runtimes withhold it from containers because it acts beyond them: on the node's clock, memory, processes, devices or audit.",
        fix: "Remove the capability; where a program really needs it, run it as a node agent of its own.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.9", "pod-security-standards:baseline"],
        equivalents: &[
            "trivy:KSV-0022",
            "trivy:KSV-0106",
            "checkov:CKV_K8S_25",
            "kyverno:pod-security/disallow-capabilities",
            "kyverno:pod-security/disallow-capabilities-strict",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(beyond_baseline),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [SYS_TIME]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [NET_BIND_SERVICE]}
",
    },
    Check {
        id: "added-capability",
        title: "Container is given a capability beyond what services need",
        why: "Each capability is a part of root's power. Only NET_BIND_SERVICE, for ports below 1024, is common and harmless.",
        fix: "Drop ALL and add back nothing but NET_BIND_SERVICE where it is needed.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.9", "pod-security-standards:restricted"],
        equivalents: &[
            "trivy:KSV-0022",
            "trivy:KSV-0106",
            "checkov:CKV_K8S_25",
            "kyverno:pod-security/disallow-capabilities-strict",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(added),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [CHOWN]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [NET_BIND_SERVICE]}
",
    },
    Check {
        id: "net-bind-service-capability",
        title: "Container is given the capability to use low ports",
        why: "NET_BIND_SERVICE is harmless, and seldom needed: a program can listen above 1024 behind a Service, and the sysctl net.ipv4.ip_unprivileged_port_start opens low ports without it.",
        fix: "Let the program listen above 1024, or set the sysctl.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0022", "checkov:CKV_K8S_25"],
        judge: Judge::Container(|container, report| {
            report_added(container, report, |name| name == HARMLESS);
        }),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {drop: [ALL]}
",
    },
    Check {
        id: "net-raw-capability",
        title: "Container may forge network packets",
        why: "NET_RAW allows raw sockets: spoofed ARP and DNS answers redirect the traffic of other pods on the node.",
        fix: "Remove NET_RAW from the added capabilities; few programs but ping need it.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1040"), technique("T1557.002")],
        controls: &["cis-v1.12.0:5.2.8", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:drop-net-raw-capability",
            "kubescape:drop-capability-netraw",
            "trivy:KSV-0022",
            "trivy:KSV-0106",
            "trivy:KSV-0119",
            "checkov:CKV_K8S_25",
            "checkov:CKV_K8S_28",
            "kyverno:pod-security/disallow-capabilities",
            "kyverno:pod-security/disallow-capabilities-strict",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(net_raw),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {add: [NET_RAW], drop: [ALL]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {drop: [ALL]}
",
    },
    Check {
        id: "net-raw-kept",
        title: "Container drops capabilities but keeps NET_RAW",
        why: "NET_RAW is among the runtime's defaults, and lets an intruder forge packets to redirect the traffic of other pods on the node.",
        fix: "Drop ALL, or at least NET_RAW; few programs but ping need it.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1040"), technique("T1557.002")],
        controls: &["cis-v1.12.0:5.2.8"],
        equivalents: &[
            "kube-linter:drop-net-raw-capability",
            "kubescape:drop-capability-netraw",
            "trivy:KSV-0106",
            "trivy:KSV-0119",
            "checkov:CKV_K8S_28",
            "kyverno:best-practices/require-drop-cap-net-raw",
            "kyverno:best-practices/drop-cap-net-raw",
        ],
        judge: Judge::Container(net_raw_kept),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {drop: [KILL]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      capabilities: {drop: [KILL, NET_RAW]}
",
    },
    Check {
        id: "capabilities-not-dropped",
        title: "Container keeps all of the runtime's default capabilities",
        why: "The defaults (CHOWN, SETUID, NET_RAW and eleven more) are more than services need, and help an intruder who is root in the container.",
        fix: "Set securityContext.capabilities.drop to [ALL] and add back single ones where needed.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.10", "pod-security-standards:restricted"],
        equivalents: &[
            "polaris:insecureCapabilities",
            "trivy:KSV-0003",
            "trivy:KSV-0106",
            "checkov:CKV_K8S_28",
            "kubescape:drop-capability-netraw",
            "checkov:CKV_K8S_37",
            "kyverno:best-practices/require-drop-all",
            "kyverno:pod-security/disallow-capabilities-strict",
            "kubesec:CapDropAll",
            "kyverno:best-practices/require-drop-cap-net-raw",
            "kyverno:best-practices/drop-cap-net-raw",
            "kubesec:CapDropAny",
            "kyverno:best-practices/drop-all-capabilities",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(not_dropped),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      runAsUser: 1000
      seccompProfile: {type: RuntimeDefault}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      runAsUser: 1000
      seccompProfile: {type: RuntimeDefault}
      capabilities: {drop: [ALL]}
",
    },
    Check {
        id: "capabilities-partly-dropped",
        title: "Container drops some capabilities only",
        why: "What is not named stays, and a later version of the runtime may add to it.",
        fix: "Set securityContext.capabilities.drop to [ALL] and add back single ones where needed.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.2.10", "pod-security-standards:restricted"],
        equivalents: &[
            "polaris:insecureCapabilities",
            "trivy:KSV-0003",
            "trivy:KSV-0106",
            "checkov:CKV_K8S_37",
            "kyverno:best-practices/require-drop-all",
            "kyverno:pod-security/disallow-capabilities-strict",
            "kubesec:CapDropAll",
            "kyverno:best-practices/drop-all-capabilities",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(partly_dropped),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      runAsUser: 1000
      capabilities: {drop: [NET_RAW]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      runAsUser: 1000
      capabilities: {drop: [ALL]}
",
    },
];

/// Capabilities that lead out of a container, by what they allow: capabilities(7), and the escapes that are
/// known for each.
const DANGEROUS: [&str; 14] = [
    "ALL",
    "BPF",
    "CHECKPOINT_RESTORE",
    "DAC_READ_SEARCH",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "NET_ADMIN",
    "PERFMON",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
];

/// What containerd and CRI-O give a container that asks for nothing.
const RUNTIME_DEFAULTS: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

const HARMLESS: &str = "NET_BIND_SERVICE";

/// Whether Pod Security's baseline profile lets a capability be added.
pub(super) fn is_of_baseline(name: &str) -> bool {
    RUNTIME_DEFAULTS.contains(&name) && name != "NET_RAW"
}

fn report_added(
    container: &ContainerOf<'_>,
    report: &mut Report<'_>,
    is_wanted: impl Fn(&str) -> bool,
) {
    for (index, name) in container.capabilities("add") {
        if is_wanted(&name) {
            report.fail(
                container.capabilities_path("add").index(index),
                format!("{} is given the capability {name}", container.label()),
            );
        }
    }
}

fn dangerous(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    report_added(container, report, |name| DANGEROUS.contains(&name));
}

fn beyond_baseline(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    report_added(container, report, |name| {
        !DANGEROUS.contains(&name) && !RUNTIME_DEFAULTS.contains(&name)
    });
}

fn added(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    report_added(container, report, |name| {
        RUNTIME_DEFAULTS.contains(&name) && name != "NET_RAW" && name != HARMLESS
    });
}

/// NET_RAW is added, or somebody chose what to drop and left it. Who drops nothing at all fails another
/// check.
fn adds_net_raw(container: &ContainerOf<'_>) -> Option<usize> {
    container.capabilities("add").find(|(_, name)| name == "NET_RAW").map(|(index, _)| index)
}

fn net_raw(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if let Some(index) = adds_net_raw(container) {
        report.fail(
            container.capabilities_path("add").index(index),
            format!("{} is given the capability NET_RAW", container.label()),
        );
    }
}

/// Where nothing is dropped, `capabilities-not-dropped` says so.
fn net_raw_kept(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let mut dropped = container.capabilities("drop").peekable();
    let is_some_dropped = dropped.peek().is_some();
    let is_gone = dropped.any(|(_, name)| name == "ALL" || name == "NET_RAW");
    if is_some_dropped && !is_gone && adds_net_raw(container).is_none() {
        report.fail(
            container.capabilities_path("drop"),
            format!("{} drops capabilities but keeps NET_RAW", container.label()),
        );
    }
}

fn not_dropped(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if container.capabilities("drop").next().is_none() && !container.pod.is_windows() {
        report.fail(
            container.capabilities_path("drop"),
            format!("{} drops no capability", container.label()),
        );
    }
}

fn partly_dropped(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let dropped: Vec<String> = container.capabilities("drop").map(|(_, name)| name).collect();
    let is_dropped = |name: &str| dropped.iter().any(|dropped| dropped == name);
    let is_all = is_dropped("ALL") || RUNTIME_DEFAULTS.iter().all(|name| is_dropped(name));
    if !dropped.is_empty() && !is_all && !container.pod.is_windows() {
        report.fail(
            container.capabilities_path("drop"),
            format!("{} drops only {}", container.label(), dropped.join(", ")),
        );
    }
}
