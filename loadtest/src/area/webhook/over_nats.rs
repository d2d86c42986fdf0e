//! `webhook-nats`: audit batches over HTTPS to audit-ingest alone, until they are durable on a real nats-server.
//!
//! CPU is that of the ingest process, a child: neither what sends nor nats-server is counted. First without the stage
//! that folds, which another process of the deployment has then, and then with it. In each case first as fast as it
//! takes them, for CPU, then at a pace, for latency.

use std::time::Duration;

use airside_testkit::NatsServer;
use serde_json::{Value, json};

use super::{CONNECTIONS, DONE, EVENTS, load, per_second};
use crate::area::Run;
use crate::child::Child;
use crate::corpus::{self, BATCH};
use crate::load::Load;
use crate::measure::{Span, Stopwatch};
use crate::own;
use crate::report::{Quantiles, Report};

/// 5,000 events a second: an API server's defaults come to 4,000.
const PACE: Duration = Duration::from_millis(80);

pub(in crate::area) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::audit_events(run.corpus(), run.amount(12_000, 100_000))?;
    // So many that files of raw records are made meanwhile.
    let events = own::copies(&input.items, run.amount(12_000, 300_000));
    // A body costs by its length: inputs with other events have other rates.
    let bytes: usize = events.iter().map(String::len).sum();
    let bytes_of_an_event = bytes / events.len().max(1);
    let mut batches = corpus::event_lists(&events, BATCH);
    drop(events);
    let paced = run.amount(20, 200).min(batches.len() / 2);
    let slow = batches.split_off(batches.len() - paced);
    let (fast, slow) = (load(run, batches, None), load(run, slow, Some(PACE)));
    airside_node::runtime()?.block_on(async {
        let floor = Child::floor().await?;
        let watch = Stopwatch::start(floor.process)?;
        let floor_events = fast.send(&floor.announcement).await?.count() * BATCH as u64;
        let floor_span = watch.stop()?;
        floor.stop().await?;

        let alone = Taken::by(false, &fast, &slow, run).await?;
        let folding = Taken::by(true, &fast, &slow, run).await?;
        let mut report = alone.report()?;
        report = report
            .with("input", input.source)
            .with("bytes_of_an_event", bytes_of_an_event)
            .with("connections", CONNECTIONS)
            .with("alone", alone.figures())
            .with("folding_too", folding.figures());
        alone.child.stop().await?;
        folding.child.stop().await?;
        let what = "an HTTPS handler that checks that the body is JSON";
        Ok(report.above(what, floor_events, floor_span))
    })
}

/// What one ingest process did.
#[derive(Debug)]
struct Taken {
    child: Child,
    _server: NatsServer,
    events: u64,
    /// Until all was answered.
    answered: Span,
    /// Until nothing was left to do.
    settled: Span,
    closed_loop: Quantiles,
    paced: Quantiles,
    paced_events: u64,
    /// What was not folded yet when the last was answered.
    waiting: Option<u64>,
}

impl Taken {
    async fn by(owner: bool, fast: &Load, slow: &Load, run: &Run) -> anyhow::Result<Self> {
        let server = NatsServer::start()?;
        let child = Child::ingest(&server.url(), owner, run).await?;
        let watch = Stopwatch::start(child.process)?;
        let closed_loop = fast.send(&child.announcement).await?;
        let answered = watch.stop()?;
        if owner {
            child.settle_by(&DONE, run.phase()).await?;
        }
        let settled = watch.stop()?;
        let events = child.metric(EVENTS).await?;
        let paced = slow.send(&child.announcement).await?;
        let (mut waiting, all) = (None, child.metric(EVENTS).await?);
        if owner {
            let done = child.metric(DONE[0]).await? + child.metric(DONE[1]).await?;
            waiting = Some(all.saturating_sub(done));
        }
        Ok(Self {
            child,
            _server: server,
            events,
            answered,
            settled,
            closed_loop: Quantiles::of(&closed_loop),
            paced: Quantiles::of(&paced),
            paced_events: all - events,
            waiting,
        })
    }

    /// The figures that all areas have.
    fn report(&self) -> anyhow::Result<Report> {
        let report = Report::of("webhook-nats");
        let mut report = report.took(self.child.process, "events", self.events, self.answered)?;
        report.latency_us = Some(self.paced);
        Ok(report)
    }

    fn figures(&self) -> Value {
        json!({
            "events_per_cpu_second_until_answered": self.answered.rate(self.events).map(f64::round),
            "events_per_cpu_second_until_settled": self.settled.rate(self.events).map(f64::round),
            "events_per_wall_second_until_answered": per_second(self.events, self.answered.wall),
            "cpu_seconds_until_answered": self.answered.cpu.as_secs_f64(),
            "closed_loop_latency_us": Value::from(self.closed_loop),
            "paced_latency_us": Value::from(self.paced),
            "paced_events": self.paced_events,
            "paced_events_a_second": BATCH as f64 / PACE.as_secs_f64(),
            "events_not_yet_folded_after_pace": self.waiting,
            "peak_rss_bytes": self.child.process.peak().ok(),
        })
    }
}
