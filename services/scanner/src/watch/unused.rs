//! What was last said of bindings that nobody needs, for as long as nobody knows more.
//!
//! Whether a binding is needed is another service's knowledge, which may be silent, know nothing yet, or have forgotten.
//! What was said then stays: it is neither fixed nor new. Owns what was said; who knows is `airside-checks`'. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_checks::{Terms, grant_use};
use airside_k8s::{Document, Object};
use airside_types::Finding;

/// The open findings of the check, by the path of their binding: one each at most.
#[derive(Debug, Default)]
pub(super) struct SaidUnused(BTreeMap<Arc<str>, Finding>);

impl SaidUnused {
    /// What was open before.
    pub(super) fn of(findings: Vec<Finding>) -> Self {
        Self(findings.into_iter().map(|it| (Arc::clone(&it.place.path), it)).collect())
    }

    /// Adds what was said of a binding before, where these terms do not tell whether it is needed, and takes note of
    /// what is said now.
    pub(super) fn keep(
        &mut self,
        path: &Arc<str>,
        document: Option<&Arc<Document>>,
        findings: &mut Vec<Finding>,
        terms: &Terms<'_>,
    ) {
        if let Some(said) = findings.iter().find(|it| it.check == grant_use::CHECK) {
            self.0.insert(Arc::clone(path), said.clone());
            return;
        }
        let Some(said) = self.0.get(path) else { return };
        // One of the same name that is made anew is another binding.
        let stays = document.and_then(|it| Object::new(&it.value).ok()).is_some_and(|object| {
            object.object_ref().uid == said.object.uid && !grant_use::is_known(terms, &object)
        });
        if stays {
            findings.push(said.clone());
        } else {
            self.0.remove(path);
        }
    }

    /// The bindings of which something was said.
    pub(super) fn paths(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }
}
