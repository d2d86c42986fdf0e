//! What Kubernetes serves, and what it served: one row for each API version that went or goes.
//!
//! Facts from Kubernetes' deprecation guide and change logs. A new release means new rows here, nothing else.

/// An API version that is deprecated or gone.
#[derive(Debug)]
pub(crate) struct Old {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    /// The kinds; empty for all of the version.
    pub(crate) kinds: &'static [&'static str],
    /// The release that does not serve it any more; none while it is served.
    pub(crate) removed: Option<&'static str>,
    /// What to use; empty where nothing takes its place.
    pub(crate) replacement: &'static str,
}

const fn gone(
    group: &'static str,
    version: &'static str,
    kinds: &'static [&'static str],
    release: &'static str,
    replacement: &'static str,
) -> Old {
    Old { group, version, kinds, removed: Some(release), replacement }
}

const fn going(
    group: &'static str,
    version: &'static str,
    kinds: &'static [&'static str],
    replacement: &'static str,
) -> Old {
    Old { group, version, kinds, removed: None, replacement }
}

const WORKLOADS: &[&str] = &["Deployment", "DaemonSet", "ReplicaSet"];
const WEBHOOKS: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
const STORAGE: &[&str] = &["StorageClass", "VolumeAttachment", "CSIDriver", "CSINode"];
const AUTHORIZATION: &[&str] = &[
    "LocalSubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
];

pub(crate) static OLD: &[Old] = &[
    gone("extensions", "v1beta1", WORKLOADS, "1.16", "apps/v1"),
    gone("extensions", "v1beta1", &["NetworkPolicy"], "1.16", "networking.k8s.io/v1"),
    gone("extensions", "v1beta1", &["PodSecurityPolicy"], "1.16", ""),
    gone("extensions", "v1beta1", &["Ingress"], "1.22", "networking.k8s.io/v1"),
    gone("extensions", "v1beta1", &[], "1.22", ""),
    gone("apps", "v1beta1", &[], "1.16", "apps/v1"),
    gone("apps", "v1beta2", &[], "1.16", "apps/v1"),
    gone("auditregistration.k8s.io", "v1alpha1", &[], "1.19", ""),
    gone("settings.k8s.io", "v1alpha1", &[], "1.20", ""),
    gone("batch", "v2alpha1", &[], "1.21", "batch/v1"),
    gone(
        "networking.k8s.io",
        "v1beta1",
        &["Ingress", "IngressClass"],
        "1.22",
        "networking.k8s.io/v1",
    ),
    gone("rbac.authorization.k8s.io", "v1beta1", &[], "1.22", "rbac.authorization.k8s.io/v1"),
    gone("rbac.authorization.k8s.io", "v1alpha1", &[], "1.23", "rbac.authorization.k8s.io/v1"),
    gone("apiextensions.k8s.io", "v1beta1", &[], "1.22", "apiextensions.k8s.io/v1"),
    gone("apiregistration.k8s.io", "v1beta1", &[], "1.22", "apiregistration.k8s.io/v1"),
    gone(
        "admissionregistration.k8s.io",
        "v1beta1",
        WEBHOOKS,
        "1.22",
        "admissionregistration.k8s.io/v1",
    ),
    gone(
        "certificates.k8s.io",
        "v1beta1",
        &["CertificateSigningRequest"],
        "1.22",
        "certificates.k8s.io/v1",
    ),
    gone("coordination.k8s.io", "v1beta1", &["Lease"], "1.22", "coordination.k8s.io/v1"),
    gone("authentication.k8s.io", "v1beta1", &["TokenReview"], "1.22", "authentication.k8s.io/v1"),
    gone("authorization.k8s.io", "v1beta1", AUTHORIZATION, "1.22", "authorization.k8s.io/v1"),
    gone("scheduling.k8s.io", "v1beta1", &["PriorityClass"], "1.22", "scheduling.k8s.io/v1"),
    gone("scheduling.k8s.io", "v1alpha1", &["PriorityClass"], "1.23", "scheduling.k8s.io/v1"),
    gone("storage.k8s.io", "v1beta1", STORAGE, "1.22", "storage.k8s.io/v1"),
    gone("storage.k8s.io", "v1beta1", &["CSIStorageCapacity"], "1.27", "storage.k8s.io/v1"),
    gone("batch", "v1beta1", &["CronJob"], "1.25", "batch/v1"),
    gone("policy", "v1beta1", &["PodDisruptionBudget"], "1.25", "policy/v1"),
    gone("policy", "v1beta1", &["PodSecurityPolicy"], "1.25", ""),
    gone("discovery.k8s.io", "v1beta1", &["EndpointSlice"], "1.25", "discovery.k8s.io/v1"),
    gone("events.k8s.io", "v1beta1", &["Event"], "1.25", "events.k8s.io/v1"),
    gone("node.k8s.io", "v1beta1", &["RuntimeClass"], "1.25", "node.k8s.io/v1"),
    gone("autoscaling", "v2beta1", &[], "1.25", "autoscaling/v2"),
    gone("autoscaling", "v2beta2", &[], "1.26", "autoscaling/v2"),
    gone(
        "flowcontrol.apiserver.k8s.io",
        "v1alpha1",
        &[],
        "1.21",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    gone("flowcontrol.apiserver.k8s.io", "v1beta1", &[], "1.26", "flowcontrol.apiserver.k8s.io/v1"),
    gone("flowcontrol.apiserver.k8s.io", "v1beta2", &[], "1.29", "flowcontrol.apiserver.k8s.io/v1"),
    gone("flowcontrol.apiserver.k8s.io", "v1beta3", &[], "1.32", "flowcontrol.apiserver.k8s.io/v1"),
    gone("resource.k8s.io", "v1alpha1", &[], "1.27", "resource.k8s.io/v1"),
    gone("resource.k8s.io", "v1alpha2", &[], "1.31", "resource.k8s.io/v1"),
    going("", "v1", &["Endpoints"], "discovery.k8s.io/v1 EndpointSlice"),
    going("", "v1", &["ComponentStatus"], ""),
];

/// Kinds that Kubernetes serves, with the versions that have them: the preferred one first.
#[derive(Debug)]
pub(crate) struct Kinds {
    pub(crate) group: &'static str,
    pub(crate) versions: &'static [&'static str],
    pub(crate) kinds: &'static [&'static str],
}

