//! `scan`: manifests through the reader and the checks.
//!
//! The floor is the YAML parser alone: its events over the same bytes, with no values built of them.

use std::process::{Command, Stdio};

use airside_checks::Terms;
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_scanner::scan_files;
use airside_types::{Cluster, Severity, Tenant};
use airside_wire::scan::SourceFile;
use anyhow::Context;

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
    let (_, parsing) = measured(|| Ok(events(files)))?;
    let (_, reading) = measured(|| {
        let limits = Limits::default();
        Ok(files
            .iter()
            .map(|file| parse_bytes(&file.content, &limits).documents.len())
            .sum::<usize>())
    })?;
    let (scan, span) =
        measured(|| Ok(scan_files(files, &Terms::new(&tenant, &cluster, Severity::High))))?;
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
    Ok(report.above("the events of the YAML parser, without values", count, parsing))
}

/// How many events the parser tells; a file that it refuses ends there.
fn events(files: &[SourceFile]) -> usize {
    let texts = files.iter().filter_map(|file| std::str::from_utf8(&file.content).ok());
    texts
        .map(|text| {
            let mut parser = granit_parser::Parser::new_from_str(text);
            let mut count = 0_usize;
            while let Some(Ok(event)) = parser.next_event() {
                std::hint::black_box(event);
                count += 1;
            }
            count
        })
        .sum()
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
