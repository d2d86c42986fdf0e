//! Checks on the settings of an OpenShift cluster: encryption of etcd, and who may create projects.

use airside_k8s::Value;
use airside_k8s::fields::down;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Binding, Whole};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "openshift-secrets-plain",
        title: "OpenShift stores secrets in etcd as plain text",
        why: "Whoever gets a backup or a disk of etcd reads every secret and token of the cluster.",
        fix: "Set spec.encryption.type of the APIServer to aescbc or aesgcm.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1552")],
        controls: &[],
        equivalents: &["kyverno:openshift/enforce-etcd-encryption"],
        judge: Judge::Object(&[("config.openshift.io", "APIServer")], plain),
        fails: r"apiVersion: config.openshift.io/v1
kind: APIServer
metadata: {name: cluster}
",
        passes: r"apiVersion: config.openshift.io/v1
kind: APIServer
metadata: {name: cluster}
spec: {encryption: {type: aesgcm}}
",
    },
    Check {
        id: "openshift-self-provisioner",
        title: "Users of OpenShift may create projects of their own",
        why: "Who creates a project is its administrator: quotas, network policies and owners that the team in charge gives to projects are then up to everybody.",
        fix: "Remove the subjects of the binding, and set rbac.authorization.kubernetes.io/autoupdate to false so that it stays so.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[],
        controls: &[],
        equivalents: &["kyverno:openshift/disallow-self-provisioner-binding"],
        judge: Judge::Binding(self_provisioner),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: projects}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: self-provisioner}
subjects: [{kind: Group, name: 'system:authenticated:oauth', apiGroup: rbac.authorization.k8s.io}]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: projects}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: self-provisioner}
subjects: []
",
    },
];

fn plain(server: &Whole<'_>, report: &mut Report<'_>) {
    const TYPE: [&str; 3] = ["spec", "encryption", "type"];
    let kind = down(server.object.value(), &TYPE).and_then(Value::as_str).unwrap_or_default();
    if matches!(kind, "" | "identity") {
        report.fail(FieldPath::of(&TYPE), "no encryption is set up".to_owned());
    }
}

fn self_provisioner(binding: &Binding<'_>, report: &mut Report<'_>) {
    let subjects = binding.object.fields().get("subjects").and_then(Value::as_array);
    let has_subjects = subjects.is_some_and(|subjects| !subjects.is_empty());
    if binding.role_name == "self-provisioner" && has_subjects {
        let message = format!("projects may be created by {}", binding.subjects());
        report.fail(binding.role_path(), message);
    }
}
