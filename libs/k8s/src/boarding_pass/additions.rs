//! What a live object has beside its scanned fields, without what stands there anyway.
//!
//! Owns how an addition is named: by the one field that is new, by the map that is new with several, and each
//! element of a list for itself. What stands there anyway is told by `defaults`, `derived` and `injected`.

use airside_types::{FieldPath, Step};

use super::compare::Drift;
use super::defaults::{self, Usual};
use super::derived::Derived;
use super::injected::Injected;
use super::leaf::{self, Context};
use super::scanned::Scanned;
use super::zeros::zeros;
use super::{empty_selects, selects};
use crate::fields::{at, below};
use crate::object::Object;
use crate::value::Value;
use crate::workload::template_path;

/// What judges the additions to one object.
pub(super) struct Additions<'v> {
    root: &'v Value,
    kind: &'v str,
    are_judged: bool,
    /// Whether the pass tells of credentials. Where it does not, one that it does not name may have been scanned.
    tells_of_credentials: bool,
    empty_selects: bool,
    /// The path of the pod's specification, as [`named`] writes it, with a dot behind it; none where there is no pod.
    pod: Option<String>,
    derived: Derived<'v>,
    injected: Injected,
}

impl<'v> Additions<'v> {
    pub(super) fn of(live: &Object<'v>, scanned: &Scanned<'_>, tells_of_credentials: bool) -> Self {
        let pod = template_path(live).map(|keys| {
            let mut path: String = keys.iter().map(|key| format!("{key}.")).collect();
            path.push_str("spec.");
            path
        });
        Self {
            root: live.value(),
            kind: live.kind(),
            are_judged: defaults::are_known(live.group()),
            tells_of_credentials,
            empty_selects: tells_of_credentials && empty_selects(live),
            derived: Derived::of(live, scanned, pod.clone()),
            injected: Injected::of(live, scanned),
            pod,
        }
    }

    /// Whether fields that were added are drift. In kinds whose defaults are not known only elements are, which
    /// were added to a list that the manifest has: defaults are for what is absent.
    pub(super) const fn are_judged(&self) -> bool {
        self.are_judged
    }

    /// What is added at a field, of which no part was scanned. `name` is what its value is called.
    pub(super) fn below(
        &self,
        path: &mut Vec<Step<'v>>,
        name: &str,
        value: &'v Value,
    ) -> Vec<Drift> {
        if self.is_usual(path, value) {
            return Vec::new();
        }
        match value {
            Value::Null => Vec::new(),
            Value::Object(map) if map.is_empty() => {
                let is_empty =
                    self.empty_selects && selects(&FieldPath::from(path.as_slice()), name);
                is_empty.then(|| added(path, None)).into_iter().collect()
            }
            Value::Object(map) => {
                let named = map.get("name").and_then(Value::as_str);
                let mut found = Vec::new();
                let mut with_additions = 0;
                for (key, value) in map {
                    path.push(Step::key(key));
                    let name = named.filter(|_| key == "value").unwrap_or(key);
                    let of_key = self.below(path, name, value);
                    with_additions += usize::from(!of_key.is_empty());
                    found.extend(of_key);
                    path.pop();
                }
                if with_additions > 1 { vec![added(path, None)] } else { found }
            }
            Value::Array(elements) => {
                let mut found = Vec::new();
                for (index, element) in elements.iter().enumerate() {
                    path.push(Step::Index(index));
                    found.extend(self.element(path, element));
                    path.pop();
                }
                found
            }
            _ if zeros(name).contains(value) || self.may_have_been_scanned(name, value) => {
                Vec::new()
            }
            _ => vec![added(path, None)],
        }
    }

    /// What is added as an element of a list.
    pub(super) fn element(&self, path: &mut Vec<Step<'v>>, element: &'v Value) -> Option<Drift> {
        if element.is_null()
            || self.is_usual(path, element)
            || self.may_be_of_an_older_pass(element)
        {
            return None;
        }
        let name = element.get("name").and_then(Value::as_str);
        Some(added(path, name.map(str::to_owned)))
    }

