//! A change as a kustomization: patches for objects that differ, resources for objects that come.

use airside_k8s::yaml::to_yaml;
use airside_k8s::{Map, Value, json};

use super::Form;
use super::applied;
use super::change::{Change, FieldChange, Pair, identity, text};
use super::strategic;

/// A change for kustomize.
#[derive(Debug, Clone, PartialEq)]
pub struct Kustomization {
    /// What changes.
    pub patches: Vec<Patch>,
    /// What is new.
    pub resources: Vec<Value>,
}

/// A patch of one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// Merged into the object with its API version, kind, namespace and name.
    Merge(Value),
    /// Operations of JSON Patch (RFC 6902).
    Operations {
        /// The object before.
        target: Value,
        /// The operations, each as the standard writes it.
        operations: Vec<Value>,
        /// Whether API version, kind, name or namespace change.
        renames: bool,
    },
}

/// The change as a kustomization, or why kustomize cannot make it.
pub(super) fn kustomization(change: &Change) -> Form<Kustomization> {
    if change.touched().any(|object| text(object, &["metadata", "name"]).is_empty()) {
        return Err(
            "Kustomize changes objects of a cluster. This is a file that a program reads from its node, or \
             an object without a name: change it where it is written.",
        );
    }
    if applied::is_reported(change) {
        return Err(applied::REPORTED);
    }
    if change.changed.iter().any(|pair| !pair.changes_identity() && applied::is_refused(pair)) {
        return Err(applied::REFUSED);
    }
    let mut identities: Vec<_> = change
        .changed
        .iter()
        .map(|pair| &pair.before)
        .chain(&change.removed)
        .map(identity)
        .collect();
    let count = identities.len();
    identities.sort_unstable();
    identities.dedup();
    let stays = change.added.iter().any(|object| identities.contains(&identity(object)));
    if identities.len() < count || stays {
        return Err(
            "Kustomize refuses two objects with one name: change them where they are written.",
        );
    }
    let patches = change.changed.iter().map(Patch::of).chain(change.removed.iter().map(removal));
    Ok(Kustomization { patches: patches.collect(), resources: change.added.clone() })
}

fn removal(object: &Value) -> Patch {
    let mut patch = json!({ "$patch": "delete" });
    if let Some(fields) = patch.as_object_mut() {
        for key in ["apiVersion", "kind"] {
            fields.insert(key.to_owned(), object.get(key).cloned().unwrap_or_default());
        }
        fields.insert("metadata".to_owned(), names(object));
    }
    Patch::Merge(patch)
}

/// Name and namespace, as far as they are given.
fn names(object: &Value) -> Value {
    let metadata = object.get("metadata").and_then(Value::as_object);
    let kept =
        metadata.into_iter().flatten().filter(|(key, _)| *key == "name" || *key == "namespace");
    kept.map(|(key, value)| (key, value.clone())).collect::<Map>().into()
}

impl Patch {
    fn of(pair: &Pair) -> Self {
        let renames = pair.changes_identity();
        match strategic::patch(pair).filter(|_| !renames) {
            Some(patch) => Self::Merge(patch),
            None => Self::Operations {
                target: pair.before.clone(),
                operations: pair.fields().iter().map(operation).collect(),
                renames,
            },
        }
    }

    /// The entry of `patches`.
    fn entry(&self) -> Value {
        match self {
            Self::Merge(patch) => json!({ "patch": to_yaml(patch) }),
            Self::Operations { target, operations, renames } => {
                let mut entry = json!({
                    "target": { "kind": text(target, &["kind"]), "name": text(target, &["metadata", "name"]) },
                    "patch": to_yaml(&json!(operations)),
                });
                if let (true, Some(fields)) = (renames, entry.as_object_mut()) {
                    let options = json!({ "allowKindChange": true, "allowNameChange": true });
                    fields.insert("options".to_owned(), options);
                }
                entry
            }
        }
    }
}

fn operation(field: &FieldChange) -> Value {
    let path = field.pointer();
    match (&field.before, &field.after) {
        (_, None) => json!({ "op": "remove", "path": path }),
        (None, Some(value)) => json!({ "op": "add", "path": path, "value": value }),
        (Some(_), Some(value)) => json!({ "op": "replace", "path": path, "value": value }),
    }
}

impl Kustomization {
    /// The files: `kustomization.yaml`, and the new objects beside it, each under its name as a comment.
    /// The manifests that are patched stand in it as `manifests.yaml`.
    pub fn files(&self) -> Vec<(String, String)> {
        let file = |index: usize, object: &Value| {
            let number = if index == 0 { String::new() } else { format!("-{}", index + 1) };
            format!("{}{number}.yaml", text(object, &["kind"]).to_lowercase())
        };
        let added = self.resources.iter().enumerate();
        let added: Vec<_> = added.map(|(at, object)| (file(at, object), to_yaml(object))).collect();
        let mut resources = vec!["manifests.yaml".to_owned()];
        resources.extend(added.iter().map(|(name, _)| name.clone()));
        let mut kustomization = format!("resources: [{}]\n", resources.join(", "));
        if !self.patches.is_empty() {
            kustomization.push_str("patches:\n");
        }
        for patch in &self.patches {
            kustomization.push_str(&entry_text(&patch.entry()));
        }
        let mut files = vec![("kustomization.yaml".to_owned(), kustomization)];
        files.extend(added);
        files
    }

    /// All files in one text.
    pub fn text(&self) -> String {
        let files = self.files();
        files.iter().map(|(name, content)| format!("# {name}\n{content}")).collect()
    }
}

/// An entry of `patches`, with the patch as a block of lines.
fn entry_text(entry: &Value) -> String {
    let mut lines = Vec::new();
    for key in ["target", "options"] {
        if let Some(value) = entry.get(key) {
            let fields = value.as_object().into_iter().flatten();
            let fields: Vec<_> =
                fields.map(|(key, value)| format!("{key}: {}", scalar(value))).collect();
            lines.push(format!("{key}: {{{}}}", fields.join(", ")));
        }
    }
    lines.push("patch: |-".to_owned());
    lines.extend(text(entry, &["patch"]).lines().map(|line| format!("  {line}")));
    let lines = lines.iter().enumerate();
    lines.map(|(at, line)| format!("{} {line}\n", if at == 0 { "-" } else { " " })).collect()
}

fn scalar(value: &Value) -> String {
    to_yaml(value).trim_end().to_owned()
}
