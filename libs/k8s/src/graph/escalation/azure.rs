//! Pods that AAD Pod Identity lets ask for the identity of their node.
//!
//! Where that is installed (it has been given up since, and still runs), it stands between pods and the cloud,
//! but for pods that an AzurePodIdentityException selects. The identity of an AKS node may fetch the
//! credentials of the cluster's administrator, who is bound by a name of AKS' own.

use super::Reach;
use super::powers::{Held, Holding};
use super::starters::{WRITE, starts_pods};
use crate::graph::Graph;
use crate::rbac::{GROUP as RBAC, Rule};

const POD_IDENTITY: &str = "aadpodidentity.k8s.io";
const ADMINISTRATORS: [&str; 2] = ["aks-cluster-admin-binding", "aks-cluster-admin-binding-aad"];

/// Whether a rule lets its holder start pods, or enter those that are there, where an exception holds that he
/// can read, or that he writes.
pub(super) fn asks_for_node_identity(
    graph: &Graph<'_>,
    holding: &Holding<'_>,
    held: &Held<'_>,
    rule: &Rule<'_>,
) -> bool {
    let enters = || rule.allows_verb(&["create", "get"]) && rule.reaches("", "pods/exec");
    let starts = starts_pods(rule);
    if !starts && !enters() {
        return false;
    }
    let on_exceptions = |verbs: &[&str]| {
        holding.has_as_well(held, |it| {
            it.allows_verb(verbs) && it.reaches(POD_IDENTITY, "azurepodidentityexceptions")
        })
    };
    let is_excepted = || {
        let namespace = match held.reach {
            Reach::Cluster => None,
            Reach::Namespace(namespace) => namespace,
        };
        let mut known = graph.of_kind_in(POD_IDENTITY, "AzurePodIdentityException", namespace);
        known.next().is_some()
    };
    // What the cluster has is asked first: few have any of it, and who has many rules has many to look through.
    let has_pods = graph.has_kind(POD_IDENTITY, "AzureIdentity") && on_exceptions(&WRITE)
        || starts && is_excepted() && on_exceptions(&["get", "list", "watch"]);
    has_pods
        && ADMINISTRATORS
            .iter()
            .any(|name| graph.find(RBAC, "ClusterRoleBinding", None, name).is_some())
}
