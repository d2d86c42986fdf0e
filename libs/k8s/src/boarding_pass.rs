//! The digests of a boarding pass, and whether a live object is what was scanned.
//!
//! A pass holds a digest for each scanned leaf. A live object has more fields (defaults, what controllers
//! and injectors add) and other spellings of the same value (`1000m` is stored as `1`), so the comparison
//! asks only whether each scanned leaf still has its value. What a pass must not hold: values of Secrets
//! and whatever looks like a credential, since short ones could be guessed from a digest.

mod changed;
mod compare;
mod leaf;
mod standing;
pub mod statement;
#[cfg(test)]
mod tests;

use airside_types::{FieldDigest, FieldPath, Id};

use crate::value::{Map, Value};

pub use changed::changed;
pub use compare::{Comparison, compare, current};
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

/// The digest of each scanned leaf, in the order of the fields. Left out: `apiVersion` and `kind` (they are
/// the object's identity, and a live object may come in another version), `status`, metadata that the API
/// server writes, what kubectl and kustomize note in annotations, nulls, empty lists and maps, and values
/// that are secret.
pub fn fields(object: &Object<'_>) -> Vec<FieldDigest> {
    let (mut collector, root) = (Collector::default(), FieldPath::root());
    let is_secret = object.group().is_empty() && object.kind() == "Secret";
    for (key, value) in sorted(object.fields()) {
        let skipped = match key {
            "apiVersion" | "kind" | "status" => true,
            "data" | "stringData" => is_secret,
            _ => false,
        };
        if key == "metadata" {
            collector.metadata(&root.key(key), value);
        } else if !skipped {
            collector.under(&root, key, value);
        }
    }
    collector.digests
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

/// A map's entries by key. `serde_json`'s map is sorted already unless a dependency of the final program
/// turns that off.
fn sorted(map: &Map) -> impl Iterator<Item = (&str, &Value)> {
    let mut entries: Vec<(&str, &Value)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries.into_iter()
}

/// Walks an object. The depth is that of the value, which its reader has bounded.
#[derive(Default)]
struct Collector {
    digests: Vec<FieldDigest>,
}

impl Collector {
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
                    self.value(path.index(index), name, element, context);
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
