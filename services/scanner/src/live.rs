//! The objects of a live cluster as a scan sees them: each stands under a path of its own, as a file would.
//! Pure.
//!
//! Used by `airside scan --live` over a snapshot, and by the service over a watch. A live object gets no boarding
//! pass: that it runs does not mean that anybody checked it in.

use std::collections::BTreeMap;

use airside_checks::{Accepted, CheckIn, InputFile, Terms, check_in};
use airside_k8s::{Document, Object, Value, live};
use airside_ports::{ClusterChange, ClusterSnapshot, ListScope};

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
    objects: BTreeMap<String, Document>,
    /// What was listed as a whole, by the folder of its paths.
    folders: BTreeMap<ListScope, String>,
}

impl LiveObjects {
    /// The objects of a snapshot.
    pub fn of(snapshot: ClusterSnapshot) -> Self {
        let folders = snapshot.listed.into_iter().map(|scope| (scope.clone(), folder(&scope)));
        let mut live = Self { objects: BTreeMap::new(), folders: folders.collect() };
        snapshot.objects.into_iter().for_each(|object| _ = live.put(object));
        live
    }

    /// Takes over a change. True when what is judged may be different now.
    pub fn apply(&mut self, change: ClusterChange) -> bool {
        match change {
            ClusterChange::Listed { scope, objects } => {
                let folder = folder(&scope);
                self.objects.retain(|path, _| !path.starts_with(&folder));
                self.folders.insert(scope, folder);
                objects.into_iter().for_each(|object| _ = self.put(object));
                true
            }
            ClusterChange::Changed(object) => self.put(object),
            ClusterChange::Removed(object) => Object::new(&object)
                .is_ok_and(|object| self.objects.remove(&live::path(&object)).is_some()),
            ClusterChange::Unlisted(_) | ClusterChange::Complete => false,
        }
    }

    /// True when it is judged, and is not what it was.
    fn put(&mut self, value: Value) -> bool {
        let Ok(object) = Object::new(&value) else { return false };
        if live::is_a_copy(&object) {
            return false;
        }
        let path = live::path(&object);
        let is_same = self.objects.get(&path).is_some_and(|known| known.value == value);
        self.objects.insert(path, live::document(value));
        !is_same
    }

    /// How many objects are judged.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether an object is judged.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.objects.contains_key(path)
    }

    /// The objects, by path.
    pub fn documents(&self) -> impl Iterator<Item = (&String, &Document)> {
        self.objects.iter()
    }

    /// What the check-in says of the objects, as one set.
    pub fn check(&self, terms: &Terms<'_>) -> CheckIn {
        let inputs: Vec<InputFile<'_>> = self
            .objects
            .iter()
            .map(|(path, document)| InputFile {
                path,
                documents: std::slice::from_ref(document),
                comments: &[],
            })
            .collect();
        let mut checked = CheckIn {
            passes: Vec::new(),
            ..check_in(&inputs, &Terms { keeps_fields: false, ..terms.clone() })
        };
        self.accept_kubernetes_own(&mut checked);
        checked
    }

    /// Findings on what is part of Kubernetes, as it was made, are accepted: nobody here can mend them.
    fn accept_kubernetes_own(&self, checked: &mut CheckIn) {
        let mut findings = std::mem::take(&mut checked.findings).into_iter();
        for object in &mut checked.objects {
            let start = checked.findings.len();
            let is_kubernetes_own = self.is_kubernetes_own(&object.place.path);
            let of_object = findings.by_ref().take(object.findings.len());
            for finding in of_object.filter(|it| !OF_MANIFESTS.contains(&it.check.as_ref())) {
                if is_kubernetes_own {
                    let place = finding.place.clone();
                    let reason = "part of Kubernetes, as it was made".to_owned();
                    checked.accepted.push(Accepted { finding, reason, until: None, place });
                } else {
                    checked.findings.push(finding);
                }
            }
            object.findings = start..checked.findings.len();
        }
        checked.applied.retain(|check| !OF_MANIFESTS.contains(check));
    }

    fn is_kubernetes_own(&self, path: &str) -> bool {
        let object = self.objects.get(path).and_then(|it| Object::new(&it.value).ok());
        object.is_some_and(|object| live::is_kubernetes_own(&object))
    }

    /// Checks the objects as one set. The paths of the scan are those of the objects and the folders of the kinds
    /// that were listed, so that what is no longer found there counts as fixed, or as gone with its object.
    pub fn scan(&self, terms: &Terms<'_>) -> Scan {
        let paths = self.folders.values().chain(self.objects.keys()).cloned().collect();
        Scan::of(self.check(terms), Vec::new(), paths)
    }
}

fn folder(scope: &ListScope) -> String {
    live::folder(&scope.kind.group, &scope.kind.kind, scope.namespace.as_deref())
}
