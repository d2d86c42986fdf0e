//! `scan`: manifests through the reader and the checks.
//!
//! The floor is what reading alone would take: the same bytes into JSON values by serde-saphyr.

use std::process::{Command, Stdio};

use airside_checks::{Passes, Terms};
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_scanner::scan_files;
use airside_types::{Cluster, Severity, Tenant};
use airside_wire::scan::SourceFile;
use anyhow::Context;
use serde_json::Value;

use super::Run;
use crate::corpus;
use crate::measure::{Process, measured};
use crate::report::{Report, rounded};

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let mut input = corpus::manifests(run.corpus())?;
    input.items.truncate(run.amount(500, usize::MAX));
    let files = &input.items;
    let count = files.len() as u64;
    let bytes: usize = files.iter().map(|file| file.content.len()).sum();
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let (_, parsing) = measured(|| Ok(values(files)))?;
    let (_, reading) = measured(|| {
        let limits = Limits::default();
        Ok(files
            .iter()
            .map(|file| parse_bytes(&file.content, &limits).documents.len())
            .sum::<usize>())
    })?;
    // As `airside scan` does where nothing is published.
    let terms =
        Terms { passes: Passes::WithoutFields, ..Terms::new(&tenant, &cluster, Severity::High) };
    let (scan, span) = measured(|| Ok(scan_files(files, &terms)))?;
    let objects = scan.objects.len() as u64;
    let report = Report::of("scan")
        .took(Process::This, "files", count, span)?
        .with("input", input.source)
        .with("bytes", bytes)
        .with("objects", objects)
        .with("objects_per_cpu_second", span.rate(objects).map(f64::round))
        .with("findings", scan.report.findings.len())
        .with("reading_cpu_seconds", rounded(reading.cpu.as_secs_f64(), 1e3))
        .with("program_cpu_seconds", program(run)?);
    Ok(report.above("the same files into JSON values by serde-saphyr", count, parsing))
}

/// How many documents serde-saphyr reads; a file that it refuses counts for none.
fn values(files: &[SourceFile]) -> usize {
    let texts = files.iter().filter_map(|file| std::str::from_utf8(&file.content).ok());
    texts.map(|text| serde_saphyr::from_multiple::<Value>(text).map_or(0, |all| all.len())).sum()
}

/// CPU seconds of the whole `airside scan` of the corpus: starting, reading files and printing included.
/// None without a corpus or a binary.
fn program(run: &Run) -> anyhow::Result<Option<f64>> {
    let (Some(corpus), Ok(binary)) = (run.corpus(), run.binary()) else { return Ok(None) };
    if run.quick {
        return Ok(None);
    }
    let before = Process::Ended.cpu()?;
    let status = Command::new(&binary)
        .args(["scan", "--exit-zero", "--output", "json"])
        .arg(corpus.join("manifests"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("`{}` cannot be started", binary.display()))?;
    anyhow::ensure!(status.success(), "`airside scan` ended with {status}");
    let took = Process::Ended.cpu()?.saturating_sub(before);
    Ok(Some(rounded(took.as_secs_f64(), 1e3)))
}
