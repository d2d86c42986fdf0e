//! Kubernetes' kind names for the plurals that requests are made with.

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

/// Plural, kind.
#[rustfmt::skip]
static KINDS: &[(&str, &str)] = &[
    ("apiservices", "APIService"),
    ("applications", "Application"),
    ("certificatesigningrequests", "CertificateSigningRequest"),
    ("clusterpolicies", "ClusterPolicy"),
    ("clusterrolebindings", "ClusterRoleBinding"),
    ("clusterroles", "ClusterRole"),
    ("configmaps", "ConfigMap"),
    ("constrainttemplates", "ConstraintTemplate"),
    ("controllerrevisions", "ControllerRevision"),
    ("cronjobs", "CronJob"),
    ("csidrivers", "CSIDriver"),
    ("customresourcedefinitions", "CustomResourceDefinition"),
    ("daemonsets", "DaemonSet"),
    ("deployments", "Deployment"),
    ("endpoints", "Endpoints"),
    ("endpointslices", "EndpointSlice"),
    ("events", "Event"),
    ("horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("ingressclasses", "IngressClass"),
    ("ingresses", "Ingress"),
    ("jobs", "Job"),
    ("leases", "Lease"),
    ("limitranges", "LimitRange"),
    ("mutatingadmissionpolicies", "MutatingAdmissionPolicy"),
    ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"),
    ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
    ("namespaces", "Namespace"),
    ("networkpolicies", "NetworkPolicy"),
    ("nodes", "Node"),
    ("persistentvolumeclaims", "PersistentVolumeClaim"),
    ("persistentvolumes", "PersistentVolume"),
    ("poddisruptionbudgets", "PodDisruptionBudget"),
    ("pods", "Pod"),
    ("podtemplates", "PodTemplate"),
    ("priorityclasses", "PriorityClass"),
    ("replicasets", "ReplicaSet"),
    ("replicationcontrollers", "ReplicationController"),
    ("resourcequotas", "ResourceQuota"),
    ("rolebindings", "RoleBinding"),
    ("roles", "Role"),
    ("runtimeclasses", "RuntimeClass"),
    ("secrets", "Secret"),
    ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("serviceaccounts", "ServiceAccount"),
    ("services", "Service"),
    ("statefulsets", "StatefulSet"),
    ("storageclasses", "StorageClass"),
    ("subjectaccessreviews", "SubjectAccessReview"),
    ("tokenreviews", "TokenReview"),
    ("validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
    ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
    ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
    ("volumeattachments", "VolumeAttachment"),
];

static BY_PLURAL: LazyLock<IndexMap<&str, &str, FixedState>> =
    LazyLock::new(|| KINDS.iter().copied().collect());

/// The kind of a resource; the plural itself for custom resources, whose kind an event does not tell.
pub(crate) fn of(resource: &str) -> &str {
    BY_PLURAL.get(resource).copied().unwrap_or(resource)
}

/// The API group of a kind that other objects name without one, such as an owner or a role.
pub(super) fn group_of_api_version(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found() {
        assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, and each once");
        for (plural, kind) in KINDS {
            assert_eq!(of(plural), *kind);
        }
        assert_eq!(of("widgets"), "widgets");
        assert_eq!(group_of_api_version("apps/v1"), "apps");
        assert_eq!(group_of_api_version("v1"), "");
    }
}
