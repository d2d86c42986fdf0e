//! Checks on OpenShift's security context constraints.

use airside_k8s::Value;
use airside_k8s::fields::{down, list, texts};
use airside_k8s::rbac::Rule;
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Binding, Whole};

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
    Check {
        id: "scc-wide-rule",
        title: "Role lets its bearers use constraints that protect nothing",
        why: "With anyuid, privileged or the host constraints, pods may run as root or share the node: whoever has the role can start them.",
        fix: "Use restricted-v2; make constraints of your own for what the workload needs.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["kyverno:openshift/disallow-security-context-constraint-anyuid"],
        judge: Judge::Rule(wide_rule),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: agent}
rules:
- apiGroups: [security.openshift.io]
  resources: [securitycontextconstraints]
  resourceNames: [anyuid]
  verbs: [use]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: agent}
rules:
- apiGroups: [security.openshift.io]
  resources: [securitycontextconstraints]
  resourceNames: [restricted-v2]
  verbs: [use]
",
    },
    Check {
        id: "scc-wide-binding",
        title: "Binding lets its subjects use constraints that protect nothing",
        why: "With anyuid, privileged or the host constraints, pods may run as root or share the node: the subjects can start them.",
        fix: "Bind system:openshift:scc:restricted-v2; make constraints of your own for what the workload needs.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &["kyverno:openshift/disallow-security-context-constraint-anyuid"],
        judge: Judge::Binding(wide_binding),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: agent}
roleRef: {kind: ClusterRole, name: 'system:openshift:scc:anyuid'}
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: agent}
roleRef: {kind: ClusterRole, name: 'system:openshift:scc:restricted-v2'}
",
    },
    Check {
        id: "openshift-route-without-tls",
        title: "OpenShift route serves without encryption",
        why: "Logins, cookies and data pass in the clear between client and router.",
        fix: "Set spec.tls.termination to edge, reencrypt or passthrough.",
        severity: Severity::Medium,
        category: Category::Ingress,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &["kyverno:openshift/check-routes"],
        judge: Judge::Object(&[("route.openshift.io", "Route")], route_without_tls),
        fails: r"apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: web}
spec: {to: {kind: Service, name: web}}
",
        passes: r"apiVersion: route.openshift.io/v1
kind: Route
metadata: {name: web}
spec: {to: {kind: Service, name: web}, tls: {termination: edge}}
",
    },
];

/// The constraints of OpenShift by which pods can be root or share the node.
const WIDE: [&str; 7] = [
    "anyuid",
    "hostaccess",
    "hostmount-anyuid",
    "hostnetwork",
    "hostnetwork-v2",
    "node-exporter",
    "privileged",
];

fn wide_rule(rule: &Rule<'_>, report: &mut Report<'_>) {
    let uses = rule.reaches("security.openshift.io", "securitycontextconstraints")
        && rule.allows_verb(&["use"]);
    for (index, name) in rule.list("resourceNames").filter(|(_, name)| WIDE.contains(name)) {
        if uses {
            let message = format!("the rule lets its bearers use the constraints {name}");
            report.fail(rule.path("resourceNames", index), message);
        }
    }
}

fn wide_binding(binding: &Binding<'_>, report: &mut Report<'_>) {
    let constraints = binding.role_name.strip_prefix("system:openshift:scc:");
    if let Some(name) = constraints.filter(|name| WIDE.contains(name)) {
        let message = format!("the constraints {name} may be used by {}", binding.subjects());
        report.fail(binding.role_path(), message);
    }
}

fn route_without_tls(route: &Whole<'_>, report: &mut Report<'_>) {
    if route.spec("tls").is_none() {
        report.fail(FieldPath::of(&["spec", "tls"]), "no TLS is set up".to_owned());
    }
}

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
