//! Checks on what the API server records of what it does, and on what it lets itself be kept busy with.

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
        id: "api-server-audit-policy",
        title: "API server has no audit policy",
        why: "Without a policy no audit event is made at all: who did what in the cluster cannot be found out afterwards, and nothing can be detected from it.",
        fix: "Set --audit-policy-file to a policy that records at least who did what (level Metadata), and a log or a webhook to receive it.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &["cis-v1.12.0:3.2.1"],
        equivalents: &["kubescape:C-0160", "kubescape:C-0067", "kube-bench:3.2.1"],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(&["audit-policy-file"], "no request is recorded", report)
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--audit-policy-file=/etc/kubernetes/audit.yaml"),
    },
    Check {
        id: "api-server-audit-log",
        title: "API server writes its audit events nowhere",
        why: "With neither a log nor a webhook the events of the audit policy are thrown away.",
        fix: "Set --audit-log-path, or --audit-webhook-config-file with a receiver.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.008")],
        controls: &["cis-v1.12.0:1.2.16"],
        equivalents: &[
            "trivy:KCV-0019",
            "kubescape:C-0130",
            "checkov:CKV_K8S_91",
            "kube-bench:1.2.16",
        ],
        judge: Judge::Component(Component::ApiServer, audit_log),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--audit-log-path=/var/log/kubernetes/audit.log"),
    },
    Check {
        id: "api-server-audit-log-age",
        title: "API server does not keep its audit log for 30 days",
        why: "Intruders are often found weeks later; then the events that show how they came in are gone. Without an age nobody has decided how long they are kept.",
        fix: "Set --audit-log-maxage=30 or more, or ship the log to a place that keeps it.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1070")],
        controls: &["cis-v1.12.0:1.2.17"],
        equivalents: &[
            "trivy:KCV-0020",
            "kubescape:C-0131",
            "checkov:CKV_K8S_92",
            "kube-bench:1.2.17",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_reach(
                "audit-log-maxage",
                30,
                "at least 30 days of audit events are not sure to be kept",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--audit-log-maxage=7"),
        passes: runs!("kube-apiserver", "--audit-log-maxage=30"),
    },
    Check {
        id: "api-server-audit-log-files",
        title: "API server keeps fewer than 10 old audit logs",
        why: "Whoever wants to hide something only has to make enough noise for the log to be rotated out.",
        fix: "Set --audit-log-maxbackup=10 or more.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1070")],
        controls: &["cis-v1.12.0:1.2.18"],
        equivalents: &[
            "trivy:KCV-0021",
            "kubescape:C-0132",
            "checkov:CKV_K8S_93",
            "kube-bench:1.2.18",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_reach("audit-log-maxbackup", 10, "noise can push audit events out", report)
        }),
        fails: runs!("kube-apiserver", "--audit-log-maxbackup=2"),
        passes: runs!("kube-apiserver", "--audit-log-maxbackup=10"),
    },
    Check {
        id: "api-server-audit-log-size",
        title: "API server has no size at which its audit log is rotated",
        why: "The size decides, with the number of old files, how much history there is and whether the disk of the control plane fills up; it should not be left to chance.",
        fix: "Set --audit-log-maxsize=100 (megabytes) or what the disk allows.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1070")],
        controls: &["cis-v1.12.0:1.2.19"],
        equivalents: &[
            "trivy:KCV-0022",
            "kubescape:C-0133",
            "checkov:CKV_K8S_94",
            "kube-bench:1.2.19",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_reach(
                "audit-log-maxsize",
                1,
                "when the audit log is rotated is left to chance",
                report,
            )
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--audit-log-maxsize=100"),
    },
    Check {
        id: "api-server-audit-log-small",
        title: "API server rotates its audit log at less than 100 megabytes",
        why: "A busy cluster fills a small file within minutes, so that all the old ones together hold hours, not days.",
        fix: "Set --audit-log-maxsize=100 (megabytes) or more, or ship the log to a place that keeps it.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1070")],
        controls: &["cis-v1.12.0:1.2.19"],
        equivalents: &["checkov:CKV_K8S_94"],
        judge: Judge::Component(Component::ApiServer, small_audit_log),
        fails: runs!("kube-apiserver", "--audit-log-maxsize=10"),
        passes: runs!("kube-apiserver", "--audit-log-maxsize=100"),
    },
    Check {
        id: "api-server-profiling",
        title: "API server serves profiles of itself",
        why: "Profiles show internals of the program, and making them costs time that an attacker can make it spend.",
        fix: "Set --profiling=false while nobody is looking for a problem.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1082")],
        controls: &["cis-v1.12.0:1.2.15"],
        equivalents: &[
            "trivy:KCV-0018",
            "kubescape:C-0129",
            "checkov:CKV_K8S_90",
            "kube-bench:1.2.15",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_be("profiling", false, "profiles show internals and cost time", report)
        }),
        fails: runs!("kube-apiserver", "--profiling=true"),
        passes: runs!("kube-apiserver", "--profiling=false"),
    },
    Check {
        id: "api-server-request-timeout",
        title: "API server lets requests run without a reasonable limit",
        why: "Slow requests that are never ended use up connections and memory until the API server answers nobody.",
        fix: "Remove --request-timeout, which is one minute by default, or set at most five minutes.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1499")],
        controls: &["cis-v1.12.0:1.2.20"],
        equivalents: &["kubescape:C-0134", "checkov:CKV_K8S_95", "kube-bench:1.2.20"],
        judge: Judge::Component(Component::ApiServer, request_timeout),
        fails: runs!("kube-apiserver", "--request-timeout=0s"),
        passes: runs!("kube-apiserver", "--request-timeout=60s"),
    },
];

fn audit_log(it: &Configured<'_>, report: &mut Report<'_>) {
    if !it.may_have("audit-webhook-config-file") {
        it.must_have(&["audit-log-path"], "audit events are written nowhere", report);
    }
}

fn small_audit_log(it: &Configured<'_>, report: &mut Report<'_>) {
    const LEAST: i64 = 100;
    let flag = "audit-log-maxsize";
    let megabytes = it.known(flag).and_then(|text| text.parse::<i64>().ok());
    if megabytes.is_some_and(|megabytes| (1..LEAST).contains(&megabytes)) {
        it.fail(flag, "the log reaches back for a short time only", report);
    }
}

fn request_timeout(it: &Configured<'_>, report: &mut Report<'_>) {
    const MOST: u64 = 300;
    let Some(text) = it.text("request-timeout", report) else { return };
    let Some(seconds) = seconds(text) else { return };
    if seconds == 0 || seconds > MOST {
        it.fail("request-timeout", "slow requests may use up the API server", report);
    }
}
