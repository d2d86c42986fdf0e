//! Checks on OpenShift's security context constraints.

use airside_k8s::fields::{down, list, texts};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use serde_json::Value;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const CONSTRAINTS: &[(&str, &str)] =
    &[("security.openshift.io", "SecurityContextConstraints"), ("", "SecurityContextConstraints")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "scc-allows-privileged",
        title: "Security context constraints allow privileged containers",
        why: "Whoever may use them starts a container that is root on its node.",
        fix: "Set allowPrivilegedContainer to false; give node agents constraints of their own, that nobody else may use.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["kube-linter:scc-deny-privileged-container"],
        judge: Judge::Object(CONSTRAINTS, |scc, report| {
            allows(scc, "allowPrivilegedContainer", "privileged containers", report);
        }),
        fails: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
allowPrivilegedContainer: true
",
        passes: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
allowPrivilegedContainer: false
",
    },
    Check {
        id: "scc-allows-host",
        title: "Security context constraints allow sharing the node",
        why: "Whoever may use them reads the node's processes, network or files.",
        fix: "Set allowHostPID, allowHostIPC, allowHostNetwork and allowHostDirVolumePlugin to false.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONSTRAINTS, |scc, report| {
            allows(scc, "allowHostPID", "the node's processes", report);
            allows(scc, "allowHostIPC", "the node's shared memory", report);
            allows(scc, "allowHostNetwork", "the node's network", report);
            allows(scc, "allowHostDirVolumePlugin", "the node's files", report);
        }),
        fails: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
allowHostPID: true
",
        passes: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
allowHostPID: false
",
    },
    Check {
        id: "scc-allows-root",
        title: "Security context constraints allow any user, root included",
        why: "A container that runs as root has more ways out of it, and its files belong to root on shared volumes.",
        fix: "Set runAsUser.type to MustRunAsNonRoot or MustRunAsRange.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONSTRAINTS, allows_root),
        fails: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
runAsUser: {type: RunAsAny}
",
        passes: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
runAsUser: {type: MustRunAsRange}
",
    },
    Check {
        id: "scc-allows-all-capabilities",
        title: "Security context constraints allow every capability",
        why: "With SYS_ADMIN and its like a container is as good as privileged.",
        fix: "List the capabilities that are needed in allowedCapabilities.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONSTRAINTS, allows_capabilities),
        fails: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
allowedCapabilities: ['*']
",
        passes: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
allowedCapabilities: [NET_BIND_SERVICE]
",
    },
    Check {
        id: "scc-for-everybody",
        title: "Security context constraints are open to everybody who is logged in",
        why: "Every user and service account can start pods by them, whatever they allow.",
        fix: "Remove the group; let a Role with the verb `use` say who may use them.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1078")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(CONSTRAINTS, for_everybody),
        fails: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
groups: ['system:authenticated']
",
        passes: r"apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: agents}
groups: ['system:cluster-admins']
",
    },
];

fn allows(scc: &Whole<'_>, field: &str, what: &str, report: &mut Report<'_>) {
    if scc.object.fields().get(field) == Some(&Value::Bool(true)) {
        report.fail(FieldPath::of(&[field]), format!("{field} is true: pods may have {what}"));
    }
}

fn allows_root(scc: &Whole<'_>, report: &mut Report<'_>) {
    if down(scc.object.value(), &["runAsUser", "type"]).and_then(Value::as_str) == Some("RunAsAny")
    {
        let message = "runAsUser.type is RunAsAny: containers may be root".to_owned();
        report.fail(FieldPath::of(&["runAsUser", "type"]), message);
    }
}

fn allows_capabilities(scc: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "allowedCapabilities";
    let found = list(scc.object.fields(), FIELD).iter().position(|one| one.as_str() == Some("*"));
    if let Some(index) = found {
        let path = FieldPath::of(&[FIELD]).index(index);
        report.fail(path, "`*` allows every capability".to_owned());
    }
}

fn for_everybody(scc: &Whole<'_>, report: &mut Report<'_>) {
    for (index, group) in texts(scc.object.fields(), "groups") {
        if matches!(group, "system:authenticated" | "system:serviceaccounts") {
            let path = FieldPath::of(&["groups"]).index(index);
            report.fail(path, format!("everybody of {group} may use them"));
        }
    }
}
