//! The life cycle of findings: what a publication changes about those that are known. Pure.
//!
//! A finding opens when it is first reported. It closes when a scan covers its file and does not report it:
//! fixed where its object is still there, gone where not. It reappears, as the same finding, when it is
//! reported again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_checks::catalogue;
use airside_k8s::live;
use airside_types::{Cluster, Finding, FindingState, Id, Knowledge, ObjectRef, Tenant, Timestamp};
use airside_wire::finding::FindingEntry;
use airside_wire::scan::{Publication, PublishOutcome};

use crate::notices::News;

/// How exact [`FindingEntry::last_seen`] is: a finding that is reported in the same state again is not
/// written anew each time.
const LAST_SEEN_STEP: Duration = Duration::from_secs(3600);

/// What a publication changes.
#[derive(Debug)]
pub(super) struct Change {
    /// What was known to whoever judged.
    judged_by: Knowledge,
    /// Findings as they are now, and that others have to learn.
    pub(super) told: Vec<Told>,
    /// Findings that were merely seen again.
    pub(super) seen: Vec<FindingEntry>,
    /// The counts.
    pub(super) outcome: PublishOutcome,
}

/// A finding that others have to learn of.
#[derive(Debug)]
pub(super) struct Told {
    /// As it is now.
    pub(super) entry: FindingEntry,
    /// What is new about it for its owner; none where it closed or merely moved.
    pub(super) news: Option<News>,
}

impl Change {
    /// No change yet, by whoever knows this.
    pub(super) fn judged_by(knowledge: Knowledge) -> Self {
        let (told, seen, outcome) = (Vec::new(), Vec::new(), PublishOutcome::default());
        Self { judged_by: knowledge, told, seen, outcome }
    }

    /// Compares what was found with what is known of the same tenant and cluster. Takes the findings out of
    /// the publication: there may be very many. Its passes say what was known; live objects have none, and are judged by
    /// the scanner itself.
    pub(super) fn of(
        publication: &mut Publication,
        known: &BTreeMap<Id, FindingEntry>,
        tenant: &Tenant,
        scanner: &Knowledge,
        now: Timestamp,
    ) -> Self {
        let rules = publication.report.passes.iter().find_map(|pass| pass.rules.as_ref());
        let mut change = Self::judged_by(rules.map_or_else(|| scanner.clone(), Knowledge::from));
        let mut reported = BTreeSet::new();
        for finding in std::mem::take(&mut publication.report.findings) {
            let id = finding.id(tenant, &publication.cluster);
            if reported.insert(id) {
                change.report(id, &publication.cluster, finding, known.get(&id), now);
            }
        }
        let covered = Covered::by(publication);
        for (id, entry) in known {
            let open = entry.finding.state == FindingState::Open;
            if open && !reported.contains(id) && covered.judged(&entry.finding) {
                let is_there = covered.has(&entry.finding);
                let state = if is_there { FindingState::Fixed } else { FindingState::Gone };
                change.end(entry, state, now);
            }
        }
        change
    }

    /// A finding is reported, whether it is known or not.
    pub(super) fn report(
        &mut self,
        id: Id,
        cluster: &Cluster,
        finding: Finding,
        known: Option<&FindingEntry>,
        now: Timestamp,
    ) {
        let finding = Finding { state: FindingState::Open, ..finding };
        match known {
            Some(entry) => self.report_again(entry, finding, now),
            None => self.open(id, cluster, finding, now),
        }
    }

    fn tell(&mut self, news: Option<News>, entry: FindingEntry) {
        self.told.push(Told { entry, news });
    }

    fn open(&mut self, id: Id, cluster: &Cluster, finding: Finding, now: Timestamp) {
        self.outcome.opened += 1;
        self.tell(
            Some(News::Opened),
            FindingEntry {
                id,
                cluster: cluster.clone(),
                finding,
                first_seen: now,
                state_since: now,
                last_seen: now,
                reappeared: 0,
                reappeared_at: None,
                closed_at: None,
                judged_by: Some(self.judged_by.clone()),
                outdated: false,
            },
        );
    }

