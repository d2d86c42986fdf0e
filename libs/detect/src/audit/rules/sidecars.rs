//! Containers that are slipped into a workload that is there.
//!
//! Where the object before is known, what is new is plain. Else a patch tells it by how it is written, and a replaced
//! object by what `kubectl apply` noted of it before.

use airside_k8s::{Container, ContainerRole, Value, fields};
use airside_types::attack::technique;
use airside_types::{Severity, Source, Tactic};

use super::super::body::{at, items, text};
use super::super::pod_spec::{self, TEMPLATES};
use super::super::request::Request;
use super::hands::Hands;
use super::judged::wrote;
use super::{Definition, Ended, Firing, MODIFY, On};
use crate::rule::{Examples, PLAUSIBLE, Rule};

pub(super) static RULES: &[Definition] = &[Definition {
    rule: Rule {
        id: "AUD-R53",
        version: 3,
        title: "Container added to a workload that is there",
        why: "An injected container lives beside the application, with its network, volumes and service account.",
        next: "What the new container's image holds and where it sends data; which secrets and volumes it shares with the application.",
        severity: Severity::Medium,
        confidence: PLAUSIBLE,
        tactic: Tactic::Persistence,
        techniques: &[technique("T1525"), technique("T1609")],
        equivalents: &["sigma:Potential Sidecar Injection Into Running Deployment"],
        source: Source::Audit,
        examples: Some(Examples {
            fires: r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"log","image":"example.net/log"}}],"responseStatus":{"code":200}}"#,
            quiet: r#"{"verb":"patch","user":{"username":"ci"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop/web:2"}]}}}},"responseStatus":{"code":200}}"#,
        }),
    },
    on: On::Workloads(MODIFY, TEMPLATES),
    ended: Ended::Done,
    when: added,
}];

fn added(request: &Request<'_>) -> Option<Firing> {
    // An applied object may be new as well.
    if request.is_by_trusted_system() || request.is_of_new_object() {
        return None;
    }
    let change = request.change();
    let pods = pod_spec::pods(request);
    let containers: Vec<_> = pods
        .iter()
        .flat_map(|pod| &pod.containers)
        .filter(|container| container.role != ContainerRole::Ephemeral)
        .collect();
    let (container, severity) = if let Some(before) = change.before() {
        let known = names(request, before);
        let is_new = |it: &&Container<'_>| !known.iter().any(|name| name == it.name());
        (*containers.iter().find(|it| is_new(it))?, Severity::Medium)
    } else if change.is_whole() {
        let known = applied_names(request.body())?;
        let is_new = |it: &&Container<'_>| !known.iter().any(|name| name == it.name());
        (*containers.iter().find(|it| is_new(it))?, Severity::Medium)
    } else {
        by_patch(request, &containers)?
    };
    let (name, image) = (container.name(), container.image().unwrap_or_default());
    Some(
        Firing::new(format!("{}: container {name} added", wrote(request)))
            .at(severity)
            .with(&format!("requestObject.{}.name", container.path), name)
            .with(&format!("requestObject.{}.image", container.path), image),
    )
}

/// The names of the containers of an object.
fn names(request: &Request<'_>, object: &Value) -> Vec<String> {
    let pods = pod_spec::pods_of(request, object);
    pods.iter().flat_map(|pod| &pod.containers).map(|it| it.name().to_owned()).collect()
}

/// The names of the containers that `kubectl apply` last wrote, as it noted in the object.
fn applied_names(object: &Value) -> Option<Vec<String>> {
    const NOTE: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let note = fields::down(object, &["metadata", "annotations", NOTE])?.as_str()?;
    let applied: Value = serde_json::from_str(note).ok()?;
    let spec = at(&applied, &["spec", "template", "spec"]);
    let listed = ["containers", "initContainers"].into_iter().flat_map(|key| items(spec, key));
    let names: Vec<_> = listed.map(|container| text(container, "name").to_owned()).collect();
    (!names.is_empty()).then_some(names)
}

/// What the specification of each workload of a kind has, where there is such a field.
fn needed(resource: &str) -> Option<&'static str> {
    match resource {
        "cronjobs" => Some("schedule"),
        "daemonsets"
        | "deployments"
        | "replicasets"
        | "replicationcontrollers"
        | "rollouts"
        | "statefulsets" => Some("selector"),
        _ => None,
    }
}

/// A container that a patch gives whole. Operations name their place, so that one with name and image is new; a
/// merged one that brings more than a new image is new, or a changed one that deserves a look.
fn by_patch<'c, 'v>(
    request: &Request<'_>,
    containers: &[&'c Container<'v>],
) -> Option<(&'c Container<'v>, Severity)> {
    const MORE: [&str; 6] = ["command", "args", "securityContext", "volumeMounts", "env", "ports"];
    let body = request.event().request_object?.get().trim_start();
    let is_named = |it: &Container<'_>| !it.name().is_empty() && it.image().is_some();
    if body.starts_with('[') {
        let mut whole = containers.iter().filter(|it| is_named(it));
        let first = whole.next()?;
        // A list that is replaced holds the old ones as well.
        let severity = if whole.next().is_none() { Severity::Medium } else { Severity::Low };
        return Some((first, severity));
    }
    let set = request.body();
    let is_applied = set.get("apiVersion").is_some() && set.get("kind").is_some();
    if is_applied {
        // Whoever applies a whole manifest owns the workload; an overlay leaves out what a workload needs. Of a kind of which
        // that is not known, platforms apply what a repository has.
        let hands = Hands { person: Severity::Low, program: Severity::Info };
        let (is_overlay, severity) = match needed(request.resource()) {
            Some(field) => (fields::down(set, &["spec", field]).is_none(), Severity::Medium),
            None => (true, hands.unless_usual(request)?),
        };
        let first = containers.iter().find(|it| is_overlay && is_named(it))?;
        return Some((first, severity));
    }
    let brings_more = |it: &Container<'_>| MORE.iter().any(|key| it.field(key).is_some());
    let first = containers.iter().find(|it| is_named(it) && brings_more(it))?;
    Some((first, Severity::Low))
}
