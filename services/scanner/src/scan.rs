//! From files to a report: reading, checking, issuing boarding passes. Pure.
//!
//! Used by the service, by `airside scan` and by `airside replay`, so that all three say the same.

use std::collections::BTreeSet;

use airside_checks::check_in::attribute;
use airside_checks::exception::{Problem, comments};
use airside_checks::owner::FileOwners;
use airside_checks::{
    Accepted, CheckIn, CheckedObject, Comment, Ineffective, InputFile, Origins, Terms, check_in,
};
use airside_k8s::yaml::{Limits, Parsed, parse_bytes};
use airside_types::{Cluster, Place};
use airside_wire::scan::{
    AcceptedFailure, IneffectiveException, JudgedObject, NotEvaluated, Publication, ScanReport,
    SourceFile, Unreadable,
};

/// What a scan saw.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Findings, boarding passes, and what could not be judged or read.
    pub report: ScanReport,
    /// The files that were read as a whole. A publication names them, so that what is no longer found in
    /// them counts as fixed or gone.
    pub paths: Vec<String>,
    /// Every object that was judged, with its API version as written.
    pub objects: Vec<CheckedObject>,
    /// Failures that somebody has accepted.
    pub accepted: Vec<Accepted>,
    /// Exceptions without an effect.
    pub ineffective: Vec<Ineffective>,
}

/// What the check-in says of files, with nothing left out and nothing put together.
pub fn check_files(limits: &Limits, files: &[SourceFile], terms: &Terms<'_>) -> CheckIn {
    let read: Vec<_> = files.iter().map(|file| ReadFile::of(file, limits)).collect();
    check_in(&read.iter().map(ReadFile::input).collect::<Vec<_>>(), terms)
}

/// Checks files as one set, within the default limits.
pub fn scan_files(files: &[SourceFile], terms: &Terms<'_>) -> Scan {
    scan_files_within(&Limits::default(), files, terms)
}

/// Checks files as one set, of each as much as the limits say.
pub fn scan_files_within(limits: &Limits, files: &[SourceFile], terms: &Terms<'_>) -> Scan {
    let read: Vec<_> = files.iter().map(|file| ReadFile::of(file, limits)).collect();
    let mut checked = check_in(&read.iter().map(ReadFile::input).collect::<Vec<_>>(), terms);
    // What an exception in a file is for may be in what could not be read of it, as in templates.
    let torn = read.iter().filter(|it| !it.parsed.is_whole());
    let torn: BTreeSet<&str> = torn.map(|it| it.file.path.as_str()).collect();
    checked.ineffective.retain(|it| {
        !matches!(it.problem, Problem::Unused { .. }) || !torn.contains(&*it.place.path)
    });
    let broken = read.iter().flat_map(|ReadFile { file, parsed, .. }| {
        parsed.errors.iter().map(|error| Unreadable {
            place: Place {
                path: file.path.as_str().into(),
                line: error.position.line,
                column: error.position.column,
            },
            reason: error.problem.to_string(),
        })
    });
    Scan::of(checked, broken.collect(), whole(&read))
}

/// The files that were read as a whole. One that broke off was not: what is missing from it may still be there.
fn whole(read: &[ReadFile<'_>]) -> Vec<String> {
    let whole = read.iter().filter(|it| it.parsed.is_whole());
    whole.map(|it| it.file.path.clone()).collect()
}

/// A file, read.
struct ReadFile<'a> {
    file: &'a SourceFile,
    parsed: Parsed,
    comments: Vec<Comment>,
}

impl<'a> ReadFile<'a> {
    fn of(file: &'a SourceFile, limits: &Limits) -> Self {
        let parsed = parse_bytes(&file.content, limits);
        let text = std::str::from_utf8(&file.content).unwrap_or_default();
        Self { file, parsed, comments: comments(&file.path, text) }
    }

    fn input(&self) -> InputFile<'_> {
        let Self { file, parsed, comments } = self;
        InputFile { path: &file.path, documents: &parsed.documents, comments }
    }
}

