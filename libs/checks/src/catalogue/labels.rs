//! Checks on labels and annotations: who answers for an object, and whether the API server takes them.

use airside_k8s::{Map, Object, Value};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "owner-label-missing",
        title: "Workload does not say to whom it belongs",
        why: "When something is wrong with it, nobody knows whom to ask, and costs and alerts cannot be sent to a team.",
        fix: "Add a label such as owner or team.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:required-label-owner"],
        judge: Judge::Workload(|workload, report| {
            const NAMES: [&str; 4] = ["owner", "owned-by", "team", "maintainer"];
            if !has_key(workload.object.labels(), &NAMES) {
                report.fail(
                    FieldPath::of(&["metadata", "labels"]),
                    "there is no label for the owner".to_owned(),
                );
            }
        }),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {dev: shop}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {owner: shop}}
",
    },
    Check {
        id: "contact-annotation-missing",
        title: "Workload does not say how to reach those who run it",
        why: "In an incident time is lost with finding out whom to call.",
        fix: "Add an annotation such as email or contact with an address.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-linter:required-annotation-email"],
        judge: Judge::Workload(|workload, report| {
            const NAMES: [&str; 5] =
                ["email", "contact", "owner-email", "slack-channel", "on-call"];
            if !has_key(workload.object.annotations(), &NAMES) {
                report.fail(
                    FieldPath::of(&["metadata", "annotations"]),
                    "there is no annotation with a contact".to_owned(),
                );
            }
        }),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {note: hello}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {email: shop@example.com}}
",
    },
    Check {
        id: "instance-label-mismatch",
        title: "Label for the instance does not go with the workload's name",
        why: "Tools group objects by app.kubernetes.io/instance; without it, or with another application's, the object is shown elsewhere or nowhere.",
        fix: "Set app.kubernetes.io/instance to the name of the object or of the release that its name begins with.",
        severity: Severity::Info,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["polaris:metadataAndInstanceMismatched"],
        judge: Judge::Workload(instance_mismatch),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app.kubernetes.io/instance: shop}}
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-web, labels: {app.kubernetes.io/instance: shop}}
",
    },
    Check {
        id: "label-value-invalid",
        title: "Value of a label is not allowed",
        why: "The API server refuses the object: the value of a label is a text of 63 characters at most, of letters, digits, -, _ and ., with a letter or digit at both ends.",
        fix: "Shorten or correct the value, put numbers and booleans into quotes, and put longer texts into annotations.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &["kube-score:label-values"],
        judge: Judge::Any(label_values),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {tier: front end}}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {tier: front-end}}
",
    },
];

/// Whether a map has one of these keys with a text, with or without a prefix (`example.com/owner`).
fn has_key(entries: Option<&Map>, names: &[&str]) -> bool {
    entries.into_iter().flatten().any(|(key, value)| {
        let name = key.rsplit('/').next().unwrap_or(key).to_ascii_lowercase();
        names.contains(&name.as_str()) && value.as_str().is_some_and(|text| !text.is_empty())
    })
}

const INSTANCE: &str = "app.kubernetes.io/instance";

/// Helm gives the release as the instance and lets names begin with it.
fn instance_mismatch(workload: &Whole<'_>, report: &mut Report<'_>) {
    let name = workload.object.name();
    if name.is_empty() {
        return;
    }
    let instance = workload.object.labels().and_then(|labels| labels.get(INSTANCE)?.as_str());
    let problem = match instance {
        None => "the label app.kubernetes.io/instance is missing".to_owned(),
        Some(instance) if name != instance && !name.starts_with(&format!("{instance}-")) => {
            format!("app.kubernetes.io/instance is `{instance}` and the name is `{name}`")
        }
        Some(_) => return,
    };
    report.fail(FieldPath::of(&["metadata", "labels"]).key(INSTANCE), problem);
}

fn label_values(whole: &Whole<'_>, report: &mut Report<'_>) {
    let own = FieldPath::of(&["metadata", "labels"]);
    judge_labels(whole.object.labels(), &own, report);
    if let Some((path, labels)) = template_labels(whole.object) {
        judge_labels(Some(labels), &path, report);
    }
}

fn template_labels<'a>(object: &Object<'a>) -> Option<(FieldPath, &'a Map)> {
    let path = FieldPath::of(&["spec", "template", "metadata", "labels"]);
    let labels = object.at(&path)?.as_object()?;
    Some((path, labels))
}

fn judge_labels(labels: Option<&Map>, path: &FieldPath, report: &mut Report<'_>) {
    for (name, value) in labels.into_iter().flatten() {
        let problem = match value {
            Value::String(text) if is_valid(text) || is_template(text) => continue,
            Value::Null => continue,
            Value::String(text) => format!("the label {name} has the value `{text}`"),
            other => format!("the label {name} is {other}, which is no text"),
        };
        report.fail(path.key(name), problem);
    }
}

/// A placeholder that somebody fills before the object is applied.
fn is_template(text: &str) -> bool {
    ["{{", "${", "$("].iter().any(|start| text.contains(start))
}

fn is_valid(text: &str) -> bool {
    const LONGEST: usize = 63;
    let at_end = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    bytes.len() <= LONGEST
        && bytes.iter().all(is_known)
        && at_end(bytes.first().copied())
        && at_end(bytes.last().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_judged_as_the_api_server_does() {
        let long = "a".repeat(64);
        for (text, expected) in [
            ("", true),
            ("front-end_1.0", true),
            ("a", true),
            ("-a", false),
            ("a.", false),
            ("a b", false),
            ("a/b", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_valid(text), expected, "{text}");
        }
    }
}
