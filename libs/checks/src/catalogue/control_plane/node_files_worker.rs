//! Checks on files that every node has: who else than root gets at them.

use airside_types::Severity;
use airside_types::attack::technique;

use super::node_facts::{ROOT, may_be, owned_by};
use crate::check::{Category, Check, Judge};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "node-kubelet-service",
        title: "Service file of the kubelet on a node is open to others than root",
        why: "systemd starts as root what the file says; who may write it is root on the node.",
        fix: "On the node, give the unit of the kubelet and its drop-ins to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1543"), technique("T1222.002")],
        controls: &["cis-v1.12.0:4.1.1", "cis-v1.12.0:4.1.2"],
        equivalents: &[
            "trivy:KCV-0069",
            "trivy:KCV-0070",
            "kubescape:C-0162",
            "kubescape:C-0163",
            "kube-bench:4.1.1",
            "kube-bench:4.1.2",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeletServiceFilePermissions", 0o600, node, report);
            owned_by("kubeletServiceFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeletServiceFilePermissions: {values: [644]}"),
        passes: node_facts!("kubeletServiceFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-proxy-kubeconfig",
        title: "Kubeconfig of kube-proxy on a node is open to others than root",
        why: "Who reads the file acts as kube-proxy and sees all Services and the nodes behind them; who may write it sends kube-proxy to an API server of his own.",
        fix: "On the node, give the kubeconfig of kube-proxy to root:root with the mode 600.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001")],
        controls: &["cis-v1.12.0:4.1.3", "cis-v1.12.0:4.1.4"],
        equivalents: &[
            "trivy:KCV-0071",
            "trivy:KCV-0072",
            "kubescape:C-0164",
            "kubescape:C-0165",
            "kube-bench:4.1.3",
            "kube-bench:4.1.4",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeconfigFileExistsPermissions", 0o600, node, report);
            owned_by("kubeconfigFileExistsOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeconfigFileExistsPermissions: {values: [644]}"),
        passes: node_facts!("kubeconfigFileExistsPermissions: {values: [600]}"),
    },
    Check {
        id: "node-kubelet-kubeconfig",
        title: "Kubeconfig of the kubelet on a node is open to others than root",
        why: "Who reads the file acts as the node: he reads the secrets of all pods that run there.",
        fix: "On the node, give /etc/kubernetes/kubelet.conf to root:root with the mode 600.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001")],
        controls: &[
            "cis-v1.12.0:4.1.5",
            "cis-v1.12.0:4.1.6",
            "cis-eks-t1.8.0:3.1.2",
            "cis-aks-t1.8.0:3.1.2",
        ],
        equivalents: &[
            "trivy:KCV-0073",
            "trivy:KCV-0074",
            "kubescape:C-0166",
            "kubescape:C-0167",
            "kube-bench:4.1.5",
            "kube-bench:4.1.6",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeletConfFilePermissions", 0o600, node, report);
            owned_by("kubeletConfFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeletConfFilePermissions: {values: [644]}"),
        passes: node_facts!("kubeletConfFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-client-ca",
        title: "Authority for clients of the kubelet on a node is open to others than root",
        why: "Who may write it decides whose certificates the kubelet believes, and so who runs commands in its pods.",
        fix: "On the node, give the file of the authority for clients to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1222.002")],
        controls: &["cis-v1.12.0:4.1.7", "cis-v1.12.0:4.1.8"],
        equivalents: &[
            "trivy:KCV-0075",
            "trivy:KCV-0076",
            "kubescape:C-0168",
            "kubescape:C-0169",
            "kube-bench:4.1.7",
            "kube-bench:4.1.8",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("certificateAuthoritiesFilePermissions", 0o600, node, report);
            owned_by("certificateAuthoritiesFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("certificateAuthoritiesFilePermissions: {values: [644]}"),
        passes: node_facts!("certificateAuthoritiesFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-kubelet-configuration",
        title: "Configuration file of the kubelet on a node is open to others than root",
        why: "Who may write it can switch off authentication and authorisation of the kubelet.",
        fix: "On the node, give /var/lib/kubelet/config.yaml to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1222.002")],
        controls: &[
            "cis-v1.12.0:4.1.9",
            "cis-v1.12.0:4.1.10",
            "cis-eks-t1.8.0:3.1.4",
            "cis-aks-t1.8.0:3.1.4",
        ],
        equivalents: &[
            "trivy:KCV-0077",
            "trivy:KCV-0078",
            "kubescape:C-0170",
            "kubescape:C-0171",
            "kube-bench:4.1.9",
            "kube-bench:4.1.10",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeletConfigYamlConfigurationFilePermission", 0o600, node, report);
            owned_by("kubeletConfigYamlConfigurationFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeletConfigYamlConfigurationFilePermission: {values: [644]}"),
        passes: node_facts!("kubeletConfigYamlConfigurationFilePermission: {values: [600]}"),
    },
];
