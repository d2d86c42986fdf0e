//! Over which resources a right may lead on. A rule that names none of them is not looked at: most do not, and
//! who takes over the rules of hundreds of ClusterRoles is asked again whenever one of them changes.

use super::starters;
use crate::rbac::Rule;

/// The resources that the powers ask for, in whatever API group, beside those that start pods.
const RESOURCES: [&str; 24] = [
    "azurepodidentityexceptions",
    "certificatesigningrequests",
    "certificatesigningrequests/approval",
    "clusterrolebindings",
    "clusterroles",
    "configmaps",
    "groups",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes/log",
    "nodes/proxy",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods/attach",
    "pods/ephemeralcontainers",
    "pods/exec",
    "pods/log",
    "rolebindings",
    "roles",
    "secrets",
    "serviceaccounts",
    "serviceaccounts/token",
    "signers",
    "users",
];

/// Whether a rule is over anything by which somebody may get on, for all that its resources say.
pub(in crate::graph) fn may_lead_on(rule: &Rule<'_>) -> bool {
    rule.list("resources").any(|(_, given)| {
        given == "*"
            || given.starts_with("*/")
            || RESOURCES.contains(&given)
            || starters::are_started_by(given)
    })
}
