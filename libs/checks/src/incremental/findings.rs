//! What the failures of an object are for people: findings with places, which of them somebody accepts, and
//! whose they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_k8s::Object;
use airside_k8s::graph::Key;

use super::{Change, Identity, Incremental};
use crate::check_in::{CheckInOfOne, Source, Terms, check_in_one};
use crate::exception::Comment;
use crate::owner::{FileOwners, Owners, is_namespace};

impl Incremental {
    /// Checks in an object as [`check_in`](crate::check_in()) does among all: its findings, those that an
    /// exception in its annotations, in these comments of its file or of the terms accepts, its owner, who may
    /// be its namespace's, and its pass. None for an object that is not there.
    ///
    /// What the catalogue says was judged with the vulnerabilities that the run was made with, whatever the
    /// terms have. People's policies that ask for other objects are told as not evaluated.
    pub fn check_in(
        &self,
        object: &Identity,
        comments: &[Comment],
        terms: &Terms<'_>,
    ) -> Option<CheckInOfOne> {
        let (_, living) = self.objects.get(self.objects.slot_of(object)?)?;
        let (located, path) = (living.located()?, &*living.path);
        let namespaces = self.namespaces_of(located.object.namespace());
        let owner = Owners::new(&namespaces, terms.owners).of(&located.object, path);
        let source = Source {
            owner,
            ..Source::new(located, &living.document, (path, &living.path), terms.origins)
        };
        Some(check_in_one(&source, self.failures_of(object).into_iter(), comments, terms))
    }

    /// The Namespaces of a name, in the order of the objects: files may hold several.
    fn namespaces_of(&self, name: Option<&str>) -> Vec<Object<'_>> {
        let Some(name) = name else { return Vec::new() };
        let mut found: Vec<_> = {
            let table = self.table.borrow();
            let slots = table.found(Key::namespace(name)).iter();
            slots.filter_map(|slot| self.objects.get(*slot)).collect()
        };
        found.sort_by_key(|(identity, _)| *identity);
        found.iter().filter_map(|(_, living)| Some(living.located()?.object)).collect()
    }

    /// Whose the objects in the namespaces are that changes are about, as far as those say it.
    pub(super) fn owners_of_changed(&self, changes: &[Change]) -> BTreeMap<String, Option<String>> {
        let name_of = |change: &Change| match change {
            Change::Put(living, _) => {
                let object = living.located()?.object;
                is_namespace(&object).then(|| object.name().to_owned())
            }
            Change::Remove(identity) => {
                let is_one = identity.group.is_empty() && identity.kind == "Namespace";
                is_one.then(|| identity.name.clone())
            }
        };
        let names = changes.iter().filter_map(name_of);
        names.map(|name| (name.clone(), self.owner_of_namespace(&name))).collect()
    }

    /// The objects in namespaces whose owner is another than before.
    pub(super) fn reowned(&self, before: BTreeMap<String, Option<String>>) -> Vec<Arc<Identity>> {
        let changed: Vec<String> = before
            .into_iter()
            .filter(|(name, before)| self.owner_of_namespace(name) != *before)
            .map(|(name, _)| name)
            .collect();
        if changed.is_empty() {
            return Vec::new();
        }
        let is_in = |identity: &Identity| {
            identity.namespace.as_ref().is_some_and(|namespace| changed.contains(namespace))
        };
        let all = self.objects.in_order().filter_map(|slot| self.objects.get(slot));
        all.filter(|(identity, _)| is_in(identity)).map(|(it, _)| Arc::clone(it)).collect()
    }

    fn owner_of_namespace(&self, name: &str) -> Option<String> {
        let namespaces = self.namespaces_of(Some(name));
        Owners::new(&namespaces, FileOwners::NONE).of_namespace(name).map(str::to_owned)
    }
}
