//! Who acts: the kinds of identities that Kubernetes knows, told apart by username.
//!
//! A username is proof only of what the API server authenticated. [`Actor::verified`] asks the groups too;
//! what an identity is trusted with is [`super::machinery`]'s.

use super::event::User;
use super::machinery;
use crate::profile::ClusterProfile;
use crate::split::split_once;

/// An identity, by what its username says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor<'a> {
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

impl<'a> Actor<'a> {
    /// The actor that a user is.
    pub(crate) fn of(user: &'a User<'_>) -> Self {
        let name = &*user.username;
        if name.is_empty() {
            return Self::Unauthenticated;
        }
        if name == "system:anonymous" || is_member(user, "system:unauthenticated") {
            return Self::Anonymous;
        }
        if let Some(account) = name.strip_prefix("system:serviceaccount:") {
            return match split_once(account, b':') {
                Some((namespace, name)) => Self::ServiceAccount { namespace, name },
                None => Self::User(name),
            };
        }
        if let Some(node) = name.strip_prefix("system:node:") {
            return Self::Node(node);
        }
        if machinery::is_component(name, None) { Self::Component(name) } else { Self::User(name) }
    }

    /// The actor as far as what else is known bears the username out: the groups that the API server gives
    /// to service accounts and nodes, how the client authenticated, and who runs the cluster. An identity
    /// that only has the name is a user like any other. Events without groups (GKE's) prove nothing.
    pub(crate) fn verified(user: &'a User<'_>, profile: &ClusterProfile) -> Self {
        let actor = Self::of(user);
        if actor.is_borne_out(user, profile) { actor } else { Self::User(&user.username) }
    }

    fn is_borne_out(self, user: &User<'_>, profile: &ClusterProfile) -> bool {
        let in_group = |wanted: &str| user.groups.is_empty() || is_member(user, wanted);
        match self {
            Self::Node(_) => in_group("system:nodes"),
            Self::ServiceAccount { namespace, .. } => {
                let group = "system:serviceaccounts:";
                let is_own = |given: &str| given.strip_prefix(group) == Some(namespace);
                // The authenticator of tokens gives the group; certificates name what their owner asked for.
                let by_certificate = user.extra.credential_id.starts_with("X509SHA256=");
                let has_group = user.groups.iter().any(|given| is_own(given));
                !by_certificate && (user.groups.is_empty() || has_group)
            }
            Self::Component(name) => machinery::is_component(name, Some(profile)),
            Self::Unauthenticated | Self::Anonymous | Self::User(_) => true,
        }
    }

    /// Whether this is a controller that creates what some other object asks for, so that its requests
    /// are consequences of somebody else's.
    pub(crate) fn is_workload_controller(self) -> bool {
        const MAKERS: [&str; 8] = [
            "cronjob-controller",
            "daemon-set-controller",
            "deployment-controller",
            "generic-garbage-collector",
            "job-controller",
            "replicaset-controller",
            "replication-controller",
            "statefulset-controller",
        ];
        match self {
            Self::Component(name) => name == "system:kube-controller-manager",
            Self::ServiceAccount { namespace: "kube-system", name } => MAKERS.contains(&name),
            _ => false,
        }
    }

    /// Whether this is a gateway's service account, which passes people's requests on and says whose each is: Rancher's, GKE
    /// Connect's, Azure Arc's, Teleport's.
    pub(crate) fn is_gateway(self) -> bool {
        const NAMESPACES: [&str; 5] = [
            "azure-arc",
            "cattle-impersonation-system",
            "gke-connect",
            "teleport",
            "teleport-agent",
        ];
        matches!(self, Self::ServiceAccount { namespace, .. } if NAMESPACES.contains(&namespace))
    }

    /// Whether this is a service account that pods run as: any but those of the controllers of
    /// kube-controller-manager.
    pub(crate) fn is_workload(self) -> bool {
        matches!(self, Self::ServiceAccount { namespace, name } if !machinery::is_controller(namespace, name))
    }
}

/// Whether the API server, or who authenticated for it, put a user into a group.
pub(crate) fn is_member(user: &User<'_>, group: &str) -> bool {
    user.groups.iter().any(|given| given == group)
}

/// Whether an identity has the name of a service account or node, and something that these never have:
/// the group of the cluster's masters, or not their own groups.
pub(crate) fn is_disguised(user: &User<'_>) -> bool {
    let actor = Actor::of(user);
    let is_machine = matches!(actor, Actor::Node(_) | Actor::ServiceAccount { .. });
    is_machine
        && (!actor.is_borne_out(user, ClusterProfile::unknown())
            || is_member(user, "system:masters"))
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
