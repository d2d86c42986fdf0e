//! What was published of a live cluster, so that the next check publishes only what is different.
//!
//! A fingerprint is dear and most objects have the findings that they had: fingerprints are made only for those
//! that have not.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use airside_checks::CheckedObject;
use airside_types::{Cluster, Finding, FindingState, Id, Tenant};

use crate::ledger::Revision;
use crate::live::LiveObjects;
use crate::scan::Scan;

/// The open findings as they were published, by the path of their object.
#[derive(Debug, Default)]
pub(super) struct Published(BTreeMap<Arc<str>, OfObject>);

#[derive(Debug, Clone)]
struct OfObject {
    /// Of all that the findings say.
    digest: u64,
    /// Their fingerprints, each with the digest of what it says.
    findings: Vec<(Id, u64)>,
}

/// A scan beside what was published.
pub(super) struct Difference {
    pub(super) published: Published,
    pub(super) revision: Revision,
}

impl Published {
    /// What is published when the scan is, and what of it is new: findings that were not open or said something
    /// else, and findings that are fixed, or gone with their object.
    pub(super) fn difference(
        mut self,
        scan: &Scan,
        objects: &LiveObjects,
        tenant: &Tenant,
        cluster: &Cluster,
    ) -> Difference {
        let mut published = Self::default();
        let mut revision = Revision { cluster: cluster.clone(), ..Revision::default() };
        for object in &scan.objects {
            let findings = findings_of(scan, object);
            let before = self.0.remove_entry(&*object.place.path);
            let digest = digest(findings);
            let (path, now) = match before {
                Some((path, before)) if before.digest == digest => (path, before),
                before => {
                    let now = OfObject::of(findings, digest, tenant, cluster);
                    let old = before.as_ref().map_or(&[][..], |(_, old)| &old.findings);
                    let is_new = |(_, it): &(&Finding, &(Id, u64))| !old.contains(it);
                    let new = findings.iter().zip(&now.findings).filter(is_new);
                    revision.open.extend(new.map(|(finding, _)| finding.clone()));
                    let is_open = |id: &Id| now.findings.iter().any(|(other, _)| other == id);
                    let left = old.iter().map(|(id, _)| *id).filter(|id| !is_open(id));
                    revision.closed.extend(left.map(|id| (id, FindingState::Fixed)));
                    let path = before.map(|(path, _)| path);
                    (path.unwrap_or_else(|| Arc::clone(&object.place.path)), now)
                }
            };
            if !now.findings.is_empty() {
                published.0.insert(path, now);
            }
        }
        for (path, old) in self.0 {
            let is_there = objects.has(&path);
            let state = if is_there { FindingState::Fixed } else { FindingState::Gone };
            revision.closed.extend(old.findings.iter().map(|(id, _)| (*id, state)));
        }
        Difference { published, revision }
    }
}

impl OfObject {
    fn of(findings: &[Finding], digest: u64, tenant: &Tenant, cluster: &Cluster) -> Self {
        let known = |finding: &Finding| {
            (finding.id(tenant, cluster), self::digest(std::slice::from_ref(finding)))
        };
        Self { digest, findings: findings.iter().map(known).collect() }
    }
}

fn findings_of<'s>(scan: &'s Scan, object: &CheckedObject) -> &'s [Finding] {
    scan.report.findings.get(object.findings.clone()).unwrap_or_default()
}

/// Of everything that can be different while the object stays. It is compared within this process only.
fn digest(findings: &[Finding]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for Finding { check, severity, object, field, message, .. } in findings {
        (check, severity, &object.uid, field, message).hash(&mut hasher);
    }
    hasher.finish()
}
