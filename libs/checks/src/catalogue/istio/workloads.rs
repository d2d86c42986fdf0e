//! Pods as the mesh sees them.

use airside_k8s::graph::MeshWorkload;
use airside_k8s::{Graph, Object, PodSpec, Value};

use crate::subject::Pod;

/// A pod or pod template as the mesh sees it.
pub(super) fn of_pod<'a>(pod: &Pod<'a>) -> MeshWorkload<'a> {
    workload(*pod.object, pod.spec)
}

fn workload<'a>(owner: Object<'a>, spec: &PodSpec<'a>) -> MeshWorkload<'a> {
    let (labels, annotations) = (spec.labels(), spec.annotations());
    MeshWorkload { owner, labels, annotations, spec: Some(spec.fields) }
}

/// Whether a pod is in the mesh for certain.
pub(super) fn is_member(graph: &Graph<'_>, workload: &MeshWorkload<'_>) -> bool {
    graph.has_mesh() && graph.enrolment(workload).is_member()
}

/// Whether pods are nothing but a proxy: an ingress or egress gateway, a waypoint.
pub(super) fn is_gateway(workload: &MeshWorkload<'_>) -> bool {
    let containers =
        workload.spec.and_then(|spec| spec.get("containers")).and_then(Value::as_array);
    let is_proxy = |container: &Value| {
        container.get("name").and_then(Value::as_str) == Some("istio-proxy")
            || container.get("image").and_then(Value::as_str) == Some("auto")
    };
    containers.is_some_and(|containers| !containers.is_empty() && containers.iter().all(is_proxy))
}
