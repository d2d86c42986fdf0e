//! `airside demo`: the platform on the embedded adapters, a recorded attack through its real network
//! interfaces, and the incident that it tells.

use std::collections::BTreeMap;
use std::time::Duration;

use airside_node::{Node, assemble, load_settings, run_until_signal, runtime};
use airside_ports::Clock;
use airside_service::SystemClock;
use airside_types::{Id, Incident, Severity};
use airside_wire::incident::{WatchItem, WatchQuery, WatchUpdate};
use airside_wire::v1::WatchIncidentsRequest;
use airside_wire::v1::incidents_service_client::IncidentsServiceClient;
use anyhow::Context;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::SERVICES;
use crate::cli::DemoArguments;
use crate::client::{ApiChannel, connect_with_key};
use crate::command::Outcome;
use crate::command::connect::Connection;
use crate::command::incidents::{fetch_all, said};
use crate::delivery::{Delivery, Platform, Source, deliveries};
use crate::recording::{RecordedFile, Recording};
use crate::show::{self, FAINT, GOOD, RESET, STRONG};

macro_rules! recordings {
    () => {
        "../../recordings/attack-storefront/"
    };
}

/// The recorded attack that ships with the program: what its sources sent, and no word about what it means.
const STOREFRONT: [(&str, &[u8]); 5] = [
    ("manifests/platform.yaml", include_bytes!(concat!(recordings!(), "manifests/platform.yaml"))),
    (
        "manifests/storefront.yaml",
        include_bytes!(concat!(recordings!(), "manifests/storefront.yaml")),
    ),
    ("admission.jsonl", include_bytes!(concat!(recordings!(), "admission.jsonl"))),
    ("audit.jsonl", include_bytes!(concat!(recordings!(), "audit.jsonl"))),
    ("falco.jsonl", include_bytes!(concat!(recordings!(), "falco.jsonl"))),
];

/// How long correlation may take after the last delivery.
const SETTLE: Duration = Duration::from_secs(5);
/// How long nothing may change before the incident counts as told.
const QUIET: Duration = Duration::from_millis(400);

pub(super) fn run(arguments: &DemoArguments) -> anyhow::Result<Outcome> {
    let recording = match &arguments.recording {
        Some(folder) => Recording::read(folder)?,
        None => Recording::of(STOREFRONT.iter().map(RecordedFile::embedded).collect()),
    };
    let folder = tempfile::Builder::new()
        .prefix("airside-demo-")
        .tempdir()
        .context("a temporary folder cannot be made")?;
    let overrides = json!({
        "node": { "data_dir": folder.path() },
        "api": { "listen": "127.0.0.1:0" },
        "webhook": { "listen": "127.0.0.1:0" },
        "telemetry": { "log": "error" },
    });
    // The demo stands alone: neither a settings file nor the environment changes it.
    let settings = load_settings(&SERVICES, None, Vec::new(), overrides)?;
    let telemetry =
        airside_telemetry::init(&settings.section("telemetry")?, env!("CARGO_PKG_VERSION"))?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let started = Instant::now();
        let node = assemble(&SERVICES, &settings).await?;
        let connection = Connection::of(&node, &settings)?;
        let told = play(&node, &connection, &recording, started).await;
        if told.is_ok() && arguments.keep {
            show::print(&format!("\n{connection}"))?;
            run_until_signal(node).await?;
        } else {
            node.stop().await?;
        }
        told
    });
    runtime.block_on(async {
        drop(tokio::task::spawn_blocking(move || telemetry.shutdown()).await);
    });
    result.map(|()| Outcome::Good)
}

async fn play(
    node: &Node,
    connection: &Connection,
    recording: &Recording,
    started: Instant,
) -> anyhow::Result<()> {
    tokio::time::timeout(Duration::from_secs(10), node.health.all_ready())
        .await
        .context("the platform was not ready within 10 s")?;
    say(&format!(
        "{STRONG}Airside demo{RESET}  {FAINT}one process, six services, a temporary folder; ready after {} ms{RESET}",
        started.elapsed().as_millis()
    ))?;
    let api = connect_with_key(&connection.api, &connection.api_key, None).await?;
    let webhook = node.webhook.context("the platform has no webhook listener")?;
    let mut platform = Platform::connect(webhook, api.clone(), connection.clone()).await?;
    let mut revisions = watch(api.clone()).await?;

    step("check-in", "manifests are checked before they are deployed (gRPC)")?;
    let (publication, outcome) = platform.check_in(&recording.manifests).await?;
    let report = &publication.report;
    say(&format!(
        "   {} objects got a boarding pass; {} findings opened, {} of them high or critical",
        report.passes.len(),
        outcome.opened,
        report.findings.iter().filter(|finding| finding.severity >= Severity::High).count()
    ))?;

    step(
        "flight",
        "the cluster is watched: admission, audit (HTTPS webhooks), Falco (HTTP output)",
    )?;
    let mut told = Told::default();
    let sent = deliveries(recording, SystemClock.now())?;
    deliver(&mut platform, sent, &mut revisions, &mut told).await?;
    settle(&mut revisions, &mut told).await?;

    let mut client = IncidentsServiceClient::new(api);
    let incidents = fetch_all(&mut client, Severity::Medium).await?;
    step("landing", "what it all means")?;
    if incidents.is_empty() {
        say("   no incident: nothing in the recording amounts to an attack")?;
    }
    for incident in &incidents {
        say("")?;
        show::print(&show::incident::whole(incident))?;
    }
    say(&format!(
        "\n{GOOD}{} in {:.1} s.{RESET} {FAINT}Next: `airside up` runs the platform and prints how to connect a cluster.{RESET}",
        counted(incidents.len()),
        started.elapsed().as_secs_f64()
    ))?;
    Ok(())
}

