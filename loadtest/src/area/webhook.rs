//! `webhook`: audit batches over HTTPS to a whole node, correlation included.
//!
//! First as fast as the node takes them, for CPU; then at the pace of one API server that sends as much as
//! its defaults allow, for latency. The floor is a handler that checks that the body is JSON.

mod over_nats;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Run;
use crate::child::Child;
use crate::corpus::{self, BATCH};
use crate::load::{Bodies, Load};
use crate::measure::Stopwatch;
use crate::report::{Quantiles, Report};

/// As many as one API server may have under way.
const CONNECTIONS: usize = 4;
/// `--audit-webhook-batch-throttle-qps` is 10 by default: 4,000 events a second.
const PACE: Duration = Duration::from_millis(100);

const EVENTS: &str = "airside_audit_ingest_events_total";
/// What the owner of the cluster has done with them.
const DONE: [&str; 2] =
    ["airside_audit_ingest_folded_total", "airside_audit_ingest_left_out_total"];

pub(super) use over_nats::measure as measure_over_nats;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::audit_events(run.corpus(), run.amount(12_000, 100_000))?;
    let mut batches = corpus::event_lists(&input.items, BATCH);
    let paced = run.amount(20, 100).min(batches.len() / 2);
    let slow = batches.split_off(batches.len() - paced);
    let (fast, slow) = (load(run, batches, None), load(run, slow, Some(PACE)));
    airside_node::runtime()?.block_on(async {
        let floor = Child::floor().await?;
        let watch = Stopwatch::start(floor.process)?;
        let floor_events = fast.send(&floor.announcement).await?.count() * BATCH as u64;
        let floor_span = watch.stop()?;
        floor.stop().await?;

        let node = Child::node().await?;
        let watch = Stopwatch::start(node.process)?;
        let unpaced = fast.send(&node.announcement).await?;
        let answered = watch.stop()?;
        let settled = node.settle(run.phase()).await?;
        let span = watch.stop()?;
        let events = node.metric(EVENTS).await?;
        let folded = node.metric(DONE[0]).await?;
        let applied = node.applied().await?;
        let report = Report::of("webhook")
            .took(node.process, "events", events, span)?
            .with("input", input.source)
            .with("requests", unpaced.count())
            .with("connections", CONNECTIONS)
            .with("events_folded", folded)
            .with("records_correlated", applied)
            .with("correlation_caught_up", settled)
            .with("cpu_seconds_until_answered", answered.cpu.as_secs_f64())
            .with("events_per_wall_second_until_answered", per_second(events, answered.wall))
            .with("closed_loop_latency_us", Quantiles::of(&unpaced));
        let paced = slow.send(&node.announcement).await?;
        let done = node.metric(DONE[0]).await? + node.metric(DONE[1]).await?;
        let waiting = node.metric(EVENTS).await?.saturating_sub(done);
        let report = report
            .with("paced_requests", paced.count())
            .with("events_not_yet_folded_after_pace", waiting)
            .answered_within(&paced);
        node.stop().await?;
        Ok(report.above(
            "an HTTPS handler that checks that the body is JSON",
            floor_events,
            floor_span,
        ))
    })
}

/// Batches to be sent as an API server does.
fn load(run: &Run, batches: Vec<Bytes>, pace: Option<Duration>) -> Load {
    Load {
        path: "/v1/audit/default",
        requests: batches.len(),
        bodies: bodies(batches),
        connections: CONNECTIONS,
        first: 0,
        time: run.phase(),
        pace,
    }
}

fn bodies(batches: Vec<Bytes>) -> Bodies {
    Arc::new(move |number| batches.get(number).map(|body| body.to_vec()).unwrap_or_default())
}

fn per_second(count: u64, wall: Duration) -> f64 {
    (count as f64 / wall.as_secs_f64().max(0.001)).round()
}
