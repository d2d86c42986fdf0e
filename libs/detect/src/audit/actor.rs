//! Who acts: the kinds of identities that Kubernetes knows, told apart by username.
//!
//! A username is proof only of what the API server authenticated, so trust in the control plane's own
//! identities ends where one of them is used from a shell (see [`Actor::is_trusted_system`]).

use super::client::Client;
use super::event::User;

/// An identity, by what its username says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor<'a> {
    /// No identity: authentication failed.
    Unauthenticated,
    /// `system:anonymous`: no credential was sent, and the API server allows that.
    Anonymous,
    /// A component of the control plane, or the cloud provider's own hand.
    Component(&'a str),
    /// A node's kubelet.
    Node(&'a str),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// A person, or a program with a person's kind of account.
    User(&'a str),
}

/// Service accounts of kube-controller-manager that do what workloads ask for.
const CONTROLLER_SUFFIX: &str = "-controller";

/// Names, or beginnings that end with `:`, of identities that operate clusters.
const COMPONENTS: [&str; 16] = [
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "system:kube-aggregator",
    "system:apiserver",
    "system:aggregator",
    "system:cloud-controller-manager",
    "system:gcp-controller-manager",
    "system:gke-",
    "system:addon-manager",
    "system:konnectivity-server",
    "eks:",
    "aks-",
    "aksService",
    "masterclient",
    "nodeclient",
];

/// Namespaces that belong to the cluster itself.
const SYSTEM_NAMESPACES: [&str; 7] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "gke-system",
    "gke-managed-system",
    "gmp-system",
    "openshift-kube-apiserver",
];

/// Whether a namespace belongs to the cluster itself.
pub(super) fn is_system_namespace(namespace: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&namespace)
}

impl<'a> Actor<'a> {
    /// The actor that a user is.
    pub(super) fn of(user: &'a User<'_>) -> Self {
        let name = &*user.username;
        if name.is_empty() {
            return Self::Unauthenticated;
        }
        if name == "system:anonymous" {
            return Self::Anonymous;
        }
        if let Some(account) = name.strip_prefix("system:serviceaccount:") {
            return match account.split_once(':') {
                Some((namespace, name)) => Self::ServiceAccount { namespace, name },
                None => Self::User(name),
            };
        }
        if let Some(node) = name.strip_prefix("system:node:") {
            return Self::Node(node);
        }
        let of_provider = name.starts_with("container-engine-robot@")
            && name.ends_with(".iam.gserviceaccount.com");
        let component = COMPONENTS.iter().any(|known| {
            if known.ends_with([':', '-']) { name.starts_with(known) } else { name == *known }
        });
        if component || of_provider { Self::Component(name) } else { Self::User(name) }
    }

    /// Whether this is the cluster's own machinery, used as such: a component, a node, or a service
    /// account of `kube-system`, and not through a client that a person would type into.
    pub(super) fn is_trusted_system(self, client: Client) -> bool {
        let own = match self {
            Self::Component(_) | Self::Node(_) => true,
            Self::ServiceAccount { namespace, .. } => namespace == "kube-system",
            Self::Unauthenticated | Self::Anonymous | Self::User(_) => false,
        };
        own && !client.is_by_hand()
    }

    /// Whether this is a controller that creates what some other object asks for, so that its requests
    /// are consequences of somebody else's.
    pub(super) fn is_workload_controller(self) -> bool {
        match self {
            Self::Component(name) => name == "system:kube-controller-manager",
            Self::ServiceAccount { namespace: "kube-system", name } => {
                name.ends_with(CONTROLLER_SUFFIX) || name == "generic-garbage-collector"
            }
            _ => false,
        }
    }

    /// Whether this is a service account outside of `kube-system`.
    pub(super) fn is_workload(self) -> bool {
        matches!(self, Self::ServiceAccount { namespace, .. } if namespace != "kube-system")
    }
}

impl std::fmt::Display for Actor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unauthenticated => f.write_str("A client without a valid credential"),
            Self::Anonymous => f.write_str("An anonymous client"),
            Self::Component(name) => write!(f, "Component {name}"),
            Self::Node(name) => write!(f, "Node {name}"),
            Self::ServiceAccount { namespace, name } => {
                write!(f, "ServiceAccount {namespace}/{name}")
            }
            Self::User(name) => write!(f, "User {name}"),
        }
    }
}
