//! Checks on whom the API server lets in, what it lets them do, and how it talks to kubelets.

use airside_k8s::component::Component;
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "api-server-anonymous-auth",
        title: "API server answers requests without credentials",
        why: "Whoever reaches the port is let in as system:anonymous. One careless binding to system:unauthenticated, or one bug in authorisation, is then open to the whole network.",
        fix: "Set --anonymous-auth=false. Where probes ask for /livez and /readyz without credentials, as those of kubeadm do, allow those paths alone with --authentication-config.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1133"), technique("T1613")],
        controls: &["cis-v1.12.0:1.2.1"],
        equivalents: &[
            "trivy:KCV-0001",
            "kubescape:C-0113",
            "checkov:CKV_K8S_68",
            "kube-bench:1.2.1",
        ],
        judge: Judge::Component(Component::ApiServer, anonymous_auth),
        fails: runs!("kube-apiserver", "--anonymous-auth=true"),
        passes: runs!("kube-apiserver", "--anonymous-auth=false"),
    },
    Check {
        id: "api-server-token-file",
        title: "API server accepts tokens from a static file",
        why: "Such tokens never expire, lie in the clear on every control plane node, and are only revoked by changing the file and restarting the API server.",
        fix: "Remove --token-auth-file; let people sign in by OpenID Connect and programs with service account tokens.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001"), technique("T1078")],
        controls: &["cis-v1.12.0:1.2.2"],
        equivalents: &[
            "trivy:KCV-0002",
            "kubescape:C-0114",
            "checkov:CKV_K8S_70",
            "kube-bench:1.2.2",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_not_have("token-auth-file", "its tokens never expire", report)
        }),
        fails: runs!("kube-apiserver", "--token-auth-file=/etc/tokens.csv"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-password-file",
        title: "API server accepts passwords from a static file",
        why: "Passwords lie in the clear on the control plane nodes, are sent with every request, and stand against guessing without a limit.",
        fix: "Remove --basic-auth-file; releases since 1.19 refuse it anyway. Use certificates or OpenID Connect.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001"), technique("T1110")],
        controls: &[],
        equivalents: &["checkov:CKV_K8S_69"],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_not_have(
                "basic-auth-file",
                "its passwords lie in the clear and never expire",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--basic-auth-file=/etc/users.csv"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-always-allow",
        title: "API server authorises every request",
        why: "Whoever is authenticated, each service account of each pod included, is an administrator of the cluster: the mode AlwaysAllow asks nothing.",
        fix: "Set --authorization-mode=Node,RBAC, or name these authorizers in the file of --authorization-config.",
        severity: Severity::Critical,
        category: Category::ControlPlane,
        techniques: &[technique("T1078"), technique("T1098.006")],
        controls: &["cis-v1.12.0:1.2.6"],
        equivalents: &[
            "trivy:KCV-0007",
            "kubescape:C-0118",
            "checkov:CKV_K8S_74",
            "kube-bench:1.2.6",
        ],
        judge: Judge::Component(Component::ApiServer, always_allow),
        fails: runs!("kube-apiserver", "--authorization-mode=Node,RBAC,AlwaysAllow"),
        passes: runs!("kube-apiserver", "--authorization-mode=Node,RBAC"),
    },
    Check {
        id: "api-server-without-node-authorizer",
        title: "API server does not limit kubelets to their own nodes",
        why: "Without the Node authorizer kubelets need broad roles, and one taken node can read the secrets of all pods of the cluster instead of its own pods' only.",
        fix: "Add Node to --authorization-mode, before RBAC.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.007")],
        controls: &["cis-v1.12.0:1.2.7"],
        equivalents: &[
            "trivy:KCV-0008",
            "kubescape:C-0119",
            "checkov:CKV_K8S_75",
            "kube-bench:1.2.7",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| authorizer(it, "Node", report)),
        fails: runs!("kube-apiserver", "--authorization-mode=RBAC"),
        passes: runs!("kube-apiserver", "--authorization-mode=Node,RBAC"),
    },
    Check {
        id: "api-server-without-rbac",
        title: "API server does not use RBAC",
        why: "Roles and bindings have no effect then: what anybody may do is decided by other authorizers, which people who review the cluster do not see.",
        fix: "Add RBAC to --authorization-mode.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1098.006")],
        controls: &["cis-v1.12.0:1.2.8"],
        equivalents: &[
            "trivy:KCV-0009",
            "kubescape:C-0120",
            "kubescape:C-0088",
            "checkov:CKV_K8S_77",
            "kube-bench:1.2.8",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| authorizer(it, "RBAC", report)),
        fails: runs!("kube-apiserver", "--authorization-mode=Node"),
        passes: runs!("kube-apiserver", "--authorization-mode=Node,RBAC"),
    },
    Check {
        id: "api-server-kubelet-plain-http",
        title: "API server talks to kubelets without TLS",
        why: "Logs, exec sessions and their input cross the network in the clear, and who sits on the path can change them.",
        fix: "Remove --kubelet-https=false; TLS is the default.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &["trivy:KCV-0004", "checkov:CKV_K8S_71"],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_be(
                "kubelet-https",
                true,
                "exec sessions and logs cross the network in the clear",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--kubelet-https=false"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-kubelet-client-certificate",
        title: "API server shows kubelets no client certificate",
        why: "Kubelets cannot tell the API server from anybody else, so either they refuse logs and exec, or they answer everybody.",
        fix: "Set both --kubelet-client-certificate and --kubelet-client-key.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.2.4"],
        equivalents: &[
            "trivy:KCV-0005",
            "kubescape:C-0116",
            "checkov:CKV_K8S_72",
            "kube-bench:1.2.4",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(
                &["kubelet-client-certificate", "kubelet-client-key"],
                "kubelets cannot tell who asks them",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--kubelet-client-certificate=/pki/kubelet-client.crt"),
        passes: runs!(
            "kube-apiserver",
            "--kubelet-client-certificate=/pki/kubelet-client.crt",
            "--kubelet-client-key=/pki/kubelet-client.key"
        ),
    },
    Check {
        id: "api-server-kubelet-ca",
        title: "API server does not check the certificates of kubelets",
        why: "Any machine that takes the address of a node can pass for its kubelet and receives what is typed into exec sessions.",
        fix: "Set --kubelet-certificate-authority, with serving certificates for kubelets that this authority has signed (serverTLSBootstrap).",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.2.5"],
        equivalents: &[
            "trivy:KCV-0006",
            "kubescape:C-0117",
            "checkov:CKV_K8S_73",
            "kube-bench:1.2.5",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(
                &["kubelet-certificate-authority"],
                "it believes any certificate that a kubelet shows",
                report,
            )
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--kubelet-certificate-authority=/pki/ca.crt"),
    },
    Check {
        id: "api-server-insecure-port",
        title: "API server has a port without TLS and without authentication",
        why: "Requests to the insecure port pass as an administrator: authentication, authorisation and admission are skipped.",
        fix: "Set --insecure-port=0, or better update: releases since 1.24 do not know the port.",
        severity: Severity::Critical,
        category: Category::ControlPlane,
        techniques: &[technique("T1190"), technique("T1133")],
        controls: &[],
        equivalents: &["kubescape:C-0005", "checkov:CKV_K8S_88"],
        judge: Judge::Component(Component::ApiServer, insecure_port),
        fails: runs!("kube-apiserver", "--insecure-port=8080"),
        passes: runs!("kube-apiserver", "--insecure-port=0"),
    },
    Check {
        id: "api-server-insecure-address",
        title: "API server has an address for requests without authentication",
        why: "The insecure port listens there. Beyond the loopback it makes everybody who reaches it an administrator; on the loopback every pod on the network of the node.",
        fix: "Remove --insecure-bind-address.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1190"), technique("T1133")],
        controls: &[],
        equivalents: &["kubescape:C-0005", "checkov:CKV_K8S_86"],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_not_have(
                "insecure-bind-address",
                "requests there are not authenticated",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--insecure-bind-address=0.0.0.0"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-no-secure-port",
        title: "API server has its secure port switched off",
        why: "With the port 0 nothing is served with TLS, so clients can only use a way that is neither encrypted nor authenticated.",
        fix: "Remove --secure-port=0, or give a port between 1 and 65535.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1040")],
        controls: &[],
        equivalents: &["trivy:KCV-0017", "kubescape:C-0128", "checkov:CKV_K8S_89"],
        judge: Judge::Component(Component::ApiServer, secure_port),
        fails: runs!("kube-apiserver", "--secure-port=0"),
        passes: runs!("kube-apiserver", "--secure-port=6443"),
    },
];

