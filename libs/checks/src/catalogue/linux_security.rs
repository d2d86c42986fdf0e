//! Checks on the kernel's ways to confine a container beside capabilities and seccomp: sysctls, SELinux,
//! AppArmor.

use airside_k8s::fields::{maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "unsafe-sysctls",
        title: "Pod sets kernel parameters that are not known to be safe",
        why: "Parameters outside the safe list may act on other pods or on the whole node; the kubelet lets them pass only where somebody allowed them for the node.",
        fix: "Remove the sysctl, or set it on nodes that are kept for such pods.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1499")],
        controls: &["cis-v1.12.0:5.7.3", "cis-gke-v1.9.0:4.6.3", "pod-security-standards:baseline"],
        equivalents: &[
            "kube-linter:unsafe-sysctls",
            "trivy:KSV-0026",
            "kyverno:pod-security/restrict-sysctls",
            "gatekeeper-library:pod-security-policy/forbidden-sysctls",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(sysctls),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    sysctls:
    - {name: kernel.msgmax, value: "65536"}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    sysctls:
    - {name: net.ipv4.tcp_syncookies, value: "1"}
"#,
    },
    Check {
        id: "sysctl-injection",
        title: "Value of a kernel parameter smuggles in another one",
        why: "CRI-O before 1.19.6, 1.20.7, 1.21.6, 1.22.3 and 1.23.2 read what follows a + in the value as further parameters, such as kernel.core_pattern, which runs a program as root on the node (CVE-2022-0811).",
        fix: "Remove + and = from the value: no parameter that a pod may set needs them.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["kyverno:other/prevent-cr8escape"],
        judge: Judge::Pod(sysctl_injection),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    sysctls:
    - {name: kernel.shm_rmid_forced, value: "1+kernel.core_pattern=|/bin/dump"}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    sysctls:
    - {name: kernel.shm_rmid_forced, value: "1"}
"#,
    },
    Check {
        id: "selinux-options",
        title: "Container chooses an SELinux type, user or role of its own",
        why: "Types like spc_t, and users and roles other than the container's, take the confinement away that SELinux gives to containers.",
        fix: "Remove type, user and role; level alone is harmless. Types of containers: container_t, container_init_t, container_kvm_t, container_engine_t.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.7.3", "cis-gke-v1.9.0:4.6.3", "pod-security-standards:baseline"],
        equivalents: &[
            "trivy:KSV-0025",
            "kyverno:pod-security/disallow-selinux",
            "gatekeeper-library:pod-security-policy/selinux",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(selinux),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    seLinuxOptions: {type: spc_t}
",
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    seLinuxOptions: {level: "s0:c123,c456"}
"#,
    },
    Check {
        id: "apparmor-profile",
        title: "Container's AppArmor profile is switched off or unknown",
        why: "Unconfined takes the runtime's profile away, which forbids mounts and writes to parts of /proc and /sys; a value that is no profile keeps the pod from starting.",
        fix: "Remove the annotation or appArmorProfile, or set RuntimeDefault or Localhost with a profile of your own.",
        severity: Severity::Medium,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.7.3", "pod-security-standards:baseline"],
        equivalents: &[
            "trivy:KSV-0002",
            "kyverno:pod-security/restrict-apparmor-profiles",
            "gatekeeper-library:pod-security-policy/apparmor",
            "kubesec:ApparmorUnconfined",
            "kyverno:pod-security/podsecurity-subrule-baseline",
            "kyverno:pod-security/restricted-latest",
        ],
        judge: Judge::Pod(apparmor),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    appArmorProfile: {type: Unconfined}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    appArmorProfile: {type: RuntimeDefault}
",
    },
    Check {
        id: "apparmor-profile-missing",
        title: "Container does not ask for an AppArmor profile",
        why: "It gets the runtime's profile on nodes that have AppArmor, and none on others: only a pod that asks for one is kept from nodes without.",
        fix: "Set appArmorProfile.type to RuntimeDefault where all nodes have AppArmor.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kubesec:ApparmorAny"],
        judge: Judge::Container(apparmor_missing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {seccompProfile: {type: RuntimeDefault}}
  containers: [{name: web}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext:
    seccompProfile: {type: RuntimeDefault}
    appArmorProfile: {type: RuntimeDefault}
  containers: [{name: web}]
",
    },
    Check {
        id: "no-kernel-confinement",
        title: "Container asks for none of seccomp, SELinux, AppArmor and fewer capabilities",
        why: "Each of the four makes an escape from a container harder; with none of them asked for, only the node's defaults are left, which may be none.",
        fix: "Set seccompProfile.type to RuntimeDefault and drop all capabilities.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.7.3", "cis-gke-v1.9.0:4.6.3"],
        equivalents: &["polaris:linuxHardening", "kubescape:C-0055", "kubescape:linux-hardening"],
        judge: Judge::Container(unconfined),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {readOnlyRootFilesystem: true}
",
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext:
      readOnlyRootFilesystem: true
      seLinuxOptions: {level: "s0:c123,c456"}
"#,
    },
];

