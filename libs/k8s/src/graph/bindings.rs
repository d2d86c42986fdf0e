//! Bindings by whom they name (service accounts, groups) and by the role that they give.

use std::collections::{BTreeMap, BTreeSet};

use super::part::{Key, Place, Topic};
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
    of_bearer: BTreeMap<Bearer<'a>, Vec<usize>>,
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
            self.of_bearer.entry(bearer).or_default().push(index);
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
        self.note_all(|| {
            let mut keys = Key::seen(Topic::Account, namespace, &[name]);
            let of_namespace = namespace.map(|namespace| format!("{SERVICE_ACCOUNTS}:{namespace}"));
            let groups =
                [AUTHENTICATED, SERVICE_ACCOUNTS].into_iter().chain(of_namespace.as_deref());
            keys.extend(groups.map(|group| Key::of(Topic::Group, Place::Anywhere, &[group])));
            keys
        });
        let indices = self.bindings.of_account(namespace, name).into_iter();
        indices.filter_map(|index| self.objects.get(index))
    }

    /// Whether a binding gives a role.
    pub fn is_given(&self, role: &Object<'a>) -> bool {
        let namespace = role.namespace().filter(|_| role.kind() != "ClusterRole");
        self.has_any(
            || Key::seen(Topic::Gives, namespace, &[role.kind(), role.name()]),
            || {
                let given = self.bindings.of_role.get(&(role.kind(), role.name()));
                let mut given = given.into_iter().flatten().filter_map(|at| self.objects.get(*at));
                given.any(|binding| same_namespace(binding.namespace(), namespace))
            },
        )
    }

    /// Everybody whom bindings name, in order.
    pub(super) fn bearers_bound(&self) -> impl Iterator<Item = Bearer<'a>> {
        self.bindings.of_bearer.keys().copied()
    }

    /// The bindings that name exactly this bearer, those of the whole cluster first.
    pub(super) fn bindings_of_bearer(&self, bearer: Bearer<'_>) -> Vec<&Object<'a>> {
        self.note_all(|| vec![Key::bearer(&bearer)]);
        let named = self.bindings.of_bearer.get(&bearer);
        let named = named.into_iter().flatten().filter_map(|index| self.objects.get(*index));
        let (mut wide, narrow): (Vec<_>, Vec<_>) =
            named.partition(|binding| binding.kind() == "ClusterRoleBinding");
        wide.extend(narrow);
        wide
    }
}
