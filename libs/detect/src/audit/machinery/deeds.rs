//! Who of the machinery is known to do what. Sources: the bootstrap policy of `k8s.io/kubernetes`
//! (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy`), and the documentation of the providers.

use airside_k8s::Value;
use airside_k8s::rbac::names;

use crate::audit::actor::Actor;
use crate::audit::body::{at, items, text};
use crate::audit::request::Request;
use crate::profile::Provider;

/// Something that an identity is known to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed {
    verbs: &'static [&'static str],
    /// Plurals, with the subresource if there is one. `*` is everything that is not [`GUARDED`].
    resources: &'static [&'static str],
    place: Place,
}

/// Where, or to which objects.
#[derive(Debug, Clone, Copy)]
enum Place {
    Anywhere,
    /// To objects in some namespace, so not to what has none.
    InNamespaces,
    /// In the namespaces of the cluster itself.
    InSystemNamespaces,
    /// To the node that asks.
    OwnNode,
    /// To objects of these names.
    Named(&'static [&'static str]),
    /// To objects with names that the API server gives to what it makes at its start.
    OfBootstrap,
    /// To objects that belong to another one, as far as the event shows the object.
    Owned,
    /// To the mirrors of static pods, as far as the event shows the pod.
    Mirrors,
    /// Of accounts of pods, to be bound to the pod, as far as the event shows it.
    BoundToPod,
    /// To roles that gather the rules of others, as far as the event shows the role; never to those of components.
    Gathering,
}

/// What decides about everything else, so that no deed means it without naming it.
const GUARDED: [&str; 18] = [
    "apiservices",
    "certificatesigningrequests",
    "clusterpolicies",
    "clusterrolebindings",
    "clusterroles",
    "customresourcedefinitions",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes",
    "rolebindings",
    "roles",
    "secrets",
    "serviceaccounts",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

impl Deed {
    /// Whether a request is this.
    pub(super) fn is(&self, request: &Request<'_>) -> bool {
        self.verbs.contains(&request.verb())
            && self.resources.iter().any(|known| is_of(request, known))
            && self.place.has(request)
    }
}

fn is_of(request: &Request<'_>, known: &str) -> bool {
    let (resource, subresource) = (request.resource(), request.subresource());
    match known.split_once('/') {
        None if known == "*" => subresource.is_empty() && !GUARDED.contains(&resource),
        None => subresource.is_empty() && known == resource,
        Some(("*", below)) => subresource == below,
        Some((whole, below)) => resource == whole && subresource == below,
    }
}

impl Place {
    fn has(self, request: &Request<'_>) -> bool {
        match self {
            Self::Anywhere => true,
            Self::InNamespaces => !request.namespace().is_empty(),
            Self::InSystemNamespaces => request.is_in_system_namespace(),
            Self::OwnNode => request.actor() == Actor::Node(request.name()),
            Self::Named(names) => names.contains(&request.name()),
            Self::OfBootstrap => names::is_default(request.name()),
            Self::Owned => shows(request, |meta| !items(meta, "ownerReferences").is_empty()),
            Self::Mirrors => shows(request, |meta| {
                at(meta, &["annotations"]).get("kubernetes.io/config.mirror").is_some()
            }),
            Self::BoundToPod => {
                let body = request.body();
                !body.is_object() || text(at(body, &["spec", "boundObjectRef"]), "kind") == "Pod"
            }
            Self::Gathering => {
                let gathers = |role: &Value| role.get("aggregationRule").is_some();
                !names::is_reserved(request.name()) && request.change().after().is_none_or(gathers)
            }
        }
    }
}

/// Whether the metadata of the object that a request brings has something; also where the event has no object.
fn shows(request: &Request<'_>, has: impl Fn(&Value) -> bool) -> bool {
    let body = request.body();
    !body.is_object() || has(at(body, &["metadata"]))
}

type Verbs = &'static [&'static str];
type Resources = &'static [&'static str];

const READ: Verbs = &["get", "list", "watch"];
const WRITE: Verbs = &["create", "update", "patch", "delete"];
const MODIFY: Verbs = &["update", "patch"];
const CREATE: Verbs = &["create"];
const DELETE: Verbs = &["delete", "deletecollection"];
const ROLES: Resources = &["roles", "clusterroles", "rolebindings", "clusterrolebindings"];
const NODES: Resources = &["nodes", "nodes/status"];
const VOLUMES: Resources = &["persistentvolumes", "persistentvolumeclaims", "volumeattachments"];

const fn anywhere(verbs: Verbs, resources: Resources) -> Deed {
    Deed { verbs, resources, place: Place::Anywhere }
}

const fn within(place: Place, verbs: Verbs, resources: Resources) -> Deed {
    Deed { verbs, resources, place }
}

