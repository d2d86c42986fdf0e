//! The digests of a boarding pass, and whether a live object is what was scanned.
//!
//! A pass holds a digest for each scanned leaf. A live object has other spellings of the same value (`1000m` is
//! stored as `1`) and more fields: the comparison asks whether each scanned leaf still has its value, and whether
//! what was added is what Kubernetes or a usual controller adds (`additions.rs`, `defaults.rs`). What a pass must
//! not hold: values of Secrets and whatever looks like a credential, since short ones could be guessed from a
//! digest. It holds that they are there.

mod additions;
mod changed;
mod compare;
mod defaults;
mod derived;
mod injected;
mod leaf;
mod scanned;
mod standing;
pub mod statement;
#[cfg(test)]
mod tests;
mod walk;
mod zeros;

use airside_types::{FieldDigest, FieldPath, Id, Step};

use crate::value::{Map, Value};

pub use changed::changed;
pub use compare::{Comparison, Drift, NotCompared, compare};
pub use standing::{LiveComparison, Standing, compare_live, is_for, standing};

use crate::object::Object;

/// Fields of `metadata` that the API server writes.
const SERVER_METADATA: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];
/// What kubectl writes beside the object.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What kustomize writes about the object's origin when it is asked to.
const KUSTOMIZE_NOTES: [&str; 2] =
    [crate::kustomization::ORIGIN, "alpha.config.kubernetes.io/transformations"];

/// The digest of each scanned leaf, in the order of the fields. Left out: `apiVersion` (a live object may come in
/// another version), `status`, metadata that the API server writes, what kubectl and kustomize note in
/// annotations, nulls, and empty lists and maps, except where these select something or are a list's elements. What is secret has the same
/// digest whatever its value.
pub fn fields(object: &Object<'_>) -> Vec<FieldDigest> {
    let (mut collector, root) = (Collector::new(object), FieldPath::root());
    for (key, value) in sorted(object.fields()) {
        match key {
            "apiVersion" | "status" => {}
            "data" | "stringData" if is_secret(object) => collector.secret(&root.key(key), value),
            "metadata" => collector.metadata(&root.key(key), value),
            _ => collector.under(&root, key, value),
        }
    }
    collector.digests
}

/// How many of these fields are credentials, whose values no comparison sees.
pub fn credentials(fields: &[FieldDigest]) -> usize {
    fields.iter().filter(|it| it.digest == leaf::credential()).count()
}

/// Whether what stands in a field is a credential, by its value or by what it is called.
pub fn is_credential(object: &Object<'_>, field: &FieldPath) -> bool {
    let Some(value) = object.at(field) else { return false };
    let steps: Vec<Step<'_>> = field.steps().collect();
    let in_secret =
        matches!(steps.first(), Some(Step::Key(key)) if key == "data" || key == "stringData");
    let key = steps.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(key.as_ref()),
        Step::Index(_) => None,
    });
    let beside = field.parent().and_then(|parent| object.at(&parent)?.get("name")?.as_str());
    let name = beside.filter(|_| key == Some("value")).or(key).unwrap_or_default();
    is_secret(object) && in_secret
        || leaf::digest(name, value, leaf::Context::default()) == Some(leaf::credential())
}

/// Whether fields tell of credentials. Those of passes that were issued before do not, and have no `kind`.
pub fn tell_of_credentials(fields: &[FieldDigest]) -> bool {
    let kind = FieldPath::root().key("kind");
    fields.iter().any(|it| it.field == kind)
}

/// What is left of fields in passes that do not tell of credentials.
pub fn without_credentials(fields: &[FieldDigest]) -> Vec<FieldDigest> {
    let kind = FieldPath::root().key("kind");
    let told_since = [leaf::credential(), leaf::empty()];
    let is_older = |it: &&FieldDigest| it.field != kind && !told_since.contains(&it.digest);
    fields.iter().filter(is_older).cloned().collect()
}

/// The digest of the whole normalised content. The name and namespace are part of it only as far as the
/// manifest gives them.
pub fn digest(object: &Object<'_>) -> Id {
    digest_of(object, &fields(object))
}

