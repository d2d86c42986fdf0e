//! The edits that make a check pass, where there is one right change that needs no knowledge of the program.
//!
//! A table beside the catalogue, by the check's id: a check without a row has no remedy, and its finding
//! says what a person has to do. Owns which change is right and what it risks; `fix.rs` makes it.
//!
//! One rule tells the risks apart. Safe is what takes away nothing that a manifest asks for: it asks for a
//! protection whose lack the manifest does not mention and that next to no program notices, or corrects what
//! has no effect or fails as it is. All else may break the program, and people ask for it.

mod mesh;
mod pods;
mod rights;
#[cfg(test)]
mod tests;

use airside_k8s::embedded;
use airside_k8s::fields::at;
use airside_k8s::workload::pod_specs;
use airside_k8s::yaml::edit::Edit;
use airside_k8s::{Object, Value};
use airside_types::FieldPath;

use crate::catalogue;

/// What a change may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Takes away nothing that the manifest asks for, nor what more than next to no program uses.
    Safe,
    /// The manifest asks for what is taken away, or many programs use it without saying so.
    MayBreak,
}

/// The change that makes a check pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedy {
    /// The edits, with paths from the object.
    pub edits: Vec<Edit>,
    /// What they may cost.
    pub risk: Risk,
}

/// A remedy, or why there is none.
pub type Answer = Result<Remedy, &'static str>;

/// Where a check fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot<'a> {
    /// The object.
    object: &'a Value,
    /// The finding's field.
    field: &'a FieldPath,
}

type Row = (&'static str, fn(&Spot<'_>) -> Answer);
type Reasons = (&'static str, &'static [&'static str]);

/// What remedies there are.
static TABLES: [&[Row]; 3] = [pods::REMEDIES, rights::REMEDIES, mesh::REMEDIES];

/// Why others have none, where it can be said shorter than with what the check says of its fix.
static REASONS: &[Reasons] = &[
    (
        "needs a number from you: what the container uses",
        &[
            "cpu-request-missing",
            "memory-request-missing",
            "cpu-limit-missing",
            "memory-limit-missing",
        ],
    ),
    ("needs the version or digest that you mean", &["floating-image-tag"]),
    (
        "needs to know how the program tells that it is well",
        &["liveness-probe-missing", "readiness-probe-missing"],
    ),
    ("needs the id of a user that owns the program's files", &["run-as-root"]),
    (
        "needs another way for the program to get at these files",
        &["host-path", "sensitive-host-path", "container-runtime-socket"],
    ),
    (
        "needs a NetworkPolicy that lists who may connect to whom",
        &["no-ingress-policy", "no-egress-policy"],
    ),
    (
        "needs a namespace and a name from you",
        &["default-namespace", "kube-system-namespace", "application-label-missing"],
    ),
];

/// The remedy for a finding: of this check, at this field of this object.
pub fn remedy(check: &str, object: &Value, field: &FieldPath) -> Answer {
    let row = TABLES.iter().copied().flatten().find(|(id, _)| *id == check);
    match row {
        Some(_) if lies_in_text(object, field) => {
            Err("needs a change within the text, which is written by hand")
        }
        Some((_, make)) => make(&Spot { object, field }),
        None => Err(reason(check)),
    }
}

/// Whether what a finding is about stands in a text of the object, which an edit of the field would replace.
fn lies_in_text(object: &Value, field: &FieldPath) -> bool {
    let found = Object::new(object).map(|object| embedded::find(&object)).unwrap_or_default();
    found.embedded.iter().any(|it| it.is_text() && it.path == *field)
}

/// The checks that have a remedy, at least for some findings.
pub fn checks() -> impl Iterator<Item = &'static str> {
    TABLES.iter().copied().flatten().map(|(id, _)| *id)
}

fn reason(check: &str) -> &'static str {
    let found = REASONS.iter().find(|(_, checks)| checks.contains(&check));
    let by_hand = || catalogue::find(check).map_or("needs a decision of its owner", |it| it.fix);
    found.map_or_else(by_hand, |(reason, _)| *reason)
}

impl<'a> Spot<'a> {
    fn at(&self, path: &FieldPath) -> Option<&'a Value> {
        at(self.object, path)
    }

    /// Sets the field itself.
    fn set(&self, value: impl Into<Value>, risk: Risk) -> Answer {
        Ok(Remedy { edits: vec![Edit::Set(self.field.clone(), value.into())], risk })
    }

    /// Removes the field itself.
    fn remove(&self, risk: Risk) -> Answer {
        Ok(Remedy { edits: vec![Edit::Remove(self.field.clone())], risk })
    }

    /// Adds to a list.
    fn append(&self, list: &FieldPath, value: impl Into<Value>, risk: Risk) -> Answer {
        Ok(Remedy { edits: vec![Edit::Append(list.clone(), value.into())], risk })
    }

    /// The path to the pod's specification that the field lies in, and to its container where it has one.
    fn container(&self) -> Option<(FieldPath, FieldPath)> {
        let object = Object::new(self.object).ok()?;
        let holder = pod_specs(&object).into_iter().find_map(|pod| {
            let containers = pod.containers.iter();
            let container = containers
                .map(|container| &container.path)
                .find(|path| path.contains(self.field))?;
            // A set of containers within the pod, as Argo has it, is no place for fields of the pod.
            let is_direct = container.steps().count() == pod.path.steps().count() + 2;
            (is_direct && pod.path.contains(container))
                .then(|| (pod.path.clone(), container.clone()))
        });
        holder.filter(|_| object.group() != "tekton.dev")
    }
}
