//! Checks on what the API server would refuse: names, and parts of a pod that do not fit together.
//!
//! Not a schema: what every validator finds is theirs. These need another field, or a rule beyond types.

use std::collections::BTreeSet;

use airside_k8s::fields::{elements, maps};
use airside_k8s::{ContainerRole, Value};
use airside_types::{FieldPath, Severity};

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{ContainerOf, Pod, Whole};

/// The checks of this family.
pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "object-name-invalid",
        title: "Name of the object is not allowed",
        why: "The API server refuses the object: a name has lower-case letters, digits, - and . only, with a letter or digit at both ends.",
        fix: "Correct metadata.name.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Any(object_name),
        fails: r"apiVersion: v1
kind: ConfigMap
metadata: {name: Web_Settings}
",
        passes: r"apiVersion: v1
kind: ConfigMap
metadata: {name: web-settings}
",
    },
    Check {
        id: "duplicate-container-name",
        title: "Two containers of a pod have the same name",
        why: "The API server refuses the object.",
        fix: "Give each container a name of its own.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(duplicate_containers),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web}, {name: web}]}
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web}, {name: api}]}
",
    },
    Check {
        id: "volume-missing",
        title: "Container mounts a volume that the pod does not have",
        why: "The API server refuses the object.",
        fix: "Add the volume to the pod, or correct the name in volumeMounts.",
        severity: Severity::Low,
        category: Category::Conformance,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Container(volume_missing),
        fails: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: web, volumeMounts: [{name: scartch, mountPath: /tmp}]}]
  volumes: [{name: scratch, emptyDir: {sizeLimit: 1Gi}}]
",
        passes: r"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: web, volumeMounts: [{name: scratch, mountPath: /tmp}]}]
  volumes: [{name: scratch, emptyDir: {sizeLimit: 1Gi}}]
",
    },
];

/// Names of RBAC objects may have any characters but `/` and `%`; placeholders are filled by somebody.
fn object_name(whole: &Whole<'_>, report: &mut Report<'_>) {
    let name = whole.object.name();
    let is_free = whole.object.group() == airside_k8s::rbac::GROUP || name.is_empty();
    let is_template = ["{", "$", "<", "%"].iter().any(|mark| name.contains(mark));
    if !is_free && !is_template && !is_valid(name) {
        report.fail(
            FieldPath::of(&["metadata", "name"]),
            format!("`{name}` is no name that the API server takes"),
        );
    }
}

fn is_valid(name: &str) -> bool {
    const LONGEST: usize = 253;
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(is_known)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= LONGEST && name.split('.').all(is_label)
}

fn duplicate_containers(pod: &Pod<'_>, report: &mut Report<'_>) {
    let mut seen = BTreeSet::new();
    for container in &pod.spec.containers {
        let name = container.name();
        if !name.is_empty() && !seen.insert(name) {
            report
                .fail(container.path.key("name"), format!("two containers have the name `{name}`"));
        }
    }
}

/// Patches name neither image nor volumes, and operators add volumes to their own kinds.
fn volume_missing(container: &ContainerOf<'_>, report: &mut Report<'_>) {
    let object = container.pod.object;
    let is_built_in = matches!(object.group(), "" | "apps" | "batch" | "extensions");
    let is_debugging = container.container.role == ContainerRole::Ephemeral;
    if !is_built_in || is_debugging || container.container.image().is_none() {
        return;
    }
    let named = |value: &'_ Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    let volumes = elements(container.pod.field("volumes")).iter().filter_map(named);
    let templates = object.fields().get("spec").and_then(|spec| spec.get("volumeClaimTemplates"));
    let claimed = elements(templates).iter().filter_map(|claim| named(claim.get("metadata")?));
    let known: BTreeSet<String> = volumes.chain(claimed).collect();
    for (index, mount) in maps(container.container.fields, "volumeMounts") {
        let Some(name) = mount.get("name").and_then(Value::as_str) else { continue };
        if !known.contains(name) {
            report.fail(
                container.path("volumeMounts").index(index).key("name"),
                format!(
                    "{} mounts the volume `{name}`, which the pod does not have",
                    container.label()
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_the_api_server_does() {
        let long = "a".repeat(254);
        for (name, expected) in [
            ("web", true),
            ("web-1.example.com", true),
            ("1web", true),
            ("Web", false),
            ("web_1", false),
            ("-web", false),
            ("web.", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_valid(name), expected, "{name}");
        }
    }
}
