//! `runtime`: Falco's alerts over HTTPS to a whole node, one alert a request, as Falco sends them.
//!
//! Every alert is durable before its answer. The floor is a handler that checks that the body is JSON.

use std::sync::Arc;

use super::Run;
use crate::child::Child;
use crate::corpus;
use crate::load::{Bodies, Load};
use crate::measure::Stopwatch;
use crate::own;
use crate::report::Report;

/// One for each node of a small cluster: each has a Falco of its own.
const NODES: usize = 8;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::alerts(run.corpus())?;
    let load = Load {
        path: "/v1/runtime/falco/default",
        bodies: bodies(input.items),
        connections: NODES,
        first: 0,
        requests: run.amount(1000, 8000),
        time: run.phase(),
        pace: None,
    };
    airside_node::runtime()?.block_on(async {
        let floor = Child::floor().await?;
        let watch = Stopwatch::start(floor.process)?;
        let floor_count = load.send(&floor.announcement).await?.count();
        let floor_span = watch.stop()?;
        floor.stop().await?;

        let node = Child::node().await?;
        let watch = Stopwatch::start(node.process)?;
        let latencies = load.send(&node.announcement).await?;
        let answered = watch.stop()?;
        let settled = node.settle(run.phase()).await?;
        let span = watch.stop()?;
        let report = Report::of("runtime")
            .took(node.process, "alerts", latencies.count(), span)?
            .with("input", input.source)
            .with("connections", NODES)
            .with("records_correlated", node.applied().await?)
            .with("correlation_caught_up", settled)
            .with("cpu_seconds_until_answered", answered.cpu.as_secs_f64())
            .answered_within(&latencies);
        node.stop().await?;
        Ok(report.above(
            "an HTTPS handler that checks that the body is JSON",
            floor_count,
            floor_span,
        ))
    })
}

/// Alerts that happened once in every copy's pods.
fn bodies(alerts: Vec<String>) -> Bodies {
    Arc::new(move |number| {
        let count = alerts.len().max(1);
        let copy = u32::try_from(number / count).unwrap_or(u32::MAX);
        alerts.get(number % count).map(|it| own::copy(it, copy).into_bytes()).unwrap_or_default()
    })
}
