//! The pods that an object would start, whatever kind carries them.
//!
//! Knows where the built-in kinds keep their pod template. In any other kind (Argo Rollouts, OpenKruise,
//! Knative, operators' own) it finds whatever is shaped like a pod's specification (`shapes.rs`), and what is
//! laid over pods that operators make (`parts.rs`). What of a pod leads to its node is `breakouts.rs`'.

mod breakouts;
mod host_paths;
mod parts;
mod shapes;
mod token;

use std::borrow::Cow;
use std::sync::LazyLock;

use airside_types::{FieldPath, Step};

use crate::fields::field;
use crate::object::Object;
use crate::value::{Map, Value};

pub use breakouts::{Breakout, PathOf, path_on_node};
pub use host_paths::HostPath;
pub(crate) use parts::holds_patterns;
pub use parts::pod_parts;

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
    pub fields: &'a Map,
    /// What holds where it says nothing, such as the `stepTemplate` of a Tekton task.
    pub defaults: Option<&'a Map>,
}

impl<'a> Container<'a> {
    /// A field, its own or taken over.
    pub fn field(&self, name: &str) -> Option<&'a Value> {
        field(self.fields, name).or_else(|| field(self.defaults?, name))
    }

    /// A field of its security context, its own or taken over.
    pub fn security(&self, name: &str) -> Option<&'a Value> {
        let of = |fields: &'a Map| {
            fields.get("securityContext")?.get(name).filter(|value| !value.is_null())
        };
        of(self.fields).or_else(|| of(self.defaults?))
    }

    /// The name; empty where there is none.
    pub fn name(&self) -> &'a str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The image reference as written, where there is one.
    pub fn image(&self) -> Option<&'a str> {
        self.field("image").and_then(Value::as_str)
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
    pub fields: &'a Map,
    /// The pod's (or pod template's) metadata, where there is any.
    pub metadata: Option<&'a Map>,
    /// All containers: main, init, ephemeral.
    pub containers: Vec<Container<'a>>,
    /// What holds where it says nothing, nearest first, such as the `spec` around an Argo template.
    defaults: Vec<(FieldPath, &'a Map)>,
}

impl<'a> PodSpec<'a> {
    fn new(path: FieldPath, fields: &'a Map, metadata: Option<&'a Map>) -> Self {
        let mut containers = Vec::new();
        for role in ContainerRole::ALL {
            containers.extend(listed_containers(&path, fields, role.field(), role));
        }
        Self { path, fields, metadata, containers, defaults: Vec::new() }
    }

    /// A part of a pod, which has no metadata of its own.
    pub(crate) fn part(path: FieldPath, fields: &'a Map) -> Self {
        Self::new(path, fields, None)
    }

    /// A field, its own or taken over.
    pub fn field(&self, name: &str) -> Option<&'a Value> {
        let taken_over = || self.defaults.iter().find_map(|(_, fields)| field(fields, name));
        field(self.fields, name).or_else(taken_over)
    }

    /// The path to a field: where it stands, or where it would stand.
    pub fn path_of(&self, name: &str) -> FieldPath {
        if field(self.fields, name).is_none() {
            let holder = self.defaults.iter().find(|(_, fields)| field(fields, name).is_some());
            if let Some((path, _)) = holder {
                return path.key(name);
            }
        }
        self.path.key(name)
    }

    /// The name of the pod's service account; `default` where it names none.
    pub fn service_account(&self) -> &'a str {
        let named = self.field("serviceAccountName").or_else(|| self.field("serviceAccount"));
        named.and_then(Value::as_str).filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// How messages name a container: by its name, by that of its template, or by the field that it is.
    pub fn label_of(&self, container: &Container<'a>) -> Cow<'a, str> {
        let field = match container.path.steps().last() {
            Some(Step::Key(field)) => match field.as_ref() {
                "container" | "pod" | "script" | "spec" => None,
                _ => Some(field.clone()),
            },
            _ => None,
        };
        let template = || self.fields.get("name").and_then(Value::as_str);
        match (container.name(), field) {
            ("", Some(field)) => Cow::Owned(["container `", &field, "`"].concat()),
            ("", None) => match template() {
                Some(name) => Cow::Owned(format!("container of template `{name}`")),
                None => Cow::Borrowed("container without a name"),
            },
            (name, _) => Cow::Owned(["container `", name, "`"].concat()),
        }
    }

    /// The labels that the pods will bear, where there are any.
    pub fn labels(&self) -> Option<&'a Map> {
        self.metadata?.get("labels")?.as_object()
    }

    /// The annotations that the pods will bear, where there are any.
    pub fn annotations(&self) -> Option<&'a Map> {
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
    if is_custom(object.group()) { shapes::find(object) } else { Vec::new() }
}

/// Whether the object is of a kind that is known to start pods, whatever it holds.
pub fn is_workload(object: &Object<'_>) -> bool {
    template_path(object).is_some()
}

/// The path to what has the pod's `metadata` and `spec`, for kinds that are known to start pods. Another group
/// of Kubernetes than the kind's own is the author's mistake; it should not hide what else is wrong.
pub(crate) fn template_path(object: &Object<'_>) -> Option<&'static [&'static str]> {
    let group = object.group();
    if group == "apps.openshift.io" && object.kind() == "DeploymentConfig" {
        return Some(&["spec", "template"]);
    }
    if !BARE.contains(&group) {
        return None;
    }
    match object.kind() {
        "Pod" => Some(&[]),
        "PodTemplate" => Some(&["template"]),
        "ReplicationController"
        | "Deployment"
        | "DaemonSet"
        | "ReplicaSet"
        | "StatefulSet"
        | "Job" => Some(&["spec", "template"]),
        "CronJob" => Some(&["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

/// The pod of a map with `metadata` and `spec`. One without a specification still has labels that select it.
fn templated<'a>(carrier: &'a Map, path: FieldPath) -> Option<PodSpec<'a>> {
    static NOTHING: LazyLock<Map> = LazyLock::new(Map::new);
    let metadata = carrier.get("metadata").and_then(Value::as_object);
    let fields = carrier.get("spec").and_then(Value::as_object);
    let fields = fields.or_else(|| metadata.map(|_| &*NOTHING))?;
    Some(PodSpec::new(path, fields, metadata))
}

/// Kubernetes' own groups without a dot.
const BARE: [&str; 6] = ["", "apps", "autoscaling", "batch", "extensions", "policy"];

/// Kubernetes' own groups with a dot: those that the API server itself serves, and those of its programs'
/// files and reviews. Groups of sub-projects with the same ending (gateways, snapshots, vertical autoscalers)
/// are of custom resources.
const OWN_GROUPS: [&str; 25] = [
    "abac.authorization.kubernetes.io",
    "admission.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "audit.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "client.authentication.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "imagepolicy.k8s.io",
    "internal.apiserver.k8s.io",
    "kubeadm.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether a group is of custom resources, or of nobody's. The built-in groups are known by name.
pub fn is_custom(group: &str) -> bool {
    let is_own = BARE.contains(&group) || OWN_GROUPS.contains(&group);
    !is_own && !group.ends_with(".config.k8s.io")
}

/// The containers of a list of a map.
fn listed_containers<'a>(
    path: &FieldPath,
    fields: &'a Map,
    list: &str,
    role: ContainerRole,
) -> Vec<Container<'a>> {
    let listed = crate::fields::list(fields, list);
    if listed.is_empty() {
        return Vec::new();
    }
    let path = path.key(list);
    crate::fields::maps(fields, list)
        .map(|(index, fields)| Container { path: path.index(index), role, fields, defaults: None })
        .collect()
}

#[cfg(test)]
mod tests;
