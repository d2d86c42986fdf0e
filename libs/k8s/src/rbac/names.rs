//! Names of roles and bindings that are Kubernetes' own, and the prefixes that are kept for such names.

/// ClusterRoles for people that every cluster has, and that may run commands in pods.
const POWERFUL: [&str; 3] = ["admin", "cluster-admin", "edit"];

/// Prefixes that Kubernetes, or the cloud that runs it, keeps for its own roles and bindings.
const PREFIXES: [&str; 2] = ["system:", "gce:"];

/// Names that the API server makes at its start.
const OWN: [&str; 30] = [
    "system:aggregate-to-admin",
    "system:aggregate-to-edit",
    "system:aggregate-to-view",
    "system:auth-delegator",
    "system:basic-user",
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    "system:certificates.k8s.io:kube-apiserver-client-approver",
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
    "system:certificates.k8s.io:kubelet-serving-approver",
    "system:certificates.k8s.io:legacy-unknown-approver",
    "system:discovery",
    "system:heapster",
    "system:kube-aggregator",
    "system:kube-controller-manager",
    "system:kube-dns",
    "system:kube-scheduler",
    "system:kubelet-api-admin",
    "system:monitoring",
    "system:node",
    "system:node-bootstrapper",
    "system:node-problem-detector",
    "system:node-proxier",
    "system:persistent-volume-provisioner",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
    "system:volume-scheduler",
    "system::extension-apiserver-authentication-reader",
    "system::leader-locking-kube-controller-manager",
    "system::leader-locking-kube-scheduler",
];

/// Names that the API server makes at its start without a prefix.
const OWN_WITHOUT_PREFIX: [&str; 5] =
    ["admin", "cluster-admin", "edit", "extension-apiserver-authentication-reader", "view"];

/// The controllers of the controller manager, each with a service account of its name and a role
/// `system:controller:NAME`.
const CONTROLLERS: [&str; 53] = [
    "attachdetach-controller",
    "bootstrap-signer",
    "certificate-controller",
    "cloud-provider",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "ephemeral-volume-controller",
    "expand-controller",
    "generic-garbage-collector",
    "glbc",
    "horizontal-pod-autoscaler",
    "job-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher",
    "kube-controller-manager",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "node-ipam-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "podcertificaterequestcleaner",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resource-claim-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "route-controller",
    "selinux-warning-controller",
    "service-account-controller",
    "service-cidrs-controller",
    "service-controller",
    "statefulset-controller",
    "storage-version-garbage-collector",
    "storage-version-migrator-controller",
    "storageversion-garbage-collector",
    "taint-eviction-controller",
    "token-cleaner",
    "tokens-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "vac-protection-controller",
    "volumeattributesclass-protection-controller",
    "volume-expand-controller",
];

/// Names with a prefix that add-ons of the Kubernetes project use.
const ADD_ONS: [&str; 3] =
    ["system:aggregated-metrics-reader", "system:coredns", "system:metrics-server"];

/// Whether a ClusterRole is one of those for people that every cluster has with the right to run commands in
/// pods.
pub fn is_powerful_default(name: &str) -> bool {
    POWERFUL.contains(&name)
}

/// Whether a name has a prefix that is kept for Kubernetes and the cloud that runs it.
pub fn is_reserved(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a reserved name is used by the Kubernetes project: by the API server or by an add-on.
pub fn is_known(name: &str) -> bool {
    OWN.contains(&name) || name.starts_with("system:controller:") || ADD_ONS.contains(&name)
}

/// Whether the controller manager has a controller of this name.
pub fn is_controller(name: &str) -> bool {
    CONTROLLERS.contains(&name)
}

/// Whether the API server makes a role or binding of this name at its start.
pub fn is_default(name: &str) -> bool {
    let controller = name.strip_prefix("system:controller:");
    OWN.contains(&name)
        || OWN_WITHOUT_PREFIX.contains(&name)
        || controller.is_some_and(is_controller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (name, powerful, reserved, known) in [
            ("edit", true, false, false),
            ("view", false, false, false),
            ("system:node", false, true, true),
            ("system:controller:job-controller", false, true, true),
            ("system:coredns", false, true, true),
            ("system:evil", false, true, false),
            ("gce:podsecuritypolicy:any", false, true, false),
            ("deployer", false, false, false),
        ] {
            assert_eq!(is_powerful_default(name), powerful, "{name}");
            assert_eq!(is_reserved(name), reserved, "{name}");
            assert_eq!(is_known(name), known, "{name}");
        }
    }
}
