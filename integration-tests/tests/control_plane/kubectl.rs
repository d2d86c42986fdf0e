//! kubectl as one person or program, from an address of its own.
//!
//! Owns kubeconfigs and running the program. What is asked for is `story`'s.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::relay::Relay;

/// How long one command may take.
const WITHIN: Duration = Duration::from_secs(40);

/// kubectl with one token, from one address.
#[derive(Debug)]
pub(crate) struct Kubectl {
    kubeconfig: PathBuf,
    folder: PathBuf,
    _relay: Relay,
}

/// What a command printed, and whether it succeeded.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) succeeded: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Kubectl {
    /// kubectl for who holds `token` and speaks from `address`.
    pub(crate) async fn new(
        server: SocketAddr,
        folder: &Path,
        token: &str,
        address: Ipv4Addr,
    ) -> Self {
        let relay = Relay::start(address, server).await;
        let kubeconfig = write_kubeconfig(folder, token, relay.address().port());
        Self { kubeconfig, folder: folder.to_owned(), _relay: relay }
    }

    /// Starts a command that goes on until its handle is dropped, such as `exec`.
    pub(crate) fn open(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a command, with `input` on its standard input.
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> Answer {
        let mut child = self.command(arguments).spawn().expect("kubectl is in the PATH");
        let mut stdin = child.stdin.take().unwrap();
        // A command that does not read its input closes it early.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
        let output = tokio::time::timeout(WITHIN, child.wait_with_output())
            .await
            .unwrap_or_else(|_| panic!("kubectl {arguments:?} hangs"))
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer {
            succeeded: output.status.success(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .arg(format!("--kubeconfig={}", self.kubeconfig.display()))
            .arg(format!("--cache-dir={}", self.folder.join("kubectl-cache").display()))
            .args(arguments)
            .env("HOME", &self.folder)
            // Ours is a kubelet that speaks SPDY: asked for WebSockets first, one `exec` would be two requests.
            .env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command that has to succeed, and returns what it printed.
    pub(crate) async fn must(&self, arguments: &[&str], input: &str) -> String {
        let answer = self.run(arguments, input).await;
        assert!(answer.succeeded, "kubectl {arguments:?}: {}", answer.stderr);
        answer.stdout
    }

    /// Applies manifests, as a pipeline or person does. The server's schema is not asked for: it is
    /// megabytes.
    pub(crate) async fn apply(&self, manifests: &str) {
        self.must(&["apply", "--validate=false", "-f", "-"], manifests).await;
    }
}

/// Writes a kubeconfig for a token, by way of a port of 127.0.0.1.
pub(crate) fn write_kubeconfig(folder: &Path, token: &str, port: u16) -> PathBuf {
    let path = folder.join(format!("{port}.kubeconfig"));
    // The server's certificate is one that it made for itself a moment ago.
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{ "name": "it", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true,
        }}],
        "users": [{ "name": "it", "user": { "token": token } }],
        "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    path
}
