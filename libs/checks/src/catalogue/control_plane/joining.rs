//! The checks on how machines join a cluster, by kubeadm's files.

use airside_k8s::Value;
use airside_k8s::fields::{down, elements};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const KUBEADM: &str = "kubeadm.k8s.io";

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "node-joins-unverified-cluster",
        title: "Node joins without checking the cluster's authority",
        why: "Whoever answers at the address, or knows the token, passes for the control plane and has the node run what he wants.",
        fix: "Give caCertHashes, which kubeadm token create --print-join-command prints, and remove unsafeSkipCAVerification.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1557")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(KUBEADM, "JoinConfiguration")], unverified),
        fails: r"apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: 10.0.0.1:6443, unsafeSkipCAVerification: true}
",
        passes: r"apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: 10.0.0.1:6443
    caCertHashes: ['sha256:7c9f0c5d3a1e8b2f4d6a9c0e1b3f5a7d9c2e4b6f8a0d1c3e5b7f9a2c4e6d8b0f']
",
    },
    Check {
        id: "bootstrap-token-for-ever",
        title: "Token for joining a cluster never expires",
        why: "With it anybody adds a node at any time, and is given what the node's pods mount.",
        fix: "Set ttl to some hours, and make a new token when the next machine joins.",
        severity: Severity::Medium,
        category: Category::ControlPlane,
        techniques: &[technique("T1078")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[(KUBEADM, "InitConfiguration")], for_ever),
        fails: r"apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens: [{ttl: 0s}]
",
        passes: r"apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens: [{ttl: 2h0m0s}]
",
    },
];

fn unverified(file: &Whole<'_>, report: &mut Report<'_>) {
    const SKIP: [&str; 3] = ["discovery", "bootstrapToken", "unsafeSkipCAVerification"];
    if down(file.object.value(), &SKIP) == Some(&Value::Bool(true)) {
        let message = "the node trusts whatever answers at the address".to_owned();
        report.fail(FieldPath::of(&SKIP), message);
    }
}

/// Zero of whatever unit is for ever; without `ttl` it is a day.
fn for_ever(file: &Whole<'_>, report: &mut Report<'_>) {
    let tokens = elements(file.object.fields().get("bootstrapTokens")).iter().enumerate();
    for (index, token) in tokens {
        let ttl = token.get("ttl").and_then(Value::as_str).unwrap_or_default();
        let digits = || ttl.chars().filter(|letter| letter.is_ascii_digit());
        if digits().next().is_some() && digits().all(|digit| digit == '0') {
            let path = FieldPath::of(&["bootstrapTokens"]).index(index).key("ttl");
            report.fail(path, format!("ttl is {ttl}: the token never expires"));
        }
    }
}
