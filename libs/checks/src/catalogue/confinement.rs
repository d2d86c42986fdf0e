//! Checks on how far a container is confined: privileges, file system, /proc, seccomp.

use airside_k8s::Value;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::ContainerOf;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "privileged-container",
        title: "Container runs privileged",
        why: "A privileged container has all capabilities, all devices and no seccomp or AppArmor profile: root in it is root on the node.",
        fix: "Remove privileged, or set it to false; add the single capability that the program needs.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.2.2", "cis-eks-t1.8.0:4.2.1", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:privileged-container",
            "polaris:runAsPrivileged",
            "kubescape:C-0057",
            "trivy:KSV-0017",
            "checkov:CKV_K8S_16",
            "kube-score:container-security-context-privileged",
            "kyverno:pod-security/disallow-privileged-containers",
            "gatekeeper-library:pod-security-policy/privileged-containers",
            "kubesec:Privileged",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(privileged),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {privileged: true}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {privileged: false}
",
    },
    Check {
        id: "privilege-escalation",
        title: "Container may gain more privileges than it started with",
        why: "Without no_new_privs a setuid program or a file capability in the image makes any process root in the container.",
        fix: "Set securityContext.allowPrivilegeEscalation to false; the default is true.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1548.001")],
        controls: &[
            "cis-v1.12.0:5.2.6",
            "cis-eks-t1.8.0:4.2.5",
            "pod-security-standards:restricted",
        ],
        equivalents: &[
            "kube-linter:privilege-escalation-container",
            "polaris:privilegeEscalationAllowed",
            "kubescape:C-0016",
            "trivy:KSV-0001",
            "checkov:CKV_K8S_20",
            "kyverno:pod-security/disallow-privilege-escalation",
            "gatekeeper-library:pod-security-policy/allow-privilege-escalation",
            "kubesec:AllowPrivilegeEscalation",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(privilege_escalation),
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
    securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false}
",
    },
    Check {
        id: "writable-root-filesystem",
        title: "Container can write to its root file system",
        why: "An intruder can put tools and web shells beside the program and change its code; with a read-only root only the declared volumes take files.",
        fix: "Set securityContext.readOnlyRootFilesystem to true and mount an emptyDir where the program writes.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:no-read-only-root-fs",
            "polaris:notReadOnlyRootFilesystem",
            "kubescape:C-0017",
            "trivy:KSV-0014",
            "checkov:CKV_K8S_22",
            "kube-score:container-security-context-readonlyrootfilesystem",
            "kyverno:best-practices/require-ro-rootfs",
            "gatekeeper-library:pod-security-policy/read-only-root-filesystem",
            "kubesec:ReadOnlyRootFilesystem",
        ],
        judge: Judge::Container(writable_root),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {readOnlyRootFilesystem: false}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {readOnlyRootFilesystem: true}