/// Kubelets. What a kubelet may read is what its pods use; the node authorizer sees to that.
pub(super) const NODE: &[Deed] = &[
    within(Place::InNamespaces, READ, &["secrets"]),
    within(Place::Mirrors, CREATE, &["pods"]),
    anywhere(&["update", "patch", "delete"], &["pods", "pods/status"]),
    anywhere(CREATE, &["pods/eviction", "certificatesigningrequests"]),
    within(Place::BoundToPod, CREATE, &["serviceaccounts/token"]),
    within(Place::OwnNode, WRITE, NODES),
];

/// The controllers of kube-controller-manager, each with a service account of its own.
pub(super) const CONTROLLERS: &[(&str, &[Deed])] = &[
    ("attachdetach-controller", &[anywhere(WRITE, VOLUMES), anywhere(MODIFY, NODES)]),
    ("bootstrap-signer", TOKENS_OF_BOOTSTRAP),
    (
        "certificate-controller",
        &[
            anywhere(MODIFY, &["certificatesigningrequests/approval"]),
            anywhere(DELETE, &["certificatesigningrequests"]),
        ],
    ),
    ("clusterrole-aggregation-controller", &[within(Place::Gathering, MODIFY, &["clusterroles"])]),
    (
        "cronjob-controller",
        &[within(Place::Owned, CREATE, &["jobs"]), anywhere(CHANGE_OR_DELETE, &["jobs", "pods"])],
    ),
    ("daemon-set-controller", MAKES_PODS),
    (
        "deployment-controller",
        &[
            within(Place::Owned, CREATE, &["replicasets"]),
            anywhere(CHANGE_OR_DELETE, &["replicasets", "pods"]),
        ],
    ),
    ("device-taint-eviction-controller", &[anywhere(DELETE, &["pods"])]),
    ("endpoint-controller", &[anywhere(WRITE, ENDPOINTS)]),
    ("endpointslice-controller", &[anywhere(WRITE, ENDPOINTS)]),
    ("endpointslicemirroring-controller", &[anywhere(WRITE, ENDPOINTS)]),
    ("ephemeral-volume-controller", &[anywhere(WRITE, VOLUMES)]),
    ("expand-controller", &[anywhere(WRITE, VOLUMES), anywhere(&["get"], &["secrets"])]),
    (
        "generic-garbage-collector",
        &[
            anywhere(READ, &["secrets"]),
            within(Place::InNamespaces, &["delete"], &["*", "secrets", "serviceaccounts"]),
            within(Place::InNamespaces, &["delete"], &["roles", "rolebindings"]),
        ],
    ),
    ("horizontal-pod-autoscaler", &[anywhere(MODIFY, &["*/scale"])]),
    ("job-controller", MAKES_PODS),
    (
        "legacy-service-account-token-cleaner",
        &[anywhere(READ, &["secrets"]), anywhere(WRITE, &["secrets"])],
    ),
    (
        "namespace-controller",
        &[
            within(Place::InNamespaces, READ, &["secrets"]),
            within(
                Place::InNamespaces,
                DELETE,
                &["*", "secrets", "serviceaccounts", "roles", "rolebindings"],
            ),
            anywhere(&["update", "delete"], &["namespaces", "namespaces/finalize"]),
        ],
    ),
    ("node-controller", &[anywhere(WRITE, NODES), anywhere(DELETE, &["pods"])]),
    ("node-ipam-controller", &[anywhere(MODIFY, NODES)]),
    (
        "persistent-volume-binder",
        &[anywhere(WRITE, VOLUMES), anywhere(&["get"], &["secrets"]), anywhere(&["delete"], PODS)],
    ),
    ("pod-garbage-collector", &[anywhere(DELETE, &["pods"]), anywhere(MODIFY, &["pods/status"])]),
    ("pv-protection-controller", &[anywhere(MODIFY, VOLUMES)]),
    ("pvc-protection-controller", &[anywhere(MODIFY, VOLUMES)]),
    ("replicaset-controller", MAKES_PODS),
    ("replication-controller", MAKES_PODS),
    ("resourcequota-controller", &[anywhere(&["list", "watch"], &["secrets"])]),
    (
        "root-ca-cert-publisher",
        &[within(Place::Named(&["kube-root-ca.crt"]), WRITE, &["configmaps"])],
    ),
    ("route-controller", &[anywhere(MODIFY, NODES)]),
    (
        "service-account-controller",
        &[within(Place::Named(&["default"]), CREATE, &["serviceaccounts"])],
    ),
    ("service-controller", &[anywhere(MODIFY, &["services", "services/status"])]),
    ("statefulset-controller", MAKES_PODS),
    ("statefulset-controller", &[anywhere(WRITE, VOLUMES)]),
    ("taint-eviction-controller", &[anywhere(DELETE, &["pods"])]),
    ("token-cleaner", TOKENS_OF_BOOTSTRAP),
    ("ttl-after-finished-controller", &[anywhere(DELETE, &["jobs"])]),
    ("ttl-controller", &[anywhere(MODIFY, NODES)]),
];

