//! Rights that lead to nodes: the kubelet's API, volumes on their file systems, their labels.

use airside_types::Severity;
use airside_types::attack::technique;

use super::Right;
use crate::check::{Category, Check, Judge};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "nodes-proxy",
        title: "Role can use the kubelet's API",
        why: "Through nodes/proxy, even with get alone, its holder runs commands in every pod of a node, past admission and past the audit log.",
        fix: "Name the subresources that are read: nodes/metrics, nodes/stats, nodes/log.",
        severity: Severity::High,
        category: Category::AccessControl,
        techniques: &[technique("T1609"), technique("T1552.007")],
        controls: &["cis-v1.12.0:5.1.10", "cis-aks-t1.8.0:4.1.9", "cis-eks-t1.8.0:4.1.10"],
        equivalents: &[
            "kubescape:C-0279",
            "kubescape:rule-can-access-proxy-subresource",
            "trivy:KSV-0047",
            "kyverno:other/restrict-clusterrole-nodesproxy",
        ],
        judge: Judge::Rule(|rule, report| NODES_PROXY.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics}
rules:
- apiGroups: [""]
  resources: [nodes/proxy]
  verbs: [get]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics}
rules:
- apiGroups: [""]
  resources: [nodes/metrics]
  verbs: [get]
"#,
    },
    Check {
        id: "create-persistent-volumes",
        title: "Role can create persistent volumes",
        why: "A volume of type hostPath shows any folder of a node to a pod that claims it, past the Pod Security Standards, which do not judge claims.",
        fix: "Leave the creation of volumes to the provisioner of a storage class.",
        severity: Severity::Medium,
        category: Category::AccessControl,
        techniques: &[technique("T1611")],
        controls: &["cis-v1.12.0:5.1.9", "cis-eks-t1.8.0:4.1.9"],
        equivalents: &["kubescape:C-0278", "kubescape:rule-can-create-pv"],
        judge: Judge::Rule(|rule, report| CREATE_VOLUMES.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: storage}
rules:
- apiGroups: [""]
  resources: [persistentvolumes]
  verbs: [list, create]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: storage}
rules:
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list, create]
"#,
    },
    Check {
        id: "change-nodes",
        title: "Role can change or delete nodes",
        why: "Labels and taints decide which pods run where: its holder draws pods with secrets to a node of his, or empties the cluster.",
        fix: "Remove the verbs; a program that only labels its own node needs no more than its kubelet has.",
        severity: Severity::Low,
        category: Category::AccessControl,
        techniques: &[technique("T1489")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Rule(|rule, report| CHANGE_NODES.judge(rule, report)),
        fails: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: labeller}
rules:
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, patch]
"#,
        passes: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: labeller}
rules:
- apiGroups: [""]
  resources: [nodes]
  verbs: [get]
"#,
    },
];

/// The kubelet runs a command for GET when the client opens a web socket.
pub(super) const NODES_PROXY: Right = Right {
    resources: &[("", "nodes/proxy")],
    verbs: &["create", "get"],
    what: "use the kubelet's API",
};

pub(super) const CREATE_VOLUMES: Right = Right {
    resources: &[("", "persistentvolumes")],
    verbs: &["create"],
    what: "create volumes of any type",
};

const CHANGE_NODES: Right = Right {
    resources: &[("", "nodes")],
    verbs: &["update", "patch", "delete", "deletecollection"],
    what: "decide what runs where",
};
