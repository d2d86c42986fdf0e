//! Checks on rights: the rules of roles, who is given them, and what pods can do with them.
//!
//! A file is a topic. Here is what they share: finding a right in a rule. `*` in `resources` is reported by
//! the checks on wildcards, not by those on single rights.

use airside_k8s::rbac::{GROUP, Rule};
use airside_k8s::{Graph, Object};

use crate::evaluate::Report;

pub(super) mod accounts;
pub(super) mod admission;
pub(super) mod aggregation;
pub(super) mod certificates;
pub(super) mod dangling;
pub(super) mod escalation;
pub(super) mod holders;
pub(super) mod in_vain;
pub(super) mod joins;
pub(super) mod network;
pub(super) mod nodes;
pub(super) mod objects;
pub(super) mod subjects;
#[cfg(test)]
mod tests;
pub(super) mod workloads;

/// The kinds that hold rules.
const ROLES: &[(&str, &str)] = &[(GROUP, "Role"), (GROUP, "ClusterRole")];

/// Something that a rule may allow.
struct Right {
    /// API group and resource, subresource included.
    resources: &'static [(&'static str, &'static str)],
    verbs: &'static [&'static str],
    /// What its holder can do, after "can".
    what: &'static str,
}

impl Right {
    /// The verbs of a rule that give the right. `resourceNames` limit it: to requests that name no object, such
    /// as create and deletecollection, such a rule gives nothing at all.
    fn verbs_in<'a>(&self, rule: &Rule<'a>) -> Vec<&'a str> {
        if rule.names_its_objects() && self.supreme_in(rule).is_none() {
            return Vec::new();
        }
        let verbs = rule.list("verbs").map(|(_, verb)| verb);
        verbs.filter(|verb| *verb == "*" || self.verbs.contains(verb)).collect()
    }

    /// The name among those to which a rule is limited that is as good as all.
    fn supreme_in<'a>(&self, rule: &Rule<'a>) -> Option<&'a str> {
        let is_supreme = |name: &str| match self.verbs {
            ["bind"] => name == "cluster-admin",
            ["impersonate"] => name == "system:masters",
            _ => false,
        };
        rule.list("resourceNames").map(|(_, name)| name).find(|name| is_supreme(name))
    }

    /// What the right is over, as far as the rule's role can give it.
    fn resources_of(
        &self,
        rule: &Rule<'_>,
    ) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
        let resources = self.resources.iter().copied();
        resources.filter(|(_, resource)| self.is_given_over(resource, rule))
    }

    /// Whether a rule's role can give the right over a resource. A Role binds ClusterRoles in its namespace, and gives
    /// nothing else over what has none.
    fn is_given_over(&self, resource: &str, rule: &Rule<'_>) -> bool {
        let is_narrow = rule.is_of_namespace && self.verbs != ["bind"];
        !(is_narrow && is_without_namespace(resource))
    }

    /// Where a rule gives the right: the index in its `resources`, the resource, the verbs.
    fn given_in<'a>(&self, rule: &Rule<'a>) -> Vec<(usize, &'a str, Vec<&'a str>)> {
        let is_meant = |given: &str| {
            let mut named = self.resources.iter().filter(|(_, resource)| names(given, resource));
            named.any(|(group, resource)| {
                self.is_given_over(resource, rule) && rule.has("apiGroups", &["*", group])
            })
        };
        let mut given = rule.list("resources").filter(|(_, given)| is_meant(given)).peekable();
        // Most rules are about other resources.
        let verbs = if given.peek().is_some() { self.verbs_in(rule) } else { Vec::new() };
        if verbs.is_empty() {
            return Vec::new();
        }
        given.map(|(entry, given)| (entry, given, verbs.clone())).collect()
    }

    /// Whether a rule gives the right, wildcards in `resources` included.
    fn is_in(&self, rule: &Rule<'_>) -> bool {
        let everywhere = rule.has("resources", &["*"])
            && self.resources_of(rule).any(|(group, _)| rule.has("apiGroups", &["*", group]))
            && !self.verbs_in(rule).is_empty();
        everywhere || !self.given_in(rule).is_empty()
    }

    /// The first rule of a role that gives the right, with the role that holds it: a ClusterRole may take
    /// over the rules of others.
    fn held_by<'a>(&self, role: &Object<'a>, graph: &Graph<'a>) -> Option<(Object<'a>, Rule<'a>)> {
        self.resources.iter().find_map(|(_, resource)| {
            graph.rules_naming(role, resource).into_iter().find(|(_, rule)| self.is_in(rule))
        })
    }

    /// Fails for each resource of a rule on which it gives the right.
    fn judge(&self, rule: &Rule<'_>, report: &mut Report<'_>) {
        for (entry, resource, verbs) in self.given_in(rule) {
            let verbs = verbs.join(", ");
            let named = self.supreme_in(rule).map(|name| format!(" `{name}`")).unwrap_or_default();
            report.fail(
                rule.path("resources", entry),
                format!("rule {} can {}: {verbs} on {resource}{named}", rule.index, self.what),
            );
        }
    }
}

/// Resources without a namespace, other than `namespaces`: a request for one of these is made in it.
const WITHOUT_NAMESPACE: [&str; 24] = [
    "apiservices",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "flowschemas",
    "groups",
    "ingressclasses",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "runtimeclasses",
    "signers",
    "storageclasses",
    "uids",
    "users",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

/// Whether a resource, or that of a subresource, has no namespace.
fn is_without_namespace(resource: &str) -> bool {
    let whole = resource.split('/').next().unwrap_or_default();
    WITHOUT_NAMESPACE.contains(&whole)
}

/// Whether an entry of `resources` names a resource: itself, or its subresource of whatever resource.
fn names(given: &str, resource: &str) -> bool {
    let below = || given.strip_prefix("*/");
    given == resource
        || below().is_some_and(|below| resource.split_once('/').is_some_and(|it| it.1 == below))
}
