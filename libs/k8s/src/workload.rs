//! The pods that an object would start, whatever kind carries them.
//!
//! Knows where the built-in kinds keep their pod template. In any other kind (Argo Rollouts, OpenKruise,
//! Knative, operators' own) it finds whatever is shaped like a pod's specification.

use airside_types::{FieldPath, Step};
use serde_json::{Map, Value};

use crate::object::Object;

/// Which list of a pod a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerRole {
    /// `containers`.
    Main,
    /// `initContainers`: run before the main ones, or beside them with `restartPolicy: Always`.
    Init,
    /// `ephemeralContainers`: added to a running pod by `kubectl debug`.
    Ephemeral,
}

impl ContainerRole {
    const ALL: [Self; 3] = [Self::Main, Self::Init, Self::Ephemeral];

    /// The field of a pod's specification that lists these containers.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Main => "containers",
            Self::Init => "initContainers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// One container of a pod.
#[derive(Debug, Clone)]
pub struct Container<'a> {
    /// The path from the object, such as `spec.template.spec.containers[0]`.
    pub path: FieldPath,
    /// The list that it stands in.
    pub role: ContainerRole,
    /// Its fields.
    pub fields: &'a Map<String, Value>,
}

impl<'a> Container<'a> {
    /// The name; empty where there is none.
    pub fn name(&self) -> &'a str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The image reference as written, where there is one.
    pub fn image(&self) -> Option<&'a str> {
        self.fields.get("image").and_then(Value::as_str)
    }

    /// Whether it runs as long as the pod does: main containers, and init containers that restart
    /// (sidecars). The others end, or a person started them.
    pub fn is_long_running(&self) -> bool {
        match self.role {
            ContainerRole::Main => true,
            ContainerRole::Init => {
                self.fields.get("restartPolicy").and_then(Value::as_str) == Some("Always")
            }
            ContainerRole::Ephemeral => false,
        }
    }
}

/// A pod's specification within an object.
#[derive(Debug, Clone)]
pub struct PodSpec<'a> {
    /// The path from the object, such as `spec.template.spec`.
    pub path: FieldPath,
    /// Its fields.
    pub fields: &'a Map<String, Value>,
    /// The pod's (or pod template's) metadata, where there is any.
    pub metadata: Option<&'a Map<String, Value>>,
    /// All containers: main, init, ephemeral.
    pub containers: Vec<Container<'a>>,
}

impl<'a> PodSpec<'a> {
    fn new(
        path: FieldPath,
        fields: &'a Map<String, Value>,
        metadata: Option<&'a Map<String, Value>>,
    ) -> Self {
        let mut containers = Vec::new();
        for role in ContainerRole::ALL {
            let Some(listed) = fields.get(role.field()).and_then(Value::as_array) else { continue };
            let list = path.key(role.field());
            containers.extend(listed.iter().enumerate().filter_map(|(index, container)| {
                let fields = container.as_object()?;
                Some(Container { path: list.index(index), role, fields })
            }));
        }
        Self { path, fields, metadata, containers }
    }

    /// The labels that the pods will bear, where there are any.
    pub fn labels(&self) -> Option<&'a Map<String, Value>> {
        self.metadata?.get("labels")?.as_object()
    }

    /// The annotations that the pods will bear, where there are any.
    pub fn annotations(&self) -> Option<&'a Map<String, Value>> {
        self.metadata?.get("annotations")?.as_object()
    }
}

/// The pod specifications of an object: one for the built-in kinds, any number for others.
pub fn pod_specs<'a>(object: &Object<'a>) -> Vec<PodSpec<'a>> {
    if let Some(template) = template_path(object) {
        let path = FieldPath::of(template);
        let carrier = object.at(&path).and_then(Value::as_object);
        return carrier
            .and_then(|carrier| templated(carrier, path.key("spec")))
            .into_iter()
            .collect();
    }
    let mut found = Vec::new();
    if is_custom(object.group()) {
        find_shaped(object.fields(), &mut Vec::new(), &mut found);
    }
    found
}

/// Whether the object is of a kind that is known to start pods, whatever it holds.
pub fn is_workload(object: &Object<'_>) -> bool {
    template_path(object).is_some()
}

/// The path to what has the pod's `metadata` and `spec`, for kinds that are known to start pods.
fn template_path(object: &Object<'_>) -> Option<&'static [&'static str]> {
    match (object.group(), object.kind()) {
        ("", "Pod") => Some(&[]),
        ("", "PodTemplate") => Some(&["template"]),
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
        | ("apps.openshift.io", "DeploymentConfig")
        | ("batch", "Job") => Some(&["spec", "template"]),
        ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

/// The pod of a map with `metadata` and `spec`.
fn templated<'a>(carrier: &'a Map<String, Value>, path: FieldPath) -> Option<PodSpec<'a>> {
    let fields = carrier.get("spec")?.as_object()?;
    Some(PodSpec::new(path, fields, carrier.get("metadata").and_then(Value::as_object)))
}

/// Whether a group is of custom resources. The built-in groups have no dot or end in `.k8s.io`; sub-projects
/// use `x-k8s.io`.
pub fn is_custom(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io")
}

/// Finds pod specifications below a map. The depth is that of the value, which its reader has bounded.
fn find_shaped<'a>(
    fields: &'a Map<String, Value>,
    steps: &mut Vec<Step>,
    found: &mut Vec<PodSpec<'a>>,
) {
    for (key, value) in fields {
        steps.push(Step::Key(key.clone()));
        match value {
            Value::Object(below) if is_pod_shaped(below) => {
                let metadata = fields.get("metadata").and_then(Value::as_object);
                found.push(PodSpec::new(FieldPath::from(steps.clone()), below, metadata));
            }
            Value::Object(below) => find_shaped(below, steps, found),
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    if let Value::Object(below) = element {
                        steps.push(Step::Index(index));
                        find_shaped(below, steps, found);
                        steps.pop();
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        steps.pop();
    }
}

/// A pod's specification has containers, each a map with a name, and one with an image at least: operators
/// also use `containers` for patches of containers that they make themselves, which name no image.
fn is_pod_shaped(fields: &Map<String, Value>) -> bool {
    let Some(containers) = fields.get("containers").and_then(Value::as_array) else { return false };
    let has = |container: &Value, field: &str| container.get(field).is_some_and(Value::is_string);
    containers.iter().all(|container| has(container, "name"))
        && containers.iter().any(|container| has(container, "image"))
}

#[cfg(test)]
mod tests;
