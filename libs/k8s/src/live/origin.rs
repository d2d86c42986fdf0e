//! Which live objects somebody applied, and which the cluster made.

use crate::object::Object;
use crate::rbac;
use crate::rbac::names;
use crate::value::Value;

/// The annotation by which the control plane owns a flow schema or priority level.
const OWNED_BY_API_SERVER: &str = "apf.kubernetes.io/autoupdate-spec";
/// The label of roles and bindings that the API server makes at its start.
const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";
/// The namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
/// ConfigMaps that the control plane writes, by namespace and name.
const CONFIG_MAPS: [(&str, &str); 4] = [
    ("kube-public", "cluster-info"),
    ("kube-system", "cluster-info"),
    ("kube-system", "extension-apiserver-authentication"),
    ("kube-system", "kube-apiserver-legacy-service-account-token-tracking"),
];

/// Who made a live object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Somebody, by a manifest or a command.
    Applied,
    /// A controller, for another object: what is to be said of it is said of its owner.
    Owned,
    /// The cluster itself: it exists in every cluster, or tells of nodes and addresses.
    Cluster,
}

impl Origin {
    /// The origin of an object, by its own fields alone.
    pub fn of(object: &Object<'_>) -> Self {
        match controller(object) {
            // Nodes show the static pods that they run from files of their own. Whoever writes such a file has
            // a pod that went past every gate.
            Some(("Node", _)) if is_of_the_control_plane(object) => Self::Cluster,
            Some(("Node", _)) => Self::Applied,
            Some(_) => Self::Owned,
            None if is_of_a_service(object) => Self::Owned,
            None if is_of_the_cluster(object) => Self::Cluster,
            None => Self::Applied,
        }
    }
}

/// Whether an object is a copy of what its owner's specification says, such as a Deployment's pods: judging it
/// would say the same again. What operators make for their own kinds is no copy.
pub fn is_a_copy(object: &Object<'_>) -> bool {
    let from_template = matches!(
        (object.group(), object.kind()),
        ("", "Pod") | ("apps", "ReplicaSet" | "ControllerRevision") | ("batch", "Job")
    );
    let of_workload = |(kind, group): (&str, &str)| {
        matches!((group, kind), ("apps" | "batch", _) | ("", "ReplicationController"))
            || object.kind() == "ReplicaSet" && group == "argoproj.io"
    };
    from_template && controller(object).is_some_and(of_workload) || is_of_a_service(object)
}

/// The kind and group of the object that controls this one.
fn controller<'a>(object: &Object<'a>) -> Option<(&'a str, &'a str)> {
    let owners = object.metadata()?.get("ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|it| it.get("controller") == Some(&Value::Bool(true)))?;
    let version = owner.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Some((owner.get("kind").and_then(Value::as_str).unwrap_or_default(), group))
}

/// Whether an object lists the addresses behind a service.
fn is_of_a_service(object: &Object<'_>) -> bool {
    let made_by_controller = |key: &str| {
        object.annotations().is_some_and(|it| it.contains_key(key))
            || object.labels().is_some_and(|it| it.contains_key(key))
    };
    match (object.group(), object.kind()) {
        ("", "Endpoints") => {
            made_by_controller("endpoints.kubernetes.io/last-change-trigger-time")
                || (object.namespace(), object.name()) == (Some("default"), "kubernetes")
        }
        ("discovery.k8s.io", "EndpointSlice") => {
            made_by_controller("endpointslice.kubernetes.io/managed-by")
                || (object.namespace(), object.name()) == (Some("default"), "kubernetes")
        }
        _ => false,
    }
}

/// Whether an object is part of Kubernetes itself, and is as it was made: what there is to say of it is to be said
/// of Kubernetes.
pub fn is_kubernetes_own(object: &Object<'_>) -> bool {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name());
    let annotated = |key: &str| object.annotations().is_some_and(|it| it.contains_key(key));
    let labelled = |key: &str| object.labels().is_some_and(|it| it.contains_key(key));
    match (object.group(), object.kind()) {
        (rbac::GROUP, _) => {
            labelled(BOOTSTRAPPING) && names::is_default(name) && is_as_it_was_made(object)
        }
        ("", "ServiceAccount") => namespace == "kube-system" && names::is_controller(name),
        ("flowcontrol.apiserver.k8s.io", _) => {
            annotated(OWNED_BY_API_SERVER) || is_flow_control(name)
        }
        ("scheduling.k8s.io", "PriorityClass") => {
            matches!(name, "system-cluster-critical" | "system-node-critical")
        }
        ("apiregistration.k8s.io", "APIService") => {
            labelled("kube-aggregator.kubernetes.io/automanaged")
        }
        _ => false,
    }
}

/// What exists in every cluster, or tells of what there is, without a manifest.
fn is_of_the_cluster(object: &Object<'_>) -> bool {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name());
    let annotated = |key: &str| object.annotations().is_some_and(|it| it.contains_key(key));
    match (object.group(), object.kind()) {
        ("", "Node" | "ComponentStatus")
        | ("storage.k8s.io", "CSINode" | "CSIStorageCapacity" | "VolumeAttachment")
        | ("networking.k8s.io", "IPAddress" | "ServiceCIDR")
        | ("certificates.k8s.io", "CertificateSigningRequest") => true,
        ("", "Namespace") => NAMESPACES.contains(&name),
        ("", "Service") => (namespace, name) == ("default", "kubernetes"),
        ("", "ServiceAccount") if name == "default" => true,
        ("", "ConfigMap") => name == "kube-root-ca.crt" || CONFIG_MAPS.contains(&(namespace, name)),
        // The token of a service account, from before tokens were bound to pods.
        ("", "Secret") => annotated("kubernetes.io/service-account.uid"),
        ("", "PersistentVolume") => annotated("pv.kubernetes.io/provisioned-by"),
        _ => is_kubernetes_own(object),
    }
}

/// Whether a static pod is one of those that make a cluster.
fn is_of_the_control_plane(pod: &Object<'_>) -> bool {
    const COMPONENTS: [&str; 5] =
        ["etcd-", "kube-apiserver-", "kube-controller-manager-", "kube-proxy-", "kube-scheduler-"];
    let name = pod.name();
    pod.namespace() == Some("kube-system") && COMPONENTS.iter().any(|it| name.starts_with(it))
}

/// Whether nobody but the control plane has written an object. Managers name themselves, so this tells honest
/// changes; the audit log tells the others.
fn is_as_it_was_made(object: &Object<'_>) -> bool {
    const CONTROL_PLANE: [&str; 2] = ["kube-apiserver", "kube-controller-manager"];
    let managers = object.metadata().and_then(|metadata| metadata.get("managedFields")?.as_array());
    managers.into_iter().flatten().all(|it| {
        let name = it.get("manager").and_then(Value::as_str);
        name.is_some_and(|name| CONTROL_PLANE.contains(&name))
    })
}

/// Names of flow schemas and priority levels that the API server makes; old ones do not mark them.
fn is_flow_control(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "catch-all",
        "endpoint-controller",
        "exempt",
        "global-default",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-system-service-accounts",
        "leader-election",
        "node-high",
        "probes",
        "service-accounts",
        "workload-high",
        "workload-low",
    ];
    name.starts_with("system") || name == "workload-leader-election" || NAMES.contains(&name)
}
