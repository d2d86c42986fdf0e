//! Checks on the controller manager, the scheduler and kube-proxy.

use airside_k8s::component::Component;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "controller-manager-pod-garbage",
        title: "Controller manager keeps thousands of finished pods",
        why: "By default 12,500 finished pods stay; a workload that fails in a loop fills etcd with them and slows down every list of pods.",
        fix: "Set --terminated-pod-gc-threshold to what the cluster can bear, such as 1000.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1499")],
        controls: &["cis-v1.12.0:1.3.1"],
        equivalents: &[
            "trivy:KCV-0033",
            "kubescape:C-0144",
            "checkov:CKV_K8S_106",
            "kube-bench:1.3.1",
        ],
        judge: Judge::Component(Component::ControllerManager, pod_garbage),
        fails: runs!("kube-controller-manager"),
        passes: runs!("kube-controller-manager", "--terminated-pod-gc-threshold=1000"),
    },
    Check {
        id: "controller-manager-profiling",
        title: "Controller manager serves profiles of itself",
        why: "Profiles show internals of the program, and making them costs time that an attacker can make it spend.",
        fix: "Set --profiling=false while nobody is looking for a problem.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1082")],
        controls: &["cis-v1.12.0:1.3.2"],
        equivalents: &[
            "trivy:KCV-0034",
            "kubescape:C-0145",
            "checkov:CKV_K8S_107",
            "kube-bench:1.3.2",
        ],
        judge: Judge::Component(Component::ControllerManager, |it, report| {
            it.must_be("profiling", false, "profiles show internals and cost time", report)
        }),
        fails: runs!("kube-controller-manager", "--profiling=true"),
        passes: runs!("kube-controller-manager", "--profiling=false"),
    },
    Check {
        id: "controller-manager-shared-credentials",
        title: "Controller manager runs all controllers with one identity",
        why: "Each controller then has the rights of all of them together, and the audit log does not tell which of them did something.",
        fix: "Set --use-service-account-credentials=true.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1078")],
        controls: &["cis-v1.12.0:1.3.3"],
        equivalents: &[
            "trivy:KCV-0035",
            "kubescape:C-0146",
            "checkov:CKV_K8S_108",
            "kube-bench:1.3.3",
        ],
        judge: Judge::Component(Component::ControllerManager, |it, report| {
            it.must_be(
                "use-service-account-credentials",
                true,
                "each controller has the rights of all",
                report,
            )
        }),
        fails: runs!("kube-controller-manager", "--use-service-account-credentials=false"),
        passes: runs!("kube-controller-manager", "--use-service-account-credentials=true"),
    },
    Check {
        id: "controller-manager-token-key",
        title: "Controller manager has no key to sign service account tokens",
        why: "Without a key of its own the tokens of service accounts cannot be signed with one that is replaced on its own schedule.",
        fix: "Set --service-account-private-key-file to the private half of a key pair that serves nothing else.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1528")],
        controls: &["cis-v1.12.0:1.3.4"],
        equivalents: &[
            "trivy:KCV-0036",
            "kubescape:C-0147",
            "checkov:CKV_K8S_110",
            "kube-bench:1.3.4",
        ],
        judge: Judge::Component(Component::ControllerManager, |it, report| {
            it.must_have(
                &["service-account-private-key-file"],
                "it cannot sign tokens of service accounts",
                report,
            )
        }),
        fails: runs!("kube-controller-manager"),
        passes: runs!("kube-controller-manager", "--service-account-private-key-file=/pki/sa.key"),
    },
    Check {
        id: "controller-manager-root-ca",
        title: "Controller manager gives pods no authority to check the API server with",
        why: "Pods find no root certificate beside their token then; programs skip the check and hand the token to whoever answers.",
        fix: "Set --root-ca-file to the authority that signed the certificate of the API server.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.3.5"],
        equivalents: &[
            "trivy:KCV-0037",
            "kubescape:C-0148",
            "checkov:CKV_K8S_111",
            "kube-bench:1.3.5",
        ],
        judge: Judge::Component(Component::ControllerManager, |it, report| {
            it.must_have(
                &["root-ca-file"],
                "pods cannot check the certificate of the API server",
                report,
            )
        }),
        fails: runs!("kube-controller-manager"),
        passes: runs!("kube-controller-manager", "--root-ca-file=/pki/ca.crt"),
    },
    Check {
        id: "controller-manager-kubelet-rotation",
        title: "Controller manager has the rotation of kubelet certificates switched off",
        why: "Serving certificates of kubelets then run out or are made to last for years; a stolen one is good until then.",
        fix: "Remove RotateKubeletServerCertificate=false from --feature-gates; it is on by default.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.3.6"],
        equivalents: &[
            "trivy:KCV-0038",
            "kubescape:C-0149",
            "checkov:CKV_K8S_112",
            "kube-bench:1.3.6",
        ],
        judge: Judge::Component(Component::ControllerManager, kubelet_rotation),
        fails: runs!(
            "kube-controller-manager",
            "--feature-gates=RotateKubeletServerCertificate=false"
        ),
        passes: runs!(
            "kube-controller-manager",
            "--feature-gates=RotateKubeletServerCertificate=true"
        ),
    },
    Check {
        id: "controller-manager-address",
        title: "Controller manager listens beyond its node",
        why: "Its metrics and health are of use to the node alone; on other addresses they are one more thing to attack.",
        fix: "Set --bind-address=127.0.0.1, unless something scrapes its metrics through the network.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1046")],
        controls: &["cis-v1.12.0:1.3.7"],
        equivalents: &[
            "trivy:KCV-0039",
            "kubescape:C-0150",
            "checkov:CKV_K8S_113",
            "kube-bench:1.3.7",
        ],
        judge: Judge::Component(Component::ControllerManager, |it, report| {
            it.must_be_local("bind-address", "others than its node can reach it", report)
        }),
        fails: runs!("kube-controller-manager", "--bind-address=0.0.0.0"),
        passes: runs!("kube-controller-manager", "--bind-address=127.0.0.1"),
    },
    Check {
        id: "scheduler-profiling",
        title: "Scheduler serves profiles of itself",
        why: "Profiles show internals of the program, and making them costs time that an attacker can make it spend.",
        fix: "Set --profiling=false, or enableProfiling: false in its configuration file.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1082")],
        controls: &["cis-v1.12.0:1.4.1"],
        equivalents: &[
            "trivy:KCV-0040",
            "kubescape:C-0151",
            "checkov:CKV_K8S_114",
            "kube-bench:1.4.1",
        ],
        judge: Judge::Component(Component::Scheduler, |it, report| {
            it.must_be("profiling", false, "profiles show internals and cost time", report)
        }),
        fails: runs!("kube-scheduler", "--profiling=true"),
        passes: runs!("kube-scheduler", "--profiling=false"),
    },
    Check {
        id: "scheduler-address",
        title: "Scheduler listens beyond its node",
        why: "Its metrics and health are of use to the node alone; on other addresses they are one more thing to attack.",
        fix: "Set --bind-address=127.0.0.1, unless something scrapes its metrics through the network.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1046")],
        controls: &["cis-v1.12.0:1.4.2"],
        equivalents: &[
            "trivy:KCV-0041",
            "kubescape:C-0152",
            "checkov:CKV_K8S_115",
            "kube-bench:1.4.2",
        ],
        judge: Judge::Component(Component::Scheduler, |it, report| {
            it.must_be_local("bind-address", "others than its node can reach it", report)
        }),
        fails: runs!("kube-scheduler", "--bind-address=0.0.0.0"),
        passes: runs!("kube-scheduler", "--bind-address=127.0.0.1"),
    },
    Check {
        id: "kube-proxy-metrics-address",
        title: "kube-proxy serves its metrics beyond its node",
        why: "They tell about Services and the node without asking who wants to know.",
        fix: "Remove metricsBindAddress, which is 127.0.0.1:10249 by default, or scrape through a proxy that asks for credentials.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1046")],
        controls: &["cis-v1.12.0:4.3.1"],
        equivalents: &["kubescape:C-0291", "kube-bench:4.3.1"],
        judge: Judge::Component(Component::Proxy, |it, report| {
            it.must_be_local(
                "metrics-bind-address",
                "everybody who reaches the node reads its metrics",
                report,
            )
        }),
        fails: runs!("kube-proxy", "--metrics-bind-address=0.0.0.0:10249"),
        passes: runs!("kube-proxy", "--metrics-bind-address=127.0.0.1:10249"),
    },
];

fn pod_garbage(it: &Configured<'_>, report: &mut Report<'_>) {
    const MOST: i64 = 12_499;
    let flag = "terminated-pod-gc-threshold";
    let Some(text) = it.text(flag, report) else { return };
    // 0 and less mean that none is ever deleted.
    if !text.parse::<i64>().is_ok_and(|pods| (1..=MOST).contains(&pods)) {
        it.fail(flag, "finished pods pile up", report);
    }
}

fn kubelet_rotation(it: &Configured<'_>, report: &mut Report<'_>) {
    if it.configuration.feature_gate("RotateKubeletServerCertificate") == Some(false) {
        it.fail("feature-gates", "serving certificates of kubelets are not renewed", report);
    }
}