impl Scan {
    pub(crate) fn of(checked: CheckIn, broken: Vec<Unreadable>, paths: Vec<String>) -> Self {
        let skipped = checked.skipped.iter().map(|skipped| Unreadable {
            place: skipped.place.clone(),
            reason: skipped.reason.to_string(),
        });
        let policies = checked.policies_not_evaluated.into_iter();
        let unused = checked.reports_unused.into_iter();
        let report = ScanReport {
            unreadable: broken.into_iter().chain(skipped).collect(),
            not_evaluated: checked
                .not_evaluated
                .iter()
                .map(|it| (it.check.id.to_owned(), it.reason.to_owned()))
                .chain(policies.map(|(policy, reason)| (format!("policy/{policy}"), reason)))
                .chain(unused.map(|(document, reason)| (format!("report/{document}"), reason)))
                .map(|(check, reason)| NotEvaluated { check, reason })
                .collect(),
            findings: checked.findings,
            passes: checked.passes,
            ..ScanReport::default()
        };
        Self {
            report,
            paths,
            objects: checked.objects,
            accepted: checked.accepted,
            ineffective: checked.ineffective,
        }
    }

    /// The report with everything that a caller has to tell: objects, and what came of exceptions.
    pub(crate) fn into_answer(self) -> ScanReport {
        let judged = |it: &CheckedObject| JudgedObject {
            object: it.object.as_ref().clone(),
            api_version: it.api_version.clone(),
            place: it.place.clone(),
            findings: u32::try_from(it.findings.len()).unwrap_or(u32::MAX),
        };
        let accepted = |it: Accepted| {
            let Accepted { finding, reason, until, place } = it;
            AcceptedFailure { finding, reason, until, place }
        };
        let ineffective = |it: Ineffective| IneffectiveException {
            place: it.place,
            problem: it.problem.to_string(),
        };
        ScanReport {
            objects: self.objects.iter().map(judged).collect(),
            accepted: self.accepted.into_iter().map(accepted).collect(),
            ineffective: self.ineffective.into_iter().map(ineffective).collect(),
            ..self.report
        }
    }

    /// What another scanner saw in files. What only whoever read the files knows is added: where they come from,
    /// whose they are, and which of them could be read as a whole.
    pub fn of_answer(
        limits: &Limits,
        files: &[SourceFile],
        report: ScanReport,
        origins: &Origins,
        owners: &FileOwners,
    ) -> Self {
        let read: Vec<_> = files.iter().map(|file| ReadFile::of(file, limits)).collect();
        let mut start = 0_usize;
        let objects = report.objects.into_iter().map(|it| {
            let end = start.saturating_add(usize::try_from(it.findings).unwrap_or(usize::MAX));
            let findings = std::mem::replace(&mut start, end)..end;
            let JudgedObject { object, api_version, place, .. } = it;
            CheckedObject { object: object.into(), api_version, place, findings }
        });
        let accepted = report.accepted.into_iter().map(|it| {
            let AcceptedFailure { finding, reason, until, place } = it;
            Accepted { finding, reason, until, place }
        });
        let ineffective = report
            .ineffective
            .into_iter()
            .map(|it| Ineffective { place: it.place, problem: Problem::Told(it.problem) });
        let mut checked = CheckIn {
            findings: report.findings,
            passes: report.passes,
            objects: objects.collect(),
            accepted: accepted.collect(),
            ineffective: ineffective.collect(),
            ..CheckIn::default()
        };
        let inputs: Vec<_> = read.iter().map(ReadFile::input).collect();
        attribute(&inputs, origins, owners, &mut checked);
        let paths = whole(&read);
        let (not_evaluated, unreadable) = (report.not_evaluated, report.unreadable);
        let scan = Self::of(checked, Vec::new(), paths);
        Self { report: ScanReport { not_evaluated, unreadable, ..scan.report }, ..scan }
    }

    /// What publishes the scan's report.
    pub fn publication(&self, cluster: Cluster) -> Publication {
        Publication { cluster, report: self.report.clone(), scanned_paths: self.paths.clone() }
    }
}
