//! From files to a report: reading, checking, issuing boarding passes. Pure.
//!
//! Used by the service, by `airside scan` and by `airside replay`, so that all three say the same.

use airside_checks::{CheckedObject, InputFile, check_in};
use airside_k8s::yaml::{Limits, Parsed, parse_bytes};
use airside_types::{Cluster, Place, Severity, Tenant};
use airside_wire::scan::{NotEvaluated, Publication, ScanReport, SourceFile, Unreadable};

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
}

/// Checks files as one set.
pub fn scan_files(
    files: &[SourceFile],
    tenant: &Tenant,
    cluster: &Cluster,
    failing: Severity,
) -> Scan {
    let limits = Limits::default();
    let parsed: Vec<(&SourceFile, Parsed)> =
        files.iter().map(|file| (file, parse_bytes(&file.content, &limits))).collect();
    let inputs: Vec<_> = parsed
        .iter()
        .map(|(file, parsed)| InputFile { path: &file.path, documents: &parsed.documents })
        .collect();
    let checked = check_in(&inputs, tenant, cluster, failing);
    let broken = parsed.iter().flat_map(|(file, parsed)| {
        parsed.errors.iter().map(|error| Unreadable {
            place: Place {
                path: file.path.clone(),
                line: error.position.line,
                column: error.position.column,
            },
            reason: error.problem.to_string(),
        })
    });
    let skipped = checked.skipped.iter().map(|skipped| Unreadable {
        place: skipped.place.clone(),
        reason: skipped.reason.to_string(),
    });
    let report = ScanReport {
        unreadable: broken.chain(skipped).collect(),
        not_evaluated: checked
            .not_evaluated
            .iter()
            .map(|it| NotEvaluated { check: it.check.id.to_owned(), reason: it.reason.to_owned() })
            .collect(),
        findings: checked.findings,
        passes: checked.passes,
    };
    // A file that broke off was not read as a whole: what is missing from it may still be there.
    let paths = parsed
        .iter()
        .filter(|(_, parsed)| parsed.errors.is_empty())
        .map(|(file, _)| file.path.clone())
        .collect();
    Scan { report, paths, objects: checked.objects }
}

impl Scan {
    /// What publishes the scan's report.
    pub fn publication(&self, cluster: Cluster) -> Publication {
        Publication { cluster, report: self.report.clone(), scanned_paths: self.paths.clone() }
    }
}
