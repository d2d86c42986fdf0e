//! Checks on the admission plugins of the API server.

use airside_k8s::component::Component;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "api-server-always-admit",
        title: "API server has the admission plugin that admits everything",
        why: "AlwaysAdmit says yes to whatever it is asked; who enables it usually means to do without admission control.",
        fix: "Remove AlwaysAdmit from --enable-admission-plugins.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1610")],
        controls: &["cis-v1.12.0:1.2.10"],
        equivalents: &[
            "trivy:KCV-0011",
            "kubescape:C-0122",
            "checkov:CKV_K8S_79",
            "kube-bench:1.2.10",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_not_list(
                "enable-admission-plugins",
                "AlwaysAdmit",
                "it admits everything",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--enable-admission-plugins=NodeRestriction,AlwaysAdmit"),
        passes: runs!("kube-apiserver", "--enable-admission-plugins=NodeRestriction"),
    },
    Check {
        id: "api-server-node-restriction",
        title: "API server lets kubelets change objects of other nodes",
        why: "Without NodeRestriction a taken kubelet can relabel its node to draw pods with secrets to it, and change pods of other nodes.",
        fix: "Add NodeRestriction to --enable-admission-plugins.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1098")],
        controls: &["cis-v1.12.0:1.2.14"],
        equivalents: &[
            "trivy:KCV-0016",
            "kubescape:C-0127",
            "checkov:CKV_K8S_85",
            "kube-bench:1.2.14",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_list(
                "enable-admission-plugins",
                "NodeRestriction",
                "a kubelet may change what is not its own",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--enable-admission-plugins=PodSecurity"),
        passes: runs!("kube-apiserver", "--enable-admission-plugins=PodSecurity,NodeRestriction"),
    },
    Check {
        id: "api-server-event-rate-limit",
        title: "API server does not limit the rate of events",
        why: "A pod that crashes in a loop, or a client that means harm, can fill etcd with events and slow the API server down for all.",
        fix: "Add EventRateLimit to --enable-admission-plugins, with limits in the file of --admission-control-config-file.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1499")],
        controls: &["cis-v1.12.0:1.2.9"],
        equivalents: &[
            "trivy:KCV-0010",
            "kubescape:C-0121",
            "checkov:CKV_K8S_78",
            "kube-bench:1.2.9",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_list(
                "enable-admission-plugins",
                "EventRateLimit",
                "events may come at any rate",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--enable-admission-plugins=NodeRestriction"),
        passes: runs!(
            "kube-apiserver",
            "--enable-admission-plugins=NodeRestriction,EventRateLimit"
        ),
    },
    Check {
        id: "api-server-always-pull-images",
        title: "API server lets pods use images that others have pulled",
        why: "On a shared node a pod can start a private image out of the cache of the node without having the credentials for it.",
        fix: "Add AlwaysPullImages to --enable-admission-plugins where tenants that do not trust each other share nodes.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1525")],
        controls: &["cis-v1.12.0:1.2.11"],
        equivalents: &[
            "trivy:KCV-0012",
            "kubescape:C-0123",
            "checkov:CKV_K8S_80",
            "kube-bench:1.2.11",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_list(
                "enable-admission-plugins",
                "AlwaysPullImages",
                "pods may start cached images without credentials for them",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--enable-admission-plugins=NodeRestriction"),
        passes: runs!(
            "kube-apiserver",
            "--enable-admission-plugins=NodeRestriction,AlwaysPullImages"
        ),
    },
    Check {
        id: "api-server-external-ips",
        title: "API server allows Services with any external address",
        why: "Who may make a Service can name an address in externalIPs and receives the traffic of the cluster to it (CVE-2020-8554).",
        fix: "Add DenyServiceExternalIPs to --enable-admission-plugins, unless externalIPs are needed and restricted by a policy.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.2.3"],
        equivalents: &["kubescape:C-0283", "kube-bench:1.2.3"],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_list(
                "enable-admission-plugins",
                "DenyServiceExternalIPs",
                "Services may take any external address",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--enable-admission-plugins=NodeRestriction"),
        passes: runs!(
            "kube-apiserver",
            "--enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs"
        ),
    },
    Check {
        id: "api-server-service-account-admission",
        title: "API server has the ServiceAccount admission plugin switched off",
        why: "Pods may then name any service account of their namespace without a check and get no token of their own, which leads to tokens that people make by hand and that live forever.",
        fix: "Remove ServiceAccount from --disable-admission-plugins.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1078")],
        controls: &["cis-v1.12.0:1.2.12"],
        equivalents: &[
            "trivy:KCV-0014",
            "kubescape:C-0125",
            "checkov:CKV_K8S_82",
            "kube-bench:1.2.12",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_not_list(
                "disable-admission-plugins",
                "ServiceAccount",
                "service accounts of pods are not checked",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--disable-admission-plugins=ServiceAccount"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-namespace-lifecycle",
        title: "API server has the NamespaceLifecycle admission plugin switched off",
        why: "Objects can be made in namespaces that are being deleted or never existed, where no policy and no quota finds them, and kube-system can be deleted.",
        fix: "Remove NamespaceLifecycle from --disable-admission-plugins.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1489")],
        controls: &["cis-v1.12.0:1.2.13"],
        equivalents: &[
            "trivy:KCV-0015",
            "kubescape:C-0126",
            "checkov:CKV_K8S_83",
            "kube-bench:1.2.13",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_not_list(
                "disable-admission-plugins",
                "NamespaceLifecycle",
                "objects may be made in namespaces that do not exist",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--disable-admission-plugins=NamespaceLifecycle"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-pod-security-off",
        title: "API server has Pod Security Admission switched off",
        why: "The labels pod-security.kubernetes.io of namespaces have no effect then: privileged pods start where they seem to be forbidden.",
        fix: "Remove PodSecurity from --disable-admission-plugins.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1610"), technique("T1611")],
        controls: &["cis-v1.12.0:5.2.1"],
        equivalents: &[],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_not_list(
                "disable-admission-plugins",
                "PodSecurity",
                "the Pod Security labels of namespaces have no effect",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--disable-admission-plugins=PodSecurity"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-policies-off",
        title: "API server has its admission policies or webhooks switched off",
        why: "Policy engines (Kyverno, Gatekeeper, Airside) and ValidatingAdmissionPolicies are asked through these plugins; without them everything passes, and nobody is told.",
        fix: "Remove MutatingAdmissionWebhook, ValidatingAdmissionWebhook and ValidatingAdmissionPolicy from --disable-admission-plugins.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1562.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Component(Component::ApiServer, policies_off),
        fails: runs!("kube-apiserver", "--disable-admission-plugins=ValidatingAdmissionWebhook"),
        passes: runs!("kube-apiserver"),
    },
];

fn policies_off(it: &Configured<'_>, report: &mut Report<'_>) {
    const PLUGINS: [&str; 4] = [
        "MutatingAdmissionPolicy",
        "MutatingAdmissionWebhook",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionWebhook",
    ];
    let flag = "disable-admission-plugins";
    let Some(disabled) = it.items(flag, report) else { return };
    let off: Vec<_> = disabled.into_iter().filter(|plugin| PLUGINS.contains(plugin)).collect();
    if !off.is_empty() {
        let consequence = format!("what {} would refuse is admitted", off.join(" and "));
        it.fail(flag, &consequence, report);
    }
}
