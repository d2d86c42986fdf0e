//! What stands in live objects although no manifest says it: the API server's defaults, and what admission
//! plugins, binders and usual controllers write. One table, by kind and path; what follows from other fields of
//! the object is `derived`'s.
//!
//! Sources: the defaulting functions of Kubernetes 1.20 to 1.36 (`pkg/apis/*/*/defaults.go`, and of
//! apiextensions and kube-aggregator), its admission plugins, and the annotations and finalizers that
//! `kubernetes.io/docs/reference/labels-annotations-taints` lists.

mod kinds;
mod pods;

use self::Usual::{Any, Bool, Json, Number, Same, Text};
use crate::json;
use crate::value::Value;

pub(super) use kinds::KINDS;
pub(super) use pods::{CONTAINER, POD, PROBE, VOLUME};

/// A value that stands in a field without anybody having asked for it. Any other one is an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usual {
    /// Whatever a controller or admission plugin wrote.
    Any,
    Text(&'static str),
    Number(i64),
    Bool(bool),
    /// A map or element, as JSON.
    Json(&'static str),
    /// What another field beside it says.
    Same(&'static str),
}

impl Usual {
    /// Whether a value is this one; `beside` reads a field beside it.
    pub(super) fn is<'v>(self, value: &Value, beside: impl Fn(&str) -> Option<&'v Value>) -> bool {
        match self {
            Any => true,
            Text(text) => value.as_str() == Some(text),
            Number(number) => *value == json!(number),
            Bool(truth) => *value == Value::Bool(truth),
            Json(text) => serde_json::from_str::<Value>(text).is_ok_and(|it| it == *value),
            Same(field) => beside(field) == Some(value),
        }
    }
}

/// A path from where a table begins, with `[]` for an element of a list.
type Row = (&'static str, Usual);

/// In objects of every kind.
pub(super) const OBJECT: [Row; 10] = [
    ("metadata.namespace", Any), // a manifest may leave it to who deploys
    ("metadata.creationTimestamp", Any),
    ("metadata.deletionGracePeriodSeconds", Any),
    ("metadata.deletionTimestamp", Any),
    ("metadata.finalizers[]", Any), // whoever has to clean up writes one
    ("metadata.generation", Any),
    ("metadata.managedFields", Any),
    ("metadata.ownerReferences", Any),
    ("metadata.resourceVersion", Any),
    ("metadata.uid", Any),
];

/// Annotations that Kubernetes, kubectl and usual controllers write; what ends with `/` is all of that prefix.
pub(super) const ANNOTATIONS: [&str; 30] = [
    "alpha.config.kubernetes.io/transformations",
    "argocd.argoproj.io/tracking-id",
    "autoscaling.alpha.kubernetes.io/",
    "batch.kubernetes.io/job-tracking",
    "cloud.google.com/neg-status",
    "config.kubernetes.io/origin",
    "control-plane.alpha.kubernetes.io/leader",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "field.cattle.io/publicEndpoints",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "kubernetes.io/change-cause",
    "kubernetes.io/config.hash",
    "kubernetes.io/config.mirror",
    "kubernetes.io/config.seen",
    "kubernetes.io/config.source",
    "kubernetes.io/limit-ranger",
    "kubernetes.io/psp",
    "kubernetes.io/service-account.uid",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "objectset.rio.cattle.io/",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
];

/// Labels that those who deploy put on everything, to find it again.
pub(super) const LABELS: [&str; 7] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "argocd.argoproj.io/instance",
    "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace",
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
];

/// The built-in groups, whose defaults the table has. Of other groups (custom resources) only who serves them
/// knows what is filled in.
const GROUPS: [&str; 20] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Whether the defaults of a group are known.
pub(super) fn are_known(group: &str) -> bool {
    GROUPS.contains(&group)
}
