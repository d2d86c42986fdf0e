//! Signs of a request: the few cheap facts about who asks, how, from where and with what answer, taken
//! once for each event. Rules that look at every request say which signs they need, so that an ordinary
//! request meets none of them.

use airside_k8s::workload::is_custom;

use super::actor::{self, Actor};
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
        let anonymous = request.actor() == Actor::Anonymous;
        let outcome = request.outcome();
        let denied = outcome == Outcome::Forbidden && request.is_denied_by_authorization();
        let signs = [
            (Sign::Anonymous, anonymous),
            (Sign::AnonymousAccess, anonymous && !is_open_to_all(request.path())),
            (Sign::Impersonates, event.impersonated_user.is_some()),
            (Sign::Node, matches!(request.actor(), Actor::Node(_))),
            (Sign::BoundToPod, !event.user.extra.pod_name.is_empty()),
            (Sign::ByHand, client.is_by_hand()),
            (Sign::AttackTool, client == Client::AttackTool),
            (
                Sign::Public,
                request.source_address().is_some_and(|ip| request.profile().is_foreign(ip)),
            ),
            (Sign::Constraint, request.group() == "constraints.gatekeeper.sh"),
            (Sign::Disguised, actor::is_disguised(&event.user)),
            (Sign::Forwarded, event.source_ips.len() > 1),
            (Sign::DebugPath, event.object_ref.is_none() && is_debug(request.path())),
            (Sign::Unauthenticated, outcome == Outcome::Unauthenticated),
            (Sign::Denied, denied),
            (Sign::WritesCustom, writes_custom(request)),
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

/// The resources of Kubernetes itself are known by name; any other may hold pods.
fn writes_custom(request: &Request<'_>) -> bool {
    matches!(request.verb(), "create" | "update" | "patch")
        && request.subresource().is_empty()
        && is_custom(request.group())
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
fn is_debug(path: &str) -> bool {
    path.starts_with("/debug/")
        || path.starts_with("/logs/")
        || matches!(path, "/logs" | "/metrics" | "/configz")
}