fn counted(incidents: usize) -> String {
    if incidents == 1 { "1 incident".to_owned() } else { format!("{incidents} incidents") }
}

/// Sends everything in the order of time, and shows what arrives as it arrives.
async fn deliver(
    platform: &mut Platform,
    deliveries: Vec<Delivery>,
    revisions: &mut mpsc::Receiver<Incident>,
    told: &mut Told,
) -> anyhow::Result<()> {
    for delivery in deliveries {
        let time = show::incident::time_of_day(delivery.time);
        let answer = platform.send(&delivery).await?;
        match delivery.source {
            Source::Audit => {
                let events =
                    delivery.body.get("items").and_then(Value::as_array).map_or(0, Vec::len);
                say(&format!("   {time}  {FAINT}audit      {events} events{RESET}"))?;
            }
            Source::Admission => {
                let asked = asked_for(&delivery.body);
                say(&format!("   {time}  admission  {asked}: {}", answered(&answer)))?;
            }
            Source::Runtime(sensor) => {
                let rule = delivery.body.get("rule").and_then(Value::as_str).unwrap_or("event");
                say(&format!("   {time}  {sensor:<9}  {rule}"))?;
            }
        }
        while let Ok(incident) = revisions.try_recv() {
            told.tell(&incident)?;
        }
    }
    Ok(())
}

/// Waits until the incidents no longer change.
async fn settle(revisions: &mut mpsc::Receiver<Incident>, told: &mut Told) -> anyhow::Result<()> {
    let end = Instant::now() + SETTLE;
    while let Ok(Some(incident)) =
        tokio::time::timeout_at(end.min(Instant::now() + QUIET), revisions.recv()).await
    {
        told.tell(&incident)?;
    }
    Ok(())
}

/// What the screen last said of each incident.
#[derive(Default)]
struct Told(BTreeMap<Id, (Severity, String)>);

impl Told {
    /// Tells a revision; one that only adds evidence to what was told is left out.
    fn tell(&mut self, incident: &Incident) -> anyhow::Result<()> {
        let now = (incident.severity, incident.title.clone());
        if self.0.insert(incident.id, now.clone()).as_ref() == Some(&now) {
            return Ok(());
        }
        let style = show::severity(incident.severity);
        say(&format!(
            "   {style}►{RESET} incident {}  {style}{}{RESET}  {} signals  {}",
            show::incident::short(incident),
            incident.severity,
            incident.evidence.len(),
            incident.title
        ))
    }
}

/// Revisions of incidents from `medium` on, as the stream brings them.
async fn watch(api: ApiChannel) -> anyhow::Result<mpsc::Receiver<Incident>> {
    let mut client = IncidentsServiceClient::new(api);
    let query = WatchQuery { min_severity: Some(Severity::Medium), ..WatchQuery::default() };
    let mut stream = client
        .watch_incidents(WatchIncidentsRequest::from(&query))
        .await
        .map_err(said)?
        .into_inner();
    let (sender, receiver) = mpsc::channel(256);
    tokio::spawn(async move {
        while let Ok(Some(message)) = stream.message().await {
            let Ok(item) = WatchItem::try_from(message) else { return };
            if let WatchUpdate::Revision(revision) = item.update
                && sender.send(revision.incident).await.is_err()
            {
                return;
            }
        }
    });
    Ok(receiver)
}

fn asked_for(review: &Value) -> String {
    let text = |pointer: &str| review.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = match text("/request/name") {
        "" => review.pointer("/request/object/metadata/generateName").and_then(Value::as_str),
        name => Some(name),
    };
    format!(
        "{} {} {}/{}",
        text("/request/operation").to_lowercase(),
        text("/request/kind/kind"),
        text("/request/namespace"),
        name.unwrap_or_default()
    )
}

fn answered(answer: &Value) -> String {
    let text = |key: &str| {
        let pointer = format!("/response/auditAnnotations/{key}");
        answer.pointer(&pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let warnings =
        answer.pointer("/response/warnings").and_then(Value::as_array).map_or(0, Vec::len);
    format!("{} ({}, {warnings} warnings)", text("verdict"), text("authorisation"))
}

fn step(name: &str, what: &str) -> anyhow::Result<()> {
    say(&format!("\n{STRONG}{name}{RESET}  {FAINT}{what}{RESET}"))
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(show::print(&format!("{text}\n"))?)
}