const PODS: Resources = &["pods", "controllerrevisions"];
const CHANGE_OR_DELETE: Verbs = &["update", "patch", "delete", "deletecollection"];
const ENDPOINTS: Resources = &["endpoints", "endpointslices"];

const MAKES_PODS: &[Deed] = &[within(Place::Owned, CREATE, PODS), anywhere(CHANGE_OR_DELETE, PODS)];

const TOKENS_OF_BOOTSTRAP: &[Deed] = &[
    within(Place::InSystemNamespaces, READ, &["secrets"]),
    within(Place::InSystemNamespaces, DELETE, &["secrets"]),
    within(Place::Named(&["cluster-info"]), WRITE, &["configmaps"]),
];

const KEPT_BY_API_SERVER: &[&str] =
    &["extension-apiserver-authentication", "kube-apiserver-legacy-service-account-token-tracking"];

/// Components of Kubernetes, by username.
pub(super) const COMPONENTS: &[(&str, &[Deed])] = &[
    (
        "system:apiserver",
        &[
            anywhere(&["list", "watch"], &["secrets"]),
            anywhere(WRITE, &["apiservices"]),
            within(Place::OfBootstrap, WRITE, ROLES),
            within(Place::Named(KEPT_BY_API_SERVER), WRITE, &["configmaps"]),
            within(
                Place::Named(&["default", "kube-system", "kube-public", "kube-node-lease"]),
                CREATE,
                &["namespaces"],
            ),
            within(Place::Named(&["kubernetes"]), WRITE, &["services", "endpoints"]),
            within(Place::Named(&["kubernetes"]), WRITE, &["endpointslices"]),
        ],
    ),
    ("system:aggregator", &[]),
    // K3s and RKE2; what OpenShift runs outside of its clusters.
    ("k3s-cloud-controller-manager", CLOUD_UPKEEP),
    ("rke2-cloud-controller-manager", CLOUD_UPKEEP),
    ("system:hosted-cluster-config", &[]),
    ("system:k3s-controller", &[]),
    ("system:k3s-supervisor", &[]),
    ("system:rke2-controller", &[]),
    ("system:rke2-supervisor", &[]),
    ("system:cloud-controller-manager", CLOUD_UPKEEP),
    ("system:konnectivity-server", &[]),
    ("system:kube-aggregator", &[]),
    (
        "system:kube-controller-manager",
        &[
            within(
                Place::InSystemNamespaces,
                CREATE,
                &["serviceaccounts", "serviceaccounts/token"],
            ),
            anywhere(WRITE, &["secrets"]),
            anywhere(READ, &["secrets"]),
        ],
    ),
    ("system:kube-proxy", &[]),
    (
        "system:kube-scheduler",
        &[anywhere(CREATE, &["pods/binding", "pods/eviction"]), anywhere(DELETE, &["pods"])],
    ),
];

/// What keeps a provider's add-ons up to date is known to write.
pub(super) const ADD_ONS: &[Deed] = &[
    within(
        Place::InSystemNamespaces,
        WRITE,
        &["configmaps", "daemonsets", "deployments", "services", "serviceaccounts"],
    ),
    within(Place::InSystemNamespaces, WRITE, &["poddisruptionbudgets", "roles", "rolebindings"]),
];

/// What connects the cluster to its cloud does.
const CLOUD_UPKEEP: &[Deed] =
    &[anywhere(WRITE, NODES), anywhere(MODIFY, &["services", "services/status"])];

/// What a provider's component does with nodes that it takes out of service.
const NODE_UPKEEP: &[Deed] =
    &[anywhere(WRITE, NODES), anywhere(CREATE, &["pods/eviction"]), anywhere(DELETE, &["pods"])];

const APPROVAL: &[Deed] = &[anywhere(MODIFY, &["certificatesigningrequests/approval"])];

/// Components of providers: whose, the username or its beginning, what they do.
pub(super) const PROVIDERS: &[(Provider, &str, &[Deed])] = &[
    (Provider::Eks, "eks:node-manager", NODE_UPKEEP),
    (Provider::Eks, "eks:certificate-controller", APPROVAL),
    (Provider::Eks, "eks:fargate-manager", NODE_UPKEEP),
    (Provider::Eks, "eks:cloud-controller-manager", NODE_UPKEEP),
    (Provider::Eks, "eks:vpc-resource-controller", NODE_UPKEEP),
    (
        Provider::Eks,
        "eks:kms-storage-migrator",
        &[anywhere(READ, &["secrets"]), anywhere(MODIFY, &["secrets"])],
    ),
    (Provider::Gke, "system:gcp-controller-manager", NODE_UPKEEP),
    (Provider::Gke, "system:gcp-controller-manager", APPROVAL),
    (Provider::Gke, "system:gke-", NODE_UPKEEP),
    (Provider::Aks, "aksService", NODE_UPKEEP),
    (Provider::Aks, "masterclient", NODE_UPKEEP),
    (Provider::Aks, "nodeclient", &[anywhere(CREATE, &["certificatesigningrequests"])]),
];
