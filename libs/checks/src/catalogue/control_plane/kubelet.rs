//! Checks on kubelets: who may ask them, and how they treat their node.

use airside_k8s::component::Component;
use airside_types::Severity;
use airside_types::attack::technique;

use super::durations::seconds;
use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "kubelet-anonymous-auth",
        title: "Kubelet answers requests without credentials",
        why: "Whoever reaches port 10250 of the node is treated as system:anonymous; with the authorisation that often goes with it he runs commands in every pod of the node.",
        fix: "Set authentication.anonymous.enabled to false.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1609"), technique("T1133")],
        controls: &["cis-v1.12.0:4.2.1", "cis-eks-t1.8.0:3.2.1", "cis-aks-t1.8.0:3.2.1"],
        equivalents: &[
            "trivy:KCV-0079",
            "kubescape:C-0172",
            "kubescape:C-0069",
            "checkov:CKV_K8S_138",
            "kube-bench:4.2.1",
        ],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_be(
                "anonymous-auth",
                false,
                "whoever reaches its port is let in as system:anonymous",
                report,
            )
        }),
        fails: kubelet!("authentication: {anonymous: {enabled: true}}"),
        passes: kubelet!("authentication: {anonymous: {enabled: false}}"),
    },
    Check {
        id: "kubelet-always-allow",
        title: "Kubelet authorises every request",
        why: "Whoever has any credential of the cluster, the token of the least pod included, may run commands in every pod of the node.",
        fix: "Set authorization.mode to Webhook, so that the API server is asked.",
        severity: Severity::Critical,
        category: Category::ControlPlane,
        techniques: &[technique("T1609")],
        controls: &["cis-v1.12.0:4.2.2", "cis-eks-t1.8.0:3.2.2", "cis-aks-t1.8.0:3.2.2"],
        equivalents: &[
            "trivy:KCV-0080",
            "kubescape:C-0173",
            "checkov:CKV_K8S_139",
            "kube-bench:4.2.2",
        ],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_not_list(
                "authorization-mode",
                "AlwaysAllow",
                "whoever is authenticated may run commands in its pods",
                report,
            )
        }),
        fails: kubelet!("authorization: {mode: AlwaysAllow}"),
        passes: kubelet!("authorization: {mode: Webhook}"),
    },
    Check {
        id: "kubelet-client-ca",
        title: "Kubelet cannot check certificates of its clients",
        why: "The API server shows it a certificate that nobody checks; requests come with tokens, or without anything.",
        fix: "Set authentication.x509.clientCAFile to the authority that signs the certificates of clients.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:4.2.3", "cis-eks-t1.8.0:3.2.3", "cis-aks-t1.8.0:3.2.3"],
        equivalents: &[
            "trivy:KCV-0081",
            "kubescape:C-0174",
            "kubescape:C-0070",
            "checkov:CKV_K8S_140",
            "kube-bench:4.2.3",
        ],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_have(&["client-ca-file"], "it cannot check who asks", report)
        }),
        fails: kubelet!(),
        passes: kubelet!("authentication: {x509: {clientCAFile: /pki/ca.crt}}"),
    },
    Check {
        id: "kubelet-read-only-port",
        title: "Kubelet has a port without authentication",
        why: "Whoever reaches the node reads there which pods run with which settings, environment included, without TLS.",
        fix: "Set readOnlyPort to 0.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1613")],
        controls: &["cis-v1.12.0:4.2.4", "cis-eks-t1.8.0:3.2.4", "cis-aks-t1.8.0:3.2.4"],
        equivalents: &[
            "trivy:KCV-0082",
            "kubescape:C-0175",
            "checkov:CKV_K8S_141",
            "kube-bench:4.2.4",
        ],
        judge: Judge::Component(Component::Kubelet, read_only_port),
        fails: kubelet!("readOnlyPort: 10255"),
        passes: kubelet!("readOnlyPort: 0"),
    },
    Check {
        id: "kubelet-streaming-timeout",
        title: "Kubelet never ends idle connections",
        why: "Forgotten exec and port-forward sessions stay open, hold ports and memory, and can be taken over with the machine that they came from.",
        fix: "Set streamingConnectionIdleTimeout to some minutes; the default is four hours.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1499")],
        controls: &["cis-v1.12.0:4.2.5", "cis-eks-t1.8.0:3.2.5", "cis-aks-t1.8.0:3.2.5"],
        equivalents: &[
            "trivy:KCV-0085",
            "kubescape:C-0176",
            "checkov:CKV_K8S_143",
            "kube-bench:4.2.5",
        ],
        judge: Judge::Component(Component::Kubelet, streaming_timeout),
        fails: kubelet!("streamingConnectionIdleTimeout: 0s"),
        passes: kubelet!("streamingConnectionIdleTimeout: 5m"),
    },
    Check {
        id: "kubelet-kernel-defaults",
        title: "Kubelet changes settings of the kernel by itself",
        why: "It overwrites what the administrator of the node has hardened, instead of refusing to start where a setting is not what it expects.",
        fix: "Set the kernel up as the kubelet expects it, then protectKernelDefaults to true.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.001")],
        controls: &["cis-aks-t1.8.0:3.2.6"],
        equivalents: &["trivy:KCV-0083", "kubescape:C-0177", "checkov:CKV_K8S_144"],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_be(
                "protect-kernel-defaults",
                true,
                "it overwrites settings of the kernel",
                report,
            )
        }),
        fails: kubelet!("protectKernelDefaults: false"),
        passes: kubelet!("protectKernelDefaults: true"),
    },
    Check {
        id: "kubelet-iptables-chains",
        title: "Kubelet does not keep its iptables chains",
        why: "Rules that kube-proxy and network plugins count on are missing then, so traffic may take ways that nobody meant.",
        fix: "Remove makeIPTablesUtilChains, which is true by default.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.004")],
        controls: &["cis-v1.12.0:4.2.6", "cis-eks-t1.8.0:3.2.6", "cis-aks-t1.8.0:3.2.7"],
        equivalents: &[
            "trivy:KCV-0084",
            "kubescape:C-0178",
            "checkov:CKV_K8S_145",
            "kube-bench:4.2.6",
        ],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_be(
                "make-iptables-util-chains",
                true,
                "rules of iptables that others count on are missing",
                report,
            )
        }),
        fails: kubelet!("makeIPTablesUtilChains: false"),
        passes: kubelet!("makeIPTablesUtilChains: true"),
    },
    Check {
        id: "kubelet-host-name",
        title: "Kubelet takes a name that is not its host name",
        why: "Certificates and the Node authorizer rest on names; one that is set by hand can be that of another node, and logs no longer say which machine it was.",
        fix: "Remove --hostname-override, unless the cloud provider needs it.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1036")],
        controls: &["cis-v1.12.0:4.2.7", "cis-aks-t1.8.0:3.2.8"],
        equivalents: &[
            "trivy:KCV-0086",
            "kubescape:C-0179",
            "checkov:CKV_K8S_146",
            "kube-bench:4.2.7",
        ],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_not_have("hostname-override", "its name is not the name of the machine", report)
        }),
        fails: node_facts!("kubeletHostnameOverrideArgumentSet: {values: [node-7]}"),
        passes: node_facts!("kubeletHostnameOverrideArgumentSet: {values: []}"),
    },
    Check {
        id: "kubelet-event-rate",
        title: "Kubelet drops events early",
        why: "Events tell what happened to pods, refused images and failed probes included; at a low rate the ones that matter are lost in a burst.",
        fix: "Set eventRecordQPS to 5 or more; the default is 50.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.001")],
        controls: &["cis-v1.12.0:4.2.8", "cis-eks-t1.8.0:3.2.7", "cis-aks-t1.8.0:3.2.9"],
        equivalents: &[
            "trivy:KCV-0087",
            "kube-bench:4.2.8",
            "kubescape:C-0180",
            "kubescape:kubelet-event-qps",
        ],
        judge: Judge::Component(Component::Kubelet, event_rate),
        fails: kubelet!("eventRecordQPS: 1"),
        passes: kubelet!("eventRecordQPS: 50"),
    },
    Check {
        id: "kubelet-pid-limit",
        title: "Kubelet lets a pod use all processes of its node",
        why: "One pod that starts processes without end (a fork bomb, a leak) takes the process ids of the whole node, and nothing else can start there.",
        fix: "Set podPidsLimit, such as 4096.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1499")],
        controls: &["cis-v1.12.0:4.2.13"],
        equivalents: &["kubescape:C-0284", "kube-bench:4.2.13"],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_reach("pod-max-pids", 1, "one pod can use up the processes of the node", report)
        }),
        fails: kubelet!("podPidsLimit: -1"),
        passes: kubelet!("podPidsLimit: 4096"),
    },
    Check {
        id: "kubelet-seccomp-default",
        title: "Kubelet runs pods without a seccomp filter unless they ask for one",
        why: "Pods that name no profile may call every system call of the kernel, the ones that break-outs use included.",
        fix: "Set seccompDefault to true: such pods then run with the profile of the container runtime.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1611")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_be(
                "seccomp-default",
                true,
                "pods that name no profile run without seccomp",
                report,
            )
        }),
        fails: kubelet!("seccompDefault: false"),
        passes: kubelet!("seccompDefault: true"),
    },
];

fn read_only_port(it: &Configured<'_>, report: &mut Report<'_>) {
    if it.text("read-only-port", report).is_some_and(|port| port != "0") {
        it.fail("read-only-port", "whoever reaches the node reads what runs there", report);
    }
}

fn streaming_timeout(it: &Configured<'_>, report: &mut Report<'_>) {
    let flag = "streaming-connection-idle-timeout";
    if it.text(flag, report).and_then(seconds) == Some(0) {
        it.fail(flag, "idle connections are never ended", report);
    }
}

fn event_rate(it: &Configured<'_>, report: &mut Report<'_>) {
    const LEAST: i64 = 5;
    let Some(rate) = it.text("event-qps", report).and_then(|text| text.parse().ok()) else {
        return;
    };
    // 0 means that there is no limit.
    if rate < 0 || (1..LEAST).contains(&rate) {
        it.fail("event-qps", "events are dropped early", report);
    }
}
