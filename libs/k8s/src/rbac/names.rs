//! Names of roles and bindings that are Kubernetes' own, and the prefixes that are kept for such names.

/// ClusterRoles that every cluster has besides those with a reserved prefix.
const CLUSTER_ROLES: [&str; 4] = ["admin", "cluster-admin", "edit", "view"];

/// Prefixes that Kubernetes, or the cloud that runs it, keeps for its own roles and bindings.
const PREFIXES: [&str; 2] = ["system:", "gce:"];

/// Names that the API server makes at its start.
const OWN: [&str; 32] = [
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
    "system:coredns",
    "system:metrics-server",
];

/// Whether a ClusterRole is one of those without a prefix that the API server makes for people.
pub fn is_default(name: &str) -> bool {
    CLUSTER_ROLES.contains(&name)
}

/// Whether a name has a prefix that is kept for Kubernetes and the cloud that runs it.
pub fn is_reserved(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a reserved name is one of those that Kubernetes is known to use: what the API server makes at its
/// start, its controllers, and add-ons of the project.
pub fn is_known(name: &str) -> bool {
    OWN.contains(&name)
        || name.starts_with("system:controller:")
        || name == "system:aggregated-metrics-reader"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (name, default, reserved, known) in [
            ("view", true, false, false),
            ("system:node", false, true, true),
            ("system:controller:job-controller", false, true, true),
            ("system:evil", false, true, false),
            ("gce:podsecuritypolicy:any", false, true, false),
            ("deployer", false, false, false),
        ] {
            assert_eq!(is_default(name), default, "{name}");
            assert_eq!(is_reserved(name), reserved, "{name}");
            assert_eq!(is_known(name), known, "{name}");
        }
    }
}
