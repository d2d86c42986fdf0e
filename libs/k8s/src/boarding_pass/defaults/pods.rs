//! What stands in pods, whatever kind starts them.

use super::Row;
use super::Usual::{Bool, Number, Same, Text};

/// Below the `spec` of pods and of their templates.
pub(in crate::boarding_pass) const POD: [Row; 8] = [
    ("dnsPolicy", Text("ClusterFirst")),
    ("restartPolicy", Text("Always")),
    ("schedulerName", Text("default-scheduler")),
    ("serviceAccount", Same("serviceAccountName")), // its old name
    ("serviceAccountName", Text("default")),
    ("terminationGracePeriodSeconds", Number(30)),
    ("topologySpreadConstraints[].nodeAffinityPolicy", Text("Honor")),
    ("topologySpreadConstraints[].nodeTaintsPolicy", Text("Ignore")),
];

/// Below an element of a pod's `volumes`, and below the `spec` of persistent volumes.
pub(in crate::boarding_pass) const VOLUME: [Row; 21] = [
    ("azureDisk.cachingMode", Text("ReadWrite")),
    ("azureDisk.fsType", Text("ext4")),
    ("azureDisk.kind", Text("Shared")),
    ("azureDisk.readOnly", Bool(false)),
    ("configMap.defaultMode", Number(0o644)),
    ("downwardAPI.defaultMode", Number(0o644)),
    ("downwardAPI.items[].fieldRef.apiVersion", Text("v1")),
    ("ephemeral.volumeClaimTemplate.spec.volumeMode", Text("Filesystem")),
    ("hostPath.type", Text("")),
    ("iscsi.iscsiInterface", Text("default")),
    ("projected.defaultMode", Number(0o644)),
    ("projected.sources[].downwardAPI.items[].fieldRef.apiVersion", Text("v1")),
    ("projected.sources[].serviceAccountToken.expirationSeconds", Number(3600)),
    ("rbd.keyring", Text("/etc/ceph/keyring")),
    ("rbd.pool", Text("rbd")),
    ("rbd.user", Text("admin")),
    ("scaleIO.fsType", Text("xfs")),
    ("scaleIO.storageMode", Text("ThinProvisioned")),
    ("secret.defaultMode", Number(0o644)),
    ("image.pullPolicy", Text("Always")),
    ("image.pullPolicy", Text("IfNotPresent")),
];

/// Below an element of `containers`, `initContainers` and `ephemeralContainers`.
pub(in crate::boarding_pass) const CONTAINER: [Row; 11] = [
    ("env[].valueFrom.fieldRef.apiVersion", Text("v1")),
    ("env[].valueFrom.resourceFieldRef.divisor", Text("0")),
    // The one or the other by the image's tag, and it stays when the tag changes.
    ("imagePullPolicy", Text("Always")),
    ("imagePullPolicy", Text("IfNotPresent")),
    ("lifecycle.postStart.httpGet.path", Text("/")),
    ("lifecycle.postStart.httpGet.scheme", Text("HTTP")),
    ("lifecycle.preStop.httpGet.path", Text("/")),
    ("lifecycle.preStop.httpGet.scheme", Text("HTTP")),
    ("ports[].protocol", Text("TCP")),
    ("terminationMessagePath", Text("/dev/termination-log")),
    ("terminationMessagePolicy", Text("File")),
];

/// Below the probes of containers.
pub(in crate::boarding_pass) const PROBE: [Row; 7] = [
    ("failureThreshold", Number(3)),
    ("grpc.service", Text("")),
    ("httpGet.path", Text("/")),
    ("httpGet.scheme", Text("HTTP")),
    ("periodSeconds", Number(10)),
    ("successThreshold", Number(1)),
    ("timeoutSeconds", Number(1)),
];
