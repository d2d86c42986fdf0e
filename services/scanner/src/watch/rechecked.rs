//! What the checks say of a live cluster, kept up with it: what changes is judged again, and all whose verdict
//! can change with it. Pure.
//!
//! What was published is at any time what a check of the whole cluster says (`LiveObjects::scan`). Who is judged
//! again is decided by `airside_checks::incremental`; findings can change without a failure that does, when
//! an exception expires, or a namespace gets another owner.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_checks::{Change, GrantUse, Identity, Incremental, Terms, grant_use};
use airside_types::{Finding, Timestamp};
use airside_wire::scan::{NotEvaluated, Publication, ScanReport};

use super::published::Published;
use super::unused::SaidUnused;
use crate::ledger::Revision;
use crate::live::{LiveObjects, Replaced, living, path_of};
use crate::scan::Scan;

/// What a check has to tell the ledger.
#[derive(Debug)]
pub(super) enum ToPublish {
    /// All that is found.
    Everything(Publication),
    /// What is different from before.
    Difference(Revision),
}

/// What was said of a cluster, and by what it changes.
#[derive(Debug, Default)]
pub(super) struct Rechecked {
    incremental: Incremental,
    published: Published,
    /// By which use bindings were judged.
    used: Option<GrantUse>,
    /// What was said of those that nobody needs.
    unused: SaidUnused,
    /// When the first exception of an object expires, by path.
    expiring: BTreeMap<Arc<str>, Timestamp>,
}

impl Rechecked {
    /// Judges everything. What was open before of bindings that nobody needs stays so where nobody knows.
    pub(super) fn first(
        objects: &LiveObjects,
        unused: Vec<Finding>,
        terms: &Terms<'_>,
    ) -> (Self, Publication) {
        let unused = SaidUnused::of(unused);
        if terms.policies.is_some() {
            return Self::first_with_policies(objects, unused, terms);
        }
        let components = Arc::new(terms.components.clone());
        let incremental = Incremental::with_components(components);
        let used = terms.grant_use.cloned();
        let mut rechecked = Self { incremental, used, unused, ..Self::default() };
        let all = objects.documents().flat_map(|(path, document)| living(path, document));
        let all = all.map(|(identity, living)| Change::Put(living, identity.source));
        rechecked.incremental.fill(all.collect());
        let mut findings = Vec::new();
        for (path, _) in objects.documents() {
            let found = rechecked.findings(objects, path, terms);
            rechecked.published.open(path, &found, terms);
            findings.extend(found);
        }
        let not_evaluated = rechecked.incremental.not_evaluated().into_iter();
        let not_evaluated = not_evaluated.filter(|it| terms.selection.takes(it.check));
        let not_evaluated = not_evaluated
            .map(|it| NotEvaluated { check: it.check.id.to_owned(), reason: it.reason.to_owned() });
        let not_evaluated = not_evaluated.collect();
        let report = ScanReport { findings, not_evaluated, ..ScanReport::default() };
        let (cluster, scanned_paths) = (terms.cluster.clone(), objects.paths());
        (rechecked, Publication { cluster, report, scanned_paths })
    }

    /// Judges again what other objects than those that were replaced may have changed.
    pub(super) fn revise(
        &mut self,
        objects: &LiveObjects,
        replaced: Replaced,
        terms: &Terms<'_>,
    ) -> Revision {
        if terms.policies.is_some() {
            return self.revise_with_policies(objects, terms);
        }
        let delta = self.incremental.apply(changes(objects, &replaced));
        let mut paths: BTreeSet<Arc<str>> = self.expired(terms.today);
        let others = delta.altered.iter().map(|it| &it.object).chain(&delta.reowned);
        paths.extend(others.map(|identity| Arc::from(path_of(identity))));
        paths.extend(replaced.into_keys());
        if self.used.as_ref() != terms.grant_use {
            self.used = terms.grant_use.cloned();
            paths.extend(bindings(objects));
        }
        let mut revision = Revision { cluster: terms.cluster.clone(), ..Revision::default() };
        for path in paths {
            let found = self.findings(objects, &path, terms);
            let is_there = objects.get(&path).is_some();
            self.published.replace(&path, found, is_there, terms, &mut revision);
        }
        revision
    }

