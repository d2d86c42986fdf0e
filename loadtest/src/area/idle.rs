//! `idle`: memory and CPU of `airside up` once it has started and nobody wants anything of it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::Run;
use crate::measure::{Process, Stopwatch};
use crate::report::{Report, rounded};

/// How long it may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long memory must not have changed by much to count as settled.
const STEADY: Duration = Duration::from_secs(3);
/// What counts as not much, in bytes.
const MUCH: u64 = 256 << 10;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let watched = Duration::from_secs(if run.quick { 5 } else { 20 });
    let binary = run.binary()?;
    airside_node::runtime()?.block_on(async {
        let folder = tempfile::Builder::new().prefix("airside-loadtest-").tempdir()?;
        let started = Instant::now();
        let mut up = Command::new(&binary)
            .args(["up", "--set", "api.listen=127.0.0.1:0", "--set", "webhook.listen=127.0.0.1:0"])
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.path().join("log"))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{}` cannot be started", binary.display()))?;
        let id = up.id().context("`airside up` ended at once")?;
        let process = Process::Child(id);
        let out = up.stdout.take().context("a child without standard output")?;
        let mut lines = BufReader::new(out).lines();
        let ready = async {
            let address = loop {
                let line = lines.next_line().await?.context("`airside up` tells no API address")?;
                if let Some((_, address)) = line.split_once("http://") {
                    break address.trim().to_owned();
                }
            };
            while !is_ready(&address).await? {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, ready).await.context("`airside up` is not ready")??;
        let ready_after = started.elapsed();
        // What it still prints is read, so that it never waits for us.
        let rest = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        settled(process).await?;
        let resident = process.resident()?;
        let watch = Stopwatch::start(process)?;
        tokio::time::sleep(watched).await;
        let span = watch.stop()?;
        let mut report = Report::of("idle")
            .with("cpu_of", "`airside up`")
            .with("ready_after_ms", rounded(ready_after.as_secs_f64() * 1e3, 1.0))
            .with("rss_bytes", resident)
            .with("rss_bytes_at_the_end", process.resident()?);
        report.cpu_seconds = Some(rounded(span.cpu.as_secs_f64(), 1e3));
        report.wall_seconds = Some(rounded(span.wall.as_secs_f64(), 1e3));
        report.peak_rss_bytes = Some(process.peak()?);
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).context("a strange process id")?;
        kill_process(pid, Signal::TERM)?;
        let ended = tokio::time::timeout(PATIENCE, up.wait()).await;
        let status = ended.context("`airside up` did not stop")??;
        rest.await?;
        folder.close()?;
        Ok(report.with("ended_with", status.to_string()))
    })
}

async fn is_ready(address: &str) -> anyhow::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

/// Waits until memory does not change any more, for a bounded time.
async fn settled(process: Process) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    let (mut last, mut since) = (process.resident()?, Instant::now());
    while since.elapsed() < STEADY && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = process.resident()?;
        if now.abs_diff(last) > MUCH {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}
