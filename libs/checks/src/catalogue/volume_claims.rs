//! Checks on claims of storage: their class, their size, and whether what they get is encrypted.

use airside_k8s::Value;
use airside_k8s::fields::down;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "volume-claim-without-class",
        title: "Claim of storage does not say which kind it needs",
        why: "The cluster's default class decides, which differs from cluster to cluster and may change: speed, price, encryption and what becomes of the data after the claim.",
        fix: "Set storageClassName.",
        severity: Severity::Info,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:other/require-storageclass"],
        judge: Judge::Object(CLAIMING, without_class),
        fails: r"apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
",
        passes: r"apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
",
    },
    Check {
        id: "volume-claim-without-size",
        title: "Claim of storage does not say how much it needs",
        why: "The API server refuses such a claim, and a StatefulSet with such a template never gets a pod.",
        fix: "Set resources.requests.storage.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &["kubesec:VolumeClaimRequestsStorage"],
        judge: Judge::Object(CLAIMING, without_size),
        fails: r"apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {storageClassName: fast, accessModes: [ReadWriteOnce]}
",
        passes: r"apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      storageClassName: fast
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
",
    },
    Check {
        id: "volume-without-encryption",
        title: "Disks of a storage class are not encrypted",
        why: "Elastic Block Store encrypts a disk only where its class or the account's default says so: else whoever gets at a snapshot or the disk reads the data.",
        fix: "Set the parameter encrypted of the StorageClass to \"true\", and move the data to new volumes.",
        severity: Severity::Low,
        category: Category::WorkloadHardening,
        techniques: &[],
        controls: &[],
        equivalents: &["kubescape:C-0264", "kubescape:pv-without-encryption"],
        judge: Judge::Object(
            &[("storage.k8s.io", "StorageClass"), ("", "PersistentVolume")],
            without_encryption,
        ),
        fails: r"apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ebs.csi.aws.com
parameters: {type: gp3}
",
        passes: r#"apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ebs.csi.aws.com
parameters: {type: gp3, encrypted: "true"}
"#,
    },
];

const CLAIMING: &[(&str, &str)] = &[("", "PersistentVolumeClaim"), ("apps", "StatefulSet")];

/// The claims that an object is or makes, with the paths of their specifications.
fn claims<'a>(object: &Whole<'a>) -> Vec<(FieldPath, &'a Value)> {
    let path = FieldPath::of(&["spec"]);
    if object.object.kind() == "PersistentVolumeClaim" {
        return object.object.fields().get("spec").map(|spec| (path, spec)).into_iter().collect();
    }
    let path = path.key("volumeClaimTemplates");
    let templates = object.spec("volumeClaimTemplates").and_then(Value::as_array);
    let templates = templates.into_iter().flatten().enumerate();
    templates
        .filter_map(|(index, template)| {
            Some((path.index(index).key("spec"), template.get("spec")?))
        })
        .collect()
}

/// An empty name stands: it asks for a volume without a class. So does one for a certain volume.
fn without_class(object: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "storageClassName";
    for (path, claim) in claims(object) {
        if down(claim, &[FIELD]).is_none() && down(claim, &["volumeName"]).is_none() {
            report.fail(path.key(FIELD), format!("{FIELD} is not set"));
        }
    }
}

fn without_size(object: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: [&str; 3] = ["resources", "requests", "storage"];
    for (path, claim) in claims(object) {
        if down(claim, &FIELD).is_none() {
            report.fail(path.keys(&FIELD), format!("{} is not set", FIELD.join(".")));
        }
    }
}

/// The classes of other clouds encrypt always, or say nothing of it.
fn is_unencrypted(class: &Value) -> bool {
    let provisioner = class.get("provisioner").and_then(Value::as_str);
    let encrypted = down(class, &["parameters", "encrypted"]);
    matches!(provisioner, Some("ebs.csi.aws.com" | "kubernetes.io/aws-ebs"))
        && encrypted.and_then(Value::as_str) != Some("true")
}

fn without_encryption(object: &Whole<'_>, report: &mut Report<'_>) {
    if object.object.kind() == "StorageClass" {
        if is_unencrypted(object.object.value()) {
            let path = FieldPath::of(&["parameters", "encrypted"]);
            report.fail(path, "the parameter encrypted is not \"true\"".to_owned());
        }
        return;
    }
    let Some(name) = object.spec("storageClassName").and_then(Value::as_str) else { return };
    let class = object.graph.find("storage.k8s.io", "StorageClass", None, name);
    if class.is_some_and(|class| is_unencrypted(class.value())) {
        report.fail(
            FieldPath::of(&["spec", "storageClassName"]),
            format!("the class `{name}` does not encrypt its disks"),
        );
    }
}
