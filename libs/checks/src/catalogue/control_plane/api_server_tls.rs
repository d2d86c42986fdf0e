//! Checks on the API server's certificates and keys: towards clients and etcd, for tokens and at rest.

use airside_k8s::component::Component;
use airside_types::Severity;
use airside_types::attack::technique;

use super::tls::{must_have_current_version, must_have_strong_ciphers};
use crate::check::{Category, Check, Judge};
use crate::component::{Configured, is_loopback};
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "api-server-etcd-certificate",
        title: "API server shows etcd no client certificate",
        why: "etcd then has to accept clients that it cannot tell apart; whoever reaches it reads and writes every object of the cluster, secrets included.",
        fix: "Set both --etcd-certfile and --etcd-keyfile, and --client-cert-auth on etcd.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.007"), technique("T1557")],
        controls: &["cis-v1.12.0:1.2.23"],
        equivalents: &[
            "trivy:KCV-0026",
            "kubescape:C-0137",
            "checkov:CKV_K8S_99",
            "kube-bench:1.2.23",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(&["etcd-certfile", "etcd-keyfile"], "etcd cannot tell who asks it", report)
        }),
        fails: runs!("kube-apiserver", "--etcd-certfile=/pki/etcd-client.crt"),
        passes: runs!(
            "kube-apiserver",
            "--etcd-certfile=/pki/etcd-client.crt",
            "--etcd-keyfile=/pki/etcd-client.key"
        ),
    },
    Check {
        id: "api-server-etcd-ca",
        title: "API server does not check the certificate of etcd",
        why: "Who takes the address of etcd, or sits on the path, can answer in its place and hand out any object.",
        fix: "Set --etcd-cafile to the authority that signed the certificates of etcd.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.2.26"],
        equivalents: &[
            "trivy:KCV-0029",
            "kubescape:C-0140",
            "checkov:CKV_K8S_102",
            "kube-bench:1.2.26",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(&["etcd-cafile"], "it cannot check the certificate of etcd", report)
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--etcd-cafile=/pki/etcd-ca.crt"),
    },
    Check {
        id: "api-server-etcd-plain-http",
        title: "API server talks to etcd without TLS",
        why: "Every object of the cluster, secrets included, crosses the network in the clear.",
        fix: "Use https:// for each address in --etcd-servers.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1040"), technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Component(Component::ApiServer, etcd_servers),
        fails: runs!("kube-apiserver", "--etcd-servers=http://10.0.0.7:2379"),
        passes: runs!("kube-apiserver", "--etcd-servers=https://10.0.0.7:2379"),
    },
    Check {
        id: "api-server-serving-certificate",
        title: "API server has no serving certificate of its own",
        why: "It makes one itself at each start, which no client can check; people get used to skipping the check, and a man in the middle is not noticed.",
        fix: "Set both --tls-cert-file and --tls-private-key-file.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.2.24"],
        equivalents: &[
            "trivy:KCV-0027",
            "kubescape:C-0138",
            "checkov:CKV_K8S_100",
            "kube-bench:1.2.24",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(
                &["tls-cert-file", "tls-private-key-file"],
                "clients cannot check with whom they talk",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--tls-cert-file=/pki/apiserver.crt"),
        passes: runs!(
            "kube-apiserver",
            "--tls-cert-file=/pki/apiserver.crt",
            "--tls-private-key-file=/pki/apiserver.key"
        ),
    },
    Check {
        id: "api-server-client-ca",
        title: "API server accepts no client certificates",
        why: "Components and administrators then sign in with tokens or passwords, which can be copied from a log or a request.",
        fix: "Set --client-ca-file to the authority that signs the certificates of clients.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1078")],
        controls: &["cis-v1.12.0:1.2.25"],
        equivalents: &["trivy:KCV-0028", "kubescape:C-0139", "kube-bench:1.2.25"],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(&["client-ca-file"], "nobody can sign in with a certificate", report)
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--client-ca-file=/pki/ca.crt"),
    },
    Check {
        id: "api-server-tls-ciphers",
        title: "API server may use weak TLS ciphers",
        why: "Ciphers without authenticated encryption are open to known attacks. What the built-in choice allows depends on the release.",
        fix: "Set --tls-cipher-suites to suites with AES-GCM or ChaCha20 only, or --tls-min-version=VersionTLS13.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:1.2.29"],
        equivalents: &[
            "kubescape:C-0143",
            "kubescape:C-0277",
            "checkov:CKV_K8S_105",
            "kube-bench:1.2.29",
        ],
        judge: Judge::Component(Component::ApiServer, must_have_strong_ciphers),
        fails: runs!("kube-apiserver", "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        passes: runs!(
            "kube-apiserver",
            "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        ),
    },
    Check {
        id: "api-server-tls-version",
        title: "API server accepts outdated TLS versions",
        why: "TLS 1.0 and 1.1 have known weaknesses and are withdrawn (RFC 8996); an attacker on the path can bring clients to use them.",
        fix: "Remove --tls-min-version, which is TLS 1.2 by default, or set VersionTLS13.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Component(Component::ApiServer, must_have_current_version),
        fails: runs!("kube-apiserver", "--tls-min-version=VersionTLS10"),
        passes: runs!("kube-apiserver", "--tls-min-version=VersionTLS12"),
    },
    Check {
        id: "api-server-encryption-at-rest",
        title: "API server stores secrets in etcd as plain text",
        why: "Who gets at a disk, a snapshot or a backup of etcd reads every secret of the cluster.",
        fix: "Set --encryption-provider-config to an EncryptionConfiguration that encrypts secrets, with a key management service where there is one.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.007")],
        controls: &["cis-v1.12.0:1.2.27"],
        equivalents: &[
            "trivy:KCV-0030",
            "kubescape:C-0141",
            "kubescape:C-0066",
            "checkov:CKV_K8S_104",
            "kube-bench:1.2.27",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(
                &["encryption-provider-config"],
                "secrets lie in etcd as plain text",
                report,
            )
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!(
            "kube-apiserver",
            "--encryption-provider-config=/etc/kubernetes/encryption.yaml"
        ),
    },
    Check {
        id: "api-server-token-lookup",
        title: "API server accepts tokens of service accounts that were deleted",
        why: "Without the look-up a token stays good until it expires, though its service account or its secret is gone: access cannot be taken away.",
        fix: "Remove --service-account-lookup=false; the look-up is the default.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1528"), technique("T1550.001")],
        controls: &["cis-v1.12.0:1.2.21"],
        equivalents: &[
            "trivy:KCV-0024",
            "kubescape:C-0135",
            "checkov:CKV_K8S_96",
            "kube-bench:1.2.21",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_be(
                "service-account-lookup",
                true,
                "tokens of deleted service accounts stay good",
                report,
            )
        }),
        fails: runs!("kube-apiserver", "--service-account-lookup=false"),
        passes: runs!("kube-apiserver"),
    },
    Check {
        id: "api-server-token-key",
        title: "API server checks service account tokens with its TLS key",
        why: "One key for two purposes cannot be replaced for one of them, and who steals it can both pose as the API server and mint tokens.",
        fix: "Set --service-account-key-file to the public half of a key pair of its own.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1528")],
        controls: &["cis-v1.12.0:1.2.22"],
        equivalents: &[
            "trivy:KCV-0025",
            "kubescape:C-0136",
            "checkov:CKV_K8S_97",
            "kube-bench:1.2.22",
        ],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_have(&["service-account-key-file"], "the TLS key checks tokens too", report)
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--service-account-key-file=/pki/sa.pub"),
    },
    Check {
        id: "api-server-long-lived-tokens",
        title: "API server makes tokens of pods good for a year",
        why: "Tokens of pods are meant to live for an hour; with the extension, which is there for very old clients, a stolen one works for a year.",
        fix: "Set --service-account-extend-token-expiration=false once the metric serviceaccount_stale_tokens_total stays at 0.",
        severity: Severity::Info,
        category: Category::ControlPlane,
        techniques: &[technique("T1528")],
        controls: &["cis-v1.12.0:1.2.30"],
        equivalents: &["kubescape:C-0290", "kube-bench:1.2.30"],
        judge: Judge::Component(Component::ApiServer, |it, report| {
            it.must_be(
                "service-account-extend-token-expiration",
                false,
                "a stolen token of a pod is good for a year",
                report,
            )
        }),
        fails: runs!("kube-apiserver"),
        passes: runs!("kube-apiserver", "--service-account-extend-token-expiration=false"),
    },
];

fn etcd_servers(it: &Configured<'_>, report: &mut Report<'_>) {
    let Some(servers) = it.items("etcd-servers", report) else { return };
    let is_plain = |server: &&str| server.starts_with("http://") && !is_loopback(server);
    if servers.iter().any(is_plain) {
        it.fail("etcd-servers", "every object crosses the network in the clear", report);
    }
}
