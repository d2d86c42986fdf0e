//! The pods that a request writes, wherever its resource keeps them, and what the scanner's checks say of them.
//!
//! Nothing is judged here: `airside-checks` does that, by the checks that the rules name ([`CHECKS`]). Pods are found by
//! `airside-k8s`, in custom resources too. Of a patch only what it says counts.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use airside_checks::{Failure, PodChecks};
use airside_k8s::fields::at;
use airside_k8s::{Container, Object, PodSpec, Value, workload};
use airside_types::FieldPath;

use super::kind;
use super::request::Request;
use super::rules::pod_checks;
use crate::command::Command;

/// Resources whose objects describe pods.
pub(super) const POD_WRITERS: &[&str] = &[
    "pods",
    "pods/ephemeralcontainers",
    "deployments.apps",
    "daemonsets.apps",
    "statefulsets.apps",
    "replicasets.apps",
    "replicationcontrollers",
    "jobs.batch",
    "cronjobs.batch",
    "podtemplates",
];

/// Resources whose objects hold a template from which a controller makes pods.
pub(super) const TEMPLATES: &[&str] = &[
    "deployments.apps",
    "daemonsets.apps",
    "statefulsets.apps",
    "replicasets.apps",
    "replicationcontrollers",
    "jobs.batch",
    "cronjobs.batch",
    "podtemplates",
];

/// The checks that rules ask.
static CHECKS: LazyLock<PodChecks> = LazyLock::new(|| PodChecks::of(&pod_checks()));

/// A version of the request's object, as an object of its resource's kind.
fn as_object<'v>(request: &'v Request<'_>, value: &'v Value) -> Option<Object<'v>> {
    // What the body calls itself is the client's word. The kind of a custom resource stands nowhere else.
    let resource = request.resource();
    let built_in = Some(kind::of(resource)).filter(|kind| *kind != resource);
    let own = || value.get("kind").and_then(Value::as_str);
    let kind = built_in.or_else(own).unwrap_or(resource);
    Object::as_kind(value, request.group(), "v1", kind)
}

/// The pods, and parts of pods, that a request writes.
pub(super) fn pods<'v>(request: &'v Request<'_>) -> Vec<PodSpec<'v>> {
    if may_hold_pods(request) { pods_of(request, request.body()) } else { Vec::new() }
}

/// The same of another version of the request's object.
pub(super) fn pods_of<'v>(request: &'v Request<'_>, value: &'v Value) -> Vec<PodSpec<'v>> {
    let Some(object) = as_object(request, value) else { return Vec::new() };
    let mut pods = workload::pod_specs(&object);
    pods.extend(workload::pod_parts(&object));
    pods
}

/// Whether a custom resource's body has a word that pods have: most have none, and need no search.
fn may_hold_pods(request: &Request<'_>) -> bool {
    const WORDS: [&str; 8] = [
        "ontainer",
        "ecurityContext",
        "hostPath",
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "\"script\"",
        "\"steps\"",
    ];
    !workload::is_custom(request.group()) || mentions(request, &WORDS)
}

/// Whether the body, as it is written, holds one of some words: what it does not hold need not be looked for.
pub(super) fn mentions(request: &Request<'_>, words: &[&str]) -> bool {
    let body = request.event().request_object.map_or("", |body| body.get());
    // Any character may be written as an escape; what a patch moves stands in the answer.
    let is_plain = !body.contains('\\') && !body.starts_with(['[', '"']) && !body.is_empty();
    !is_plain || words.iter().any(|word| body.contains(word))
}

/// What the checks say about what a request changes.
pub(super) fn failures(request: &Request<'_>) -> Vec<Failure> {
    let change = request.change();
    if !may_hold_pods(request) || change.is_without_effect() {
        return Vec::new();
    }
    let of = |value| told_of(request, value);
    let Some(before) = change.before() else { return of(change.set()) };
    let known: BTreeSet<_> = of(before).into_iter().map(|it| (it.check.id, it.message)).collect();
    let is_new = |it: &Failure| !known.contains(&(it.check.id, it.message.clone()));
    // What a patch removes shows only in the whole object.
    let now = change.after().unwrap_or_else(|| change.set());
    of(now).into_iter().filter(is_new).collect()
}

/// What the checks say about what its body sets, whatever it changes.
pub(super) fn failures_of_body(request: &Request<'_>) -> Vec<Failure> {
    if may_hold_pods(request) { told_of(request, request.change().set()) } else { Vec::new() }
}