    /// People's policies may ask for any object, which nobody notes: with such, everything is judged each time.
    fn first_with_policies(
        objects: &LiveObjects,
        unused: SaidUnused,
        terms: &Terms<'_>,
    ) -> (Self, Publication) {
        let mut rechecked = Self { unused, ..Self::default() };
        let mut scan = objects.scan(terms);
        let found = rechecked.by_path(objects, &scan, terms);
        for (path, found) in &found {
            rechecked.published.open(path, found, terms);
        }
        scan.report.findings = found.into_values().flatten().collect();
        // Of these it is known one by one.
        scan.report.not_evaluated.retain(|it| it.check != grant_use::CHECK);
        let (cluster, scanned_paths) = (terms.cluster.clone(), objects.paths());
        (rechecked, Publication { cluster, report: scan.report, scanned_paths })
    }

    fn revise_with_policies(&mut self, objects: &LiveObjects, terms: &Terms<'_>) -> Revision {
        let mut revision = Revision { cluster: terms.cluster.clone(), ..Revision::default() };
        let mut found = self.by_path(objects, &objects.scan(terms), terms);
        for path in self.published.paths() {
            found.entry(path).or_default();
        }
        for (path, found) in found {
            let is_there = objects.get(&path).is_some();
            self.published.replace(&path, found, is_there, terms, &mut revision);
        }
        revision
    }

    /// The findings of a scan by the path of their object, and what stays of those of before.
    fn by_path(
        &mut self,
        objects: &LiveObjects,
        scan: &Scan,
        terms: &Terms<'_>,
    ) -> BTreeMap<Arc<str>, Vec<Finding>> {
        let mut found = by_path(scan);
        for path in self.unused.paths() {
            found.entry(path).or_default();
        }
        for (path, findings) in &mut found {
            self.unused.keep(path, objects.get(path), findings, terms);
        }
        found
    }

    /// The findings of what stands under a path. When they change by themselves is noted.
    fn findings(
        &mut self,
        objects: &LiveObjects,
        path: &Arc<str>,
        terms: &Terms<'_>,
    ) -> Vec<Finding> {
        let Some(document) = objects.get(path) else {
            self.expiring.remove(path);
            self.unused.keep(path, None, &mut Vec::new(), terms);
            return Vec::new();
        };
        let all = living(path, document).into_iter();
        let said: Vec<_> =
            all.filter_map(|(it, _)| self.incremental.check_in(&it, &[], terms)).collect();
        match said.iter().flat_map(|it| &it.accepted).filter_map(|it| it.until).min() {
            Some(until) => _ = self.expiring.insert(Arc::clone(path), until),
            None => _ = self.expiring.remove(path),
        }
        let mut told = objects.told(path, said.into_iter().flat_map(|it| it.findings)).findings;
        self.unused.keep(path, Some(document), &mut told, terms);
        told
    }

    /// The objects of which an exception has expired.
    fn expired(&self, today: Option<Timestamp>) -> BTreeSet<Arc<str>> {
        let is_expired = |until: Timestamp| today.is_some_and(|today| today >= until);
        let expired = self.expiring.iter().filter(|(_, until)| is_expired(**until));
        expired.map(|(path, _)| Arc::clone(path)).collect()
    }
}

/// Where bindings of RBAC stand: their findings change with what is known of their use.
fn bindings(objects: &LiveObjects) -> impl Iterator<Item = Arc<str>> {
    let all = objects.documents().flat_map(|(path, document)| living(path, document));
    let of_kind = |it: &Identity| matches!(&*it.kind, "ClusterRoleBinding" | "RoleBinding");
    all.filter(move |(it, _)| of_kind(it)).map(|(it, _)| Arc::from(path_of(&it)))
}

/// The findings of a scan by the path of their object.
fn by_path(scan: &Scan) -> BTreeMap<Arc<str>, Vec<Finding>> {
    let mut found: BTreeMap<Arc<str>, Vec<Finding>> = BTreeMap::new();
    for object in &scan.objects {
        let findings = scan.report.findings.get(object.findings.clone()).unwrap_or_default();
        found.entry(Arc::clone(&object.place.path)).or_default().extend_from_slice(findings);
    }
    found
}

/// The changes that lead from what was replaced to what is there now.
fn changes(objects: &LiveObjects, replaced: &Replaced) -> Vec<Change> {
    let mut changes = Vec::new();
    for (path, old) in replaced {
        let now = objects.get(path).map(|it| living(path, it)).unwrap_or_default();
        let old = old.as_ref().map(|it| living(path, it)).unwrap_or_default();
        let gone = old.into_iter().map(|(old, _)| old);
        let gone = gone.filter(|old| !now.iter().any(|(new, _)| new == old));
        changes.extend(gone.map(Change::Remove));
        changes.extend(now.into_iter().map(|(new, living)| Change::Put(living, new.source)));
    }
    changes
}

#[cfg(test)]
mod tests;
