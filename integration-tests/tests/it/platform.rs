//! A platform for one test: a node in this process on free ports, in a folder of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use airside::client::{ApiChannel, connect_with_key};
use airside::command::connect::Connection;
use airside::delivery::{Platform, deliveries};
use airside::https::HttpsClient;
use airside::recording::Recording;
use airside::{SERVICES, services_named};
use airside_node::{Node, assemble, load_settings};
use airside_ports::Clock;
use airside_service::SystemClock;
use airside_types::{Incident, Severity};
use airside_wire::incident::{IncidentQuery, WatchItem, WatchQuery, WatchUpdate};
use airside_wire::v1::incidents_service_client::IncidentsServiceClient;
use airside_wire::v1::{ListIncidentsRequest, WatchIncidentsRequest};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest that a test waits for anything: longer than anything that the product itself waits for, such as work
/// that a killed process had taken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A running node with the ways to reach it.
#[derive(Debug)]
pub(crate) struct TestPlatform {
    pub(crate) node: Node,
    pub(crate) connection: Connection,
    settings: Value,
    folder: TempDir,
}

impl TestPlatform {
    /// A node with every service, on a store in memory.
    pub(crate) async fn start() -> Self {
        Self::start_with(json!({ "node": { "store": "memory" } })).await
    }

    /// A node with every service and these settings beside free ports and a folder of its own.
    pub(crate) async fn start_with(extra: Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut settings = json!({
            "node": { "data_dir": folder.path().join("data") },
            "api": { "listen": "127.0.0.1:0" },
            "webhook": { "listen": "127.0.0.1:0" },
        });
        merge(&mut settings, extra);
        let (node, connection) = launch(&settings).await;
        Self { node, connection, settings, folder }
    }

    /// Stops the node and starts another one on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|| ()).await
    }

    /// The same, with something that happens while there is no node.
    pub(crate) async fn restart_after(self, meanwhile: impl FnOnce()) -> Self {
        self.node.stop().await.expect("the node stops");
        meanwhile();
        let (node, connection) = launch(&self.settings).await;
        Self { node, connection, settings: self.settings, folder: self.folder }
    }

    /// The same once everything that was sent has been applied. A node is ready when each service has applied what was in
    /// the log at its start; what audit-ingest makes of that is there for correlation at the next start.
    pub(crate) async fn settled(self) -> Self {
        self.restart().await.restart().await
    }

    pub(crate) async fn stop(self) {
        self.node.stop().await.expect("the node stops");
        drop(self.folder);
    }

    pub(crate) async fn webhook(&self) -> HttpsClient {
        let address = self.node.webhook.expect("a webhook listener");
        HttpsClient::connect(address, &self.connection.ca_pem).await.expect("a connection")
    }

    pub(crate) async fn api(&self) -> ApiChannel {
        connect_with_key(&self.connection.api, &self.connection.api_key, None)
            .await
            .expect("the API")
    }

    /// A platform that takes deliveries.
    pub(crate) async fn sources(&self) -> Platform {
        let webhook = self.node.webhook.expect("a webhook listener");
        let platform = Platform::connect(webhook, self.api().await, self.connection.clone());
        platform.await.expect("a connection")
    }

    /// Checks the manifests in and delivers everything else of a recording.
    pub(crate) async fn play(&self, recording: &Recording) {
        let mut sources = self.sources().await;
        sources.check_in(&recording.manifests).await.expect("the manifests are checked in");
        for delivery in deliveries(recording, SystemClock.now()).expect("a recording") {
            sources.send(&delivery).await.expect("the delivery is taken");
        }
    }

    /// The incidents as they are.
    pub(crate) async fn list(&self) -> Vec<Incident> {
        list(self.api().await, Severity::Medium).await
    }

    /// The incidents once they satisfy a condition; what there was when patience ended otherwise.
    pub(crate) async fn incidents_when(
        &self,
        condition: impl Fn(&[Incident]) -> bool,
    ) -> Vec<Incident> {
        incidents_when(self.api().await, condition).await
    }
}

/// Waits on the stream of incidents until the list satisfies a condition.
pub(crate) async fn incidents_when(
    api: ApiChannel,
    condition: impl Fn(&[Incident]) -> bool,
) -> Vec<Incident> {
    let mut client = IncidentsServiceClient::new(api.clone());
    let query = WatchIncidentsRequest::from(&WatchQuery::default());
    let mut watch = client.watch_incidents(query).await.expect("a watch").into_inner();
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let incidents = list(api.clone(), Severity::Medium).await;
        if condition(&incidents) {
            return incidents;
        }
        match tokio::time::timeout_at(until, watch.message()).await {
            Ok(Ok(Some(_))) => {}
            Ok(other) => panic!("the watch ended: {other:?}"),
            Err(_) => return incidents,
        }
    }
}

/// The incidents of at least a severity, the latest first.
pub(crate) async fn list(api: ApiChannel, min_severity: Severity) -> Vec<Incident> {
    let query = IncidentQuery { min_severity: Some(min_severity), ..IncidentQuery::default() };
    let request = ListIncidentsRequest::from(&query);
    let answer = IncidentsServiceClient::new(api).list_incidents(request).await.expect("a list");
    let incidents = answer.into_inner().incidents.into_iter();
    incidents.map(|incident| incident.try_into().expect("an incident")).collect()
}

/// The next update of a watch that is no heartbeat.
pub(crate) async fn next_update(
    watch: &mut tonic::Streaming<airside_wire::v1::WatchIncidentsResponse>,
) -> WatchItem {
    loop {
        let message =
            tokio::time::timeout(PATIENCE, watch.message()).await.expect("an update in time");
        let item = message.expect("an update").expect("the watch goes on");
        let item = WatchItem::try_from(item).expect("a valid update");
        if !matches!(item.update, WatchUpdate::Heartbeat { .. }) {
            return item;
        }
    }
}

async fn launch(settings: &Value) -> (Node, Connection) {
    let names = SERVICES.map(|entry| entry.name.to_owned());
    let services = services_named(&names).expect("the services");
    let settings = load_settings(&services, None, Vec::new(), settings.clone()).expect("settings");
    let node = assemble(&services, &settings).await.expect("a node");
    tokio::time::timeout(PATIENCE, node.health.all_ready()).await.expect("a ready node");
    let connection = Connection::of(&node, &settings).expect("a connection");
    (node, connection)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A recording that ships with the project.
pub(crate) fn recording(name: &str) -> Recording {
    Recording::read(&recording_folder(name)).expect("a recording")
}

pub(crate) fn recording_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/airside/recordings").join(name)
}
