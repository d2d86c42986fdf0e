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
    /// The verbs of a rule that give the right on a resource. `resourceNames` limit a rule, except where a
    /// request names no object: create of a whole object, and deletecollection.
    fn verbs_in<'a>(&self, rule: &Rule<'a>, resource: &str) -> Vec<&'a str> {
        let is_limited = rule.names_its_objects();
        let names_an_object =
            |verb: &str| resource.contains('/') || !matches!(verb, "create" | "deletecollection");
        rule.list("verbs")
            .map(|(_, verb)| verb)
            .filter(|verb| *verb == "*" || self.verbs.contains(verb))
            .filter(|verb| !is_limited || !names_an_object(verb))
            .collect()
    }

    /// Where a rule gives the right: the index in its `resources`, the resource, the verbs.
    fn given_in<'a>(&self, rule: &Rule<'a>) -> Vec<(usize, &'a str, Vec<&'a str>)> {
        let is_meant = |given: &str| {
            let mut wanted = self.resources.iter();
            wanted.any(|(group, resource)| {
                rule.has("apiGroups", &["*", group]) && names(given, resource)
            })
        };
        rule.list("resources")
            .filter(|(_, given)| is_meant(given))
            .map(|(entry, given)| (entry, given, self.verbs_in(rule, given)))
            .filter(|(_, _, verbs)| !verbs.is_empty())
            .collect()
    }

    /// Whether a rule gives the right, wildcards in `resources` included.
    fn is_in(&self, rule: &Rule<'_>) -> bool {
        let everywhere = rule.has("resources", &["*"])
            && self.resources.iter().any(|(group, _)| rule.has("apiGroups", &["*", group]))
            && !self.verbs_in(rule, "*").is_empty();
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
            report.fail(
                rule.path("resources", entry),
                format!("rule {} can {}: {verbs} on {resource}", rule.index, self.what),
            );
        }
    }
}

/// Whether an entry of `resources` names a resource: itself, or its subresource of whatever resource.
fn names(given: &str, resource: &str) -> bool {
    given == resource
        || resource
            .split_once('/')
            .is_some_and(|(_, below)| given.strip_prefix("*/") == Some(below))
}