fn anonymous_auth(it: &Configured<'_>, report: &mut Report<'_>) {
    // The file decides then, and the flag may not be given beside it.
    if it.may_have("authentication-config") && !it.configuration.is_given("anonymous-auth") {
        return report
            .undecided("the file of --authentication-config is not part of the API server");
    }
    let consequence = "everybody who reaches it is let in as system:anonymous";
    it.must_be("anonymous-auth", false, consequence, report);
}

/// Whether authorizers are named in a file of their own.
fn has_authorizers_file(it: &Configured<'_>, report: &mut Report<'_>) -> bool {
    let has_file = it.configuration.is_given("authorization-config");
    if has_file {
        report.undecided("the file of --authorization-config is not part of the API server");
    }
    has_file
}

fn always_allow(it: &Configured<'_>, report: &mut Report<'_>) {
    if !has_authorizers_file(it, report) {
        let consequence = "whoever is authenticated may do everything";
        it.must_not_list("authorization-mode", "AlwaysAllow", consequence, report);
    }
}

fn authorizer(it: &Configured<'_>, name: &str, report: &mut Report<'_>) {
    if !has_authorizers_file(it, report) {
        let consequence = format!("the authorizer {name} is not among them");
        it.must_list("authorization-mode", name, &consequence, report);
    }
}

fn insecure_port(it: &Configured<'_>, report: &mut Report<'_>) {
    if it.text("insecure-port", report).is_some_and(|port| !matches!(port, "" | "0")) {
        let consequence = "requests to this port pass as an administrator";
        it.fail("insecure-port", consequence, report);
    }
}

fn secure_port(it: &Configured<'_>, report: &mut Report<'_>) {
    if it.text("secure-port", report) == Some("0") {
        it.fail("secure-port", "nothing is served with TLS", report);
    }
}
