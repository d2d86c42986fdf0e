//! The objects of a live cluster as a scan sees them: each stands under a path of its own, as a file would.
//! Pure.
//!
//! Used by `airside scan --live` over a snapshot, and by the service over a watch. A live object gets no boarding
//! pass: that it runs does not mean that anybody checked it in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use airside_checks::{
    Accepted, CheckIn, Identity, InputFile, Living, Passes, Terms, check_in, is_helm_test,
};
use airside_k8s::{Document, Object, Value, live};
use airside_ports::{ClusterChange, ClusterSnapshot, ListScope};
use airside_types::Finding;

use crate::scan::Scan;

/// Checks on how a manifest is written, which a live object does not tell: its version is the one in which it was
/// asked for, and its replicas are what an autoscaler has set.
const OF_MANIFESTS: [&str; 4] = [
    "autoscaled-replicas-set",
    "deprecated-api-version",
    "removed-api-version",
    "unknown-api-version",
];

/// What a cluster holds, as far as it is judged: copies of what an owner's template says are left out.
#[derive(Debug, Clone, Default)]
pub struct LiveObjects {
    objects: BTreeMap<Arc<str>, Arc<Document>>,
    /// What was listed as a whole, by the folder of its paths.
    folders: BTreeMap<ListScope, String>,
}

/// The paths under which something else stands than before, or nothing any more, each with what it was before.
pub(crate) type Replaced = BTreeMap<Arc<str>, Option<Arc<Document>>>;

impl LiveObjects {
    /// The objects of a snapshot.
    pub fn of(snapshot: ClusterSnapshot) -> Self {
        let folders = snapshot.listed.into_iter().map(|scope| (scope.clone(), folder(&scope)));
        let mut live = Self { objects: BTreeMap::new(), folders: folders.collect() };
        let mut replaced = Replaced::new();
        snapshot.objects.into_iter().for_each(|object| live.put(object, &mut replaced));
        live
    }

    /// Takes over a change. What was there instead of what it alters is added to `replaced`, where nothing older
    /// is known.
    pub(crate) fn apply(&mut self, change: ClusterChange, replaced: &mut Replaced) {
        match change {
            ClusterChange::Listed { scope, objects } => {
                let folder = folder(&scope);
                let mut gone: BTreeSet<Arc<str>> = self.below(&folder).cloned().collect();
                self.folders.insert(scope, folder);
                for value in objects {
                    if let Some(path) = judged_path(&value) {
                        gone.remove(path.as_str());
                    }
                    self.put(value, replaced);
                }
                gone.iter().for_each(|path| self.remove(path, replaced));
            }
            ClusterChange::Changed(object) => self.put(object, replaced),
            ClusterChange::Removed(object) => {
                if let Ok(object) = Object::new(&object) {
                    self.remove(&live::path(&object), replaced);
                }
            }
            ClusterChange::Unlisted(_) | ClusterChange::Complete => {}
        }
    }

    /// The paths below a folder.
    fn below<'l>(&'l self, folder: &'l str) -> impl Iterator<Item = &'l Arc<str>> {
        let from = self.objects.range::<str, _>((Bound::Included(folder), Bound::Unbounded));
        from.map(|(path, _)| path).take_while(move |path| path.starts_with(folder))
    }

    /// An object that has become a copy is judged no longer.
    fn put(&mut self, value: Value, replaced: &mut Replaced) {
        let Some(path) = judged_path(&value) else {
            if let Ok(object) = Object::new(&value) {
                self.remove(&live::path(&object), replaced);
            }
            return;
        };
        if self.objects.get(path.as_str()).is_some_and(|known| known.value == value) {
            return;
        }
        let path: Arc<str> = path.into();
        let old = self.objects.insert(Arc::clone(&path), Arc::new(live::document(value)));
        replaced.entry(path).or_insert(old);
    }

    fn remove(&mut self, path: &str, replaced: &mut Replaced) {
        if let Some((path, old)) = self.objects.remove_entry(path) {
            replaced.entry(path).or_insert(Some(old));
        }
    }

    /// How many objects are judged.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// What stands under a path.
    pub(crate) fn get(&self, path: &str) -> Option<&Arc<Document>> {
        self.objects.get(path)
    }

