//! The parts of an object that checks look at, with what they share: reading a field, and naming its path.

use std::borrow::Cow;
use std::cell::OnceCell;

use airside_k8s::fields::{field, texts};
use airside_k8s::rbac::{names, role_of};
use airside_k8s::{Container, Graph, Map, Object, PodSpec, Value};
use airside_types::FieldPath;
use airside_vulnerability::Components;

use crate::secrets::Searched;

/// An object as a whole, with what surrounds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole<'a> {
    /// The object.
    pub(crate) object: &'a Object<'a>,
    /// All objects of the input.
    pub(crate) graph: &'a Graph<'a>,
    /// What is known of vulnerabilities.
    pub(crate) components: &'a Components,
    /// What a search for credentials found in the object: several checks ask, and one search is enough.
    pub(crate) searched: &'a OnceCell<Vec<Searched>>,
}

impl<'a> Whole<'a> {
    /// A field of the object's `spec`.
    pub(crate) fn spec(&self, name: &str) -> Option<&'a Value> {
        field(self.spec_fields()?, name)
    }

    /// The object's `spec`, where it is a map.
    pub(crate) fn spec_fields(&self) -> Option<&'a Map> {
        self.object.fields().get("spec")?.as_object()
    }

    /// The text of an annotation.
    pub(crate) fn annotation(&self, name: &str) -> Option<&'a str> {
        self.object.annotations()?.get(name)?.as_str()
    }
}

/// The path to an annotation of an object.
pub(crate) fn annotation_path(name: &str) -> FieldPath {
    FieldPath::of(&["metadata", "annotations", name])
}

/// A pod or pod template of an object.
#[derive(Debug)]
pub(crate) struct Pod<'a> {
    pub(crate) object: &'a Object<'a>,
    pub(crate) spec: &'a PodSpec<'a>,
    pub(crate) graph: &'a Graph<'a>,
    /// What is known of vulnerabilities.
    pub(crate) components: &'a Components,
}

impl<'a> Pod<'a> {
    /// A field of the pod's specification.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Value> {
        self.spec.field(name)
    }

    /// The path to a field of the pod's specification.
    pub(crate) fn path(&self, name: &str) -> FieldPath {
        self.spec.path_of(name)
    }

    /// A field of the pod's security context.
    pub(crate) fn security(&self, name: &str) -> Option<&'a Value> {
        self.field("securityContext")?.get(name).filter(|value| !value.is_null())
    }

    /// The path to a field of the pod's security context.
    pub(crate) fn security_path(&self, name: &str) -> FieldPath {
        self.path("securityContext").key(name)
    }

    /// Windows pods know neither capabilities nor seccomp nor user ids.
    pub(crate) fn is_windows(&self) -> bool {
        self.field("os").and_then(|os| os.get("name")).and_then(Value::as_str) == Some("windows")
    }

    /// The containers, with their pod.
    pub(crate) fn containers(&'a self) -> impl Iterator<Item = ContainerOf<'a>> {
        self.spec.containers.iter().map(|container| ContainerOf { pod: self, container })
    }

    /// Whether the pods are meant to run on, unlike those of a Job or of a workflow's step.
    pub(crate) fn is_service_like(&self) -> bool {
        let kind = (self.object.group(), self.object.kind());
        match kind {
            ("", "Pod") => !matches!(
                self.field("restartPolicy").and_then(Value::as_str),
                Some("Never" | "OnFailure")
            ),
            ("", "ReplicationController")
            | ("apps" | "extensions", _)
            | ("apps.openshift.io", "DeploymentConfig")
            | ("argoproj.io", "Rollout") => true,
            _ => false,
        }
    }
}

/// A container of a pod.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContainerOf<'a> {
    pub(crate) pod: &'a Pod<'a>,
    pub(crate) container: &'a Container<'a>,
}

impl<'a> ContainerOf<'a> {
    /// A field of the container.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Value> {
        self.container.field(name)
    }

    /// The path to a field of the container.
    pub(crate) fn path(&self, name: &str) -> FieldPath {
        self.container.path.key(name)
    }

    /// A field of the container's own security context.
    pub(crate) fn security(&self, name: &str) -> Option<&'a Value> {
        self.container.security(name)
    }

    /// A field that the container may take over from its pod.
    pub(crate) fn effective(&self, name: &str) -> Option<&'a Value> {
        self.security(name).or_else(|| self.pod.security(name))
    }

    /// The path to a field of the container's security context.
    pub(crate) fn security_path(&self, name: &str) -> FieldPath {
        self.container.path.keys(&["securityContext", name])
    }

    /// The capabilities of a list (`add` or `drop`) with their index, in upper case without `CAP_`: the
    /// runtime takes them either way.
    pub(crate) fn capabilities(
        &self,
        list: &'static str,
    ) -> impl Iterator<Item = (usize, String)> + use<'a> {
        let capabilities = self.security("capabilities").and_then(Value::as_object);
        capabilities.into_iter().flat_map(move |lists| texts(lists, list)).map(|(index, name)| {
            let name = name.to_ascii_uppercase();
            let bare = name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name);
            (index, bare)
        })
    }

    /// The path to a list of capabilities.
    pub(crate) fn capabilities_path(&self, list: &str) -> FieldPath {
        self.container.path.keys(&["securityContext", "capabilities", list])
    }

    /// How messages name the container.
    pub(crate) fn label(&self) -> Cow<'a, str> {
        self.pod.spec.label_of(self.container)
    }
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug)]
pub(crate) struct Binding<'a> {
    pub(crate) object: &'a Object<'a>,
    /// `Role` or `ClusterRole`.
    pub(crate) role_kind: &'a str,
    pub(crate) role_name: &'a str,
    pub(crate) graph: &'a Graph<'a>,
}

impl<'a> Binding<'a> {
    /// Sees an object as a binding; none where it names no role.
    pub(crate) fn new(object: &'a Object<'a>, graph: &'a Graph<'a>) -> Option<Self> {
        let (role_kind, role_name) = role_of(object)?;
        Some(Self { object, role_kind, role_name, graph })
    }

    /// Whether its name is kept for Kubernetes; such names are judged by a check of their own.
    pub(crate) fn is_reserved(&self) -> bool {
        names::is_reserved(self.object.name())
    }

    /// The path to the name of the role.
    pub(crate) fn role_path(&self) -> FieldPath {
        FieldPath::of(&["roleRef", "name"])
    }

    /// The subjects, as messages show them.
    pub(crate) fn subjects(&self) -> String {
        const SHOWN: usize = 3;
        let listed = self.object.fields().get("subjects").and_then(Value::as_array);
        let all: Vec<String> = listed
            .unwrap_or_default()
            .iter()
            .filter_map(|subject| {
                let text = |name| subject.get(name).and_then(Value::as_str);
                Some(format!("{} {}", text("kind")?, text("name")?))
            })
            .collect();
        match all.len() {
            0 => "nobody yet".to_owned(),
            count if count > SHOWN => {
                let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
                format!("{} and {} more", shown.join(", "), count - SHOWN)
            }
            _ => all.join(", "),
        }
    }
}
