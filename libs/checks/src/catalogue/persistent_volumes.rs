//! Checks on PersistentVolumes that are files of a node. What pods mount themselves is `host.rs`'s.

use airside_k8s::HostPath;
use airside_k8s::fields::down;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const VOLUME: &[(&str, &str)] = &[("", "PersistentVolume")];

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "sensitive-persistent-volume",
        title: "PersistentVolume is a sensitive place of its node",
        why: "A pod that claims the volume has the node's files like one with a hostPath, but its specification does not show it, and Pod Security Standards let it pass.",
        fix: "Delete the volume, or point it at a folder of its own that nothing else on the node reads or runs.",
        severity: Severity::High,
        category: Category::WorkloadHardening,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(VOLUME, sensitive),
        fails: r"apiVersion: v1
kind: PersistentVolume
metadata: {name: logs}
spec: {local: {path: /var/lib/kubelet}}
",
        passes: r"apiVersion: v1
kind: PersistentVolume
metadata: {name: logs}
spec: {local: {path: /disks/ssd1}}
",
    },
    Check {
        id: "host-path-persistent-volume",
        title: "PersistentVolume is a folder of whatever node its pods run on",
        why: "Kubernetes does not keep the pods on one node for a hostPath volume: each node has files of its own, which outlive the pod and which others on the node reach.",
        fix: "Use a storage class, or the type local, which keeps pods on the node that has the data.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(VOLUME, host_path),
        fails: r"apiVersion: v1
kind: PersistentVolume
metadata: {name: data}
spec: {hostPath: {path: /data}}
",
        passes: r"apiVersion: v1
kind: PersistentVolume
metadata: {name: data}
spec: {local: {path: /data}}
",
    },
];

/// The path on the node, and the field that names it.
fn on_node<'a>(volume: &Whole<'a>, source: &str) -> Option<(&'a str, FieldPath)> {
    let spec = volume.object.fields().get("spec")?;
    let path = down(spec, &[source, "path"])?.as_str()?;
    Some((path, FieldPath::of(&["spec", source, "path"])))
}

/// Who claims the volume, where it says so.
fn claimed_by(volume: &Whole<'_>) -> String {
    let claim = || {
        let claim = volume.spec("claimRef")?;
        let name = claim.get("name")?.as_str()?;
        let namespace = claim.get("namespace").and_then(|it| it.as_str()).unwrap_or("default");
        Some(format!(", for whoever mounts the claim {namespace}/{name}"))
    };
    claim().unwrap_or_default()
}

fn sensitive(volume: &Whole<'_>, report: &mut Report<'_>) {
    for source in ["hostPath", "local"] {
        let Some((path, field)) = on_node(volume, source) else { continue };
        let what = match HostPath::of(path) {
            HostPath::RuntimeSocket => "the socket of the container runtime",
            HostPath::Sensitive => "a sensitive place of the node",
            HostPath::Other => continue,
        };
        report.fail(field, format!("the volume is {path}, {what}{}", claimed_by(volume)));
    }
}

fn host_path(volume: &Whole<'_>, report: &mut Report<'_>) {
    if let Some((path, field)) = on_node(volume, "hostPath")
        && HostPath::of(path) == HostPath::Other
    {
        report.fail(field, format!("the volume is {path} of the node{}", claimed_by(volume)));
    }
}
