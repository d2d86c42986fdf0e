//! `gateway`: ListIncidents by gRPC, on one connection and on eight.
//!
//! The incidents are those of a recorded attack that happened in many clusters. The floor is the health
//! check of the same node: gRPC on the same listener with next to nothing behind it.

use std::time::{Duration, Instant};

use airside::client::{ApiChannel, connect_with_key};
use airside::https::HttpsClient;
use airside_types::Severity;
use airside_wire::incident::IncidentQuery;
use airside_wire::page::Page;
use airside_wire::v1::ListIncidentsRequest;
use airside_wire::v1::incidents_service_client::IncidentsServiceClient;
use anyhow::Context;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::Run;
use crate::child::Child;
use crate::corpus::{self, BATCH, event_lists};
use crate::measure::{Latencies, Span, Stopwatch};
use crate::own;
use crate::report::{Quantiles, Report};

/// Incidents of one page, as the dashboard asks for them.
const PAGE: usize = 50;
const MANY: usize = 8;
/// Events of a cluster: about what the recordings have, once.
const EVENTS: usize = 290;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let clusters = run.amount(20, 100);
    let calls = run.amount(300, 3000);
    airside_node::runtime()?.block_on(async {
        let node = Child::node().await?;
        seed(&node, clusters).await?;
        let settled = node.settle(run.phase()).await?;
        let listed = list(&mut client(&node).await?).await?;
        anyhow::ensure!(listed > 0, "the recorded attack told no incident");

        let (health, least) = phase(&node, Question::Health, MANY, calls, run.phase()).await?;
        let (alone, _) = phase(&node, Question::List, 1, calls, run.phase()).await?;
        let (together, span) = phase(&node, Question::List, MANY, calls, run.phase()).await?;
        let report = Report::of("gateway")
            .took(node.process, "calls", together.count(), span)?
            .with("input", "own recordings, one attack in many clusters")
            .with("clusters", clusters)
            .with("incidents_in_a_page", listed)
            .with("correlation_caught_up", settled)
            .with("connections", MANY)
            .with("latency_us_of_8_connections", Quantiles::of(&together))
            .with("floor_latency_us_of_8_connections", Quantiles::of(&health))
            .answered_within(&alone);
        node.stop().await?;
        Ok(report.above("the health check of the same node by gRPC", health.count(), least))
    })
}

/// Sends what an API server told of an attack, once for each cluster.
async fn seed(node: &Child, clusters: usize) -> anyhow::Result<()> {
    let announcement = &node.announcement;
    let mut client = HttpsClient::connect(announcement.webhook, &announcement.ca_pem).await?;
    let events = corpus::audit_events(None, EVENTS)?.items;
    for number in 0..clusters {
        let copy = u32::try_from(number)?;
        let events: Vec<_> = events.iter().map(|event| own::copy(event, copy)).collect();
        for list in event_lists(&events, BATCH) {
            let path = format!("/v1/audit/cluster-{number}");
            let key = Some(announcement.api_key.as_str());
            let (status, said) = client.post(&path, key, None, list.to_vec()).await?;
            anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&said));
        }
    }
    Ok(())
}

async fn client(node: &Child) -> anyhow::Result<IncidentsServiceClient<ApiChannel>> {
    let limit = airside_wire::limits::MAX_MESSAGE_BYTES;
    Ok(IncidentsServiceClient::new(channel(node).await?).max_decoding_message_size(limit))
}

async fn channel(node: &Child) -> anyhow::Result<ApiChannel> {
    let address = node.announcement.api.context("the node has no API")?;
    connect_with_key(&format!("http://{address}"), &node.announcement.api_key, None).await
}

async fn list(client: &mut IncidentsServiceClient<ApiChannel>) -> anyhow::Result<usize> {
    let query = IncidentQuery {
        min_severity: Some(Severity::Medium),
        page: Page::new(PAGE, None),
        ..IncidentQuery::default()
    };
    let answer = client.list_incidents(ListIncidentsRequest::from(&query)).await?;
    Ok(answer.into_inner().incidents.len())
}

#[derive(Debug, Clone, Copy)]
enum Question {
    Health,
    List,
}

/// Asks in a closed loop on some connections: latencies, and what the node took.
async fn phase(
    node: &Child,
    question: Question,
    connections: usize,
    calls: usize,
    time: Duration,
) -> anyhow::Result<(Latencies, Span)> {
    let mut channels = Vec::new();
    for _ in 0..connections {
        channels.push(channel(node).await?);
    }
    let watch = Stopwatch::start(node.process)?;
    let end = Instant::now() + time;
    let mut asking = tokio::task::JoinSet::new();
    for channel in channels {
        asking.spawn(ask(channel, question, calls.div_ceil(connections), end));
    }
    let mut all = Latencies::new()?;
    while let Some(done) = asking.join_next().await {
        all.merge(&done??)?;
    }
    Ok((all, watch.stop()?))
}

async fn ask(
    channel: ApiChannel,
    question: Question,
    calls: usize,
    end: Instant,
) -> anyhow::Result<Latencies> {
    let limit = airside_wire::limits::MAX_MESSAGE_BYTES;
    let mut health = HealthClient::new(channel.clone());
    let mut incidents = IncidentsServiceClient::new(channel).max_decoding_message_size(limit);
    let mut latencies = Latencies::new()?;
    for _ in 0..calls {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        match question {
            Question::Health => drop(health.check(HealthCheckRequest::default()).await?),
            Question::List => drop(list(&mut incidents).await?),
        }
        latencies.record(asked.elapsed());
    }
    Ok(latencies)
}
