//! Texts that hold an object or a part of a pod: of Argo's workflows, and files in ConfigMaps that configure
//! a control plane.

use std::borrow::Cow;

use airside_types::FieldPath;

use super::{Content, Embedded, Found, Walk};
use crate::json;
use crate::object::Object;
use crate::value::{Map, Value};
use crate::yaml::{self, Limits};

/// Groups of the files that a control plane reads, and that are kept in ConfigMaps for its nodes. The
/// kubelet's and kube-proxy's are `component`'s.
const FILES: [&str; 3] = ["apiserver.config.k8s.io", "audit.k8s.io", "kubeadm.k8s.io"];

/// The files of a control plane in a ConfigMap.
pub(super) fn of_config_map<'a>(object: &Object<'a>, found: &mut Found<'a>) {
    let Some(files) = object.fields().get("data").and_then(Value::as_object) else { return };
    for (key, value) in files {
        let Some(text) = value.as_str() else { continue };
        if !FILES.iter().any(|group| text.contains(group)) {
            continue;
        }
        let path = FieldPath::of(&["data", key]);
        for value in read(text).unwrap_or_default() {
            if Object::new(&value).is_ok_and(|object| FILES.contains(&object.group())) {
                let content = Content::Text(value);
                found.embedded.push(Embedded { path: path.clone(), content });
            }
        }
    }
}

/// A text of a workflow that is laid over the pod of a step, or that a step creates.
pub(super) fn of_workflow(key: &str, text: &str, beside: &Map, walk: &mut Walk<'_>) {
    let is_patch = key == "podSpecPatch";
    let action = beside.get("action").and_then(Value::as_str).filter(|_| key == "manifest");
    // What is only looked for or deleted is not judged.
    let is_made = matches!(action, Some("create" | "apply" | "replace" | "patch"));
    if !is_patch && !is_made {
        return;
    }
    let Some(values) = read(text) else {
        walk.found.has_unreadable_text = true;
        return;
    };
    for value in values {
        let content = match is_patch {
            true => Content::PodPatch(patch(&value)),
            false if Object::new(&value).is_err() => continue,
            false if action == Some("patch") => Content::Patch(value),
            false => Content::Text(value),
        };
        let path = walk.path();
        walk.found.embedded.push(Embedded { path, content });
    }
}

/// A part of a pod as an object, so that what is judged has a place and a kind.
fn patch(spec: &Value) -> Value {
    json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "PodSpecPatch", "spec": spec })
}

/// The documents of a text, without what is filled in later; none where it cannot be read.
fn read(text: &str) -> Option<Vec<Value>> {
    let parsed = yaml::parse(&without_templates(text), &Limits::default());
    let values = parsed.documents.iter().map(|document| document.value.clone());
    parsed.is_whole().then(|| values.collect())
}

/// A text with a word in place of each template (`{{…}}`), which is no YAML before it is filled in.
fn without_templates(text: &str) -> Cow<'_, str> {
    const FILLED_IN: &str = "<filled-in>";
    let mut rest = text;
    let mut written = String::new();
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((_, after)) = after.split_once("}}") else { break };
        written.push_str(before);
        written.push_str(FILLED_IN);
        rest = after;
    }
    if written.is_empty() {
        return Cow::Borrowed(text);
    }
    written.push_str(rest);
    Cow::Owned(written)
}
