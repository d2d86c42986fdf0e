//! Signs of a request: the few cheap facts about who asks, how, from where and with what answer, taken
//! once for each event. Rules that look at every request say which signs they need, so that an ordinary
//! request meets none of them.

use super::client::Client;
use super::request::{Outcome, Request};
use crate::address::is_public;

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
    /// The address that the API server saw belongs to the internet.
    Public,
    /// The client, or a proxy, named further addresses.
    Forwarded,
    /// A path of no resource that shows the control plane's insides.
    DebugPath,
    /// Authentication failed.
    Unauthenticated,
    /// Authorization refused it; refusals by admission do not count.
    Denied,
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
        let anonymous = event.user.username == "system:anonymous";
        let node = event.user.username.starts_with("system:node:");
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
            (Sign::Public, event.source_address().is_some_and(is_public)),
            (Sign::Forwarded, event.source_ips.len() > 1),
            (Sign::DebugPath, event.object_ref.is_none() && is_debug(&event.request_uri)),
            (Sign::Unauthenticated, outcome == Outcome::Unauthenticated),
            (Sign::Denied, denied),
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
    let after_logs = uri.strip_prefix("/logs");
    uri.starts_with("/debug/")
        || after_logs.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}
