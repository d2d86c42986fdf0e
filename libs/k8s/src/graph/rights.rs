//! Who may do what: from a service account through its bindings to the rules of its roles.

use super::Graph;
use crate::object::Object;
use crate::rbac::{GROUP, Rule, built_in, role_of};

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

    /// The role that a binding gives: of the input, or built into Kubernetes where the input lacks it.
    pub fn role_given(&self, binding: &Object<'a>) -> Option<Object<'a>> {
        let built_in = || match role_of(binding)? {
            ("ClusterRole", name) => built_in::cluster_role(name),
            _ => None,
        };
        self.role(binding).copied().or_else(built_in)
    }

    /// What a service account may do, by the bindings and roles of the input and the roles that Kubernetes
    /// has.
    pub fn grants_of_account(&self, namespace: Option<&str>, name: &str) -> Vec<Grant<'a>> {
        let mut grants = Vec::new();
        for binding in self.bindings_of_account(namespace, name) {
            if let Some(role) = self.role_given(binding) {
                let rules = self.rules_of(&role).into_iter();
                grants.extend(rules.map(|(role, rule)| Grant { binding: *binding, role, rule }));
            }
        }
        grants
    }
}