    fn report_again(&mut self, entry: &FindingEntry, finding: Finding, now: Timestamp) {
        let judged_by = Some(self.judged_by.clone());
        let again = FindingEntry { finding, last_seen: now, judged_by, ..entry.clone() };
        if entry.finding.state != FindingState::Open {
            self.outcome.opened += 1;
            self.outcome.reappeared += 1;
            self.tell(
                Some(News::Reappeared),
                FindingEntry {
                    state_since: now,
                    reappeared: entry.reappeared.saturating_add(1),
                    reappeared_at: Some(now),
                    ..again
                },
            );
            return;
        }
        self.outcome.unchanged += 1;
        if again.finding != entry.finding {
            // It moved to another line or its message changed: still the same finding.
            self.tell(changed(&entry.finding, &again.finding), again);
        } else if now >= entry.last_seen.plus(LAST_SEEN_STEP) || again.judged_by != entry.judged_by
        {
            self.seen.push(again);
        }
    }

    /// A finding that is open is no longer: it is fixed, or gone with its object.
    pub(super) fn end(&mut self, entry: &FindingEntry, state: FindingState, now: Timestamp) {
        if entry.finding.state != FindingState::Open {
            return;
        }
        match state {
            FindingState::Gone => self.outcome.gone += 1,
            FindingState::Open | FindingState::Fixed => self.outcome.fixed += 1,
        }
        self.tell(
            None,
            FindingEntry {
                finding: Finding { state, ..entry.finding.clone() },
                state_since: now,
                closed_at: Some(now),
                judged_by: Some(self.judged_by.clone()),
                ..entry.clone()
            },
        );
    }
}

/// Whether a finding that is open anyway says something that its owner has to know: it is worse than it was, or
/// other vulnerabilities are known of the same version.
fn changed(before: &Finding, now: &Finding) -> Option<News> {
    let is_worse = now.severity > before.severity;
    let has_other_data = catalogue::rests_on_data(&now.check) && now.message != before.message;
    (is_worse || has_other_data).then_some(News::Changed)
}

/// What a scan looked at.
struct Covered<'a> {
    paths: BTreeSet<&'a str>,
    unreadable: BTreeSet<&'a str>,
    unjudged: BTreeSet<&'a str>,
    objects: BTreeSet<(&'a str, &'a ObjectRef)>,
}

impl<'a> Covered<'a> {
    fn by(publication: &'a Publication) -> Self {
        let report = &publication.report;
        Self {
            paths: publication
                .scanned_paths
                .iter()
                .map(|path| path.trim_end_matches('/'))
                .collect(),
            unreadable: report.unreadable.iter().map(|it| it.place.path.as_ref()).collect(),
            unjudged: report.not_evaluated.iter().map(|it| it.check.as_str()).collect(),
            objects: report
                .passes
                .iter()
                .map(|pass| (pass.place.path.as_ref(), &pass.object))
                .collect(),
        }
    }

    /// Whether the scan would have reported the finding if it still stood.
    fn judged(&self, finding: &Finding) -> bool {
        if self.unjudged.contains(finding.check.as_ref()) {
            return false;
        }
        let path = finding.place.path.as_ref();
        // Whoever names the file itself has read it as a whole.
        self.paths.contains(path) || self.is_below(path) && !self.unreadable.contains(path)
    }

    /// Whether a folder that holds the path was scanned; `.` holds every path.
    fn is_below(&self, path: &str) -> bool {
        let mut folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        self.paths.contains(".") || folders.any(|folder| self.paths.contains(folder))
    }

    /// Whether the finding's object is still in its file. A live object has no pass, but a path of its own.
    fn has(&self, finding: &Finding) -> bool {
        let path = finding.place.path.as_ref();
        self.objects.contains(&(path, &finding.object))
            || path.starts_with(live::ROOT) && self.paths.contains(path)
    }
}
