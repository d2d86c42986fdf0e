//! Checks on the certificates of kubelets and on how they encrypt.

use airside_k8s::component::{Component, boolean};
use airside_types::Severity;
use airside_types::attack::technique;

use super::tls::{must_have_current_version, must_have_strong_ciphers};
use crate::check::{Category, Check, Judge};
use crate::component::Configured;
use crate::evaluate::Report;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "kubelet-serving-certificate",
        title: "Kubelet has no serving certificate that others can check",
        why: "It makes one itself, so the API server cannot check with whom it talks: logs and exec sessions go to whoever has the address.",
        fix: "Set serverTLSBootstrap to true and approve the requests, or set both tlsCertFile and tlsPrivateKeyFile.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:4.2.9", "cis-eks-t1.8.0:3.2.8"],
        equivalents: &[
            "trivy:KCV-0088",
            "trivy:KCV-0089",
            "kubescape:C-0181",
            "checkov:CKV_K8S_148",
            "kube-bench:4.2.9",
        ],
        judge: Judge::Component(Component::Kubelet, serving_certificate),
        fails: kubelet!("tlsCertFile: /pki/kubelet.crt"),
        passes: kubelet!("tlsCertFile: /pki/kubelet.crt", "tlsPrivateKeyFile: /pki/kubelet.key"),
    },
    Check {
        id: "kubelet-certificate-rotation",
        title: "Kubelet does not renew its client certificate",
        why: "When the certificate runs out the node is lost to the cluster; to avoid that certificates are made to last for years, and so is a stolen one.",
        fix: "Set rotateCertificates to true.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1078")],
        controls: &["cis-v1.12.0:4.2.10", "cis-aks-t1.8.0:3.2.10"],
        equivalents: &[
            "trivy:KCV-0090",
            "kubescape:C-0182",
            "checkov:CKV_K8S_149",
            "kube-bench:4.2.10",
        ],
        judge: Judge::Component(Component::Kubelet, |it, report| {
            it.must_be("rotate-certificates", true, "its client certificate is not renewed", report)
        }),
        fails: kubelet!("rotateCertificates: false"),
        passes: kubelet!("rotateCertificates: true"),
    },
    Check {
        id: "kubelet-server-certificate-rotation",
        title: "Kubelet does not renew its serving certificate",
        why: "A serving certificate that is not renewed runs out or lasts for years; a stolen one lets its thief pose as the node as long.",
        fix: "Set serverTLSBootstrap to true and approve the requests of kubelets.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:4.2.11", "cis-eks-t1.8.0:3.2.9", "cis-aks-t1.8.0:3.2.11"],
        equivalents: &[
            "trivy:KCV-0091",
            "kubescape:C-0183",
            "checkov:CKV_K8S_150",
            "kube-bench:4.2.11",
        ],
        judge: Judge::Component(Component::Kubelet, server_rotation),
        fails: kubelet!(
            "tlsCertFile: /pki/kubelet.crt",
            "tlsPrivateKeyFile: /pki/kubelet.key",
            "featureGates: {RotateKubeletServerCertificate: false}"
        ),
        passes: kubelet!("tlsCertFile: /pki/kubelet.crt", "tlsPrivateKeyFile: /pki/kubelet.key"),
    },
    Check {
        id: "kubelet-tls-ciphers",
        title: "Kubelet may use weak TLS ciphers",
        why: "Ciphers without authenticated encryption are open to known attacks. What the built-in choice allows depends on the release.",
        fix: "Set tlsCipherSuites to suites with AES-GCM or ChaCha20 only, or tlsMinVersion to VersionTLS13.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &["cis-v1.12.0:4.2.12"],
        equivalents: &[
            "trivy:KCV-0092",
            "kubescape:C-0184",
            "checkov:CKV_K8S_151",
            "kube-bench:4.2.12",
        ],
        judge: Judge::Component(Component::Kubelet, must_have_strong_ciphers),
        fails: kubelet!("tlsCipherSuites: [TLS_RSA_WITH_3DES_EDE_CBC_SHA]"),
        passes: kubelet!("tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]"),
    },
    Check {
        id: "kubelet-tls-version",
        title: "Kubelet accepts outdated TLS versions",
        why: "TLS 1.0 and 1.1 have known weaknesses and are withdrawn (RFC 8996); an attacker on the path can bring clients to use them.",
        fix: "Remove tlsMinVersion, which is TLS 1.2 by default, or set VersionTLS13.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Component(Component::Kubelet, must_have_current_version),
        fails: kubelet!("tlsMinVersion: VersionTLS11"),
        passes: kubelet!("tlsMinVersion: VersionTLS12"),
    },
];

fn serving_certificate(it: &Configured<'_>, report: &mut Report<'_>) {
    if !is_bootstrapped(it) {
        let consequence = "it makes a certificate that nobody can check";
        it.must_have(&["tls-cert-file", "tls-private-key-file"], consequence, report);
    }
}

fn server_rotation(it: &Configured<'_>, report: &mut Report<'_>) {
    const GATE: &str = "RotateKubeletServerCertificate";
    let consequence = "its serving certificate is not renewed";
    if it.configuration.feature_gate(GATE) == Some(false) {
        it.fail("feature-gates", consequence, report);
    } else if !it.configuration.is_given("tls-cert-file") {
        // A certificate in a file is renewed by whoever put it there.
        it.must_be("rotate-server-certificates", true, consequence, report);
    }
}

/// Whether the kubelet asks the cluster for its serving certificate.
fn is_bootstrapped(it: &Configured<'_>) -> bool {
    it.known("rotate-server-certificates").and_then(boolean) == Some(true)
}