",
    },
    Check {
        id: "unmasked-proc-mount",
        title: "Container sees the kernel's /proc without masks",
        why: "Masked and read-only parts of /proc keep kernel memory, keys and settings away from containers; unmasking them is a way out.",
        fix: "Remove procMount, or set it to Default.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.7.3", "cis-gke-v1.9.0:4.6.3", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:unsafe-proc-mount",
            "polaris:procMount",
            "trivy:KSV-0027",
            "kyverno:pod-security/disallow-proc-mount",
            "gatekeeper-library:pod-security-policy/proc-mount",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(proc_mount),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {procMount: Unmasked}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {procMount: Default}
",
    },
    Check {
        id: "seccomp-unconfined",
        title: "Container runs without system call filter on purpose",
        why: "Unconfined opens all system calls, among them those that kernel exploits need.",
        fix: "Set seccompProfile.type to RuntimeDefault, or to Localhost with a profile of your own.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1068")],
        controls: &["cis-v1.12.0:5.7.2", "cis-gke-v1.9.0:4.6.2", "pod-security-standards:baseline"],
        equivalents: &[
            "kubescape:C-0210",
            "kubescape:set-seccomp-profile",
            "trivy:KSV-0030",
            "trivy:KSV-0104",
            "checkov:CKV_K8S_31",
            "kube-score:container-seccomp-profile",
            "kyverno:pod-security/restrict-seccomp",
            "kubesec:SeccompUnconfined",
            "gatekeeper-library:pod-security-policy/seccomp",
            "gatekeeper-library:pod-security-policy/seccompv2",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
            "kyverno:pod-security/restrict-seccomp-strict",
            "kubesec:SeccompAny",
        ],
        judge: Judge::Container(seccomp_unconfined),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      seccompProfile: {type: Unconfined}
      capabilities: {drop: [ALL]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      seccompProfile: {type: RuntimeDefault}
      capabilities: {drop: [ALL]}
",
    },
    Check {
        id: "seccomp-profile-missing",
        title: "Container has no system call filter",
        why: "Where the kubelet does not set one by default, no profile means that all system calls are open, among them those that kernel exploits need.",
        fix: "Set seccompProfile.type to RuntimeDefault in the pod's securityContext.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[
            "cis-v1.12.0:5.7.2",
            "cis-gke-v1.9.0:4.6.2",
            "pod-security-standards:restricted",
        ],
        equivalents: &[
            "kubescape:C-0210",
            "kubescape:set-seccomp-profile",
            "trivy:KSV-0030",
            "trivy:KSV-0104",
            "checkov:CKV_K8S_31",
            "kube-score:container-seccomp-profile",
            "kyverno:pod-security/restrict-seccomp-strict",
            "gatekeeper-library:pod-security-policy/seccompv2",
            "kubesec:SeccompAny",
            "gatekeeper-library:pod-security-policy/seccomp",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Container(seccomp_missing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {runAsUser: 1000}
  containers:
  - name: web
    securityContext:
      capabilities: {drop: [ALL]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    runAsUser: 1000
    seccompProfile: {type: RuntimeDefault}
  containers:
  - name: web
    securityContext:
      capabilities: {drop: [ALL]}
",
    },
];

fn privileged(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if container.security("privileged") == Some(&Value::Bool(true)) {
        report.fail(
            container.security_path("privileged"),
            format!("{} runs privileged", container.label()),
        );
    }
}

fn privilege_escalation(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let set = container.security("allowPrivilegeEscalation").and_then(Value::as_bool);
    if set == Some(false) || container.pod.is_windows() {
        return;
    }
    let how = if set.is_some() { "is true" } else { "is not set and true by default" };
    report.fail(
        container.security_path("allowPrivilegeEscalation"),
        format!("{}: allowPrivilegeEscalation {how}", container.label()),
    );
}

fn writable_root(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let set = container.security("readOnlyRootFilesystem").and_then(Value::as_bool);
    if set == Some(true) || container.pod.is_windows() {
        return;
    }
    let how = if set.is_some() { "is false" } else { "is not set" };
    report.fail(
        container.security_path("readOnlyRootFilesystem"),
        format!("{}: readOnlyRootFilesystem {how}", container.label()),
    );
}

fn proc_mount(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let set = container.security("procMount").and_then(Value::as_str);
    if let Some(other) = set.filter(|set| *set != "Default") {
        report.fail(
            container.security_path("procMount"),
            format!("{}: procMount is {other}", container.label()),
        );
    }
}

/// The type of the seccomp profile in force: the container's, else the pod's. Annotations have had no
/// effect since Kubernetes 1.27.
fn seccomp_type<'a>(container: &ContainerOf<'a>) -> Option<&'a str> {
    let of = |profile: &'a Value| profile.get("type").and_then(Value::as_str);
    let own = container.security("seccompProfile").and_then(of);
    own.or_else(|| container.pod.security("seccompProfile").and_then(of))
}

fn seccomp_unconfined(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if seccomp_type(container) != Some("Unconfined") {
        return;
    }
    let own = container.security("seccompProfile").is_some();
    let path = if own {
        container.security_path("seccompProfile")
    } else {
        container.pod.security_path("seccompProfile")
    };
    report.fail(
        path.key("type"),
        format!("{} runs with the seccomp profile Unconfined", container.label()),
    );
}

fn seccomp_missing(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    const DEPRECATED: &str = "seccomp.security.alpha.kubernetes.io";
    let message = match seccomp_type(container) {
        Some("RuntimeDefault" | "Localhost" | "Unconfined") => return,
        Some(unknown) => format!("the seccomp profile type `{unknown}` does not exist"),
        None if container.pod.is_windows() => return,
        None => {
            let annotated = container.pod.spec.annotations().is_some_and(|annotations| {
                annotations.keys().any(|name| name.contains(DEPRECATED))
            });
            let note = if annotated { " (the annotation has no effect since 1.27)" } else { "" };
            format!("no seccomp profile is set{note}")
        }
    };
    report.fail(
        container.security_path("seccompProfile").key("type"),
        format!("{}: {message}", container.label()),
    );
}
