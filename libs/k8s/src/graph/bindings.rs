//! Bindings by whom they name (service accounts, groups) and by the role that they give.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, same_namespace};
use crate::object::Object;
use crate::rbac::{Bearer, GROUP, role_of, subjects};

/// The group of everybody who has a valid credential.
const AUTHENTICATED: &str = "system:authenticated";
/// The group of all service accounts; with `:` and a namespace after it, those of the namespace.
const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";

/// Indices of bindings, each list in the order of the input.
#[derive(Debug, Default)]
pub(super) struct Bindings<'a> {
    /// By the name of a service account, then by its namespace as written.
    of_account: BTreeMap<&'a str, BTreeMap<Option<&'a str>, Vec<usize>>>,
    of_group: BTreeMap<&'a str, Vec<usize>>,
    /// By kind and name of the role.
    of_role: BTreeMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Bindings<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let mut found = Self::default();
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            for index in graph.indices(GROUP, kind) {
                if let Some(binding) = graph.objects.get(*index) {
                    found.add(binding, *index);
                }
            }
        }
        found
    }

    fn add(&mut self, binding: &Object<'a>, index: usize) {
        if let Some(role) = role_of(binding) {
            self.of_role.entry(role).or_default().push(index);
        }
        for (_, bearer) in subjects(binding) {
            match bearer {
                Bearer::ServiceAccount(namespace, name) => {
                    let of_name = self.of_account.entry(name).or_default();
                    of_name.entry(namespace).or_default().push(index);
                }
                Bearer::Group(name) => self.of_group.entry(name).or_default().push(index),
                Bearer::User(_) => {}
            }
        }
    }

    fn of_account(&self, namespace: Option<&str>, name: &str) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut add = |list: Option<&Vec<usize>>| found.extend(list.into_iter().flatten().copied());
        if let Some(of_name) = self.of_account.get(name) {
            match namespace {
                None => of_name.values().for_each(|list| add(Some(list))),
                Some(_) => {
                    add(of_name.get(&None));
                    add(of_name.get(&namespace));
                }
            }
        }
        add(self.of_group.get(AUTHENTICATED));
        add(self.of_group.get(SERVICE_ACCOUNTS));
        if let Some(namespace) = namespace {
            add(self.of_group.get(format!("{SERVICE_ACCOUNTS}:{namespace}").as_str()));
        }
        found
    }
}

impl<'a> Graph<'a> {
    /// The bindings that name a service account or a group that it is in, in the order of the input. With
    /// no namespace given, those of all accounts of the name.
    pub fn bindings_of_account(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> impl Iterator<Item = &Object<'a>> {
        let indices = self.bindings.of_account(namespace, name).into_iter();
        indices.filter_map(|index| self.objects.get(index))
    }

    /// The bindings that give a role.
    pub fn bindings_of_role<'g>(
        &'g self,
        role: &'g Object<'a>,
    ) -> impl Iterator<Item = &'g Object<'a>> + use<'g, 'a> {
        let named = self.bindings.of_role.get(&(role.kind(), role.name()));
        let indices = named.map(Vec::as_slice).unwrap_or_default().iter();
        indices.filter_map(|index| self.objects.get(*index)).filter(move |binding| {
            role.kind() == "ClusterRole" || same_namespace(binding.namespace(), role.namespace())
        })
    }
}
