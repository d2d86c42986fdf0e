//! The parts of an object that checks look at, with what they share: reading a field that may be missing or
//! null, and naming its path.

use std::borrow::Cow;

use airside_k8s::{Container, Object, PodSpec};
use airside_types::FieldPath;
use serde_json::{Map, Value};

use crate::surroundings::Surroundings;

/// A field's value; null counts as missing, as it does for Kubernetes.
pub(crate) fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// The texts of a list field; anything else in it is passed over.
pub(crate) fn texts<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    fields
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter_map(|(index, value)| value.as_str().map(|text| (index, text)))
}

/// An object that starts pods.
#[derive(Debug)]
pub(crate) struct Workload<'a> {
    pub(crate) object: &'a Object<'a>,
}

/// A pod or pod template of an object.
#[derive(Debug)]
pub(crate) struct Pod<'a> {
    pub(crate) object: &'a Object<'a>,
    pub(crate) spec: &'a PodSpec<'a>,
    pub(crate) around: &'a Surroundings<'a>,
}

impl<'a> Pod<'a> {
    /// A field of the pod's specification.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Value> {
        field(self.spec.fields, name)
    }

    /// The path to a field of the pod's specification.
    pub(crate) fn path(&self, name: &str) -> FieldPath {
        self.spec.path.key(name)
    }

    /// A field of the pod's security context.
    pub(crate) fn security(&self, name: &str) -> Option<&'a Value> {
        self.field("securityContext")?.get(name).filter(|value| !value.is_null())
    }

    /// The path to a field of the pod's security context.
    pub(crate) fn security_path(&self, name: &str) -> FieldPath {
        self.spec.path.keys(&["securityContext", name])
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
        field(self.container.fields, name)
    }

    /// The path to a field of the container.
    pub(crate) fn path(&self, name: &str) -> FieldPath {
        self.container.path.key(name)
    }

    /// A field of the container's own security context.
    pub(crate) fn security(&self, name: &str) -> Option<&'a Value> {
        self.field("securityContext")?.get(name).filter(|value| !value.is_null())
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
        match self.container.name() {
            "" => Cow::Borrowed("container without a name"),
            name => Cow::Owned(format!("container `{name}`")),
        }
    }
}

/// A rule of a Role or ClusterRole.
#[derive(Debug)]
pub(crate) struct Rule<'a> {
    pub(crate) index: usize,
    pub(crate) fields: &'a Map<String, Value>,
}

impl<'a> Rule<'a> {
    /// The entries of one of the rule's lists.
    pub(crate) fn list(
        &self,
        name: &'static str,
    ) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        texts(self.fields, name)
    }

    /// Whether a list holds one of these.
    pub(crate) fn has(&self, name: &'static str, wanted: &[&str]) -> bool {
        self.list(name).any(|(_, entry)| wanted.contains(&entry))
    }

    /// Whether the rule reaches resources of the core group.
    pub(crate) fn is_for_core_group(&self) -> bool {
        self.has("apiGroups", &["", "*"])
    }

    /// Whether the rule is limited to objects that it names.
    pub(crate) fn names_its_objects(&self) -> bool {
        self.list("resourceNames").next().is_some()
    }

    /// Whether the rule allows everything: all resources of all groups with all verbs that change them.
    pub(crate) fn allows_everything(&self) -> bool {
        const ALL_VERBS: [&str; 7] =
            ["get", "list", "watch", "create", "update", "patch", "delete"];
        let all_verbs =
            self.has("verbs", &["*"]) || ALL_VERBS.iter().all(|verb| self.has("verbs", &[verb]));
        all_verbs && self.has("resources", &["*"]) && self.has("apiGroups", &["*"])
    }

    /// The path to an entry of one of the rule's lists.
    pub(crate) fn path(&self, list: &str, entry: usize) -> FieldPath {
        FieldPath::of(&["rules"]).index(self.index).key(list).index(entry)
    }

    /// The verbs, as messages show them.
    pub(crate) fn verbs(&self) -> String {
        let verbs: Vec<&str> = self.list("verbs").map(|(_, verb)| verb).collect();
        verbs.join(", ")
    }
}

/// The rules of a Role or ClusterRole.
pub(crate) fn rules<'a>(role: &Object<'a>) -> impl Iterator<Item = Rule<'a>> + use<'a> {
    role.fields()
        .get("rules")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter_map(|(index, rule)| Some(Rule { index, fields: rule.as_object()? }))
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug)]
pub(crate) struct Binding<'a> {
    pub(crate) object: &'a Object<'a>,
    /// `Role` or `ClusterRole`.
    pub(crate) role_kind: &'a str,
    pub(crate) role_name: &'a str,
    pub(crate) around: &'a Surroundings<'a>,
}

impl<'a> Binding<'a> {
    /// Sees an object as a binding; none where it names no role.
    pub(crate) fn new(object: &'a Object<'a>, around: &'a Surroundings<'a>) -> Option<Self> {
        let role = object.fields().get("roleRef")?;
        let text = |name| role.get(name).and_then(Value::as_str);
        Some(Self { object, role_kind: text("kind")?, role_name: text("name")?, around })
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
            .map(Vec::as_slice)
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