fn told_of(request: &Request<'_>, value: &Value) -> Vec<Failure> {
    as_object(request, value).map(|object| told(&object)).unwrap_or_default()
}

/// What fails by what the object says itself: what is missing from a part of an object may be in the rest.
fn told(object: &Object<'_>) -> Vec<Failure> {
    let mut failures = CHECKS.failures(object);
    failures.retain(|failure| object.at(&failure.field).is_some_and(|value| !value.is_null()));
    failures
}

/// The field at which a check failed, and the text of its value.
pub(super) fn value_of(request: &Request<'_>, failure: &Failure) -> (FieldPath, String) {
    let change = request.change();
    let of = |field: &FieldPath| {
        // The answer is read only where the request does not say it.
        at(change.set(), field).or_else(|| at(change.after()?, field))
    };
    // Checks on volumes name the volume's source. Below a text nothing lies.
    let may_hold_path = at(change.set(), &failure.field).is_none_or(Value::is_object);
    let path = Some(failure.field.key("path")).filter(|path| may_hold_path && of(path).is_some());
    let field = path.unwrap_or_else(|| failure.field.clone());
    let text = match of(&field) {
        Some(Value::String(text)) => text.to_string(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    (field, text)
}

/// What a container of the request's pods runs.
#[derive(Debug)]
pub(super) struct Program {
    /// The container's place.
    pub(super) path: FieldPath,
    /// Where the line stands.
    pub(super) field: FieldPath,
    /// Its image; empty where none is set.
    pub(super) image: String,
    /// Command and arguments as one line.
    pub(super) line: String,
    /// The same, ready to be asked.
    pub(super) command: Command,
}

/// What the containers run that a request writes.
pub(super) fn programs(request: &Request<'_>) -> Vec<Program> {
    let program = |container: &Container<'_>, field: FieldPath, line: String| {
        let image = container.image().unwrap_or_default().to_owned();
        let (command, path) = (Command::new(&line), container.path.clone());
        Program { path, field, image, line, command }
    };
    let pods = pods(request);
    let containers = pods.iter().flat_map(|pod| &pod.containers);
    let programs = containers.flat_map(|container| {
        let own = program(container, container.path.key("command"), command_line(container));
        let beside = beside(container).chain(handed_over(container));
        let beside = beside.map(|(field, line)| program(container, field, line));
        std::iter::once(own).chain(beside).collect::<Vec<_>>()
    });
    programs.collect()
}

/// What Kubernetes runs in a container beside its program: when it starts and ends, and to see whether it is well.
fn beside<'c>(container: &'c Container<'_>) -> impl Iterator<Item = (FieldPath, String)> + 'c {
    const HOOKS: [&[&str]; 5] = [
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
        &["livenessProbe"],
        &["readinessProbe"],
        &["startupProbe"],
    ];
    HOOKS.into_iter().filter_map(|keys| {
        let (first, rest) = keys.split_first()?;
        let hook = rest.iter().try_fold(container.field(first)?, |hook, key| hook.get(*key))?;
        let words = hook.get("exec")?.get("command")?.as_array()?;
        let line = words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let path = keys.iter().fold(container.path.clone(), |path, key| path.key(key));
        Some((path.key("exec").key("command"), line))
    })
}

/// What the environment hands over to a program that could be a command, or be made for one.
fn handed_over<'c>(container: &'c Container<'_>) -> impl Iterator<Item = (FieldPath, String)> + 'c {
    // Most variables are short words, and need not be read as commands.
    const MARKS: [&str; 6] = ["stratum", "/dev/tcp", "/dev/udp", "mkfifo", "http", "base64"];
    let variables = container.field("env").and_then(Value::as_array).unwrap_or_default();
    variables.iter().enumerate().filter_map(|(number, variable)| {
        let text = variable.get("value").and_then(Value::as_str)?;
        let is_command = MARKS.iter().any(|mark| text.contains(mark));
        let field = || container.path.key("env").index(number).key("value");
        is_command.then(|| (field(), text.to_owned()))
    })
}

fn command_line(container: &Container<'_>) -> String {
    let words = ["command", "args", "script"].into_iter().filter_map(|key| container.field(key));
    let words = words.flat_map(|words| match words {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        word => word.as_str().into_iter().collect::<Vec<_>>(),
    });
    words.collect::<Vec<_>>().join(" ")
}
