//! Checks on the types of volumes. What is mounted from the node is `host.rs`'s.

use airside_k8s::fields::{maps, text};
use airside_types::Severity;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Pod;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[Check {
    id: "volume-type",
    title: "Pod mounts storage directly instead of by a claim",
    why: "Volumes that name a server or a disk take credentials and a choice of target into the pod's specification; some (gitRepo, flexVolume) run programs on the node.",
    fix: "Use a PersistentVolumeClaim with a storage class; of the other types only configMap, csi, downwardAPI, emptyDir, ephemeral, image, projected and secret.",
    severity: Severity::Low,
    category: Category::WorkloadHardening,
    techniques: &[],
    controls: &["pod-security-standards:restricted"],
    equivalents: &[
        "trivy:KSV-0028",
        "kyverno:pod-security/restrict-volume-types",
        "gatekeeper-library:pod-security-policy/volumes",
        "kyverno:pod-security/restricted-latest",
    ],
    judge: Judge::Pod(types),
    fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes:
  - name: data
    nfs: {server: files.example, path: /data}
",
    passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes:
  - name: data
    persistentVolumeClaim: {claimName: data}
",
}];

/// Types that Kubernetes has or had; another key is no type.
const DIRECT: [&str; 20] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

fn types(pod: &Pod<'_>, report: &mut Report<'_>) {
    for (index, volume) in maps(pod.spec.fields, "volumes") {
        let name = text(volume, "name").unwrap_or("without a name");
        for kind in volume.keys().filter(|key| DIRECT.contains(key)) {
            report.fail(
                pod.path("volumes").index(index).key(kind),
                format!("volume `{name}` is of type {kind}"),
            );
        }
    }
}
