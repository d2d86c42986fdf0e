//! Airside in this process, on the embedded adapters, with everything that a cluster and a person reach
//! it by.
//!
//! Owns starting and stopping it and waiting for its incidents. What they have to say is `story`'s.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use airside::SERVICES;
use airside::client::{ApiChannel, connect_with_key};
use airside::command::connect::Connection;
use airside::delivery::Platform;
use airside::https::HttpsClient;
use airside::recording::RecordedFile;
use airside::show;
use airside_node::{Node, assemble, load_settings};
use airside_types::{Finding, Id, Incident, Severity};
use airside_wire::IncidentEvent;
use airside_wire::finding::FindingEntry;
use airside_wire::incident::{IncidentQuery, WatchQuery, watched};
use airside_wire::v1::findings_service_client::FindingsServiceClient;
use airside_wire::v1::incidents_service_client::IncidentsServiceClient;
use airside_wire::v1::{GetFindingRequest, ListIncidentsRequest, WatchIncidentsRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long the platform may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running platform.
#[derive(Debug)]
pub(crate) struct Airside {
    /// What it prints to connect a cluster.
    pub(crate) connection: Connection,
    node: Node,
    api: ApiChannel,
}

impl Airside {
    /// Starts every service in one process, as `airside up` does.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::start_with(folder, json!({})).await
    }

    /// The same, following the cluster of a kubeconfig, which need not be there yet.
    pub(crate) async fn start_watching(folder: &Path, kubeconfig: &Path) -> Self {
        Self::start_with(folder, json!({ "watch": true, "kubeconfig": kubeconfig })).await
    }

    async fn start_with(folder: &Path, live: Value) -> Self {
        let overrides = json!({
            "node": { "data_dir": folder.join("airside") },
            "api": { "listen": "127.0.0.1:0" },
            "webhook": { "listen": "127.0.0.1:0" },
            "live": live,
        });
        let settings = load_settings(&SERVICES, None, Vec::new(), overrides).unwrap();
        let node = assemble(&SERVICES, &settings).await.unwrap();
        tokio::time::timeout(READY_WITHIN, node.health.all_ready()).await.expect("never ready");
        let connection = Connection::of(&node, &settings).unwrap();
        let api = connect_with_key(&connection.api, &connection.api_key, None).await.unwrap();
        Self { connection, node, api }
    }

    /// Checks manifests and publishes what came of it, as `airside scan --publish` does.
    pub(crate) async fn check_in(&self, manifests: &[RecordedFile]) {
        let webhook = self.node.webhook.unwrap();
        let platform = Platform::connect(webhook, self.api.clone(), self.connection.clone()).await;
        platform.unwrap().check_in(manifests).await.unwrap();
    }

    /// Posts an alert as Falco does with the settings that Airside prints: the key is in the URL.
    pub(crate) async fn falco(&self, alert: &Value) {
        let settings = self.connection.falco_settings();
        let url = settings.lines().find_map(|line| line.trim().strip_prefix("url: https://"));
        let (credentials, rest) = url.unwrap().split_once('@').unwrap();
        let (address, path) = rest.split_once('/').unwrap();
        let address = address.parse().unwrap();
        let mut sensor = HttpsClient::connect(address, &self.connection.ca_pem).await.unwrap();
        let credentials = format!("Basic {}", STANDARD.encode(credentials));
        let headers = HeaderMap::from_iter([(AUTHORIZATION, credentials.parse().unwrap())]);
        let (path, body) = (format!("/{path}"), alert.to_string().into_bytes());
        let (status, answer) = sensor.request(Method::POST, &path, headers, body).await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {answer:?}");
    }

    /// Follows the stream of incidents until `complete` has nothing to miss in what they are now.
    ///
    /// # Panics
    /// When that takes longer than `within`: with what is missing and what there is.
    pub(crate) async fn incidents_until(
        &self,
        within: Duration,
        complete: impl Fn(&[&Incident]) -> Result<(), String>,
    ) {
        let mut client = IncidentsServiceClient::new(self.api.clone());
        let request = WatchIncidentsRequest::from(&WatchQuery::default());
        let mut stream = client.watch_incidents(request).await.unwrap().into_inner();
        let mut current: BTreeMap<Id, Incident> = BTreeMap::new();
        let end = Instant::now() + within;
        loop {
            let now: Vec<&Incident> = current.values().collect();
            let Err(missing) = complete(&now) else { return };
            let Ok(message) = tokio::time::timeout_at(end, stream.message()).await else {
                panic!("after {} s: {missing}\n{}", within.as_secs(), told(current.values()));
            };
            match watched(message.unwrap().expect("the stream goes on")).unwrap() {
                Some(IncidentEvent::Revision(revision)) => {
                    current.insert(revision.incident.id, revision.incident);
                }
                Some(IncidentEvent::Merged(merge)) => _ = current.remove(&merge.old),
                None => {}
            }
        }
    }

    /// All incidents of at least this severity.
    pub(crate) async fn incidents(&self, min_severity: Severity) -> Vec<Incident> {
        let query = IncidentQuery { min_severity: Some(min_severity), ..Default::default() };
        let mut client = IncidentsServiceClient::new(self.api.clone());
        let answer = client.list_incidents(ListIncidentsRequest::from(&query)).await.unwrap();
        let answer = answer.into_inner();
        assert_eq!(answer.next_page_token, "", "more incidents than one page holds");
        answer.incidents.into_iter().map(|it| it.try_into().unwrap()).collect()
    }

    /// A finding by its fingerprint, where there is one.
    pub(crate) async fn finding(&self, id: Id) -> Option<Finding> {
        let mut client = FindingsServiceClient::new(self.api.clone());
        let answer = client.get_finding(GetFindingRequest::from(id)).await;
        let entry = answer.ok()?.into_inner().finding.unwrap();
        Some(FindingEntry::try_from(entry).unwrap().finding)
    }

    /// Its API, for those who ask by themselves.
    pub(crate) fn api(&self) -> ApiChannel {
        self.api.clone()
    }

    /// Stops it by draining.
    pub(crate) async fn stop(self) {
        self.node.stop().await.unwrap();
    }
}

/// Incidents as a person reads them.
fn told<'a>(incidents: impl Iterator<Item = &'a Incident>) -> String {
    let mut text = String::new();
    for incident in incidents {
        writeln!(text, "{}", show::incident::whole(incident)).unwrap();
    }
    text
}
