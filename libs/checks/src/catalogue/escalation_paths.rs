//! Checks on ways to the administrator that take more than one right: each right by itself looks harmless.

use airside_k8s::graph::Step;
use airside_k8s::rbac::{Bearer, subjects};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::rbac::joins::has_token;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Binding, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "workload-escalation-path",
        title: "A break-in into this pod leads to the administrator, step by step",
        why: "The token in the pod gives a right that can be turned into another identity, and that one's rights lead on. No single role looks dangerous; together they give the cluster away.",
        fix: "Break the way at its cheapest step: take the right from the role, or move the stronger service account to a namespace where nobody else may start or enter pods.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1078"), technique("T1610")],
        controls: &["cis-v1.12.0:5.1.4", "cis-v1.12.0:5.1.8", "cis-v1.12.0:5.1.13"],
        equivalents: &[],
        judge: Judge::Pod(workload),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec:
  serviceAccountName: runner
  containers: [{name: runner}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [batch], resources: [jobs], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: ServiceAccount, name: deployer, namespace: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec:
  serviceAccountName: runner
  containers: [{name: runner}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [batch], resources: [jobs], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: ServiceAccount, name: deployer, namespace: deployment}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: deployment}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
"#,
    },
    Check {
        id: "subject-escalation-path",
        title: "A user or group can become administrator, step by step",
        why: "A right of this binding can be turned into another identity, whose rights lead on: whoever takes over one of these people's sessions gets the cluster.",
        fix: "Break the way at its cheapest step: take the right from the role, limit it with resourceNames, or take the last role from the identity that is reached.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1078"), technique("T1098.006")],
        controls: &["cis-v1.12.0:5.1.8", "cis-v1.12.0:5.1.13"],
        equivalents: &[],
        judge: Judge::Binding(subject),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: act-as-ada}
rules:
- {apiGroups: [""], resources: [users], verbs: [impersonate], resourceNames: [ada]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: act-as-ada}
subjects:
- {kind: Group, name: support, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ada}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: User, name: ada, apiGroup: rbac.authorization.k8s.io}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: act-as-ada}
rules:
- {apiGroups: [""], resources: [users], verbs: [impersonate], resourceNames: [ada]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: act-as-ada}
subjects:
- {kind: Group, name: support, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ada}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: User, name: eve, apiGroup: rbac.authorization.k8s.io}
"#,
    },
];

/// A way with one right is told by the check on that right, of the pod or of the role.
fn takes_several_rights(steps: &[Step<'_>]) -> bool {
    steps.iter().filter(|step| step.binding.is_some()).count() > 1
}

fn told(steps: &[Step<'_>]) -> String {
    let first = steps.first().map(|step| step.from.to_string()).unwrap_or_default();
    let rest = steps.iter().map(|step| {
        let by = step.binding.map(|binding| format!(" (by {binding})")).unwrap_or_default();
        format!(" → {} {}{by}", step.how.verb(), step.to)
    });
    std::iter::once(first).chain(rest).collect()
}

fn workload(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.graph.is_single_object() {
        return report.undecided("roles and bindings are other objects");
    }
    if !has_token(pod) {
        return;
    }
    let account = pod.spec.service_account();
    let bearer = Bearer::ServiceAccount(pod.object.namespace(), account);
    let steps = pod.graph.way_to_administrator(bearer);
    if takes_several_rights(&steps) {
        report.fail(pod.path("serviceAccountName"), told(&steps));
    }
}

fn subject(binding: &Binding<'_>, report: &mut Report<'_>) {
    if binding.graph.is_single_object() {
        return report.undecided("what the bound role allows is in another object");
    }
    for (index, bearer) in subjects(binding.object) {
        // The pods of a service account tell their own way.
        if matches!(bearer, Bearer::ServiceAccount(..)) {
            continue;
        }
        let steps = binding.graph.way_to_administrator(bearer);
        let starts_here = steps.first().and_then(|step| step.binding).is_some_and(|first| {
            (first.kind(), first.namespace(), first.name())
                == (binding.object.kind(), binding.object.namespace(), binding.object.name())
        });
        if starts_here && takes_several_rights(&steps) {
            report.fail(FieldPath::of(&["subjects"]).index(index), told(&steps));
        }
    }
}
