//! Checks on pods and containers that leave their confinement to the defaults, and on what a pod takes over
//! from its node by default.

use airside_types::Severity;
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "pod-security-context-missing",
        title: "Pod has no security context",
        why: "Nothing says as which user, group and profile the pod's containers run: images and nodes decide.",
        fix: "Set the pod's securityContext: runAsNonRoot, runAsUser, seccompProfile.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.7.3", "cis-aks-t1.8.0:4.7.2", "cis-gke-v1.9.0:4.6.3"],
        equivalents: &["trivy:KSV-0118", "checkov:CKV_K8S_29"],
        judge: Judge::Pod(pod_context),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {fsGroup: 10001}
  containers:
  - name: web
",
    },
    Check {
        id: "container-security-context-missing",
        title: "Container has no security context",
        why: "Privilege escalation, capabilities and a writable root file system can be turned off in the container's own security context only.",
        fix: "Set the container's securityContext: allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &["cis-v1.12.0:5.7.3", "cis-aks-t1.8.0:4.7.2", "cis-gke-v1.9.0:4.6.3"],
        equivalents: &["checkov:CKV_K8S_30"],
        judge: Judge::Container(container_context),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    securityContext: {runAsGroup: 1000}
",
    },
    Check {
        id: "host-users",
        title: "Pod uses the node's user numbers",
        why: "Without a user namespace of its own, user 0 in the pod is user 0 of the node; with one, an escape ends as a user that owns nothing.",
        fix: "Set hostUsers to false where the nodes' kernel and runtime support user namespaces.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kubesec:HostUsers"],
        judge: Judge::Pod(host_users),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostUsers: false
  containers:
  - name: web
",
    },
    Check {
        id: "host-aliases",
        title: "Pod writes names into /etc/hosts",
        why: "The names are answered before DNS is asked: connections go to an address that no Service, policy or log of the DNS knows.",
        fix: "Use a Service without a selector, or an entry in DNS.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["trivy:KSV-0007", "kubesec:HostAliases"],
        judge: Judge::Pod(host_aliases),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostAliases:
  - {ip: 192.0.2.7, hostnames: [db.example]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostAliases: []
",
    },
];

fn is_given(context: Option<&Value>) -> bool {
    let context = context.and_then(Value::as_object);
    context.is_some_and(|fields| fields.values().any(|value| !value.is_null()))
}

fn pod_context(pod: &Pod<'_>, report: &mut Report<'_>) {
    if !pod.spec.containers.is_empty() && !is_given(pod.field("securityContext")) {
        report.fail(pod.path("securityContext"), "the pod sets no securityContext".to_owned());
    }
}

fn container_context(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    if !is_given(container.field("securityContext")) {
        report.fail(
            container.path("securityContext"),
            format!("{} sets no securityContext", container.label()),
        );
    }
}

/// A pod that shares another namespace of its node cannot have its own users.
fn host_users(pod: &Pod<'_>, report: &mut Report<'_>) {
    let shares = ["hostNetwork", "hostPID", "hostIPC"]
        .iter()
        .any(|field| pod.field(field) == Some(&Value::Bool(true)));
    let is_own = pod.field("hostUsers") == Some(&Value::Bool(false));
    if !is_own && !shares && !pod.spec.containers.is_empty() && !pod.is_windows() {
        let how = if pod.field("hostUsers").is_some() { "is true" } else { "is not set" };
        report.fail(
            pod.path("hostUsers"),
            format!("hostUsers {how}: the pod has no users of its own"),
        );
    }
}

fn host_aliases(pod: &Pod<'_>, report: &mut Report<'_>) {
    for (index, alias) in airside_k8s::fields::maps(pod.spec.fields, "hostAliases") {
        let ip = airside_k8s::fields::text(alias, "ip").unwrap_or("no address");
        let names: Vec<&str> =
            airside_k8s::fields::texts(alias, "hostnames").map(|(_, name)| name).collect();
        report.fail(
            pod.path("hostAliases").index(index),
            format!("{} is {ip} for this pod", names.join(", ")),
        );
    }
}