    fn is_usual(&self, path: &[Step<'v>], value: &'v Value) -> bool {
        let text = named(path);
        let beside = |field: &str| {
            let (_, above) = path.split_last()?;
            at(self.root, &FieldPath::from(above)).and_then(|it| below(it, &Step::key(field)))
        };
        let is_in = |table: &[(&str, Usual)], text: &str| {
            let mut rows = table.iter().filter(|(path, _)| *path == text);
            rows.any(|(_, usual)| usual.is(value, beside))
        };
        let mut of_kind = defaults::KINDS.iter().filter(|(kind, _)| *kind == self.kind);
        is_in(&defaults::OBJECT, &text)
            || of_kind.any(|(_, rows)| is_in(rows, &text))
            || self.in_pod(&text).is_some_and(|in_pod| {
                is_in(&defaults::POD, in_pod)
                    || in_pod
                        .strip_prefix("volumes[].")
                        .is_some_and(|text| is_in(&defaults::VOLUME, text))
                    || in_container(in_pod).is_some_and(|text| {
                        is_in(&defaults::CONTAINER, text)
                            || in_probe(text).is_some_and(|text| is_in(&defaults::PROBE, text))
                    })
            })
            || (self.kind == "PersistentVolume"
                && text.strip_prefix("spec.").is_some_and(|it| is_in(&defaults::VOLUME, it)))
            || self.derived.has(&text, path, value)
            || self.injected.has(self.in_pod(&text), path, value)
            || self.is_usual_metadata(path)
    }

    /// The path within the specification of the pod.
    fn in_pod<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.strip_prefix(self.pod.as_deref()?)
    }

    /// Annotations and labels that are put on everything.
    fn is_usual_metadata(&self, path: &[Step<'_>]) -> bool {
        let [.., metadata, field, Step::Key(key)] = path else { return false };
        let is_one = |known: &&str| key == known || known.ends_with('/') && key.starts_with(*known);
        *metadata == Step::key("metadata")
            && (*field == Step::key("annotations")
                && (defaults::ANNOTATIONS.iter().any(is_one) || self.injected.annotates(key))
                || *field == Step::key("labels")
                    && (defaults::LABELS.contains(&key.as_ref())
                        || self.derived.labels(path, key)
                        || self.injected.annotates(key)))
    }

    /// Whether a value is of those that older passes hold nothing of.
    fn may_have_been_scanned(&self, name: &str, value: &Value) -> bool {
        let digest = leaf::digest(name, value, Context::default());
        !self.tells_of_credentials && digest == Some(leaf::credential())
    }

    /// Whether an element is one that older passes hold nothing of: a credential, or one with nothing in it.
    fn may_be_of_an_older_pass(&self, element: &Value) -> bool {
        !self.tells_of_credentials && has_no_leaf(element)
            || self.may_have_been_scanned("", element)
    }
}

fn has_no_leaf(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().all(has_no_leaf),
        Value::Array(elements) => elements.iter().all(has_no_leaf),
        other => other.is_null(),
    }
}

fn added(path: &[Step<'_>], name: Option<String>) -> Drift {
    Drift::Added { field: FieldPath::from(path), name }
}

/// A path as the tables have it, with `[]` for any element: `spec.ports[].port`. A key with a dot could look like
/// several keys, and no table has one: it is left out.
fn named(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Index(_) => text.push_str("[]"),
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(if key.contains(['.', '[']) { "" } else { key });
            }
        }
    }
    text
}

/// The path within a container.
pub(super) fn in_container(in_pod: &str) -> Option<&str> {
    let (list, rest) = in_pod.split_once("[].")?;
    matches!(list, "containers" | "initContainers" | "ephemeralContainers").then_some(rest)
}

/// The path within a container's probe.
fn in_probe(in_container: &str) -> Option<&str> {
    let (probe, rest) = in_container.split_once('.')?;
    matches!(probe, "livenessProbe" | "readinessProbe" | "startupProbe").then_some(rest)
}
