//! Who may do what: from a service account through its bindings to the rules of its roles.

use std::collections::HashMap;

use super::{Graph, same_namespace, selects};
use crate::fields::elements;
use crate::object::Object;
use crate::rbac::{Bearer, GROUP, Rule, role_of, rules, subjects};

/// A rule that somebody has, and how he came by it.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The binding that gives the role.
    pub binding: Object<'a>,
    /// The role that holds the rule: the one that the binding names, or one that it aggregates.
    pub role: Object<'a>,
    /// The rule.
    pub rule: Rule<'a>,
}

impl<'a> Grant<'a> {
    /// The namespace in which the rule holds; none for the whole cluster.
    pub fn namespace(&self) -> Option<&'a str> {
        self.binding.namespace().filter(|_| self.binding.kind() == "RoleBinding")
    }

    /// Whether the rule holds in the whole cluster.
    pub fn is_cluster_wide(&self) -> bool {
        self.binding.kind() == "ClusterRoleBinding"
    }
}

/// The indices of bindings by the names of the service accounts that they name, in the order of the input.
pub(super) fn bindings_by_account<'a>(graph: &Graph<'a>) -> HashMap<&'a str, Vec<usize>> {
    let mut found: HashMap<&'a str, Vec<usize>> = HashMap::new();
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for index in graph.indices(GROUP, kind) {
            let Some(binding) = graph.objects.get(*index) else { continue };
            for (_, bearer) in subjects(binding) {
                if let Bearer::ServiceAccount(_, name) = bearer {
                    let bindings = found.entry(name).or_default();
                    if bindings.last() != Some(index) {
                        bindings.push(*index);
                    }
                }
            }
        }
    }
    found
}

impl<'a> Graph<'a> {
    /// The service account of a name, when the input holds it.
    pub fn service_account(&self, namespace: Option<&str>, name: &str) -> Option<&Object<'a>> {
        self.find("", "ServiceAccount", namespace, name)
    }

    /// The role that a binding gives, when the input holds it.
    pub fn role(&self, binding: &Object<'a>) -> Option<&Object<'a>> {
        let (kind, name) = role_of(binding)?;
        let namespace = binding.namespace().filter(|_| kind == "Role");
        self.find(GROUP, kind, namespace, name)
    }

    /// The rules of a role with the role that holds them: its own, and those of the ClusterRoles that it
    /// aggregates.
    pub fn rules_of(&self, role: &Object<'a>) -> Vec<(Object<'a>, Rule<'a>)> {
        let mut found: Vec<_> = rules(role).map(|rule| (*role, rule)).collect();
        let aggregation = role.fields().get("aggregationRule");
        let selectors = elements(aggregation.and_then(|rule| rule.get("clusterRoleSelectors")));
        if selectors.is_empty() {
            return found;
        }
        for other in self.of_kind(GROUP, "ClusterRole") {
            let is_other = other.name() != role.name();
            if is_other && selectors.iter().any(|selector| selects(selector, other.labels())) {
                found.extend(rules(other).map(|rule| (*other, rule)));
            }
        }
        found
    }

    /// The bindings that name a service account itself or a group of all service accounts.
    pub fn bindings_of_account<'g>(
        &'g self,
        namespace: Option<&'g str>,
        name: &'g str,
    ) -> impl Iterator<Item = &'g Object<'a>> + 'g {
        let by_name = self.bindings_of_account.get(name).map(Vec::as_slice).unwrap_or_default();
        by_name.iter().filter_map(|index| self.objects.get(*index)).filter(move |binding| {
            subjects(binding).any(|(_, bearer)| {
                matches!(bearer, Bearer::ServiceAccount(given, account)
                    if account == name && same_namespace(given, namespace))
            })
        })
    }

    /// What a service account may do, by the bindings and roles of the input.
    pub fn grants_of_account(&self, namespace: Option<&str>, name: &str) -> Vec<Grant<'a>> {
        let mut grants = Vec::new();
        for binding in self.bindings_of_account(namespace, name) {
            if let Some(role) = self.role(binding) {
                let rules = self.rules_of(role).into_iter();
                grants.extend(rules.map(|(role, rule)| Grant { binding: *binding, role, rule }));
            }
        }
        grants
    }
}
