//! Every service in a process of its own over a real nats-server: what the demo tells is the same as in one
//! process, also when any one of them is killed half-way and started again.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use airside::client::{ApiChannel, connect_with_key};
use airside::command::connect::Connection;
use airside::delivery::{Delivery, Platform, deliveries};
use airside_ports::Clock;
use airside_service::SystemClock;
use airside_testkit::NatsServer;
use airside_types::{Id, Incident};
use tempfile::TempDir;

use crate::platform::{PATIENCE, TestPlatform, incidents_when, recording};
use crate::processes::ServiceProcess;

/// In the order in which they start: those that answer before those that ask.
const SERVICES: [&str; 6] =
    ["correlation", "scanner", "admission", "audit-ingest", "runtime-collector", "gateway"];

struct Deployment {
    processes: Vec<ServiceProcess>,
    connection: Connection,
    _nats: NatsServer,
    folder: TempDir,
}

impl Deployment {
    async fn start() -> Self {
        let nats = NatsServer::start().expect("a nats-server");
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = vec![
            format!("nats.url={}", nats.url()),
            "nats.max_bytes=64MiB".to_owned(),
            "node.store_cache=2MiB".to_owned(),
            "telemetry.log=error".to_owned(),
        ];
        let mut processes: Vec<ServiceProcess> = Vec::new();
        for name in SERVICES {
            let process = ServiceProcess::start(name, folder.path(), &settings).await;
            match name {
                // The first one makes the keys that all share.
                "correlation" => {
                    let keys = process.data_dir().join("keys.toml");
                    settings.push(format!("auth.keys_file={}", keys.display()));
                    settings.push(format!("peers.correlation=https://{}", process.api));
                }
                "scanner" => settings.push(format!("peers.scanner=https://{}", process.api)),
                _ => {}
            }
            processes.push(process);
        }
        let key = processes[0].data_dir().join("api-key");
        let connection = Connection {
            api: format!("https://{}", processes[5].api),
            ca_file: None,
            webhook: String::new(),
            is_everywhere: false,
            ca_pem: std::fs::read_to_string(folder.path().join("tls/ca.crt"))
                .expect("a certificate"),
            api_key: std::fs::read_to_string(&key).expect("a key").trim().to_owned(),
            api_key_file: key.display().to_string(),
            cluster: "default".to_owned(),
        };
        Self { processes, connection, _nats: nats, folder }
    }

    async fn api(&self) -> ApiChannel {
        let ca = self.folder.path().join("tls/ca.crt");
        let connection = &self.connection;
        connect_with_key(&connection.api, &connection.api_key, Some(&ca)).await.expect("the API")
    }

    async fn sources(&self) -> anyhow::Result<Platform> {
        let webhook = |at: usize| -> SocketAddr { self.processes[at].webhook.expect("a webhook") };
        let webhooks = [webhook(2), webhook(3), webhook(4)];
        Platform::connect_apart(webhooks, self.api().await, self.connection.clone()).await
    }
}

/// Sends a delivery, again until it is taken: API servers and sensors try again as well.
async fn send(sources: &mut Platform, delivery: &Delivery) {
    let until = Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    while let Err(error) = sources.send(delivery).await {
        assert!(Instant::now() < until, "not taken within {PATIENCE:?}: {error:#}");
        ticks.tick().await;
    }
}

/// What must not depend on how the platform is run. Times of decisions do: they are when the gate answered.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    aliases: BTreeSet<Id>,
    evidence: BTreeSet<(Id, String)>,
    causes: BTreeSet<String>,
}

/// Fails with what is on one side only.
fn assert_same(told: &[Told], expected: &[Told], when: &str) {
    assert_eq!(told.len(), expected.len(), "{when}");
    for (told, expected) in told.iter().zip(expected) {
        assert_eq!(told.aliases, expected.aliases, "{when}");
        let missing: Vec<_> = expected.evidence.difference(&told.evidence).collect();
        let extra: Vec<_> = told.evidence.difference(&expected.evidence).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{when}: lacks {missing:?}, has {extra:?}");
        assert_eq!(told.causes, expected.causes, "{when}");
    }
}

fn told(incidents: &[Incident]) -> Vec<Told> {
    let mut all: Vec<_> = incidents
        .iter()
        .map(|incident| Told {
            aliases: incident.aliases.iter().copied().collect(),
            evidence: incident.evidence.iter().map(|it| (it.record, it.summary.clone())).collect(),
            causes: incident
                .root_causes
                .iter()
                .map(|cause| format!("{} {}", cause.place, cause.check))
                .collect(),
        })
        .collect();
    all.sort_by(|left, right| left.aliases.cmp(&right.aliases));
    all
}

/// What one process tells of the same deliveries.
async fn expected(deliveries: &[Delivery]) -> Vec<Told> {
    let platform =
        TestPlatform::start_with(serde_json::json!({ "node": { "store_cache": "2MiB" } })).await;
    let mut sources = platform.sources().await;
    sources.check_in(&recording("attack-storefront").manifests).await.expect("checked in");
    for delivery in deliveries {
        sources.send(delivery).await.expect("taken");
    }
    drop(sources);
    let platform = platform.settled().await;
    let told = told(&platform.list().await);
    platform.stop().await;
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_tell_what_one_process_tells_also_when_any_is_killed_half_way() {
    let recording = recording("attack-storefront");
    let deliveries = deliveries(&recording, SystemClock.now()).expect("deliveries");
    let expected = expected(&deliveries).await;
    assert_eq!(expected.len(), 1, "the recording is one attack");
    let undisturbed = None;
    for killed in std::iter::once(undisturbed).chain((0..SERVICES.len()).map(Some)) {
        let mut deployment = Deployment::start().await;
        let mut sources = deployment.sources().await.expect("the platform");
        sources.check_in(&recording.manifests).await.expect("checked in");
        for (position, delivery) in deliveries.iter().enumerate() {
            if position == deliveries.len() / 2
                && let Some(killed) = killed
            {
                deployment.processes[killed].kill_and_start_again().await;
            }
            send(&mut sources, delivery).await;
        }
        let incidents =
            incidents_when(deployment.api().await, |incidents| told(incidents) == expected).await;
        let name = killed.map_or("nobody", |killed| SERVICES[killed]);
        assert_same(&told(&incidents), &expected, &format!("{name} was killed"));
    }
}
