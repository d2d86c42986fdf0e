//! What was published of a live cluster, so that a check publishes only what is different.
//!
//! A fingerprint is dear: fingerprints are made only for objects of which the findings are others than before.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use airside_checks::Terms;
use airside_types::{Finding, FindingState, Id};

use crate::ledger::Revision;

/// The open findings as they were published, by the path of their object.
#[derive(Debug, Default)]
pub(super) struct Published(BTreeMap<Arc<str>, OfObject>);

#[derive(Debug)]
struct OfObject {
    /// Of all that the findings say.
    digest: u64,
    /// Their fingerprints, each with the digest of what it says.
    findings: Box<[(Id, u64)]>,
}

impl Published {
    /// Takes note of what is published of an object for the first time.
    pub(super) fn open(&mut self, path: &Arc<str>, findings: &[Finding], terms: &Terms<'_>) {
        if !findings.is_empty() {
            self.0.insert(Arc::clone(path), OfObject::of(findings, terms));
        }
    }

    /// The paths under which something is open.
    pub(super) fn paths(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }

    /// Takes note of an object's findings as they are now. What of that is new is added to the revision:
    /// findings that were not open or said something else, and findings that are fixed, or gone with their object.
    pub(super) fn replace(
        &mut self,
        path: &Arc<str>,
        findings: Vec<Finding>,
        is_there: bool,
        terms: &Terms<'_>,
        revision: &mut Revision,
    ) {
        let before = self.0.get(path);
        let is_same = before.map_or(findings.is_empty(), |it| it.digest == digest(&findings));
        if is_same {
            return;
        }
        let old = before.map(|it| &*it.findings).unwrap_or_default();
        let now = OfObject::of(&findings, terms);
        let is_open = |id: &Id| now.findings.iter().any(|(other, _)| other == id);
        let closed = old.iter().map(|(id, _)| *id).filter(|id| !is_open(id));
        let state = if is_there { FindingState::Fixed } else { FindingState::Gone };
        revision.closed.extend(closed.map(|id| (id, state)));
        let opened = findings.into_iter().zip(&now.findings).filter(|(_, it)| !old.contains(it));
        revision.open.extend(opened.map(|(finding, _)| finding));
        if now.findings.is_empty() {
            self.0.remove(path);
        } else {
            self.0.insert(Arc::clone(path), now);
        }
    }
}

impl OfObject {
    fn of(findings: &[Finding], terms: &Terms<'_>) -> Self {
        let known = |finding: &Finding| {
            let id = finding.id(terms.tenant, terms.cluster);
            (id, digest(std::slice::from_ref(finding)))
        };
        Self { digest: digest(findings), findings: findings.iter().map(known).collect() }
    }
}

/// Of everything that can be different while the object stays. It is compared within this process only.
fn digest(findings: &[Finding]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for Finding { check, severity, object, field, message, owner, .. } in findings {
        (check, severity, &object.uid, field, message, owner).hash(&mut hasher);
    }
    hasher.finish()
}
