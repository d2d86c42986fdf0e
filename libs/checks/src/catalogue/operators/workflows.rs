//! Checks on what runs pipelines: Argo Workflows and Tekton.

use airside_k8s::fields::{down, maps, text};
use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const WORKFLOW: &[(&str, &str)] = &[
    ("argoproj.io", "Workflow"),
    ("argoproj.io", "CronWorkflow"),
    ("argoproj.io", "WorkflowTemplate"),
    ("argoproj.io", "ClusterWorkflowTemplate"),
];
const RUN: &[(&str, &str)] = &[("tekton.dev", "TaskRun"), ("tekton.dev", "PipelineRun")];

/// The checks of this family.
pub(in crate::catalogue) static CHECKS: &[Check] = &[
    Check {
        id: "workflow-default-account",
        title: "Argo workflow runs as the namespace's default service account",
        why: "Each step has the account's rights, and the default account's are shared with whatever else names none: rights that one workflow needed are then everybody's.",
        fix: "Set serviceAccountName to an account with the few rights that the executor needs.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1078.001")],
        controls: &[],
        equivalents: &["checkov:CKV_ARGO_1"],
        judge: Judge::Object(WORKFLOW, default_account),
        fails: r"apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: build}
spec: {entrypoint: a, templates: [{name: a, suspend: {}}]}
",
        passes: r"apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: build}
spec: {serviceAccountName: build, entrypoint: a, templates: [{name: a, suspend: {}}]}
",
    },
    Check {
        id: "tekton-not-from-bundle",
        title: "Tekton runs a task that is no bundle of a registry",
        why: "A task in the cluster or in a branch can be changed by whoever may write there, unseen; a bundle can be pinned by digest and signed.",
        fix: "Refer to the task by the resolver `bundles` with a digest.",
        severity: Severity::Info,
        category: Category::Operators,
        techniques: &[technique("T1195.002")],
        controls: &[],
        equivalents: &["kyverno:tekton/require-tekton-bundle"],
        judge: Judge::Object(RUN, not_from_bundle),
        fails: r"apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: build}
spec: {taskRef: {name: build}}
",
        passes: r"apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: build}
spec:
  taskRef:
    resolver: bundles
    params: [{name: bundle, value: 'registry.example.com/tasks@sha256:00'}]
",
    },
    Check {
        id: "tekton-remote-task-unpinned",
        title: "Tekton runs whatever a branch or tag holds at the time",
        why: "Who can move the branch or tag runs code in the next pipeline, with its secrets.",
        fix: "Give the commit in `revision`, or the digest in `bundle`.",
        severity: Severity::Low,
        category: Category::Operators,
        techniques: &[technique("T1195.002")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(RUN, remote_unpinned),
        fails: r"apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: build}
spec:
  taskRef:
    resolver: bundles
    params: [{name: bundle, value: 'registry.example.com/tasks:v1'}]
",
        passes: r"apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: build}
spec:
  taskRef:
    resolver: bundles
    params: [{name: bundle, value: 'registry.example.com/tasks@sha256:00'}]
",
    },
];

fn default_account(workflow: &Whole<'_>, report: &mut Report<'_>) {
    const FIELD: &str = "serviceAccountName";
    let place: &[&str] = if workflow.object.kind() == "CronWorkflow" {
        &["spec", "workflowSpec"]
    } else {
        &["spec"]
    };
    let Some(spec) = down(workflow.object.value(), place).and_then(Value::as_object) else {
        return;
    };
    // The template that it refers to may name one, and each template for itself.
    let by_template = spec.contains_key("workflowTemplateRef")
        || maps(spec, "templates").any(|(_, template)| template.contains_key(FIELD));
    if matches!(text(spec, FIELD), None | Some("default")) && !by_template {
        let message = "the pods run as service account `default`".to_owned();
        report.fail(FieldPath::of(place).key(FIELD), message);
    }
}

/// What a run refers to, with the name of the field.
fn reference<'a>(run: &Whole<'a>) -> Option<(&'static str, &'a Map)> {
    ["taskRef", "pipelineRef"]
        .into_iter()
        .find_map(|name| Some((name, run.spec(name)?.as_object()?)))
}

fn not_from_bundle(run: &Whole<'_>, report: &mut Report<'_>) {
    let Some((name, reference)) = reference(run) else { return };
    if text(reference, "bundle").is_none() && text(reference, "resolver") != Some("bundles") {
        let message = format!("{name} names no bundle");
        report.fail(FieldPath::of(&["spec", name]), message);
    }
}

fn remote_unpinned(run: &Whole<'_>, report: &mut Report<'_>) {
    let Some((name, reference)) = reference(run) else { return };
    let path = FieldPath::of(&["spec", name]);
    if let Some(bundle) = text(reference, "bundle").filter(|bundle| !bundle.contains("@sha256:")) {
        report.fail(path.key("bundle"), format!("bundle {bundle} has no digest"));
    }
    let resolver = text(reference, "resolver").unwrap_or_default();
    for (index, parameter) in maps(reference, "params") {
        let Some(value) = text(parameter, "value") else { continue };
        let is_variable = value.contains("$(");
        let is_commit = value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let unpinned = match (resolver, text(parameter, "name")) {
            ("bundles", Some("bundle")) => !value.contains("@sha256:"),
            ("git", Some("revision")) => !is_commit,
            _ => false,
        };
        if unpinned && !is_variable {
            let path = path.key("params").index(index).key("value");
            report.fail(path, format!("{value} can be moved to something else"));
        }
    }
}
