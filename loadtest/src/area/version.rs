//! `version`: how long `airside --version` takes, as the shell sees it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;

use super::Run;
use crate::measure::{Latencies, Process, Stopwatch};
use crate::report::{Quantiles, Report};

/// How often it is started; the figure is the median.
const RUNS: u64 = 20;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let binary = run.binary()?;
    // The first start reads the file from disk.
    start(&binary, &["--version"])?;
    let (latencies, span) = starts(&binary, &["--version"])?;
    // A program that does nothing: what starting any program takes here.
    let (least, least_span) = starts(Path::new("/bin/true"), &[])?;
    let mut report = Report::of("version")
        .with("cpu_of", "the programs that were started")
        .with("unit", "starts")
        .with("starts", RUNS)
        .with("binary_bytes", std::fs::metadata(&binary)?.len())
        .with("floor_latency_us", Quantiles::of(&least))
        .answered_within(&latencies);
    report.cpu_seconds = Some(span.cpu.as_secs_f64());
    report.wall_seconds = Some(span.wall.as_secs_f64());
    report.rate_per_cpu_second = span.rate(RUNS).map(f64::round);
    Ok(report.above("starting a program that does nothing", RUNS, least_span))
}

fn starts(binary: &Path, arguments: &[&str]) -> anyhow::Result<(Latencies, crate::measure::Span)> {
    let mut latencies = Latencies::new()?;
    let watch = Stopwatch::start(Process::Ended)?;
    for _ in 0..RUNS {
        let started = Instant::now();
        start(binary, arguments)?;
        latencies.record(started.elapsed());
    }
    Ok((latencies, watch.stop()?))
}

fn start(binary: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("`{}` cannot be started", binary.display()))?;
    anyhow::ensure!(status.success(), "`{}` ended with {status}", binary.display());
    Ok(())
}
