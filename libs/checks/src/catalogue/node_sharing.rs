//! Checks on what a pod has in common with its node and with the control plane, beside what `host.rs` judges:
//! users, names, and the node itself.

use airside_k8s::Value;
use airside_k8s::fields::{maps, text, texts};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Pod;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
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
    Check {
        id: "control-plane-scheduling",
        title: "Pod may run on nodes of the control plane",
        why: "A program that leaves its container there is beside the keys of the API server and of etcd, and it takes CPU and memory from them.",
        fix: "Remove the toleration or the node selector.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["kyverno:other/restrict-controlplane-scheduling"],
        judge: Judge::Pod(control_plane),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  tolerations:
  - {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  tolerations:
  - {key: node.kubernetes.io/disk-pressure, operator: Exists, effect: NoSchedule}
",
    },
];

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
    for (index, alias) in maps(pod.spec.fields, "hostAliases") {
        let ip = text(alias, "ip").unwrap_or("no address");
        let names: Vec<&str> = texts(alias, "hostnames").map(|(_, name)| name).collect();
        report.fail(
            pod.path("hostAliases").index(index),
            format!("{} is {ip} for this pod", names.join(", ")),
        );
    }
}

/// The taints, and labels, of nodes of the control plane.
const CONTROL_PLANE: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

fn is_control_plane(key: &str) -> bool {
    CONTROL_PLANE.contains(&key)
}

/// A DaemonSet with a toleration of everything is an agent of all nodes; anything else with one is told.
fn control_plane(pod: &Pod<'_>, report: &mut Report<'_>) {
    let is_agent = pod.object.kind() == "DaemonSet";
    for (index, toleration) in maps(pod.spec.fields, "tolerations") {
        let path = pod.path("tolerations").index(index);
        let exists = text(toleration, "operator") == Some("Exists");
        match text(toleration, "key") {
            Some(key) if is_control_plane(key) => {
                report.fail(path.key("key"), format!("the pod tolerates the taint {key}"));
            }
            None if exists && !is_agent && text(toleration, "effect") != Some("NoExecute") => {
                report.fail(path, "the pod tolerates every taint".to_owned());
            }
            _ => {}
        }
    }
    if let Some(selector) = pod.field("nodeSelector").and_then(Value::as_object) {
        for key in selector.keys().filter(|key| is_control_plane(key)) {
            report.fail(
                pod.path("nodeSelector").key(key),
                format!("the pod selects nodes with the label {key}"),
            );
        }
    }
}
