//! Signs of a request: the few cheap facts about who asks, how, from where and with what answer, taken
//! once for each event. Rules that look at every request say which signs they need, so that an ordinary
//! request meets none of them.

use airside_k8s::workload::is_custom;

use super::actor;
use super::actor::Actor;
use super::client::Client;
use super::request::{Outcome, Request};

/// One sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// No credential was sent.
    Anonymous,
    /// No credential was sent, and what was asked for is not open to everybody.
    AnonymousAccess,
    /// The client acts as another user.
    Impersonates,
    /// A node's credential.
    Node,
    /// The token is bound to a pod.
    BoundToPod,
    /// A person's tool, a script's, or an attacker's.
    ByHand,
    /// A tool that is made for attacking clusters.
    AttackTool,
    /// The lease by which a component of the control plane has one leader is written.
    LeaderLease,
    /// A constraint of Gatekeeper, each of which is a resource of its own.
    Constraint,
    /// The name of a service account or node, without what comes with it.
    Disguised,
    /// The client's address belongs to the internet, and not to the cluster.
    Public,
    /// The client, or a proxy, named further addresses.
    Forwarded,
    /// A path of no resource that shows the control plane's insides.
    DebugPath,
    /// Authentication failed.
    Unauthenticated,
    /// Authorization refused it; refusals by admission do not count.
    Denied,
    /// Writes an object of a custom resource, itself.
    WritesCustom,
    /// Writes the status of a node, which is not its own.
    NodeStatus,
}

/// A set of signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs(u32);

impl Signs {
    /// The set of some signs.
    pub(super) fn all(signs: &[Sign]) -> Self {
        Self(signs.iter().fold(0, |set, sign| set | 1 << *sign as u32))
    }

    /// The signs that a request has.
    pub(super) fn of(request: &Request<'_>) -> Self {
        let (event, client) = (request.event(), request.client());
        // Kinds of actors cost more to tell apart than these two.
        let name = &*event.user.username;
        let anonymous =
            name == "system:anonymous" || actor::is_member(&event.user, "system:unauthenticated");
        let is_of_system = name.starts_with("system:");
        let node = is_of_system && matches!(request.actor(), Actor::Node(_));
        let outcome = request.outcome();
        let denied = outcome == Outcome::Forbidden && request.is_denied_by_authorization();
        let signs = [
            (Sign::Anonymous, anonymous),
            (Sign::AnonymousAccess, anonymous && !is_open_to_all(request.path())),
            (Sign::Impersonates, event.impersonated_user.is_some()),
            (Sign::Node, node),
            (Sign::BoundToPod, !event.user.extra.pod_name.is_empty()),
            (Sign::ByHand, client.is_by_hand()),
            (Sign::AttackTool, client == Client::AttackTool),
            (
                Sign::Public,
                request.source_address().is_some_and(|ip| request.profile().is_foreign(ip)),
            ),
            (Sign::LeaderLease, is_leader_lease(request)),
            (Sign::Constraint, request.group() == "constraints.gatekeeper.sh"),
            (Sign::Disguised, is_of_system && actor::is_disguised(&event.user)),
            (Sign::Forwarded, event.source_ips.len() > 1),
            (Sign::DebugPath, request.target().is_none() && is_debug(&event.request_uri)),
            (Sign::Unauthenticated, outcome == Outcome::Unauthenticated),
            (Sign::Denied, denied),
            (Sign::WritesCustom, writes_custom(request)),
            (Sign::NodeStatus, writes_status_of_node(request)),
        ];
        Self(
            signs
                .iter()
                .fold(0, |set, (sign, is_there)| set | u32::from(*is_there) << *sign as u32),
        )
    }

    /// Whether all of the other set's signs are there.
    pub(super) fn has(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }
}

/// Its kubelet tells it all day.
fn writes_status_of_node(request: &Request<'_>) -> bool {
    let writes = matches!(request.verb(), "update" | "patch");
    // Longhorn has nodes as well.
    let is_node = request.resource() == "nodes" && request.group().is_empty();
    let is_status = writes && is_node && request.subresource() == "status";
    let user = &request.event().user.username;
    is_status && user.strip_prefix("system:node:") != Some(request.name())
}

/// The resources of Kubernetes itself are known by name; any other may hold pods.
fn writes_custom(request: &Request<'_>) -> bool {
    matches!(request.verb(), "create" | "update" | "patch")
        && request.subresource().is_empty()
        && is_custom(request.group())
}

/// Whether a lease of the control plane's components is written: most writes of a cluster renew other leases.
fn is_leader_lease(request: &Request<'_>) -> bool {
    const LEADERS: [&str; 4] = [
        "kube-controller-manager",
        "kube-scheduler",
        "cloud-controller-manager",
        "apiserver-lease",
    ];
    request.resource() == "leases"
        && request.namespace() == "kube-system"
        && !matches!(request.verb(), "get" | "list" | "watch")
        && LEADERS.contains(&request.name())
}

/// Paths that Kubernetes opens to everybody: discovery of itself and its health.
fn is_open_to_all(path: &str) -> bool {
    const EXACT: [&str; 7] = ["/", "/api", "/apis", "/healthz", "/livez", "/readyz", "/version"];
    const BELOW: [&str; 6] =
        ["/healthz/", "/livez/", "/readyz/", "/version/", "/openid/", "/.well-known/"];
    EXACT.contains(&path)
        || BELOW.iter().any(|prefix| path.starts_with(prefix))
        // kubeadm lets nodes that join find the cluster.
        || path == "/api/v1/namespaces/kube-public/configmaps/cluster-info"
}

/// Logs, profiles and flags of the control plane.
fn is_debug(uri: &str) -> bool {
    let is_at = |path: &str| {
        let rest = uri.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    uri.starts_with("/debug/") || ["/logs", "/metrics", "/configz"].into_iter().any(is_at)
}
