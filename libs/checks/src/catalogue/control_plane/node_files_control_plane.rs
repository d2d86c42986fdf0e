//! Checks on files of control plane nodes: who else than root gets at them.

use airside_types::Severity;
use airside_types::attack::technique;

use super::node_facts::{ETCD_OR_ROOT, ROOT, may_be, owned_by};
use crate::check::{Category, Check, Judge};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "node-api-server-manifest",
        title: "Manifest of the API server on a node is open to others than root",
        why: "The kubelet runs whatever the file says with the rights of the control plane: who may write it can switch off authorisation, and who may read it learns how the API server is protected.",
        fix: "On the node, give the file under /etc/kubernetes/manifests to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1543.005"), technique("T1222.002")],
        controls: &["cis-v1.12.0:1.1.1", "cis-v1.12.0:1.1.2"],
        equivalents: &[
            "trivy:KCV-0048",
            "trivy:KCV-0049",
            "kubescape:C-0092",
            "kubescape:C-0093",
            "kube-bench:1.1.1",
            "kube-bench:1.1.2",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeAPIServerSpecFilePermission", 0o600, node, report);
            owned_by("kubeAPIServerSpecFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeAPIServerSpecFilePermission: {values: [644]}"),
        passes: node_facts!("kubeAPIServerSpecFilePermission: {values: [600]}"),
    },
    Check {
        id: "node-controller-manager-manifest",
        title: "Manifest of the controller manager on a node is open to others than root",
        why: "The kubelet runs whatever the file says with the rights of the control plane: who may write it can have certificates and tokens signed at will.",
        fix: "On the node, give the file under /etc/kubernetes/manifests to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1543.005"), technique("T1222.002")],
        controls: &["cis-v1.12.0:1.1.3", "cis-v1.12.0:1.1.4"],
        equivalents: &[
            "trivy:KCV-0050",
            "trivy:KCV-0051",
            "kubescape:C-0094",
            "kubescape:C-0095",
            "kube-bench:1.1.3",
            "kube-bench:1.1.4",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeControllerManagerSpecFilePermission", 0o600, node, report);
            owned_by("kubeControllerManagerSpecFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeControllerManagerSpecFilePermission: {values: [644]}"),
        passes: node_facts!("kubeControllerManagerSpecFilePermission: {values: [600]}"),
    },
    Check {
        id: "node-scheduler-manifest",
        title: "Manifest of the scheduler on a node is open to others than root",
        why: "The kubelet runs whatever the file says with the rights of the control plane: who may write it can run any program there, and decide where pods run.",
        fix: "On the node, give the file under /etc/kubernetes/manifests to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1543.005"), technique("T1222.002")],
        controls: &["cis-v1.12.0:1.1.5", "cis-v1.12.0:1.1.6"],
        equivalents: &[
            "trivy:KCV-0052",
            "trivy:KCV-0053",
            "kubescape:C-0096",
            "kubescape:C-0097",
            "kube-bench:1.1.5",
            "kube-bench:1.1.6",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeSchedulerSpecFilePermission", 0o600, node, report);
            owned_by("kubeSchedulerSpecFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeSchedulerSpecFilePermission: {values: [644]}"),
        passes: node_facts!("kubeSchedulerSpecFilePermission: {values: [600]}"),
    },
    Check {
        id: "node-etcd-manifest",
        title: "Manifest of etcd on a node is open to others than root",
        why: "The kubelet runs whatever the file says with the rights of the control plane: who may write it can open the store of all objects to the network.",
        fix: "On the node, give the file under /etc/kubernetes/manifests to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1543.005"), technique("T1222.002")],
        controls: &["cis-v1.12.0:1.1.7", "cis-v1.12.0:1.1.8"],
        equivalents: &[
            "trivy:KCV-0054",
            "trivy:KCV-0055",
            "kubescape:C-0098",
            "kubescape:C-0099",
            "kube-bench:1.1.7",
            "kube-bench:1.1.8",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubeEtcdSpecFilePermission", 0o600, node, report);
            owned_by("kubeEtcdSpecFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("kubeEtcdSpecFilePermission: {values: [644]}"),
        passes: node_facts!("kubeEtcdSpecFilePermission: {values: [600]}"),
    },
    Check {
        id: "node-cni-configuration",
        title: "Network configuration of a node is open to others than root",
        why: "The container runtime runs the programs that these files name as root, for each pod that starts.",
        fix: "On the node, give the files under /etc/cni/net.d to root:root with the mode 600.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1222.002"), technique("T1543.005")],
        controls: &["cis-v1.12.0:1.1.9", "cis-v1.12.0:1.1.10"],
        equivalents: &[
            "trivy:KCV-0056",
            "trivy:KCV-0057",
            "kubescape:C-0100",
            "kubescape:C-0101",
            "kube-bench:1.1.9",
            "kube-bench:1.1.10",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("containerNetworkInterfaceFilePermissions", 0o600, node, report);
            owned_by("containerNetworkInterfaceFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("containerNetworkInterfaceFilePermissions: {values: [644]}"),
        passes: node_facts!("containerNetworkInterfaceFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-etcd-data",
        title: "Data of etcd on a node is open to others than its owner",
        why: "Every object of the cluster lies in this folder, secrets included, and without encryption at rest as plain text.",
        fix: "On the node, give the data folder of etcd to the user that etcd runs as with the mode 700.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001"), technique("T1005")],
        controls: &["cis-v1.12.0:1.1.11", "cis-v1.12.0:1.1.12"],
        equivalents: &[
            "trivy:KCV-0058",
            "trivy:KCV-0059",
            "kubescape:C-0102",
            "kubescape:C-0103",
            "kube-bench:1.1.11",
            "kube-bench:1.1.12",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("etcdDataDirectoryPermissions", 0o700, node, report);
            owned_by("etcdDataDirectoryOwnership", ETCD_OR_ROOT, node, report);
        }),
        fails: node_facts!("etcdDataDirectoryPermissions: {values: [755]}"),
        passes: node_facts!("etcdDataDirectoryPermissions: {values: [700]}"),
    },
    Check {
        id: "node-admin-kubeconfig",
        title: "Kubeconfig of the administrator on a node is open to others than root",
        why: "Who reads the file is an administrator of the cluster, beyond what RBAC can take away.",
        fix: "On the node, give /etc/kubernetes/admin.conf and super-admin.conf to root:root with the mode 600.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001"), technique("T1078")],
        controls: &["cis-v1.12.0:1.1.13", "cis-v1.12.0:1.1.14"],
        equivalents: &[
            "trivy:KCV-0060",
            "trivy:KCV-0061",
            "kubescape:C-0104",
            "kubescape:C-0105",
            "kube-bench:1.1.13",
            "kube-bench:1.1.14",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("adminConfFilePermissions", 0o600, node, report);
            owned_by("adminConfFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("adminConfFilePermissions: {values: [644]}"),
        passes: node_facts!("adminConfFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-scheduler-kubeconfig",
        title: "Kubeconfig of the scheduler on a node is open to others than root",
        why: "Who reads the file acts as the scheduler: he binds pods to nodes of his choice and reads all of them.",
        fix: "On the node, give /etc/kubernetes/scheduler.conf to root:root with the mode 600.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001")],
        controls: &["cis-v1.12.0:1.1.15", "cis-v1.12.0:1.1.16"],
        equivalents: &[
            "trivy:KCV-0062",
            "trivy:KCV-0063",
            "kubescape:C-0106",
            "kubescape:C-0107",
            "kube-bench:1.1.15",
            "kube-bench:1.1.16",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("schedulerConfFilePermissions", 0o600, node, report);
            owned_by("schedulerConfFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("schedulerConfFilePermissions: {values: [644]}"),
        passes: node_facts!("schedulerConfFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-controller-manager-kubeconfig",
        title: "Kubeconfig of the controller manager on a node is open to others than root",
        why: "Who reads the file acts as the controller manager, which may read every secret and make tokens of every service account.",
        fix: "On the node, give /etc/kubernetes/controller-manager.conf to root:root with the mode 600.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001")],
        controls: &["cis-v1.12.0:1.1.17", "cis-v1.12.0:1.1.18"],
        equivalents: &[
            "trivy:KCV-0064",
            "trivy:KCV-0065",
            "kubescape:C-0108",
            "kubescape:C-0109",
            "kube-bench:1.1.17",
            "kube-bench:1.1.18",
        ],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("controllerManagerConfFilePermissions", 0o600, node, report);
            owned_by("controllerManagerConfFileOwnership", ROOT, node, report);
        }),
        fails: node_facts!("controllerManagerConfFilePermissions: {values: [644]}"),
        passes: node_facts!("controllerManagerConfFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-pki-owner",
        title: "Keys and certificates of the control plane do not belong to root",
        why: "Who owns the folder or its files can replace the authority of the cluster with one of his own.",
        fix: "On the node, give /etc/kubernetes/pki and all below it to root:root.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1649"), technique("T1222.002")],
        controls: &["cis-v1.12.0:1.1.19"],
        equivalents: &["trivy:KCV-0066", "kubescape:C-0110", "kube-bench:1.1.19"],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            owned_by("kubePKIDirectoryFileOwnership", ROOT, node, report)
        }),
        fails: node_facts!("kubePKIDirectoryFileOwnership: {values: [user:user]}"),
        passes: node_facts!("kubePKIDirectoryFileOwnership: {values: [root:root]}"),
    },
    Check {
        id: "node-pki-certificates",
        title: "Certificates of the control plane are open to others than root",
        why: "Certificates are no secret, but who may write them can exchange the authorities that components trust.",
        fix: "On the node, set the mode of the .crt files under /etc/kubernetes/pki to 600, or to 644 where others have to read them and you accept it.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1222.002")],
        controls: &["cis-v1.12.0:1.1.20"],
        equivalents: &["trivy:KCV-0068", "kubescape:C-0111", "kube-bench:1.1.20"],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubernetesPKICertificateFilePermissions", 0o600, node, report)
        }),
        fails: node_facts!("kubernetesPKICertificateFilePermissions: {values: [644]}"),
        passes: node_facts!("kubernetesPKICertificateFilePermissions: {values: [600]}"),
    },
    Check {
        id: "node-pki-keys",
        title: "Private keys of the control plane are open to others than root",
        why: "Who reads the key of the authority makes certificates of any user of the cluster, administrators included, and nobody can take them back.",
        fix: "On the node, set the mode of the .key files under /etc/kubernetes/pki to 600.",
        severity: Severity::Critical,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.004"), technique("T1649")],
        controls: &["cis-v1.12.0:1.1.21"],
        equivalents: &["trivy:KCV-0067", "kubescape:C-0112", "kube-bench:1.1.21"],
        judge: Judge::Object(&[("", "NodeInfo")], |node, report| {
            may_be("kubePKIKeyFilePermissions", 0o600, node, report)
        }),
        fails: node_facts!("kubePKIKeyFilePermissions: {values: [644]}"),
        passes: node_facts!("kubePKIKeyFilePermissions: {values: [600]}"),
    },
];
