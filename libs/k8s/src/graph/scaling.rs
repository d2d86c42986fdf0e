//! How many pods a workload has: as written, and as an autoscaler decides.

use std::collections::BTreeMap;

use super::part::{Key, Topic};
use super::{Graph, same_namespace};
use crate::fields::down;
use crate::object::Object;
use crate::value::Value;

/// Kinds that scale others: (API group, kind).
const AUTOSCALERS: [(&str, &str); 2] =
    [("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")];

/// The indices of autoscalers by kind and name of what they scale.
pub(super) fn autoscalers_by_target<'a>(
    graph: &Graph<'a>,
) -> BTreeMap<(&'a str, &'a str), Vec<usize>> {
    let mut found: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (group, kind) in AUTOSCALERS {
        for index in graph.indices(group, kind) {
            let target = graph.objects.get(*index).and_then(scale_target);
            if let Some(target) = target {
                found.entry(target).or_default().push(*index);
            }
        }
    }
    found
}

/// Whether an object scales others.
pub(crate) fn is_autoscaler(object: &Object<'_>) -> bool {
    AUTOSCALERS.contains(&(object.group(), object.kind()))
}

/// The kind and name of what an autoscaler scales; KEDA takes a Deployment where no kind is given.
pub fn scale_target<'a>(autoscaler: &Object<'a>) -> Option<(&'a str, &'a str)> {
    let target = down(autoscaler.value(), &["spec", "scaleTargetRef"])?;
    let text = |name| target.get(name).and_then(Value::as_str);
    let default = (autoscaler.group() == "keda.sh").then_some("Deployment");
    Some((text("kind").or(default)?, text("name")?))
}

/// The lowest count of pods that an autoscaler allows, where it is written.
pub fn lowest_count(autoscaler: &Object<'_>) -> Option<u64> {
    let spec = autoscaler.fields().get("spec")?;
    spec.get("minReplicas").or_else(|| spec.get("minReplicaCount"))?.as_u64()
}

/// The count of pods as a workload's manifest gives it.
pub fn replicas(workload: &Object<'_>) -> Option<u64> {
    down(workload.value(), &["spec", "replicas"])?.as_u64()
}

impl<'a> Graph<'a> {
    /// The autoscalers that decide how many pods a workload has.
    pub fn autoscalers_of<'g>(
        &'g self,
        workload: &'g Object<'a>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        self.autoscalers_for((workload.kind(), workload.name()), workload.namespace())
    }

    /// The autoscalers that scale what an autoscaler does, itself included.
    pub fn autoscalers_alike<'g>(
        &'g self,
        autoscaler: &'g Object<'a>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        let target = scale_target(autoscaler).into_iter();
        target.flat_map(|target| self.autoscalers_for(target, autoscaler.namespace()))
    }

    fn autoscalers_for<'g>(
        &'g self,
        target: (&'g str, &'g str),
        namespace: Option<&'g str>,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        self.note_all(|| Key::seen(Topic::Scales, namespace, &[target.0, target.1]));
        let found = self.autoscalers.get(&target).map(Vec::as_slice).unwrap_or_default();
        found
            .iter()
            .filter_map(|index| self.objects.get(*index))
            .filter(move |scaler| same_namespace(scaler.namespace(), namespace))
    }
}

#[cfg(test)]
mod tests {
    use crate::json;

    use super::super::Completeness;
    use super::*;

    #[test]
    fn autoscalers_are_found_from_what_they_scale() {
        let object = |version: &str, kind: &str, name: &str, spec: Value| {
            json!({
                "apiVersion": version, "kind": kind,
                "metadata": { "name": name, "namespace": "shop" }, "spec": spec,
            })
        };
        let values = [
            object("apps/v1", "Deployment", "web", json!({ "replicas": 2 })),
            object("apps/v1", "StatefulSet", "web", json!({})),
            object(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                "hpa",
                json!({ "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "minReplicas": 2 }),
            ),
            object(
                "keda.sh/v1alpha1",
                "ScaledObject",
                "keda",
                json!({ "scaleTargetRef": { "name": "web" }, "minReplicaCount": 0 }),
            ),
            object("keda.sh/v1alpha1", "ScaledObject", "nothing", json!({})),
        ];
        let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
        let graph = Graph::new(&objects, Completeness::WholeInput);
        let of = |index: usize| {
            let scalers = graph.autoscalers_of(&objects[index]);
            scalers.map(|scaler| (scaler.name(), lowest_count(scaler))).collect::<Vec<_>>()
        };
        assert_eq!(of(0), [("hpa", Some(2)), ("keda", Some(0))]);
        assert_eq!(of(1), []);
        assert_eq!(graph.autoscalers_alike(&objects[2]).count(), 2);
        assert_eq!(graph.autoscalers_alike(&objects[4]).count(), 0);
        assert_eq!((replicas(&objects[0]), replicas(&objects[1])), (Some(2), None));
    }
}
