//! What stands in live objects by their kind, without their pods.
//!
//! A manifest without `replicas` leaves the count to whoever scales, which is an autoscaler or a person.

use super::Row;
use super::Usual::{Any, Bool, Json, Number, Same, Text};

/// By kind.
pub(in crate::boarding_pass) const KINDS: [(&str, &[Row]); 38] = [
    ("APIService", &[("spec.caBundle", Any), ("spec.service.port", Number(443))]),
    ("ClusterRoleBinding", BINDING),
    ("RoleBinding", BINDING),
    (
        "CronJob",
        &[
            ("spec.concurrencyPolicy", Text("Allow")),
            ("spec.failedJobsHistoryLimit", Number(1)),
            ("spec.successfulJobsHistoryLimit", Number(3)),
            ("spec.suspend", Bool(false)),
        ],
    ),
    (
        "CSIDriver",
        &[
            ("spec.attachRequired", Bool(true)),
            ("spec.fsGroupPolicy", Text("ReadWriteOnceWithFSType")),
            ("spec.podInfoOnMount", Bool(false)),
            ("spec.requiresRepublish", Bool(false)),
            ("spec.seLinuxMount", Bool(false)),
            ("spec.storageCapacity", Bool(false)),
            ("spec.volumeLifecycleModes[]", Text("Persistent")),
        ],
    ),
    (
        "CustomResourceDefinition",
        &[
            ("spec.conversion.strategy", Text("None")),
            ("spec.conversion.webhook.clientConfig.caBundle", Any),
            ("spec.conversion.webhook.clientConfig.service.port", Number(443)),
            ("spec.preserveUnknownFields", Bool(false)),
        ],
    ),
    (
        "DaemonSet",
        &[
            ("spec.revisionHistoryLimit", Number(10)),
            ("spec.updateStrategy.type", Text("RollingUpdate")),
            ("spec.updateStrategy.rollingUpdate.maxSurge", Number(0)),
            ("spec.updateStrategy.rollingUpdate.maxUnavailable", Number(1)),
        ],
    ),
    (
        "Deployment",
        &[
            ("spec.progressDeadlineSeconds", Number(600)),
            ("spec.replicas", Any),
            ("spec.revisionHistoryLimit", Number(10)),
            ("spec.strategy.type", Text("RollingUpdate")),
            ("spec.strategy.rollingUpdate.maxSurge", Text("25%")),
            ("spec.strategy.rollingUpdate.maxUnavailable", Text("25%")),
        ],
    ),
    ("Endpoints", &[("subsets[].ports[].protocol", Text("TCP"))]),
    ("EndpointSlice", &[("ports[].protocol", Text("TCP")), ("ports[].name", Text(""))]),
    ("FlowSchema", &[("spec.matchingPrecedence", Number(1000))]),
    (
        "HorizontalPodAutoscaler",
        &[
            ("spec.minReplicas", Number(1)),
            ("spec.selectionStrategy", Text("LabelSelector")),
            ("spec.targetCPUUtilizationPercentage", Number(80)),
            (
                "spec.metrics[]",
                Json(
                    r#"{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}"#,
                ),
            ),
            ("spec.behavior.scaleUp.selectPolicy", Text("Max")),
            ("spec.behavior.scaleUp.stabilizationWindowSeconds", Number(0)),
            (SCALE_UP, Json(r#"{"type":"Pods","value":4,"periodSeconds":15}"#)),
            (SCALE_UP, Json(r#"{"type":"Percent","value":100,"periodSeconds":15}"#)),
            ("spec.behavior.scaleDown.selectPolicy", Text("Max")),
            (
                "spec.behavior.scaleDown.policies[]",
                Json(r#"{"type":"Percent","value":100,"periodSeconds":15}"#),
            ),
        ],
    ),
    // The class is the cluster's default one.
    ("Ingress", &[("spec.ingressClassName", Any)]),
    ("IngressClass", &[("spec.parameters.scope", Text("Cluster"))]),
    (
        "Job",
        &[
            ("spec.backoffLimit", Number(6)),
            ("spec.completionMode", Text("NonIndexed")),
            ("spec.completions", Number(1)),
            ("spec.manualSelector", Bool(false)),
            ("spec.parallelism", Number(1)),
            ("spec.podReplacementPolicy", Text("TerminatingOrFailed")),
            ("spec.suspend", Bool(false)),
            ("spec.selector", Any), // the controller's, by the job's uid; nobody can change it
        ],
    ),
    // The one follows from the other, and both from the bounds.
    ("LimitRange", &[("spec.limits[].default", Any), ("spec.limits[].defaultRequest", Any)]),
    ("MutatingWebhookConfiguration", WEBHOOKS),
    ("ValidatingWebhookConfiguration", WEBHOOKS),
    ("MutatingAdmissionPolicy", POLICY),
    ("ValidatingAdmissionPolicy", POLICY),
    ("MutatingAdmissionPolicyBinding", POLICY_BINDING),
    ("ValidatingAdmissionPolicyBinding", POLICY_BINDING),
    ("Namespace", &[("spec.finalizers[]", Text("kubernetes"))]),
    (
        "NetworkPolicy",
        &[
            ("spec.ingress[].ports[].protocol", Text("TCP")),
            ("spec.egress[].ports[].protocol", Text("TCP")),
            ("spec.policyTypes[]", Text("Ingress")),
        ],
    ),
    (
        "Node",
        &[
            ("spec.podCIDR", Any),
            ("spec.podCIDRs", Any),
            ("spec.providerID", Any),
            ("spec.taints", Any),
        ],
    ),
    (
        "PersistentVolume",
        &[
            ("spec.claimRef", Any),
            ("spec.persistentVolumeReclaimPolicy", Text("Retain")),
            ("spec.volumeMode", Text("Filesystem")),
            ("spec.hostPath.type", Text("")),
        ],
    ),
    (
        "PersistentVolumeClaim",
        &[
            ("spec.storageClassName", Any), // the cluster's default one
            ("spec.volumeMode", Text("Filesystem")),
            ("spec.volumeName", Any),
        ],
    ),
    (
        "Pod",
        &[
            ("spec.enableServiceLinks", Bool(true)),
            ("spec.imagePullSecrets[]", Any), // the service account's
            ("spec.nodeName", Any),
            ("spec.overhead", Any), // the runtime class'
            ("spec.preemptionPolicy", Text("PreemptLowerPriority")),
            ("spec.priority", Any), // the priority class'
            (
                TOLERATIONS,
                Json(
                    r#"{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}"#,
                ),
            ),
            (
                TOLERATIONS,
                Json(
                    r#"{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}"#,
                ),
            ),
        ],
    ),
    ("PodSecurityPolicy", &[("spec.allowPrivilegeEscalation", Bool(true))]),
    ("PriorityClass", &[("preemptionPolicy", Text("PreemptLowerPriority"))]),
    (
        "PriorityLevelConfiguration",
        &[
            ("spec.limited.assuredConcurrencyShares", Number(30)),
            ("spec.limited.nominalConcurrencyShares", Number(30)),
            ("spec.limited.lendablePercent", Number(0)),
            ("spec.limited.limitResponse.queuing.handSize", Number(8)),
            ("spec.limited.limitResponse.queuing.queues", Number(64)),
            ("spec.limited.limitResponse.queuing.queueLengthLimit", Number(50)),
            ("spec.exempt.nominalConcurrencyShares", Number(0)),
            ("spec.exempt.lendablePercent", Number(0)),
        ],
    ),
    ("ReplicaSet", &[("spec.replicas", Any)]),
    ("ReplicationController", &[("spec.replicas", Any)]),
    ("Secret", &[("type", Text("Opaque"))]),
    (
        "Service",
        &[
            ("spec.allocateLoadBalancerNodePorts", Bool(true)),
            ("spec.externalTrafficPolicy", Text("Cluster")),
            ("spec.healthCheckNodePort", Any),
            ("spec.internalTrafficPolicy", Text("Cluster")),
            ("spec.ipFamilies", Any),
            ("spec.ipFamilyPolicy", Text("SingleStack")),
            ("spec.ports[].nodePort", Any), // what opens one is the type
            ("spec.ports[].protocol", Text("TCP")),
            ("spec.ports[].targetPort", Same("port")),
            ("spec.sessionAffinity", Text("None")),
            ("spec.sessionAffinityConfig.clientIP.timeoutSeconds", Number(10800)),
            ("spec.type", Text("ClusterIP")),
        ],
    ),
    (
        "StatefulSet",
        &[
            ("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", Text("Retain")),
            ("spec.persistentVolumeClaimRetentionPolicy.whenScaled", Text("Retain")),
            ("spec.podManagementPolicy", Text("OrderedReady")),
            ("spec.serviceName", Text("")),
            ("spec.replicas", Any),
            ("spec.revisionHistoryLimit", Number(10)),
            ("spec.updateStrategy.type", Text("RollingUpdate")),
            ("spec.updateStrategy.rollingUpdate.partition", Number(0)),
            ("spec.volumeClaimTemplates[].apiVersion", Text("v1")),
            ("spec.volumeClaimTemplates[].kind", Text("PersistentVolumeClaim")),
            ("spec.volumeClaimTemplates[].spec.volumeMode", Text("Filesystem")),
            ("spec.volumeClaimTemplates[].status", Any),
        ],
    ),
    (
        "StorageClass",
        &[("reclaimPolicy", Text("Delete")), ("volumeBindingMode", Text("Immediate"))],
    ),
    // Old clusters list the token that they made.
    ("ServiceAccount", &[("secrets[]", Any)]),
];

const SCALE_UP: &str = "spec.behavior.scaleUp.policies[]";
const TOLERATIONS: &str = "spec.tolerations[]";

const BINDING: &[Row] = &[
    ("roleRef.apiGroup", Text("rbac.authorization.k8s.io")),
    ("subjects[].apiGroup", Text("rbac.authorization.k8s.io")),
];

const WEBHOOKS: &[Row] = &[
    ("webhooks[].admissionReviewVersions[]", Text("v1beta1")),
    // Whoever has the certificate writes it here: an operator, or cert-manager.
    ("webhooks[].clientConfig.caBundle", Any),
    ("webhooks[].clientConfig.service.port", Number(443)),
    ("webhooks[].failurePolicy", Text("Fail")),
    ("webhooks[].matchPolicy", Text("Equivalent")),
    ("webhooks[].reinvocationPolicy", Text("Never")),
    ("webhooks[].rules[].scope", Text("*")),
    ("webhooks[].timeoutSeconds", Number(10)),
];

const POLICY: &[Row] = &[
    ("spec.failurePolicy", Text("Fail")),
    ("spec.matchConstraints.matchPolicy", Text("Equivalent")),
    ("spec.matchConstraints.resourceRules[].scope", Text("*")),
    ("spec.matchConstraints.excludeResourceRules[].scope", Text("*")),
];

const POLICY_BINDING: &[Row] = &[
    ("spec.matchResources.matchPolicy", Text("Equivalent")),
    ("spec.matchResources.resourceRules[].scope", Text("*")),
    ("spec.matchResources.excludeResourceRules[].scope", Text("*")),
];
