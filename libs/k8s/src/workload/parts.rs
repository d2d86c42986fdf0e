//! Parts of pods in custom resources: what an operator lays over a pod that it makes itself.
//!
//! Templates of pods and containers that name no image (ECK's `podTemplate`, Strimzi's `template.pod` and
//! `kafkaContainer`, Prometheus' `containers`), and kinds that spread a pod's fields over their own (Spark's
//! `driver`). What such a part leaves open the operator fills in, so only what it says counts.

use airside_types::{FieldPath, Step};

use super::{Container, ContainerRole, PodSpec, is_custom, listed_containers, pod_specs};
use crate::fields::maps;
use crate::object::Object;
use crate::value::{Map, Value};

/// Groups whose resources hold patterns of pods, or values of a chart, of which nobody knows what becomes.
const PATTERNS: [&str; 6] = [
    "helm.cattle.io",
    "helm.toolkit.fluxcd.io",
    "kyverno.io",
    "policies.kubewarden.io",
    "policies.kyverno.io",
    "security.openshift.io",
];

/// Fields of a container's or pod's security context, one of which tells such a map from another's.
const SECURITY: [&str; 10] = [
    "allowPrivilegeEscalation",
    "capabilities",
    "fsGroup",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
    "windowsOptions",
];

/// Whether a custom resource holds patterns or values, of which nobody knows what becomes.
pub(crate) fn holds_patterns(object: &Object<'_>) -> bool {
    let group = object.group();
    PATTERNS.contains(&group)
        || group.ends_with("gatekeeper.sh")
        || (group, object.kind()) == ("argoproj.io", "Application")
}

/// The parts of pods in an object, beside its whole pods.
pub fn pod_parts<'a>(object: &Object<'a>) -> Vec<PodSpec<'a>> {
    if !is_custom(object.group()) || holds_patterns(object) {
        return Vec::new();
    }
    let whole = pod_specs(object).iter().map(|pod| pod.path.to_string()).collect();
    let mut walk = Walk { whole, steps: Vec::new(), found: Vec::new() };
    walk.enter(object.fields());
    walk.found
}

struct Walk<'a> {
    /// The paths of whole pods.
    whole: Vec<String>,
    steps: Vec<Step<'a>>,
    found: Vec<PodSpec<'a>>,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, fields: &'a Map) {
        let is_part = is_part(fields);
        for (key, value) in fields {
            let is_metadata = self.steps.is_empty() && (key == "metadata" || key == "status");
            let is_taken = is_part && ContainerRole::ALL.iter().any(|role| role.field() == key);
            if is_metadata || is_taken {
                continue;
            }
            self.steps.push(Step::key(key));
            match value {
                Value::Object(below) => self.visit(below),
                Value::Array(elements) => {
                    for (index, element) in elements.iter().enumerate() {
                        if let Value::Object(below) = element {
                            self.steps.push(Step::Index(index));
                            self.visit(below);
                            self.steps.pop();
                        }
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
            self.steps.pop();
        }
    }

    fn visit(&mut self, fields: &'a Map) {
        let path = FieldPath::from(self.steps.as_slice());
        if self.whole.contains(&path.to_string()) {
            return;
        }
        if is_part(fields) {
            self.found.push(part(path, fields));
        }
        self.enter(fields);
    }
}

/// A part without containers is a container as well: which of the two it is laid over only the operator knows.
fn part(path: FieldPath, fields: &Map) -> PodSpec<'_> {
    let mut part = PodSpec::part(path.clone(), fields);
    if part.containers.is_empty() {
        let role = ContainerRole::Main;
        part.containers.push(Container { path, role, fields, defaults: None });
    }
    part
}

/// Whether a map says what only pods and containers say.
fn is_part(fields: &Map) -> bool {
    let shares = ["hostNetwork", "hostPID", "hostIPC"];
    let security = fields.get("securityContext").and_then(Value::as_object);
    let containers = |role: &ContainerRole| {
        let list = listed_containers(&FieldPath::default(), fields, role.field(), *role);
        !list.is_empty() && list.iter().all(|container| !container.name().is_empty())
    };
    shares.iter().any(|name| fields.get(name) == Some(&Value::Bool(true)))
        || security.is_some_and(|it| SECURITY.iter().any(|name| it.contains_key(name)))
        || maps(fields, "volumes")
            .any(|(_, volume)| volume.get("hostPath").is_some_and(Value::is_object))
        || ContainerRole::ALL.iter().any(containers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    /// The paths of the parts and their containers.
    fn found(group: &str, spec: &Value) -> Vec<String> {
        let value = json!({ "apiVersion": format!("{group}/v1"), "kind": "Thing", "spec": spec });
        let object = Object::new(&value).unwrap();
        let all = pod_parts(&object).into_iter().flat_map(|part| {
            let own = part.path.to_string();
            std::iter::once(own).chain(part.containers.into_iter().map(|it| it.path.to_string()))
        });
        all.collect()
    }

    #[test]
    fn what_is_laid_over_a_pod_is_found_by_what_only_pods_say() {
        let privileged = || json!({ "securityContext": { "privileged": true } });
        let named = || json!({ "name": "sysctl", "securityContext": { "privileged": true } });
        for (spec, expected) in [
            (
                json!({ "podTemplate": { "spec": { "initContainers": [named()] } } }),
                vec!["spec.podTemplate.spec", "spec.podTemplate.spec.initContainers[0]"],
            ),
            (
                json!({ "template": { "kafkaContainer": privileged() } }),
                vec!["spec.template.kafkaContainer", "spec.template.kafkaContainer"],
            ),
            (json!({ "driver": { "hostNetwork": true } }), vec!["spec.driver", "spec.driver"]),
            (
                json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/" } }] }),
                vec!["spec", "spec"],
            ),
        ] {
            assert_eq!(found("example.com", &spec), expected);
        }
    }

    #[test]
    fn other_maps_whole_pods_and_patterns_are_no_parts() {
        let whole =
            json!({ "spec": { "hostPID": true, "containers": [{ "name": "a", "image": "a" }] } });
        for (group, spec) in [
            ("example.com", json!({ "template": whole })),
            (
                "example.com",
                json!({ "hostNetwork": false, "securityContext": { "enabled": true } }),
            ),
            ("example.com", json!({ "volumes": [{ "name": "v", "emptyDir": {} }] })),
            ("example.com", json!({ "containers": ["a", "b"] })),
            ("kyverno.io", json!({ "pattern": { "spec": { "hostNetwork": true } } })),
            ("constraints.gatekeeper.sh", json!({ "parameters": { "hostNetwork": true } })),
            ("storage.k8s.io", json!({ "hostNetwork": true })),
        ] {
            assert_eq!(found(group, &spec), Vec::<String>::new(), "{group} {spec}");
        }
    }
}