/// The same from digests that were already made.
pub fn digest_of(object: &Object<'_>, fields: &[FieldDigest]) -> Id {
    digest_of_kind(object.group(), object.kind(), fields)
}

/// The same for an object of which only the kind is at hand.
pub fn digest_of_kind(group: &str, kind: &str, fields: &[FieldDigest]) -> Id {
    let mut content = Vec::with_capacity(fields.len() * 64);
    for leaf in fields {
        let field = leaf.field.as_str();
        content.extend_from_slice(&(field.len() as u64).to_be_bytes());
        content.extend_from_slice(field.as_bytes());
        content.extend_from_slice(&leaf.digest.to_be_bytes());
    }
    Id::builder("normalised-object").text(group).text(kind).bytes(&content).finish()
}

fn is_secret(object: &Object<'_>) -> bool {
    object.group().is_empty() && object.kind() == "Secret"
}

/// Whether nothing means everything in an object: a peer of a network policy with an empty selector is all pods.
fn empty_selects(object: &Object<'_>) -> bool {
    (object.group(), object.kind()) == ("networking.k8s.io", "NetworkPolicy")
}

/// Whether an empty map selects something there. An empty `matchLabels` says nothing more, and is dropped.
fn selects(path: &FieldPath, name: &str) -> bool {
    path.steps().next() == Some(Step::key("spec")) && name != "matchLabels"
}

/// A map's entries by key. `serde_json`'s map is sorted already unless a dependency of the final program
/// turns that off.
fn sorted(map: &Map) -> impl Iterator<Item = (&str, &Value)> {
    let mut entries: Vec<(&str, &Value)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries.into_iter()
}

/// Walks an object. The depth is that of the value, which its reader has bounded.
struct Collector {
    digests: Vec<FieldDigest>,
    empty_selects: bool,
}

impl Collector {
    fn new(object: &Object<'_>) -> Self {
        Self { digests: Vec::new(), empty_selects: empty_selects(object) }
    }

    /// The keys of a Secret.
    fn secret(&mut self, path: &FieldPath, values: &Value) {
        let Value::Object(values) = values else { return };
        for (key, _) in sorted(values).filter(|(_, value)| !value.is_null()) {
            self.digests.push(FieldDigest { field: path.key(key), digest: leaf::credential() });
        }
    }

    fn metadata(&mut self, path: &FieldPath, metadata: &Value) {
        let Value::Object(metadata) = metadata else { return };
        for (key, value) in sorted(metadata) {
            match (key, value) {
                ("annotations", Value::Object(annotations)) => {
                    let path = path.key(key);
                    for (name, value) in sorted(annotations) {
                        if name != LAST_APPLIED && !KUSTOMIZE_NOTES.contains(&name) {
                            self.under(&path, name, value);
                        }
                    }
                }
                _ if SERVER_METADATA.contains(&key) => {}
                _ => self.under(path, key, value),
            }
        }
    }

    fn under(&mut self, path: &FieldPath, key: &str, value: &Value) {
        self.value(path.key(key), key, value, leaf::Context::default().below(key));
    }

    fn value(&mut self, path: FieldPath, name: &str, value: &Value, context: leaf::Context) {
        match value {
            Value::Object(map) if map.is_empty() && self.empty_selects && selects(&path, name) => {
                self.digests.push(FieldDigest { field: path, digest: leaf::empty() });
            }
            Value::Object(map) => {
                // In `{name: …, value: …}`, as in a container's env, the name says what the value is.
                let named = map.get("name").and_then(Value::as_str);
                for (key, value) in sorted(map) {
                    let name = named.filter(|_| key == "value").unwrap_or(key);
                    self.value(path.key(key), name, value, context.below(key));
                }
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let (path, before) = (path.index(index), self.digests.len());
                    self.value(path.clone(), name, element, context);
                    // An element counts even where nothing is in it: a rule without conditions.
                    if self.digests.len() == before && !element.is_null() {
                        self.digests.push(FieldDigest { field: path, digest: leaf::empty() });
                    }
                }
            }
            _ => {
                if let Some(digest) = leaf::digest(name, value, context) {
                    self.digests.push(FieldDigest { field: path, digest });
                }
            }
        }
    }
}
