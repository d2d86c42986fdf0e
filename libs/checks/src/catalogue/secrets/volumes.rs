//! Checks on credentials in the options of volumes: those of pods, and PersistentVolumes.

use airside_k8s::fields::{down, maps};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::described;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Style, search};
use crate::subject::{Pod, Whole};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "credential-in-volume",
        title: "Options of a pod's volume hold a credential",
        why: "Whoever may read the pod, or the manifest, has the login of the storage, and with it the data of all who use it.",
        fix: "Put the login into a Secret and name it in nodePublishSecretRef (csi) or secretRef (flexVolume); replace the credential: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(of_pod),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes:
  - name: files
    csi: {driver: smb.csi.example.net, volumeAttributes: {source: //store/web, password: sunflower}}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes:
  - name: files
    csi: {driver: smb.csi.example.net, volumeAttributes: {source: //store/web}, nodePublishSecretRef: {name: store}}
",
    },
    Check {
        id: "credential-in-persistent-volume",
        title: "PersistentVolume holds a credential",
        why: "PersistentVolumes are read by all who operate the cluster, and their mount options appear in the logs of the node and in its list of mounts.",
        fix: "Put the login into a Secret that the driver reads (nodeStageSecretRef, nodePublishSecretRef, secretRef); replace the credential: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("", "PersistentVolume")], of_persistent),
        fails: r"apiVersion: v1
kind: PersistentVolume
metadata: {name: files}
spec: {mountOptions: [username=shop, password=sunflower], nfs: {server: store, path: /}}
",
        passes: r"apiVersion: v1
kind: PersistentVolume
metadata: {name: files}
spec: {mountOptions: [username=shop, credentials=/etc/store], nfs: {server: store, path: /}}
",
    },
];

/// Where the options of a driver stand in a volume.
const OPTIONS: [[&str; 2]; 2] = [["csi", "volumeAttributes"], ["flexVolume", "options"]];

fn of_pod(pod: &Pod<'_>, report: &mut Report<'_>) {
    for (index, volume) in maps(pod.spec.fields, "volumes") {
        options(volume, &pod.path("volumes").index(index), report);
    }
}

fn of_persistent(volume: &Whole<'_>, report: &mut Report<'_>) {
    let Some(spec) = volume.spec_fields() else { return };
    let path = FieldPath::of(&["spec"]);
    options(spec, &path, report);
    let mounts = spec.get("mountOptions").and_then(Value::as_array).unwrap_or_default();
    for (index, option) in mounts.iter().enumerate() {
        let Some(option) = option.as_str() else { continue };
        let (name, value) = option.split_once('=').unwrap_or(("", option));
        tell(name, value, path.key("mountOptions").index(index), report);
    }
}

fn options(volume: &Map, path: &FieldPath, report: &mut Report<'_>) {
    for [source, field] in OPTIONS {
        let options = volume.get(source).and_then(|it| down(it, &[field])?.as_object());
        for (name, value) in options.into_iter().flatten() {
            if let Some(text) = value.as_str() {
                tell(name, text, path.keys(&[source, field, name]), report);
            }
        }
    }
}

fn tell(name: &str, value: &str, path: FieldPath, report: &mut Report<'_>) {
    if let Some(what) = described(search(name, value, Style::References).found.iter()) {
        let name = if name.is_empty() { "option" } else { name };
        report.fail(path, format!("`{name}` holds {what}"));
    }
}
