//! Checks on identities of the cloud that Kubernetes' service accounts stand for: which pods have one, and who
//! gets one by rights in the cluster.

use airside_k8s::fields::text;
use airside_k8s::graph::{Cloud, CloudIdentity, Goal, Standing};
use airside_k8s::rbac::{Bearer, subjects};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::escalation_paths::{
    breakout, breakout_by_logs, own_standing, starts_by, told, told_from_node,
};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Binding, Pod};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "workload-cloud-identity",
        title: "Workload has an identity of the cloud",
        why: "Who breaks into one of its pods may do in the cloud what the identity may: read buckets, start machines, change DNS.",
        fix: "Give the identity no more than the program needs in the cloud, and keep the service account for this workload alone.",
        severity: Severity::Info,
        category: Category::AccessControl,
        techniques: &[technique("T1078.004")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(has_identity),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: backup, namespace: shop}
spec:
  serviceAccountName: backup
  containers: [{name: backup}]
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: backup
  namespace: shop
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/backup"}
"#,
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: backup, namespace: shop}
spec:
  serviceAccountName: backup
  containers: [{name: backup}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: backup, namespace: shop}
",
    },
    Check {
        id: "workload-cloud-path",
        title: "A break-in into this pod leads to an identity of the cloud, step by step",
        why: "The pod has no identity of the cloud, but a right in the cluster, or its node, by which an intruder gets that of another pod, and with it what that one may do in the cloud.",
        fix: "Take the right from the role, or move the service account that the cloud trusts to a namespace where nobody else may start or enter pods; let no pod share its node's files and processes.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1078.004")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(workload),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec:
  serviceAccountName: runner
  containers: [{name: runner}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: deploy}
rules:
- {apiGroups: [batch], resources: [jobs], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: deploy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: deployer
  namespace: deploy
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/deploy"}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec:
  serviceAccountName: runner
  containers: [{name: runner}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: deploy}
rules:
- {apiGroups: [batch], resources: [jobs], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: deploy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: deployer
  namespace: cloud
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/deploy"}
"#,
    },
    Check {
        id: "subject-cloud-path",
        title: "A user or group can get an identity of the cloud, step by step",
        why: "Whoever may start or enter pods where a service account stands for an identity of the cloud may do there what it may: nobody has to give him a right in the cloud itself.",
        fix: "Move the service account that the cloud trusts to a namespace of its own, or take the right to start and enter pods from the role.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1078.004")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Binding(subject),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: debugger, namespace: shop}
rules:
- {apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: support, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: debugger}
subjects:
- {kind: Group, name: support, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: backup
  namespace: shop
  annotations: {iam.gke.io/gcp-service-account: backup@example.iam.gserviceaccount.com}
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: debugger, namespace: shop}
rules:
- {apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: support, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: debugger}
subjects:
- {kind: Group, name: support, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: backup
  namespace: bank
  annotations: {iam.gke.io/gcp-service-account: backup@example.iam.gserviceaccount.com}
"#,
    },
];

/// The identity of the cloud that the pod's account stands for.
fn identity<'a>(pod: &Pod<'a>) -> Option<CloudIdentity<'a>> {
    let account = pod.graph.service_account(pod.object.namespace(), pod.spec.service_account());
    account.and_then(CloudIdentity::of).or_else(|| associated(pod))
}

/// The role that EKS gives the account by an association, as its controller knows it.
fn associated<'a>(pod: &Pod<'a>) -> Option<CloudIdentity<'a>> {
    let mut associations = pod.graph.of_kind("eks.services.k8s.aws", "PodIdentityAssociation");
    associations.find_map(|association| {
        let spec = association.fields().get("spec")?.as_object()?;
        let is_in = pod.object.namespace().is_none_or(|own| text(spec, "namespace") == Some(own));
        let is_its = text(spec, "serviceAccount") == Some(pod.spec.service_account());
        let name = text(spec, "roleARN").filter(|_| is_in && is_its)?;
        Some(CloudIdentity { cloud: Cloud::Aws, name })
    })
}

fn has_identity(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.spec.containers.is_empty() {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("the service account is another object");
    }
    if let Some(identity) = identity(pod) {
        let says = format!("the pods are trusted by the cloud as {identity}");
        report.fail(pod.path("serviceAccountName"), says);
    }
}

/// Who becomes administrator has all this anyway, and another check tells it.
fn workload(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.graph.is_single_object() {
        return report.undecided("roles, bindings and service accounts are other objects");
    }
    if pod.spec.containers.is_empty() || identity(pod).is_some() {
        return;
    }
    if let Some(own) = own_standing(pod) {
        if !pod.graph.way(Goal::Administrator, own).is_empty() {
            return;
        }
        let steps = pod.graph.way(Goal::Cloud, own);
        if !steps.is_empty() {
            return report.fail(pod.path("serviceAccountName"), told(&steps));
        }
    }
    let Some(breakout) = breakout(pod).or_else(|| breakout_by_logs(pod)) else { return };
    if !pod.graph.way(Goal::Administrator, Standing::Nodes).is_empty() {
        return;
    }
    let steps = pod.graph.way(Goal::Cloud, Standing::Nodes);
    if !steps.is_empty() {
        report.fail(breakout.path.clone(), told_from_node(&breakout, Standing::Nodes, &steps));
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
        let from = Standing::Bearer(bearer);
        let steps = binding.graph.way(Goal::Cloud, from);
        if starts_by(binding, &steps) && binding.graph.way(Goal::Administrator, from).is_empty() {
            report.fail(FieldPath::of(&["subjects"]).index(index), told(&steps));
        }
    }
}