/// Sysctls that act on the pod alone, as the Pod Security Standards list them.
const SAFE_SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// The kernel takes a name with slashes as well.
fn sysctls(pod: &Pod<'_>, report: &mut Report<'_>) {
    let Some(security) = pod.field("securityContext").and_then(Value::as_object) else { return };
    for (index, sysctl) in maps(security, "sysctls") {
        let Some(name) = text(sysctl, "name") else { continue };
        if !SAFE_SYSCTLS.contains(&name.replace('/', ".").as_str()) {
            report.fail(
                pod.security_path("sysctls").index(index).key("name"),
                format!("the sysctl {name} is not on the list of safe ones"),
            );
        }
    }
}

/// CRI-O hands parameters to a program of its own as one text, joined by `+`.
fn sysctl_injection(pod: &Pod<'_>, report: &mut Report<'_>) {
    let Some(security) = pod.field("securityContext").and_then(Value::as_object) else { return };
    for (index, sysctl) in maps(security, "sysctls") {
        let name = text(sysctl, "name").unwrap_or("without a name");
        if text(sysctl, "value").is_some_and(|value| value.contains(['+', '='])) {
            report.fail(
                pod.security_path("sysctls").index(index).key("value"),
                format!("the value of the sysctl {name} holds + or ="),
            );
        }
    }
}

fn selinux(pod: &Pod<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "seLinuxOptions";
    if let Some(options) = pod.security(FIELD).and_then(Value::as_object) {
        selinux_options(options, &pod.security_path(FIELD), "the pod", report);
    }
    for container in pod.containers() {
        if let Some(options) = container.security(FIELD).and_then(Value::as_object) {
            let (path, label) = (container.security_path(FIELD), container.label());
            selinux_options(options, &path, &label, report);
        }
    }
}

fn selinux_options(options: &Map, path: &FieldPath, who: &str, report: &mut Report<'_>) {
    const TYPES: [&str; 4] =
        ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
    for name in ["type", "user", "role"] {
        let Some(value) = text(options, name) else { continue };
        if name != "type" || !TYPES.contains(&value) {
            report.fail(path.key(name), format!("{who} sets the SELinux {name} {value}"));
        }
    }
}

const APPARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";
const APPARMOR_FIELD: &str = "appArmorProfile";

fn apparmor(pod: &Pod<'_>, report: &mut Report<'_>) {
    let metadata = pod.spec.path.parent().unwrap_or_default().keys(&["metadata", "annotations"]);
    for (name, value) in pod.spec.annotations().into_iter().flatten() {
        let Some(container) = name.strip_prefix(APPARMOR_ANNOTATION) else { continue };
        let profile = value.as_str().unwrap_or_default();
        if !matches!(profile, "" | "runtime/default") && !profile.starts_with("localhost/") {
            report.fail(
                metadata.key(name),
                format!("the AppArmor profile of container `{container}` is `{profile}`"),
            );
        }
    }
    let of_pod = pod.security(APPARMOR_FIELD).map(|set| (pod.security_path(APPARMOR_FIELD), set));
    let of_containers = pod.containers().filter_map(|container| {
        Some((container.security_path(APPARMOR_FIELD), container.security(APPARMOR_FIELD)?))
    });
    for (path, profile) in of_pod.into_iter().chain(of_containers) {
        let kind = profile.get("type").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "RuntimeDefault" | "Localhost") {
            report.fail(path.key("type"), format!("the AppArmor profile is `{kind}`"));
        }
    }
}

fn has_seccomp(container: &ContainerOf<'_>) -> bool {
    let profile = container.effective("seccompProfile").and_then(|profile| profile.get("type"));
    matches!(profile.and_then(Value::as_str), Some("RuntimeDefault" | "Localhost"))
}

fn has_apparmor(container: &ContainerOf<'_>) -> bool {
    let profile = container.effective(APPARMOR_FIELD).and_then(|profile| profile.get("type"));
    let by_field = matches!(profile.and_then(Value::as_str), Some("RuntimeDefault" | "Localhost"));
    let name = format!("{APPARMOR_ANNOTATION}{}", container.container.name());
    let annotated = container.pod.spec.annotations().and_then(|all| all.get(&name));
    by_field || annotated.and_then(Value::as_str).is_some_and(|value| value != "unconfined")
}

fn apparmor_missing(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if !has_apparmor(container) && !container.pod.is_windows() {
        report.fail(
            container.security_path(APPARMOR_FIELD),
            format!("{} asks for no AppArmor profile", container.label()),
        );
    }
}

fn has_selinux(container: &ContainerOf<'_>) -> bool {
    let options = container.effective("seLinuxOptions").and_then(Value::as_object);
    options.is_some_and(|options| options.values().any(|value| !value.is_null()))
}

fn drops_capabilities(container: &ContainerOf<'_>) -> bool {
    container.capabilities("drop").next().is_some()
        && !container.capabilities("add").any(|(_, name)| name == "ALL")
}

fn unconfined(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let is_confined = has_seccomp(container)
        || has_apparmor(container)
        || has_selinux(container)
        || drops_capabilities(container);
    if !is_confined && !container.pod.is_windows() {
        report.fail(
            container.path("securityContext"),
            format!(
                "{} sets no seccomp, SELinux or AppArmor profile and drops no capability",
                container.label()
            ),
        );
    }
}

#[cfg(test)]
mod tests;
