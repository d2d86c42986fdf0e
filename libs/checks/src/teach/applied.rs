//! What a cluster makes of a change that is applied: fields that it refuses to change, what it writes itself,
//! and what stays behind.
//!
//! The refusals are those of Kubernetes' API (validation of updates) for the kinds that lessons are about.

use airside_k8s::Value;
use airside_k8s::fields::down;
use airside_types::{FieldPath, Step};

use crate::check::Category;

use super::change::{Change, FieldChange, Pair, text};

/// Fields that stay as they were made, by kind.
const FIXED: &[(&str, &[&[&str]])] = &[
    ("RoleBinding", &[&["roleRef"]]),
    ("ClusterRoleBinding", &[&["roleRef"]]),
    ("Deployment", &[&["spec", "selector"]]),
    ("DaemonSet", &[&["spec", "selector"]]),
    ("ReplicaSet", &[&["spec", "selector"]]),
    (
        "StatefulSet",
        &[
            &["spec", "selector"],
            &["spec", "serviceName"],
            &["spec", "podManagementPolicy"],
            &["spec", "volumeClaimTemplates"],
        ],
    ),
    ("Job", &[&["spec", "selector"], &["spec", "template"], &["spec", "completionMode"]]),
    ("Service", &[&["spec", "clusterIP"], &["spec", "clusterIPs"]]),
    ("Secret", &[&["type"]]),
    (
        "StorageClass",
        &[&["provisioner"], &["parameters"], &["reclaimPolicy"], &["volumeBindingMode"]],
    ),
    ("PriorityClass", &[&["value"], &["preemptionPolicy"]]),
    ("RuntimeClass", &[&["handler"]]),
    ("IngressClass", &[&["spec", "controller"]]),
    ("GatewayClass", &[&["spec", "controllerName"]]),
    ("ResourceQuota", &[&["spec", "scopes"], &["spec", "scopeSelector"]]),
    ("CustomResourceDefinition", &[&["spec", "scope"], &["spec", "group"]]),
];

/// Whether the cluster refuses this change of an object that exists. Of pods it refuses nearly all: what
/// makes them anew is a template.
pub(super) fn is_refused(pair: &Pair) -> bool {
    let kind = text(&pair.before, &["kind"]);
    let fixed = FIXED.iter().filter(|(of, _)| *of == kind).flat_map(|(_, fields)| *fields);
    let mut differing = fixed.filter(|field| down(&pair.before, field) != down(&pair.after, field));
    differing.next().is_some() || is_claim_of_another_shape(kind, pair)
}

/// A claim grows, and nothing else of it changes.
fn is_claim_of_another_shape(kind: &str, pair: &Pair) -> bool {
    let is_size = |path: &FieldPath| path.to_string().starts_with("spec.resources");
    kind == "PersistentVolumeClaim"
        && pair.fields().iter().any(|field| is_below(field, "spec") && !is_size(&field.path))
}

/// Whether a pod of its own changes where pods do not.
fn is_pod_made_anew(pair: &Pair) -> bool {
    let is_image =
        |path: &FieldPath| matches!(path.steps().last(), Some(Step::Key(key)) if key == "image");
    text(&pair.before, &["kind"]) == "Pod"
        && pair.fields().iter().any(|field| is_below(field, "spec") && !is_image(&field.path))
}

/// Whether a change is in what programs report: nobody applies it.
pub(super) fn is_reported(change: &Change) -> bool {
    let of_programs =
        |field: &FieldChange| is_below(field, "status") || field.path.to_string() == "metadata.uid";
    change.changed.iter().any(|pair| {
        text(&pair.before, &["kind"]) == "NodeInfo" || pair.fields().iter().any(of_programs)
    })
}

fn is_below(field: &FieldChange, first: &str) -> bool {
    matches!(field.path.steps().next(), Some(Step::Key(key)) if key == first)
}

/// What is left to do when the change has been applied, or that applying does not do; each a sentence.
pub(super) fn remains(category: Category, change: &Change) -> Vec<String> {
    // The kubelet starts a static pod anew when its file changes.
    if is_reported(change) || category == Category::ControlPlane {
        return Vec::new();
    }
    let renamed = change.changed.iter().filter(|pair| pair.changes_identity());
    let gone = change.removed.iter().chain(renamed.map(|pair| &pair.before));
    let mut told: Vec<String> = gone.filter_map(deletion).collect();
    if change.changed.iter().any(|pair| !pair.changes_identity() && is_pod_made_anew(pair)) {
        told.push(
            "A Pod that exists does not take this change: make it in the template of the workload that starts \
             the pod. A pod of its own is deleted and created anew."
                .to_owned(),
        );
    }
    if change.changed.iter().any(|pair| !pair.changes_identity() && is_refused(pair)) {
        told.push(REFUSED.to_owned());
    }
    told
}

/// What to do where the cluster refuses the change.
pub(super) const REFUSED: &str = "The cluster refuses this change of an object that exists: change it where it is \
     written, delete the object, and apply it anew. `kubectl delete statefulset NAME --cascade=orphan` keeps the \
     pods of a StatefulSet meanwhile.";

/// Why there is no form for what programs report.
pub(super) const REPORTED: &str = "What differs is not written by people: the cluster, or a program that looks at it, \
     reports what it finds. Change what is reported on.";

/// How an object that is no longer in the files goes from the cluster.
fn deletion(object: &Value) -> Option<String> {
    let (kind, name) = (text(object, &["kind"]), text(object, &["metadata", "name"]));
    let namespace = match text(object, &["metadata", "namespace"]) {
        "" => String::new(),
        namespace => format!(" -n {namespace}"),
    };
    (!name.is_empty()).then(|| {
        format!(
            "Applying does not delete what is gone from the files: `kubectl delete {} {name}{namespace}`.",
            kind.to_lowercase()
        )
    })
}
