//! Checks on how the API server encrypts what it stores.

use airside_k8s::Value;
use airside_k8s::fields::{elements, list, maps, texts};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "encryption-secrets-plain",
        title: "Encryption configuration leaves secrets as plain text",
        why: "The first provider that stands for secrets writes them; when that is identity, or none is, they lie in etcd and its backups for everybody to read.",
        fix: "Let the first entry for secrets start with kms (v2), secretbox or aescbc, and put identity last, for reading what was written before.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.007")],
        controls: &["cis-v1.12.0:1.2.28"],
        equivalents: &["kubescape:C-0142", "kube-bench:1.2.28"],
        judge: Judge::Object(ENCRYPTION, plain),
        fails: r"apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{identity: {}}, {kms: {name: vault, apiVersion: v2}}]
",
        passes: r"apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{kms: {name: vault, apiVersion: v2}}, {identity: {}}]
",
    },
    Check {
        id: "encryption-fading-provider",
        title: "Encryption configuration uses a provider that wears out",
        why: "aesgcm is only safe while each key writes fewer than 200,000 objects, which nothing counts; version 1 of kms is slow, deprecated, and off in newer releases.",
        fix: "Use kms with apiVersion v2, or secretbox.",
        severity: Severity::Low,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ENCRYPTION, fading),
        fails: r"apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{kms: {name: vault}}]
",
        passes: r"apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{kms: {name: vault, apiVersion: v2}}]
",
    },
    Check {
        id: "encryption-key-in-file",
        title: "Encryption key stands in a configuration file",
        why: "Who has the file and a backup of etcd reads all secrets; in a repository the key has spread to each copy of it, and no later commit takes it back.",
        fix: "Use a key management service (kms), or make the file on the control plane nodes only; replace keys that have been in a repository.",
        severity: Severity::High,
        category: Category::ControlPlane,
        techniques: &[technique("T1552.001")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(ENCRYPTION, key_in_file),
        fails: r"apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{secretbox: {keys: [{name: a, secret: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]}}]
",
        passes: r#"apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{secretbox: {keys: [{name: a, secret: ""}]}}]
"#,
    },
];

const ENCRYPTION: &[(&str, &str)] =
    &[("apiserver.config.k8s.io", "EncryptionConfiguration"), ("", "EncryptionConfig")];

/// The providers for secrets with their path, best first: those of the first entry that stands for them.
fn providers_of_secrets<'a>(whole: &Whole<'a>) -> Option<(FieldPath, &'a [Value])> {
    const NAMES: [&str; 4] = ["secrets", "secrets.", "*.", "*.*"];
    let (index, entry) = maps(whole.object.fields(), "resources")
        .find(|(_, entry)| texts(entry, "resources").any(|(_, name)| NAMES.contains(&name)))?;
    let path = FieldPath::of(&["resources"]).index(index).key("providers");
    Some((path, list(entry, "providers")))
}

/// The kind of a provider: the one key that it has.
fn kind(provider: &Value) -> Option<(&str, &Value)> {
    provider.as_object()?.iter().next()
}

fn plain(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some((path, providers)) = providers_of_secrets(whole) else {
        let path = FieldPath::of(&["resources"]);
        return report.fail(path, "no entry is for secrets".to_owned());
    };
    if matches!(providers.first().and_then(kind), None | Some(("identity", _))) {
        let message = "identity comes first: secrets are written as plain text";
        report.fail(path.index(0), message.to_owned());
    }
}

fn fading(whole: &Whole<'_>, report: &mut Report<'_>) {
    let Some((path, providers)) = providers_of_secrets(whole) else { return };
    let path = path.index(0);
    match providers.first().and_then(kind) {
        Some(("aesgcm", _)) => {
            report.fail(path, "aesgcm writes: its key has to be replaced often".to_owned());
        }
        Some(("kms", settings)) if settings.get("apiVersion") != Some(&Value::from("v2")) => {
            report.fail(path, "kms is used with version 1".to_owned());
        }
        _ => {}
    }
}

fn key_in_file(whole: &Whole<'_>, report: &mut Report<'_>) {
    for (entry, fields) in maps(whole.object.fields(), "resources") {
        for (index, provider) in list(fields, "providers").iter().enumerate() {
            let Some((kind, settings)) = kind(provider) else { continue };
            let keys = elements(settings.get("keys")).iter().enumerate();
            for (key, _) in keys.filter(|(_, key)| is_real(key)) {
                let path = FieldPath::of(&["resources"]).index(entry).key("providers").index(index);
                let path = path.keys(&[kind, "keys"]).index(key).key("secret");
                report.fail(path, format!("the file holds a key of {kind}"));
            }
        }
    }
}

/// Whether a key is one, not what stands there to be filled in. AES and secretbox take 16 bytes and more.
fn is_real(key: &Value) -> bool {
    const LEAST: usize = 22;
    let secret = key.get("secret").and_then(Value::as_str).unwrap_or_default();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    secret.len() >= LEAST && secret.bytes().all(is_base64)
}
