//! Pods in kinds that this crate does not know: found by their shape.
//!
//! Three shapes: a pod's specification (`containers`, as nearly all kinds have it), a template of an Argo
//! workflow (one `container` or `script` beside its pod's fields), and a Tekton task (`steps`). The latter
//! two take over fields from what is around them. The depth of the walk is that of the value, which its
//! reader has bounded.

use airside_types::{FieldPath, Step};

use super::{Container, ContainerRole, PodSpec, listed_containers};
use crate::fields::elements;
use crate::object::Object;
use crate::value::{Map, Value};

/// A map with its path.
type Placed<'a> = (FieldPath, &'a Map);

/// Finds the pod specifications of an object.
pub(super) fn find<'a>(object: &Object<'a>) -> Vec<PodSpec<'a>> {
    let dialect = match object.group() {
        "argoproj.io" => Dialect::Argo,
        "tekton.dev" => Dialect::Tekton,
        _ => Dialect::Plain,
    };
    let defaults = if dialect == Dialect::Tekton { run_defaults(object) } else { Vec::new() };
    let mut walk = Walk { dialect, steps: Vec::new(), defaults, found: Vec::new() };
    walk.enter(object.fields());
    walk.found
}

/// Whose shapes to expect besides the common one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Plain,
    Argo,
    Tekton,
}

/// A walk over the fields of an object.
struct Walk<'a> {
    dialect: Dialect,
    steps: Vec<Step<'a>>,
    /// What pods found here take over.
    defaults: Vec<Placed<'a>>,
    found: Vec<PodSpec<'a>>,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, fields: &'a Map) {
        let outer = self.defaults.clone();
        if self.dialect == Dialect::Argo && fields.get("templates").is_some_and(Value::is_array) {
            self.defaults = vec![(self.path(), fields)];
        }
        for (key, value) in fields {
            self.steps.push(Step::key(key));
            match value {
                Value::Object(below) => self.visit(below, fields),
                Value::Array(elements) => {
                    for (index, element) in elements.iter().enumerate() {
                        if let Value::Object(below) = element {
                            self.steps.push(Step::Index(index));
                            self.visit(below, below);
                            self.steps.pop();
                        }
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
            self.steps.pop();
        }
        self.defaults = outer;
    }

    /// Takes a map as a pod, or looks into it. A template has its metadata beside its specification.
    fn visit(&mut self, fields: &'a Map, beside: &'a Map) {
        let metadata = |holder: &'a Map| holder.get("metadata")?.as_object();
        let path = self.path();
        let mut spec = if is_pod_shaped(fields) {
            PodSpec::new(path, fields, metadata(beside))
        } else {
            let containers = match self.dialect {
                Dialect::Argo => argo_containers(&path, fields),
                Dialect::Tekton => tekton_containers(&path, fields),
                Dialect::Plain => Vec::new(),
            };
            if containers.is_empty() {
                return self.enter(fields);
            }
            let metadata = metadata(fields);
            PodSpec { path, fields, metadata, containers, defaults: Vec::new() }
        };
        spec.defaults.clone_from(&self.defaults);
        self.found.push(spec);
    }

    fn path(&self) -> FieldPath {
        FieldPath::from(self.steps.as_slice())
    }
}

/// A pod's specification has containers, each a map with a name or an image (Knative's need no name), and
/// one with an image at least: operators also use `containers` for patches of containers that they make
/// themselves, which name no image.
fn is_pod_shaped(fields: &Map) -> bool {
    let Some(containers) = fields.get("containers").and_then(Value::as_array) else { return false };
    let has = |container: &Value, field: &str| container.get(field).is_some_and(Value::is_string);
    containers.iter().all(|container| has(container, "name") || has(container, "image"))
        && containers.iter().any(|container| has(container, "image"))
}

/// The containers of an Argo template: its one container, script or set, and those beside it.
fn argo_containers<'a>(path: &FieldPath, fields: &'a Map) -> Vec<Container<'a>> {
    let role = ContainerRole::Main;
    let single = ["container", "script"].into_iter().filter_map(|name| {
        let fields = fields.get(name)?.as_object()?;
        let image = fields.get("image").is_some_and(Value::is_string);
        image.then(|| Container { path: path.key(name), role, fields, defaults: None })
    });
    let mut found: Vec<_> = single.collect();
    let set = fields.get("containerSet").and_then(Value::as_object);
    if let Some(set) = set.filter(|set| is_pod_shaped(set)) {
        found.extend(listed_containers(&path.key("containerSet"), set, "containers", role));
    }
    if !found.is_empty() {
        found.extend(listed_containers(path, fields, "initContainers", ContainerRole::Init));
        found.extend(listed_containers(path, fields, "sidecars", role));
    }
    found
}

/// The containers of a Tekton task: those of its steps that are no references, and its sidecars.
fn tekton_containers<'a>(path: &FieldPath, fields: &'a Map) -> Vec<Container<'a>> {
    let template = fields.get("stepTemplate").and_then(Value::as_object);
    let has_image = |fields: &Map| fields.get("image").is_some_and(Value::is_string);
    let all = elements(fields.get("steps")).iter().filter_map(Value::as_object);
    if !all.clone().any(|step| has_image(step) || step.contains_key("script")) {
        return Vec::new();
    }
    let role = ContainerRole::Main;
    let steps = listed_containers(path, fields, "steps", role).into_iter();
    let mut found: Vec<_> = steps
        .map(|step| Container { defaults: template, ..step })
        .filter(|step| step.image().is_some())
        .collect();
    found.extend(listed_containers(path, fields, "sidecars", role));
    found
}

/// What the tasks of a TaskRun or PipelineRun take over: pod templates and what stands beside them.
fn run_defaults<'a>(object: &Object<'a>) -> Vec<Placed<'a>> {
    if !matches!(object.kind(), "TaskRun" | "PipelineRun") {
        return Vec::new();
    }
    const PLACES: [&[&str]; 4] = [
        &["spec", "podTemplate"],
        &["spec", "taskRunTemplate", "podTemplate"],
        &["spec", "taskRunTemplate"],
        &["spec"],
    ];
    let placed = PLACES.iter().filter_map(|keys| {
        let path = FieldPath::of(keys);
        let fields = object.at(&path)?.as_object()?;
        Some((path, fields))
    });
    placed.collect()
}
