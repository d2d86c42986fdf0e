//! Checks that tell which workloads hold what: the Secrets, ConfigMaps and claims that their containers mount.
//! None of them is a fault; they show what an intruder in the pod would get.

use airside_k8s::Value;
use airside_k8s::fields::{down, maps, text};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Pod;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "workload-mounts-secret",
        title: "Workload has the files of a Secret",
        why: "Who breaks into one of its pods reads the Secret: change what it opens after an intrusion.",
        fix: "Mount only the keys that the program reads, and give it credentials that open as little as possible.",
        severity: Severity::Info,
        category: Category::Secrets,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &["kubescape:C-0255", "kubescape:workload-mounted-secrets"],
        judge: Judge::Pod(|pod, report| mounted(pod, &SECRET, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: web, volumeMounts: [{name: login, mountPath: /login}]}]
  volumes: [{name: login, secret: {secretName: db}}]
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: web}]
  volumes: [{name: login, secret: {secretName: db}}]
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
",
    },
    Check {
        id: "workload-mounts-config-map",
        title: "Workload has the files of a ConfigMap",
        why: "Who breaks into one of its pods learns addresses and settings of other systems from them.",
        fix: "Mount only the keys that the program reads.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0258", "kubescape:workload-mounted-configmap"],
        judge: Judge::Pod(|pod, report| mounted(pod, &CONFIG_MAP, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: web, volumeMounts: [{name: settings, mountPath: /settings}]}]
  volumes: [{name: settings, configMap: {name: web}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: web}]
  volumes: [{name: settings, configMap: {name: web}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
",
    },
    Check {
        id: "workload-mounts-claim",
        title: "Workload keeps data on a volume",
        why: "Who breaks into one of its pods reads and changes the data, and leaves behind what later pods run.",
        fix: "Mount the volume readOnly where the program only reads, and keep backups out of the pod's reach.",
        severity: Severity::Info,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0257", "kubescape:workload-mounted-pvc"],
        judge: Judge::Pod(|pod, report| mounted(pod, &CLAIM, report)),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec:
  containers: [{name: db, volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {storageClassName: fast, resources: {requests: {storage: 1Gi}}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec:
  containers: [{name: db}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {storageClassName: fast, resources: {requests: {storage: 1Gi}}}
",
    },
];

/// A kind that volumes hold, and where in a volume its name stands.
struct Held {
    kind: &'static str,
    name: [&'static str; 2],
}

const SECRET: Held = Held { kind: "Secret", name: ["secret", "secretName"] };
const CONFIG_MAP: Held = Held { kind: "ConfigMap", name: ["configMap", "name"] };
const CLAIM: Held =
    Held { kind: "PersistentVolumeClaim", name: ["persistentVolumeClaim", "claimName"] };

/// Fails for each container that mounts an object of a kind, where the input holds the object.
fn mounted(pod: &Pod<'_>, held: &Held, report: &mut Report<'_>) {
    let mounts = |volume: &str| {
        pod.containers().find_map(|container| {
            let mut mounts = maps(container.container.fields, "volumeMounts");
            let (index, _) = mounts.find(|(_, mount)| text(mount, "name") == Some(volume))?;
            Some(container.path("volumeMounts").index(index))
        })
    };
    let volumes = pod.field("volumes").and_then(Value::as_array);
    for volume in volumes.into_iter().flatten() {
        let Some(name) = down(volume, &held.name).and_then(Value::as_str) else { continue };
        let volume = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(path) = mounts(volume) else { continue };
        if pod.graph.is_single_object() {
            return report.undecided("what the pod mounts are other objects");
        }
        if pod.graph.find("", held.kind, pod.object.namespace(), name).is_some() {
            report.fail(path, format!("the {} `{name}` is mounted", held.kind));
        }
    }
}
