//! The check on credentials in the fields of custom resources and of configuration files of clusters.

use airside_k8s::Value;
use airside_k8s::workload::{is_custom, pod_specs};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity, Step};

use super::described;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Item, Search, Style, search, search_list, search_number, visit};
use crate::subject::Whole;

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[Check {
    id: "credential-in-custom-resource",
    title: "Field of a custom resource holds a credential",
    why: "Custom resources are read by many (operators, dashboards, view roles) and kept in repositories; only Secrets are treated as secret.",
    fix: "Refer to a Secret, as nearly every operator allows (a field such as passwordSecretRef or existingSecret); replace the credential: it has been in the open.",
    severity: Severity::High,
    category: Category::Secrets,
    techniques: &[technique("T1552.001"), technique("T1552.007")],
    controls: &[],
    equivalents: &[],
    judge: Judge::Any(fields),
    fails: r"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source:
    helm:
      values: |
        postgresql:
          auth: {username: shop, password: sunflower}
",
    passes: r"apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source:
    helm:
      values: |
        postgresql:
          auth: {username: shop, existingSecret: shop-database}
",
}];

/// Kinds that are not the cluster's own, its configuration files, and StorageClasses, whose parameters are
/// the driver's. Kinds that are Secrets by another name hold ciphertext or references.
fn is_judged(whole: &Whole<'_>) -> bool {
    let (group, kind) = (whole.object.group(), whole.object.kind());
    let is_configuration = group.ends_with(".config.k8s.io") || group == "kubeadm.k8s.io";
    let is_own = matches!((group, kind), ("", "Config") | ("storage.k8s.io", "StorageClass"));
    // Keys of the encryption at rest have a check of their own.
    let is_secret =
        kind.ends_with("Secret") || kind.ends_with("Secrets") || kind == "EncryptionConfiguration";
    (is_custom(group) || is_configuration || is_own) && !is_secret
}

fn fields(whole: &Whole<'_>, report: &mut Report<'_>) {
    if !is_judged(whole) {
        return;
    }
    // Containers are judged by the checks on environments, commands and probes.
    let pods = pod_specs(whole.object);
    let containers: Vec<&FieldPath> =
        pods.iter().flat_map(|pod| &pod.containers).map(|container| &container.path).collect();
    let mut enter = |steps: &[Step<'_>]| {
        let is_metadata = matches!(steps, [Step::Key(key)] if key == "metadata" || key == "status");
        !is_metadata && !containers.iter().any(|path| path.steps().eq(steps.iter().cloned()))
    };
    let style = |steps: &[Step<'_>]| {
        // Files of kubeadm hold tokens and keys themselves.
        if whole.object.group() == "kubeadm.k8s.io" { Style::Values } else { style(steps) }
    };
    visit(whole.object.value(), &mut Vec::new(), &mut enter, &mut |steps, item| match item {
        Item::Text(name, text) => fail(steps, name, &search(name, text, style(steps)), report),
        Item::Number(name, number) => {
            fail(steps, name, &search_number(name, number, style(steps)), report);
        }
        Item::List(name, list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            for (index, search) in search_list(name, &texts) {
                let path: Vec<Step<'_>> =
                    steps.iter().cloned().chain([Step::Index(index)]).collect();
                fail(&path, name, &search, report);
            }
        }
    });
}

/// Environment variables have values wherever they stand; other fields mostly name things.
fn style(steps: &[Step<'_>]) -> Style {
    let is_env = |step: &Step<'_>| matches!(step, Step::Key(key) if matches!(key.as_ref(), "env" | "envVars" | "extraEnv" | "extraEnvVars"));
    if steps.iter().any(is_env) { Style::Values } else { Style::References }
}

fn fail(steps: &[Step<'_>], name: &str, search: &Search, report: &mut Report<'_>) {
    if let Some(what) = described(search.found.iter()) {
        let name = if name.is_empty() { "list" } else { name };
        report.fail(FieldPath::from(steps), format!("`{name}` holds {what}"));
    }
}