    /// The objects, by path.
    pub fn documents(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Document>)> {
        self.objects.iter()
    }

    /// What the check-in says of the objects, as one set.
    pub fn check(&self, terms: &Terms<'_>) -> CheckIn {
        let inputs: Vec<InputFile<'_>> = self
            .objects
            .iter()
            .map(|(path, document)| InputFile {
                path,
                documents: std::slice::from_ref(&**document),
                comments: &[],
            })
            .collect();
        let mut checked = check_in(&inputs, &Terms { passes: Passes::None, ..terms.clone() });
        self.accept_kubernetes_own(&mut checked);
        checked
    }

    /// Parts the findings of each object as [`Told`] says.
    fn accept_kubernetes_own(&self, checked: &mut CheckIn) {
        let mut findings = std::mem::take(&mut checked.findings).into_iter();
        for object in &mut checked.objects {
            let start = checked.findings.len();
            let of_object = findings.by_ref().take(object.findings.len());
            let told = self.told(&object.place.path, of_object);
            checked.accepted.extend(told.accepted);
            checked.findings.extend(told.findings);
            object.findings = start..checked.findings.len();
        }
        checked.applied.retain(|check| !OF_MANIFESTS.contains(check));
    }

    /// What is told of the findings of an object that stands under a path.
    pub(crate) fn told(&self, path: &str, findings: impl Iterator<Item = Finding>) -> Told {
        let findings = findings.filter(|it| !OF_MANIFESTS.contains(&it.check.as_ref()));
        let object = self.objects.get(path).and_then(|it| Object::new(&it.value).ok());
        if !object.is_some_and(|object| live::is_kubernetes_own(&object)) {
            return Told { findings: findings.collect(), accepted: Vec::new() };
        }
        let accepted = findings.map(|finding| {
            let reason = "part of Kubernetes, as it was made".to_owned();
            Accepted { place: finding.place.clone(), finding, reason, until: None }
        });
        Told { findings: Vec::new(), accepted: accepted.collect() }
    }

    /// The paths of a scan: those of the objects and the folders of the kinds that were listed.
    pub(crate) fn paths(&self) -> Vec<String> {
        let objects = self.objects.keys().map(|path| path.to_string());
        self.folders.values().cloned().chain(objects).collect()
    }

    /// Checks the objects as one set. The paths of the scan are those of the objects and the folders of the kinds
    /// that were listed, so that what is no longer found there counts as fixed, or as gone with its object.
    pub fn scan(&self, terms: &Terms<'_>) -> Scan {
        Scan::of(self.check(terms), Vec::new(), self.paths())
    }
}

/// The findings of a live object. Those on how a manifest is written are left out; those on what is part of
/// Kubernetes, as it was made, are accepted: nobody here can mend them.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) findings: Vec<Finding>,
    pub(crate) accepted: Vec<Accepted>,
}

/// The objects of a document that stands under a path, as an incremental run takes them.
pub(crate) fn living(path: &Arc<str>, document: &Arc<Document>) -> Vec<(Identity, Living)> {
    let objects = document.contents().objects.into_iter();
    let judged = objects.filter(|it| !is_helm_test(&it.object));
    judged
        .map(|located| {
            let item = located.item;
            // A live object is seldom a list. No name has a `%`.
            let source = item.map(|item| Arc::from(format!("{path}%{item:08}")));
            let identity = Identity::of(&located.object, source.unwrap_or_else(|| path.clone()));
            (identity, Living { document: Arc::clone(document), item, path: Arc::clone(path) })
        })
        .collect()
}

/// The path under which an object of an incremental run stands.
pub(crate) fn path_of(identity: &Identity) -> &str {
    identity.source.split('%').next().unwrap_or_default()
}

/// The path of what is judged.
fn judged_path(value: &Value) -> Option<String> {
    let object = Object::new(value).ok().filter(|object| !live::is_a_copy(object))?;
    Some(live::path(&object))
}

fn folder(scope: &ListScope) -> String {
    live::folder(&scope.kind.group, &scope.kind.kind, scope.namespace.as_deref())
}
