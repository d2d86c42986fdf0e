//! The checks on placeholders that were left where a credential belongs.

use airside_k8s::fields::{maps, text};
use airside_types::{FieldPath, Severity, Step};

use super::config_maps::searched;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Style, search};
use crate::subject::{ContainerOf, Whole};

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "placeholder-in-env",
        title: "Environment variable holds a placeholder instead of a credential",
        why: "No secret is lost. But applied as it is, the program runs with a value that everybody knows, or does not run.",
        fix: "Refer to a Secret with secretKeyRef, so that nothing has to be filled in.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[
            "kube-linter:env-var-secret",
            "polaris:sensitiveContainerEnvVar",
            "kubescape:C-0012",
            "kubescape:C-0259",
        ],
        judge: Judge::Container(in_env),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - {name: DATABASE_PASSWORD, value: changeme}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    env:
    - {name: DATABASE_PASSWORD_FILE, value: /run/database/password}
",
    },
    Check {
        id: "placeholder-in-config-map",
        title: "ConfigMap holds a placeholder instead of a credential",
        why: "No secret is lost. But applied as it is, the program runs with a value that everybody knows, or does not run; and who fills it in puts a credential into a ConfigMap.",
        fix: "Let the program read the value from a Secret, so that nothing has to be filled in.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["polaris:sensitiveConfigmapContent", "kubescape:C-0012"],
        judge: Judge::Object(&[("", "ConfigMap")], in_config_map),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {database_password: changeme}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {database_password_file: /run/database/password}
",
    },
];

fn in_env(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    for (index, variable) in maps(container.container.fields, "env") {
        let (Some(name), Some(value)) = (text(variable, "name"), text(variable, "value")) else {
            continue;
        };
        let search = search(name, value, Style::Values);
        if search.has_placeholder && search.found.is_empty() {
            let path = container.path("env").index(index).key("value");
            let label = container.label();
            report.fail(path, format!("variable `{name}` of {label} waits for a credential"));
        }
    }
}

fn in_config_map(map: &Whole<'_>, report: &mut Report<'_>) {
    for entry in searched(map) {
        if entry.search.has_placeholder && entry.search.found.is_empty() {
            let Some(Step::Key(key)) = entry.path.steps().last() else { continue };
            let path: FieldPath = entry.path.clone();
            report.fail(path, format!("key `{key}` waits for a credential"));
        }
    }
}
