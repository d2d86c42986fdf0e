//! Checks on what pods can do with the token that lies in them: from the pod to its service account, to the
//! bindings that name it, to the rules of the roles that they give.

use airside_k8s::rbac::{Bearer, Rule, role_of, subjects};
use airside_k8s::{Object, Value};
use airside_types::attack::technique;
use airside_types::{Severity, shown_name};

use super::Right;
use super::escalation::{BIND, CREATE_TOKENS, ESCALATE, IMPERSONATE};
use super::holders::{READ_SECRETS, RUN_COMMANDS};
use super::workloads::{CHANGE_TEMPLATES, CREATE_JOBS, EPHEMERAL_CONTAINERS};
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Pod;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "workload-is-administrator",
        title: "Pod has a token of an administrator",
        why: "Who reads one file in the container, or has the program send one request, owns the cluster (or the namespace).",
        fix: "Bind a role with the permissions that the program uses; an audit log tells which they are.",
        severity: Severity::Critical,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1552.007"), technique("T1610")],
        controls: &[
            "cis-v1.12.0:5.1.1",
            "cis-aks-t1.8.0:4.1.1",
            "cis-eks-t1.8.0:4.1.1",
            "cis-gke-v1.9.0:4.1.1",
        ],
        equivalents: &[
            "kubescape:C-0267",
            "kubescape:C-0272",
            "kubescape:workload-with-administrative-roles",
            "kubescape:workload-with-cluster-takeover-roles",
        ],
        judge: Judge::Pod(administrator),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: deployer, namespace: ci}
spec: {serviceAccountName: deployer, containers: [{name: deployer}]}
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
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: deployer, namespace: ci}
spec: {serviceAccountName: default, containers: [{name: deployer}]}
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
",
    },
    Check {
        id: "workload-reads-secrets",
        title: "Pod has a token that reads secrets",
        why: "Who reads one file in the container reads every secret that the role reaches, tokens of stronger accounts among them.",
        fix: "Mount the secrets that the program needs and remove them from the role, or limit the rule with resourceNames.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1552.007")],
        controls: &["cis-v1.12.0:5.1.2"],
        equivalents: &["kubescape:C-0267", "kubescape:workload-with-cluster-takeover-roles"],
        judge: Judge::Pod(|pod, report| can(pod, &[&READ_SECRETS], report)),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: sync, namespace: sync}
