//! Checks on ways to the administrator that take more than one right, or a node: each part by itself looks
//! harmless, or like the business of one pod.

use airside_k8s::graph::{Goal, Referent, Standing, Step, references};
use airside_k8s::rbac::{Bearer, subjects};
use airside_k8s::workload::path_on_node;
use airside_k8s::{Breakout, Graph, Value};
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

/// A way with one right is told by the check on that right, of the pod or of the role, unless the rule names
/// its objects.
fn takes_several_rights(steps: &[Step<'_>]) -> bool {
    steps.iter().filter(|step| step.binding.is_some()).count() > 1
        || steps.iter().any(Step::is_by_name)
}

/// The steps in one line, from who takes the first.
pub(super) fn told(steps: &[Step<'_>]) -> String {
    let first = steps.first().map(|step| step.from.to_string()).unwrap_or_default();
    first + &told_on(steps)
}

/// The steps in one line, without who takes the first.
pub(super) fn told_on(steps: &[Step<'_>]) -> String {
    let told = steps.iter().map(|step| {
        let by = step.binding.map(|binding| format!(" (by {binding})")).unwrap_or_default();
        format!(" → {} {}{by}", step.how.verb(), step.to)
    });
    told.collect()
}

/// How a break-in into the pod becomes one into its node, by its own fields or by a volume of its claims.
pub(super) fn breakout(pod: &Pod<'_>) -> Option<Breakout> {
    Breakout::with_volumes(pod.spec, &|volume| path_behind(pod, volume))
}

/// The same by the logs of the node, where the pod writes them and its account reads them.
pub(super) fn breakout_by_logs(pod: &Pod<'_>) -> Option<Breakout> {
    let breakout = Breakout::by_logs(pod.spec, &|volume| path_behind(pod, volume))?;
    let (namespace, account) = (pod.object.namespace(), pod.spec.service_account());
    let binding =
        has_token(pod).then(|| pod.graph.binding_that_reads_logs(namespace, account))??;
    let links = "and links files of it among the logs that its account may read";
    Some(Breakout { says: format!("{} {links} (by {binding})", breakout.says), ..breakout })
}

/// The path of the node behind a volume of a pod, or behind the volume that it claims.
fn path_behind(pod: &Pod<'_>, volume: &Value) -> Option<String> {
    let claimed = || {
        let claim = volume.get("persistentVolumeClaim")?.get("claimName")?.as_str()?;
        let namespace = pod.object.namespace();
        let claim = pod.graph.find("", "PersistentVolumeClaim", namespace, claim)?;
        let name = claim.fields().get("spec")?.get("volumeName")?.as_str()?;
        let volume = pod.graph.find("", "PersistentVolume", None, name)?;
        path_on_node(volume.fields().get("spec")?)
    };
    path_on_node(volume).or_else(claimed)
}

/// What a pod that leads to its node is then, as the beginning of a way.
pub(super) fn told_from_node(breakout: &Breakout, at: Standing<'_>, steps: &[Step<'_>]) -> String {
    format!("the pod {}, and so is {at}{}", breakout.says, told_on(steps))
}

/// The account with whose token the pod asks the API server.
pub(super) fn own_standing<'a>(pod: &Pod<'a>) -> Option<Standing<'a>> {
    let (namespace, name) = (pod.object.namespace(), pod.spec.service_account());
    has_token(pod).then_some(Standing::Bearer(Bearer::ServiceAccount(namespace, name)))
}

fn workload(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.graph.is_single_object() {
        return report.undecided("roles and bindings are other objects");
    }
    let own = own_standing(pod).map(|own| pod.graph.way(Goal::Administrator, own));
    match own.filter(|steps| !steps.is_empty()) {
        Some(steps) if takes_several_rights(&steps) => {
            return report.fail(pod.path("serviceAccountName"), told(&steps));
        }
        // The check on that right tells it.
        Some(_) => return,
        None => {}
    }
    if mounts_token(pod, report) {
        return;
    }
    let Some(breakout) = breakout(pod).or_else(|| breakout_by_logs(pod)) else { return };
    let is_on_control_plane = pod.graph.is_on_control_plane(pod.spec);
    let at = if is_on_control_plane { Standing::ControlPlane } else { Standing::Nodes };
    let steps = pod.graph.way(Goal::Administrator, at);
    if !steps.is_empty() {
        report.fail(breakout.path.clone(), told_from_node(&breakout, at, &steps));
    }
}

/// Tells of a Secret with the token of another account, from which a way leads on.
fn mounts_token(pod: &Pod<'_>, report: &mut Report<'_>) -> bool {
    let namespace = pod.object.namespace();
    for reference in references(pod.spec) {
        if reference.to != Referent::Secret {
            continue;
        }
        let Some(account) = account_of_token(pod.graph, namespace, reference.name) else {
            continue;
        };
        let bearer = Bearer::ServiceAccount(namespace, account);
        let steps = pod.graph.way(Goal::Administrator, Standing::Bearer(bearer));
        if !steps.is_empty() {
            let says = format!("the pod has the Secret `{}` with the token of ", reference.name);
            report.fail(reference.path, says + &told(&steps));
            return true;
        }
    }
    false
}

/// The account whose token is in a Secret.
fn account_of_token<'a>(graph: &Graph<'a>, namespace: Option<&str>, name: &str) -> Option<&'a str> {
    let secret = graph.find("", "Secret", namespace, name)?;
    let kind = secret.fields().get("type")?.as_str()?;
    if kind != "kubernetes.io/service-account-token" {
        return None;
    }
    secret.annotations()?.get("kubernetes.io/service-account.name")?.as_str()
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
        let steps = binding.graph.way(Goal::Administrator, Standing::Bearer(bearer));
        if starts_by(binding, &steps) && takes_several_rights(&steps) {
            report.fail(FieldPath::of(&["subjects"]).index(index), told(&steps));
        }
    }
}

/// Whether the first step is taken by a right of this binding.
pub(super) fn starts_by(binding: &Binding<'_>, steps: &[Step<'_>]) -> bool {
    steps.first().and_then(|step| step.binding).is_some_and(|first| {
        (first.kind(), first.namespace(), first.name())
            == (binding.object.kind(), binding.object.namespace(), binding.object.name())
    })
}
