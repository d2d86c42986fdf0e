//! Starting a server in a child process, and stopping it again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::Instant;

use crate::area::Run;
use crate::measure::Process;
use crate::serve::Announcement;

/// How long a server may take to be ready, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many lines of a failed server's log are shown.
const SHOWN_LINES: usize = 5;
/// The most that is read of an answer to a plain GET.
const MAX_PAGE: u64 = 1 << 20;
/// How many records correlation has applied.
const APPLIED: &str = "airside_correlation_records_total";

/// A server in a process of its own, with a folder of its own. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Child {
    /// How to reach it.
    pub(crate) announcement: Announcement,
    /// Its process, to be measured.
    pub(crate) process: Process,
    running: tokio::process::Child,
    /// What it writes to standard error.
    log: PathBuf,
    folder: TempDir,
}

impl Child {
    /// A node with all services.
    pub(crate) async fn node() -> anyhow::Result<Self> {
        Self::start("serve-node", &[]).await
    }

    /// The floor.
    pub(crate) async fn floor() -> anyhow::Result<Self> {
        Self::start("serve-floor", &[]).await
    }

    /// Audit-ingest alone, over a NATS server; it may fold what it takes in.
    pub(crate) async fn ingest(nats: &str, owner: bool, run: &Run) -> anyhow::Result<Self> {
        let mut flags = vec!["--nats", nats];
        flags.extend(owner.then_some("--owner"));
        flags.extend(run.quick.then_some("--quick"));
        Self::start("serve-ingest", &flags).await
    }

    async fn start(area: &str, flags: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("airside-loadtest-").tempdir()?;
        let log = folder.path().join("log");
        let mut running = Command::new(std::env::current_exe()?)
            .arg(area)
            .arg("--folder")
            .arg(folder.path().join("data"))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("`{area}` cannot be started"))?;
        let id = running.id().with_context(|| format!("`{area}` ended at once"))?;
        let out = running.stdout.take().context("a child without standard output")?;
        let mut line = String::new();
        let mut reader = BufReader::new(out).take(MAX_PAGE);
        let read = tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await;
        if !matches!(read, Ok(Ok(bytes)) if bytes > 0) {
            anyhow::bail!("`{area}` was not ready within {PATIENCE:?}; {}", said(&log));
        }
        let announcement = serde_json::from_str(&line)?;
        Ok(Self { announcement, process: Process::Child(id), running, log, folder })
    }

    /// A figure of the node's metrics.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let page = self.get("/metrics").await?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.with_context(|| format!("the node has no metric {name}"))?;
        Ok(value.trim().parse()?)
    }

    /// Waits until correlation has nothing left to do: until the node has applied nothing and has hardly
    /// worked for a second, and at most so long. Whether it came to that.
    pub(crate) async fn settle(&self, most: Duration) -> anyhow::Result<bool> {
        self.settle_by(&[APPLIED], most).await
    }

    /// The same for other figures that grow with what is done.
    pub(crate) async fn settle_by(&self, done: &[&str], most: Duration) -> anyhow::Result<bool> {
        const QUIET: Duration = Duration::from_secs(1);
        const HARDLY: Duration = Duration::from_millis(100);
        let end = Instant::now() + most;
        loop {
            let before = (self.sum(done).await?, self.process.cpu()?);
            tokio::time::sleep(QUIET).await;
            let after = (self.sum(done).await?, self.process.cpu()?);
            if after.0 == before.0 && after.1.saturating_sub(before.1) < HARDLY {
                return Ok(true);
            }
            if Instant::now() > end {
                return Ok(false);
            }
        }
    }

    async fn sum(&self, names: &[&str]) -> anyhow::Result<u64> {
        let mut sum = 0;
        for name in names {
            sum += self.metric(name).await?;
        }
        Ok(sum)
    }

    /// How many records correlation has applied.
    pub(crate) async fn applied(&self) -> anyhow::Result<u64> {
        self.metric(APPLIED).await
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let address = self.announcement.api.context("the floor has no API")?;
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(MAX_PAGE).read_to_string(&mut answer).await?;
        anyhow::ensure!(answer.starts_with("HTTP/1.1 200 "), "no answer to {path}: {answer}");
        Ok(answer)
    }

    /// Stops the server, by letting its input end, and removes its folder. One that goes on is ended by
    /// force: what was measured is measured.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.running.stdin.take());
        match tokio::time::timeout(PATIENCE, self.running.wait()).await {
            Ok(status) => {
                let status = status?;
                anyhow::ensure!(
                    status.success(),
                    "the server ended with {status}; {}",
                    said(&self.log)
                );
            }
            Err(_) => {
                let mut out = std::io::stderr();
                writeln!(out, "airside-loadtest: the server did not stop within {PATIENCE:?}")?;
                self.running.kill().await?;
            }
        }
        Ok(self.folder.close()?)
    }
}

/// The end of what a server wrote to its log, for error messages.
fn said(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().take(SHOWN_LINES).collect();
    format!("it said: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" | "))
}
