//! Objects that lie within another object, and are created from it: by an operator that carries them to a
//! cluster, by a template, by a workflow, by the lifecycle manager of operators.
//!
//! Three forms: a field that holds a whole object (ManifestWork, OpenShift's Template, SyncSets), a text that
//! holds one (a workflow's `resource.manifest`, kubeadm's file in a ConfigMap) or a part of a pod
//! (`podSpecPatch`), and a bundle's permissions, which become roles. Pods in fields are `workload`'s.

mod texts;

use airside_types::{FieldPath, Step};

use crate::fields::{down, maps, text};
use crate::object::Object;
use crate::rbac;
use crate::value::{Map, Value};
use crate::workload::{PodSpec, holds_patterns, is_custom};

/// Something within an object that is, or becomes, an object of its own.
#[derive(Debug)]
pub struct Embedded<'a> {
    /// Where it lies in the object around it.
    pub path: FieldPath,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Field(Object<'a>),
    /// A text's object.
    Text(Value),
    /// What a text changes of an object that is there already.
    Patch(Value),
    /// A text's part of a pod, as the `spec` of an object.
    PodPatch(Value),
}

/// What an object holds of others.
#[derive(Debug, Default)]
pub struct Found<'a> {
    /// What was found, in the order of the object's fields.
    pub embedded: Vec<Embedded<'a>>,
    /// Whether a text should hold an object or a part of a pod, and cannot be read.
    pub has_unreadable_text: bool,
}

impl<'a> Embedded<'a> {
    /// The object; none only for a text's that is no object, which is not kept.
    pub fn object(&self) -> Option<Object<'_>> {
        match &self.content {
            Content::Field(object) => Some(*object),
            Content::Text(value) | Content::Patch(value) | Content::PodPatch(value) => {
                Object::new(value).ok()
            }
        }
    }

    /// Whether it lies in a text, which has no places within.
    pub const fn is_text(&self) -> bool {
        !matches!(self.content, Content::Field(_))
    }

    /// Whether it is a part of what it will be laid over, so that only what it says counts.
    pub const fn is_patch(&self) -> bool {
        matches!(self.content, Content::Patch(_) | Content::PodPatch(_))
    }

    /// Where one of its fields stands in the object around it.
    pub fn place(&self, field: &FieldPath) -> FieldPath {
        if self.is_text() { self.path.clone() } else { self.path.join(field) }
    }

    /// The part of a pod that it is; none for whole objects.
    pub fn pod_part(&self) -> Option<PodSpec<'_>> {
        let Content::PodPatch(value) = &self.content else { return None };
        let path = FieldPath::of(&["spec"]);
        Some(PodSpec::part(path, value.get("spec")?.as_object()?))
    }
}

/// Finds what an object holds of others.
pub fn find<'a>(object: &Object<'a>) -> Found<'a> {
    let mut walk = Walk { steps: Vec::new(), found: Found::default() };
    match (object.group(), object.kind()) {
        ("", "ConfigMap") => texts::of_config_map(object, &mut walk.found),
        ("operators.coreos.com", "ClusterServiceVersion") => walk.found.embedded = roles(object),
        (group, _) if is_custom(group) && !holds_patterns(object) => walk.enter(object.fields()),
        _ => {}
    }
    walk.found
}

/// The roles that an operator's bundle asks for. Where it serves all namespaces and nothing less, the rights
/// that it asks for in a namespace are given in every one.
fn roles<'a>(bundle: &Object<'a>) -> Vec<Embedded<'a>> {
    const PLACE: [&str; 3] = ["spec", "install", "spec"];
    let Some(install) = down(bundle.value(), &PLACE).and_then(Value::as_object) else {
        return Vec::new();
    };
    let modes = down(bundle.value(), &["spec"]).and_then(Value::as_object);
    let supported: Vec<&str> = modes
        .into_iter()
        .flat_map(|spec| maps(spec, "installModes"))
        .filter(|(_, mode)| mode.get("supported") == Some(&Value::Bool(true)))
        .filter_map(|(_, mode)| text(mode, "type"))
        .collect();
    let is_everywhere = supported == ["AllNamespaces"];
    let lists = [("clusterPermissions", true), ("permissions", is_everywhere)];
    let found = lists.into_iter().flat_map(|(list, is_of_cluster)| {
        let kind = if is_of_cluster { "ClusterRole" } else { "Role" };
        let permissions = crate::fields::list(install, list).iter().enumerate();
        permissions.filter_map(move |(index, value)| {
            let object = Object::seen(value, value.as_object()?, rbac::GROUP, "v1", kind);
            let path = FieldPath::of(&PLACE).key(list).index(index);
            Some(Embedded { path, content: Content::Field(object) })
        })
    });
    found.collect()
}

/// A walk over the fields of a custom resource. Its depth is that of the value, which its reader has bounded.
struct Walk<'a> {
    steps: Vec<Step<'a>>,
    found: Found<'a>,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, fields: &'a Map) {
        // What a policy says must not be there is no object that somebody creates.
        let is_ruled_out =
            text(fields, "complianceType").is_some_and(|it| it.eq_ignore_ascii_case("mustnothave"));
        if is_ruled_out {
            return;
        }
        for (key, value) in fields {
            if self.steps.is_empty() && (key == "metadata" || key == "status") {
                continue;
            }
            self.steps.push(Step::key(key));
            match value {
                Value::Object(_) => self.visit(value),
                Value::Array(elements) => {
                    for (index, element) in elements.iter().enumerate() {
                        self.steps.push(Step::Index(index));
                        self.visit(element);
                        self.steps.pop();
                    }
                }
                Value::String(text) => texts::of_workflow(key, text, fields, self),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
            self.steps.pop();
        }
    }

    fn visit(&mut self, value: &'a Value) {
        let Some(fields) = value.as_object() else { return };
        if let Some(object) = Object::new(value).ok().filter(|_| is_whole(fields)) {
            let content = Content::Field(object);
            self.found.embedded.push(Embedded { path: self.path(), content });
        }
        self.enter(fields);
    }

    fn path(&self) -> FieldPath {
        FieldPath::from(self.steps.as_slice())
    }
}

/// Whether a map with a version and a kind is an object, and not the name of one.
fn is_whole(fields: &Map) -> bool {
    let is_map = |name: &str| fields.get(name).is_some_and(Value::is_object);
    is_map("metadata") || is_map("spec")
}

#[cfg(test)]
mod tests;
