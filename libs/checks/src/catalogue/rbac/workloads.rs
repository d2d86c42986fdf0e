//! Rights on pods and on what starts pods: who runs a pod chooses its service account, secrets and node.

use airside_types::Severity;
use airside_types::attack::technique;

use super::Right;
use crate::check::{Category, Check, Judge};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "create-pods",
        title: "Role can create pods",
        why: "A pod of one's own runs as any service account of the namespace, mounts its secrets and, where no policy stops it, the node's files: the right to create pods contains most others.",
        fix: "Leave the creation of pods to controllers, or give it in a namespace that holds nothing else and enforces a Pod Security Standard.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1610")],
        controls: &["cis-v1.12.0:5.1.4", "cis-aks-t1.8.0:4.1.4", "cis-eks-t1.8.0:4.1.4"],
        equivalents: &[
            "kube-linter:access-to-create-pods",
            "kubescape:C-0188",
            "kubescape:rule-can-create-pod",
            "trivy:KSV-0048",
        ],
        judge: Judge::Rule(|rule, report| CREATE_PODS.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: builder}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get, create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: builder}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
"#,
    },
    Check {
        id: "change-workloads",
        title: "Role can create or change workloads",
        why: "Who writes a pod template decides what runs, as which service account and with which secrets, as one who creates pods does.",
        fix: "Give it to the delivery system and to the controller that needs it, in their namespaces only; a controller that scales needs the subresource scale alone.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1610"), technique("T1053.007")],
        controls: &["cis-v1.12.0:5.1.4", "cis-aks-t1.8.0:4.1.4", "cis-eks-t1.8.0:4.1.4"],
        equivalents: &["kube-linter:access-to-create-pods", "trivy:KSV-0048"],
        judge: Judge::Rule(|rule, report| CHANGE_WORKLOADS.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer}
rules:
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, patch]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer}
rules:
- apiGroups: [apps]
  resources: [deployments/scale]
  verbs: [get, patch]
",
    },
    Check {
        id: "change-pods",
        title: "Role can change running pods",
        why: "Who changes a pod's image runs his own program with the pod's service account and secrets; who changes its labels takes it out of services and network policies.",
        fix: "Remove update and patch; status is a subresource of its own.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1610"), technique("T1525")],
        controls: &[],
        equivalents: &["trivy:KSV-0048"],
        judge: Judge::Rule(|rule, report| CHANGE_PODS.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: marker}
rules:
- apiGroups: [""]
  resources: [pods]
  verbs: [get, patch]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: marker}
rules:
- apiGroups: [""]
  resources: [pods, pods/status]
  verbs: [get]
"#,
    },
    Check {
        id: "delete-workloads",
        title: "Role can delete workloads, services or secrets",
        why: "One request, or one with deletecollection, ends an application; data on its volumes may go with it.",
        fix: "Remove delete and deletecollection where the holder does not clean up by itself, or limit the rule with resourceNames.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[technique("T1485"), technique("T1489")],
        controls: &[],
        equivalents: &[
            "kubescape:C-0007",
            "kubescape:rule-excessive-delete-rights-v1",
            "trivy:KSV-0048",
        ],
        judge: Judge::Rule(|rule, report| DELETE_WORKLOADS.judge(rule, report)),
        fails: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: cleaner}
rules:
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, delete]
",
        passes: r"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: cleaner}
rules:
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list]
",
    },
    Check {
        id: "add-ephemeral-containers",
        title: "Role can put containers into running pods",
        why: "An ephemeral container runs any image beside the program, with the pod's service account, volumes and network: it is exec with one's own tools.",
        fix: "Remove pods/ephemeralcontainers; give it to people for a time when they debug.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1609"), technique("T1610")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Rule(|rule, report| EPHEMERAL_CONTAINERS.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: debugger}
rules:
- apiGroups: [""]
  resources: [pods/ephemeralcontainers]
  verbs: [patch]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: debugger}
rules:
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
"#,
    },
];

const CREATE_PODS: Right =
    Right { resources: &[("", "pods")], verbs: &["create"], what: "create pods" };

const CHANGE_PODS: Right =
    Right { resources: &[("", "pods")], verbs: &["update", "patch"], what: "change running pods" };

const CHANGE_WORKLOADS: Right = Right {
    resources: &[
        ("", "replicationcontrollers"),
        ("apps", "daemonsets"),
        ("apps", "deployments"),
        ("apps", "replicasets"),
        ("apps", "statefulsets"),
        ("batch", "cronjobs"),
        ("batch", "jobs"),
        ("extensions", "daemonsets"),
        ("extensions", "deployments"),
        ("extensions", "replicasets"),
    ],
    verbs: &["create", "update", "patch"],
    what: "decide what runs",
};

/// Of a Job that is there Kubernetes lets nobody change the template.
pub(super) const CHANGE_TEMPLATES: Right = Right {
    resources: &[
        ("", "replicationcontrollers"),
        ("apps", "daemonsets"),
        ("apps", "deployments"),
        ("apps", "replicasets"),
        ("apps", "statefulsets"),
        ("batch", "cronjobs"),
    ],
    verbs: &["create", "update", "patch"],
    what: "decide what runs",
};

pub(super) const CREATE_JOBS: Right =
    Right { resources: &[("batch", "jobs")], verbs: &["create"], what: "start Jobs" };

const DELETE_WORKLOADS: Right = Right {
    resources: &[
        ("", "pods"),
        ("", "replicationcontrollers"),
        ("", "secrets"),
        ("", "services"),
        ("apps", "daemonsets"),
        ("apps", "deployments"),
        ("apps", "replicasets"),
        ("apps", "statefulsets"),
        ("batch", "cronjobs"),
        ("batch", "jobs"),
    ],
    verbs: &["delete", "deletecollection"],
    what: "delete what runs or what it needs",
};

pub(super) const EPHEMERAL_CONTAINERS: Right = Right {
    resources: &[("", "pods/ephemeralcontainers")],
    verbs: &["update", "patch"],
    what: "put containers into running pods",
};
