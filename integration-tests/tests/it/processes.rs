//! Services as processes of their own: the real program, started, killed and started again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use airside::https::HttpsClient;
use serde_json::Value;

use crate::platform::PATIENCE;
use crate::program::airside_binary;

/// A service in a process of its own. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct ServiceProcess {
    name: &'static str,
    data_dir: PathBuf,
    /// The certificate that its listeners are trusted by.
    ca: PathBuf,
    settings: Vec<String>,
    child: Child,
    /// Where it listens: for the API, and for webhooks if it takes any.
    pub(crate) api: SocketAddr,
    pub(crate) webhook: Option<SocketAddr>,
}

impl ServiceProcess {
    /// Starts a service on ports of its choice and waits until it is ready.
    pub(crate) async fn start(name: &'static str, folder: &Path, settings: &[String]) -> Self {
        let data_dir = folder.join(name);
        let mut settings = settings.to_vec();
        settings.extend([
            format!("node.data_dir={}", data_dir.display()),
            format!("tls.folder={}", folder.join("tls").display()),
            "api.tls=true".to_owned(),
        ]);
        let mut first = settings.clone();
        first
            .extend(["api.listen=127.0.0.1:0".to_owned(), "webhook.listen=127.0.0.1:0".to_owned()]);
        let child = spawn(name, &first);
        let (api, webhook) = addresses(&data_dir).await;
        let ca = folder.join("tls/ca.crt");
        let process = Self { name, data_dir, ca, settings, child, api, webhook };
        process.is_ready().await;
        process
    }

    /// Kills the process as it is, and starts another one on the same folder and ports.
    pub(crate) async fn kill_and_start_again(&mut self) {
        self.child.kill().expect("the process is killed");
        self.child.wait().expect("the process is gone");
        std::fs::remove_file(self.data_dir.join("addresses.json"))
            .expect("it had told its addresses");
        let mut settings = self.settings.clone();
        settings.push(format!("api.listen={}", self.api));
        settings.extend(self.webhook.map(|address| format!("webhook.listen={address}")));
        self.child = spawn(self.name, &settings);
        assert_eq!(addresses(&self.data_dir).await, (self.api, self.webhook), "{}", self.name);
        self.is_ready().await;
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    async fn is_ready(&self) {
        until(&format!("`{}` is ready", self.name), async || {
            let ca = std::fs::read_to_string(&self.ca).ok()?;
            let mut client = HttpsClient::connect(self.api, &ca).await.ok()?;
            let (status, _) = client.get("/readyz").await.ok()?;
            status.is_success().then_some(())
        })
        .await;
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        // It may have ended already; there is nothing else to do about it.
        let _gone = self.child.kill().and_then(|()| self.child.wait()).is_err();
    }
}

fn spawn(name: &str, settings: &[String]) -> Child {
    let mut command = Command::new(airside_binary());
    command.args(["run", name]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.spawn().expect("the program starts")
}

pub(crate) async fn addresses(data_dir: &Path) -> (SocketAddr, Option<SocketAddr>) {
    let path = data_dir.join("addresses.json");
    let told: Value = until("the addresses are told", async || {
        serde_json::from_slice(&std::fs::read(&path).ok()?).ok()
    })
    .await;
    let address = |key: &str| {
        let url = told[key].as_str()?;
        Some(url.rsplit('/').next()?.parse().expect("an address"))
    };
    (address("api").expect("an API address"), address("webhook"))
}

/// Looks again every few milliseconds until there is something, or patience ends.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}
