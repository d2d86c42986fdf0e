//! Checks on credentials in annotations, the copy that `kubectl apply` leaves included.

use airside_k8s::workload::pod_specs;
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use super::described;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::secrets::{Style, search};
use crate::subject::Whole;

/// The annotation in which `kubectl apply` keeps what it was given.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "credential-in-annotation",
        title: "Annotation holds a credential",
        why: "Annotations are metadata: whoever may list the objects reads them, events and metrics carry them on, and they are not encrypted at rest.",
        fix: "Put the value into a Secret that the reader of the annotation can refer to; replace the credential: it has been in the open.",
        severity: Severity::High,
        category: Category::Secrets,
        techniques: &[technique("T1552.001"), technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Any(annotations),
        fails: r"apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {backup.example.net/target: 'sftp://shop:mXq7-dune@store/web'}
",
        passes: r"apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {backup.example.net/target: 'sftp://store/web'}
",
    },
    Check {
        id: "secret-in-last-applied",
        title: "Annotation of a Secret repeats its data",
        why: "kubectl apply kept the manifest in an annotation. Tools that hide the data of Secrets show annotations, and the old value may stay there after a rotation.",
        fix: "Make the Secret with kubectl create or with server-side apply, and delete the annotation.",
        severity: Severity::Medium,
        category: Category::Secrets,
        techniques: &[technique("T1552.007")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(&[("", "Secret")], last_applied),
        fails: r#"apiVersion: v1
kind: Secret
metadata:
  name: web
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"Secret","data":{"word":"c3VuZmxvd2Vy"}}'
"#,
        passes: r"apiVersion: v1
kind: Secret
metadata: {name: web}
",
    },
];

fn annotations(whole: &Whole<'_>, report: &mut Report<'_>) {
    let path = FieldPath::of(&["metadata", "annotations"]);
    judge(whole, whole.object.annotations(), &path, report);
    for pod in pod_specs(whole.object) {
        let template = pod.path.parent().unwrap_or_default().keys(&["metadata", "annotations"]);
        if template != path {
            judge(whole, pod.annotations(), &template, report);
        }
    }
}

fn judge(whole: &Whole<'_>, annotations: Option<&Map>, path: &FieldPath, report: &mut Report<'_>) {
    let is_secret = whole.object.group().is_empty() && whole.object.kind() == "Secret";
    for (name, value) in annotations.into_iter().flatten() {
        let Some(text) = value.as_str() else { continue };
        if is_secret && name == LAST_APPLIED {
            continue;
        }
        if let Some(what) = described(search(name, text, Style::References).found.iter()) {
            report.fail(path.key(name), format!("annotation `{name}` holds {what}"));
        }
    }
}

fn last_applied(secret: &Whole<'_>, report: &mut Report<'_>) {
    let kept = secret.object.annotations().and_then(|all| all.get(LAST_APPLIED)?.as_str());
    let Some(Ok(kept)) = kept.map(serde_json::from_str::<Value>) else { return };
    let keys = ["data", "stringData"].iter().filter_map(|field| kept.get(*field)?.as_object());
    match keys.map(Map::len).sum::<usize>() {
        0 => {}
        count => report.fail(
            FieldPath::of(&["metadata", "annotations", LAST_APPLIED]),
            format!("the annotation repeats {count} values of the Secret"),
        ),
    }
}
