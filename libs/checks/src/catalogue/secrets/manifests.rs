//! Checks on Secrets themselves: manifests with plain data, tokens that never expire.

use airside_k8s::fields::{field, maps, text};
use airside_k8s::graph::Referent;
use airside_k8s::{Object, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Style, is_ciphertext, is_indirect, is_placeholder, is_setting, search};
use crate::subject::Whole;

const SECRETS: &[(&str, &str)] = &[("", "Secret")];
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "plain-secret-manifest",
        title: "Manifest of a Secret holds its data in plain text",
        why: "Base64 is no encryption: whoever reads the repository, its history or a copy of it has the credential.",
        fix: "Keep a reference instead (ExternalSecret, Secrets Store CSI driver) or ciphertext (SealedSecret, SOPS), and replace what was committed.",
        severity: Severity::Medium,
        category: Category::Secrets,
        techniques: &[technique("T1552.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(SECRETS, plain),
        fails: r"apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: sunflower}
",
        passes: r"apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: '${WEB_PASSWORD}'}
",
    },
    Check {
        id: "long-lived-token",
        title: "Secret asks for a service account token that never expires",
        why: "The token works until the Secret or the account is deleted, from everywhere, and whoever can read Secrets in the namespace can take it.",
        fix: "Delete the Secret; take short tokens instead (kubectl create token, or a projected volume).",
        severity: Severity::Medium,
        category: Category::Secrets,
        techniques: &[technique("T1528"), technique("T1552.007")],
        controls: &[],
        equivalents: &["kyverno:other/deny-secret-service-account-token-type"],
        judge: Judge::Object(SECRETS, long_lived),
        fails: r"apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: deployer
  annotations: {kubernetes.io/service-account.name: deployer}
",
        passes: r"apiVersion: v1
kind: Secret
type: Opaque
metadata:
  name: deployer
  annotations: {kubernetes.io/service-account.name: deployer}
",
    },
    Check {
        id: "service-account-lists-secrets",
        title: "ServiceAccount lists Secrets",
        why: "The list is how tokens that never expire reach pods; since Kubernetes 1.24 nothing writes it by itself, and most readers take it for a restriction that it is not.",
        fix: "Remove the list; mount the Secrets that pods need as volumes, and take short tokens (kubectl create token).",
        severity: Severity::Info,
        category: Category::Secrets,
        techniques: &[technique("T1528")],
        controls: &[],
        equivalents: &["kyverno:other/check-serviceaccount-secrets"],
        judge: Judge::Object(&[("", "ServiceAccount")], lists_secrets),
        fails: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer}
secrets: [{name: deployer-token-x2x9p}]
",
        passes: r"apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer}
",
    },
];

/// At admission every Secret has its data, and so has one that was read from a cluster.
fn plain(secret: &Whole<'_>, report: &mut Report<'_>) {
    let fields = secret.object.fields();
    let is_encrypted = fields.contains_key("sops");
    if is_encrypted || secret.object.uid().is_some() {
        return;
    }
    for part in ["data", "stringData"] {
        let entries = field(fields, part).and_then(Value::as_object);
        let plain = entries.into_iter().flatten().filter(|(key, value)| {
            value.as_str().is_some_and(|text| is_secret(key, text, part == "data"))
        });
        let keys: Vec<&str> = plain.map(|(key, _)| key).collect();
        let Some(first) = keys.first() else { continue };
        if secret.graph.is_single_object() {
            report.undecided(
                "whether a Secret's manifest is kept anywhere is not known at admission",
            );
            return;
        }
        let more = match keys.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        report.fail(
            FieldPath::of(&[part, first]),
            format!("the value of `{first}`{more} can be read in the manifest"),
        );
        return;
    }
}

/// Whether a value is one that nobody may know: no placeholder, no ciphertext, nothing public.
fn is_secret(key: &str, text: &str, is_encoded: bool) -> bool {
    let compact: String = text.split_ascii_whitespace().collect();
    let decoded = match is_encoded {
        // What is no base64 is a template or a placeholder: the API server would refuse it.
        true => match STANDARD.decode(&compact).map(String::from_utf8) {
            Ok(Ok(decoded)) => decoded,
            // A keystore or the like.
            Ok(Err(_)) => return !names_no_secret(key),
            Err(_) => return false,
        },
        false => text.to_owned(),
    };
    let value = decoded.trim();
    if value.is_empty() || is_ciphertext(value) || is_public(value) || names_no_secret(key) {
        return false;
    }
    // A configuration file may hold no credential at all.
    match value.contains('\n') {
        true => !search(key, value, Style::Values).found.is_empty(),
        false => !is_indirect(value) && !is_placeholder(value) && !is_setting(value),
    }
}

/// Certificates, public keys, parameters.
fn is_public(value: &str) -> bool {
    let is_pem = ["CERTIFICATE", "PUBLIC KEY", "DH PARAMETERS"]
        .iter()
        .any(|label| value.contains(&format!("-----BEGIN {label}")));
    is_pem && !value.contains("PRIVATE KEY")
}

/// Keys under which one finds what a credential belongs to.
fn names_no_secret(key: &str) -> bool {
    const ENDINGS: &str = "
        address bucket ca ca.crt cert client-id clientid database dbname description email
        endpoint expiration group groups host hostname known_hosts name namespace port project
        region subscriptionid tenantid tls.crt token-id type url user username
    ";
    let key = key.to_ascii_lowercase();
    ENDINGS.split_ascii_whitespace().any(|ending| key.ends_with(ending))
}

fn long_lived(secret: &Whole<'_>, report: &mut Report<'_>) {
    let kind = secret.object.fields().get("type").and_then(Value::as_str);
    if kind == Some(SERVICE_ACCOUNT_TOKEN) {
        let account = secret.object.annotations();
        let account =
            account.and_then(|all| all.get("kubernetes.io/service-account.name")?.as_str());
        let account = account.unwrap_or("without a name");
        report.fail(
            FieldPath::of(&["type"]),
            format!("the token of service account `{account}` in it never expires"),
        );
    }
}

fn lists_secrets(account: &Whole<'_>, report: &mut Report<'_>) {
    let names = maps(account.object.fields(), "secrets");
    let names: Vec<&str> = names
        .filter_map(|(_, secret)| text(secret, "name"))
        .filter(|name| may_be_token(account, name))
        .collect();
    if names.is_empty() {
        return;
    }
    if account.graph.is_single_object() {
        report.undecided(
            "what the Secrets hold that a service account lists is not known at admission",
        );
    } else {
        let path = FieldPath::of(&["secrets"]);
        report.fail(path, format!("the service account lists {}", names.join(", ")));
    }
}

/// Whether a Secret may hold a token: one of the input says what it holds.
fn may_be_token(account: &Whole<'_>, name: &str) -> bool {
    let secrets = account.graph.referred(Referent::Secret, account.object.namespace(), name);
    let is_token = |secret: &&Object<'_>| {
        let kind = secret.fields().get("type").and_then(Value::as_str);
        kind == Some(SERVICE_ACCOUNT_TOKEN)
    };
    secrets.is_empty() || secrets.iter().any(is_token)
}
