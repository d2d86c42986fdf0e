//! A running server: started, known to be ready by what it says, ended.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{NatsServerError, failed};

/// How long a server may take to be ready. It takes milliseconds, more where the machine is busy.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How many lines of a server's output are kept, to show when it fails.
const KEPT_LINES: usize = 40;

type Output = Arc<Mutex<VecDeque<String>>>;

/// A running nats-server. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    port: u16,
}

impl Process {
    pub(super) fn start(
        binary: &Path,
        flags: &[String],
        storage: &Path,
    ) -> Result<Self, NatsServerError> {
        let mut command = Command::new(binary);
        command.args(flags).env("AIRSIDE_NATS_STORE", storage);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed("start nats-server"))?;
        let (ready, becomes_ready) = sync_channel(1);
        let output = Output::default();
        if let Some(stderr) = child.stderr.take() {
            let output = Arc::clone(&output);
            thread::spawn(move || follow(stderr, &output, &ready));
        }
        // From here on a failure kills the child.
        let mut process = Self { child, port: 0 };
        let what = match becomes_ready.recv_timeout(READY_WITHIN) {
            Ok(port) => {
                process.port = port;
                return Ok(process);
            }
            Err(RecvTimeoutError::Timeout) => "was not ready in time",
            Err(RecvTimeoutError::Disconnected) => "ended at once",
        };
        let lines = output.lock().unwrap_or_else(PoisonError::into_inner);
        let output = lines.iter().cloned().collect::<Vec<_>>().join("\n");
        Err(NatsServerError::NotReady { what, output })
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Asks the server to end, and waits until it has.
    pub(super) fn stop(mut self, binary: &Path) -> Result<(), NatsServerError> {
        let mut signal = Command::new(binary);
        // The server's own way to send a signal: the standard library has none.
        signal.arg("--signal").arg(format!("term={}", self.child.id()));
        signal.status().map_err(failed("send nats-server a signal"))?;
        self.child.wait().map_err(failed("wait for nats-server"))?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads what the server says until it ends, tells its port once it is ready, and keeps the last lines.
fn follow(stderr: ChildStderr, output: &Output, ready: &SyncSender<u16>) {
    let mut port = None;
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("Listening for client connections on ") {
            port = address.rsplit_once(':').and_then(|(_, port)| port.trim().parse().ok());
        } else if line.ends_with("Server is ready")
            && let Some(port) = port
        {
            // Nobody waits any more when starting has failed.
            let _told = ready.try_send(port);
        }
        let mut lines = output.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}