spec: {serviceAccountName: sync, containers: [{name: sync}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sync, namespace: sync}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: sync}
subjects:
- {kind: ServiceAccount, name: sync}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: sync, namespace: sync}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [list]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sync, namespace: sync}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: sync, namespace: sync}
spec: {serviceAccountName: default, containers: [{name: sync}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sync, namespace: sync}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: sync}
subjects:
- {kind: ServiceAccount, name: sync}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: sync, namespace: sync}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [list]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sync, namespace: sync}
"#,
    },
    Check {
        id: "workload-starts-pods",
        title: "Pod has a token that starts or changes pods",
        why: "Who takes the program over starts a pod, himself or by a Deployment or Job, as any service account of the namespace, with its secrets and, where no policy stops it, with the node's files.",
        fix: "Give the rights to a controller in a namespace of its own, and enforce a Pod Security Standard where its pods run.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1610")],
        controls: &["cis-v1.12.0:5.1.4"],
        equivalents: &["kubescape:C-0267", "kubescape:workload-with-cluster-takeover-roles"],
        judge: Judge::Pod(|pod, report| can(pod, &STARTS, report)),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec: {serviceAccountName: runner, containers: [{name: runner}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [""], resources: [pods], verbs: [create]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec: {serviceAccountName: default, containers: [{name: runner}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [""], resources: [pods], verbs: [create]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
"#,
    },
    Check {
        id: "workload-gains-rights",
        title: "Pod has a token that leads to stronger ones",
        why: "Who takes the program over runs commands or containers of his own in other pods, acts as somebody else, has tokens issued or gives himself a role.",
        fix: "Limit the rule with resourceNames to what the program needs, or remove it.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1528"), technique("T1609"), technique("T1098.006")],
        controls: &["cis-v1.12.0:5.1.8"],
        equivalents: &[],
        judge: Judge::Pod(|pod, report| can(pod, &GAIN_RIGHTS, report)),
        fails: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec: {serviceAccountName: runner, containers: [{name: runner}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [""], resources: [pods/exec], verbs: [create]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
"#,
        passes: r#"apiVersion: v1
kind: Pod
metadata: {name: runner, namespace: ci}
spec: {serviceAccountName: default, containers: [{name: runner}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runner, namespace: ci}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runner}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules:
- {apiGroups: [""], resources: [pods/exec], verbs: [create]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: ci}
"#,
    },
];

const START_PODS: Right = Right {
    resources: &[("", "pods")],
    verbs: &["create", "update", "patch"],
    what: "start or change pods",
};

const STARTS: [&Right; 3] = [&START_PODS, &CHANGE_TEMPLATES, &CREATE_JOBS];

const GAIN_RIGHTS: [&Right; 6] =
    [&RUN_COMMANDS, &EPHEMERAL_CONTAINERS, &IMPERSONATE, &BIND, &ESCALATE, &CREATE_TOKENS];

const AUTOMOUNT: &str = "automountServiceAccountToken";

/// Whether a token of the pod's service account lies in its containers: mounted by default, or by a volume.
pub(in crate::catalogue) fn has_token(pod: &Pod<'_>) -> bool {
    if pod.spec.containers.is_empty() {
        return false;
    }
    pod.spec.holds_token().unwrap_or_else(|| {
        let name = pod.spec.service_account();
        let account = pod.graph.service_account(pod.object.namespace(), name);
        account.and_then(|account| account.fields().get(AUTOMOUNT)) != Some(&Value::Bool(false))
    })
}

/// The bindings that name the pod's service account; none where the pod has no token or nothing is known.
fn bindings<'p>(pod: &'p Pod<'_>, report: &mut Report<'_>) -> Vec<&'p Object<'p>> {
    if !has_token(pod) {
        return Vec::new();
    }
    if pod.graph.is_single_object() {
        report.undecided("the rights of the pod's service account are in other objects");
        return Vec::new();
    }
    let account = pod.spec.service_account();
    let named = pod.graph.bindings_of_account(pod.object.namespace(), account);
    named.filter(|binding| is_meant(binding, pod)).collect()
}

/// Every namespace has an account named default. A pod whose manifest leaves its namespace open runs as one
/// of them, and a binding that names the one of a certain namespace says nothing about it.
fn is_meant(binding: &Object<'_>, pod: &Pod<'_>) -> bool {
    const DEFAULT: &str = "default";
    pod.spec.service_account() != DEFAULT
        || subjects(binding).any(|(_, bearer)| match bearer {
            Bearer::ServiceAccount(namespace, name) => {
                name == DEFAULT && namespace == pod.object.namespace()
            }
            Bearer::Group(_) => true,
            Bearer::User(_) => false,
        })
}

/// All resources of the core group with all verbs are enough.
fn is_administrative(rule: &Rule<'_>) -> bool {
    rule.allows_everything()
        || rule.is_for_core_group() && rule.has("resources", &["*"]) && rule.has("verbs", &["*"])
}

fn reach(binding: &Object<'_>) -> String {
    match (binding.kind(), binding.namespace()) {
        ("ClusterRoleBinding", _) => "in the whole cluster".to_owned(),
        (_, Some(namespace)) => format!("in namespace {namespace}"),
        (_, None) => "in its namespace".to_owned(),
    }
}

/// How the pod came by the rights, and where they hold.
fn fail(pod: &Pod<'_>, what: &str, binding: &Object<'_>, gives: &str, report: &mut Report<'_>) {
    report.fail(
        pod.path("serviceAccountName"),
        format!(
            "the pod runs as service account `{}`, which can {what} {}: {} `{}` gives {gives}",
            pod.spec.service_account(),
            reach(binding),
            binding.kind(),
            shown_name(binding.name())
        ),
    );
}

/// The rule of the role that a binding gives, or of one whose rules that one takes over.
fn shown(binding: &Object<'_>, role: &Object<'_>, rule: &Rule<'_>, pod: &Pod<'_>) -> String {
    let is_built_in = pod.graph.role(binding).is_none();
    match role_of(binding) {
        Some((kind, given)) if given != role.name() => {
            format!("{kind} `{given}`, which takes over rule {} of `{}`", rule.index, role.name())
        }
        _ if is_built_in => format!("the built-in {} `{}`", role.kind(), role.name()),
        _ => format!("{} `{}`, rule {}", role.kind(), role.name(), rule.index),
    }
}

/// What makes a binding's holder an administrator, as messages show it.
fn administration(binding: &Object<'_>, pod: &Pod<'_>) -> Option<String> {
    const ADMIN: (&str, &str) = ("ClusterRole", "cluster-admin");
    if role_of(binding) == Some(ADMIN) {
        return Some("cluster-admin".to_owned());
    }
    let broad = pod.graph.rules_naming(&pod.graph.role_given(binding)?, "*");
    let (role, rule) = broad.iter().find(|(_, rule)| is_administrative(rule))?;
    Some(shown(binding, role, rule, pod))
}

fn administrator(pod: &Pod<'_>, report: &mut Report<'_>) {
    for binding in bindings(pod, report) {
        if let Some(gives) = administration(binding, pod) {
            return fail(pod, "do everything", binding, &gives, report);
        }
    }
}

/// Administrators fail another check.
fn can(pod: &Pod<'_>, rights: &[&Right], report: &mut Report<'_>) {
    let bindings = bindings(pod, report);
    if bindings.iter().any(|binding| administration(binding, pod).is_some()) {
        return;
    }
    for right in rights {
        for binding in &bindings {
            let role = pod.graph.role_given(binding);
            let held = role.and_then(|role| right.held_by(&role, pod.graph));
            if let Some((role, rule)) = held {
                let gives = shown(binding, &role, &rule, pod);
                return fail(pod, right.what, binding, &gives, report);
            }
        }
    }
}