const fn kinds(
    group: &'static str,
    versions: &'static [&'static str],
    kinds: &'static [&'static str],
) -> Kinds {
    Kinds { group, versions, kinds }
}

pub(crate) static KINDS: &[Kinds] = &[
    kinds(
        "",
        &["v1"],
        &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    kinds(
        "apps",
        &["v1"],
        &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    kinds("batch", &["v1"], &["CronJob", "Job"]),
    kinds("autoscaling", &["v2", "v1"], &["HorizontalPodAutoscaler"]),
    kinds("policy", &["v1"], &["PodDisruptionBudget"]),
    kinds("networking.k8s.io", &["v1"], &["Ingress", "IngressClass", "NetworkPolicy"]),
    kinds("extensions", &[], &[]),
    kinds(
        "rbac.authorization.k8s.io",
        &["v1"],
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    kinds("storage.k8s.io", &["v1"], STORAGE),
    kinds("scheduling.k8s.io", &["v1"], &["PriorityClass"]),
    kinds("admissionregistration.k8s.io", &["v1"], WEBHOOKS),
    kinds("apiextensions.k8s.io", &["v1"], &["CustomResourceDefinition"]),
    kinds("apiregistration.k8s.io", &["v1"], &["APIService"]),
    kinds("events.k8s.io", &["v1"], &["Event"]),
    kinds("discovery.k8s.io", &["v1"], &["EndpointSlice"]),
    kinds("node.k8s.io", &["v1"], &["RuntimeClass"]),
];
