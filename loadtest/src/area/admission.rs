//! `admission`: AdmissionReviews over HTTPS to a whole node, on connections that are kept alive.
//!
//! One connection tells what an answer takes, eight what a node can do. Every decision is durable before
//! its answer. The floor is a handler that reads the JSON and allows.

use std::sync::Arc;

use super::Run;
use crate::child::Child;
use crate::corpus;
use crate::load::{Bodies, Load};
use crate::measure::Stopwatch;
use crate::own;
use crate::report::{Quantiles, Report};

/// More than an API server keeps open to a webhook for most of its time.
const MANY: usize = 8;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::reviews(run.corpus())?;
    let each = run.amount(500, 4000);
    let load = |connections, first| Load {
        path: "/v1/admission/default?timeout=10s",
        bodies: bodies(input.items.clone()),
        connections,
        first,
        requests: each,
        time: run.phase(),
        pace: None,
    };
    let (one, many) = (load(1, 0), load(MANY, each));
    airside_node::runtime()?.block_on(async {
        let floor = Child::floor().await?;
        let watch = Stopwatch::start(floor.process)?;
        let floor_one = one.send(&floor.announcement).await?;
        let floor_many = many.send(&floor.announcement).await?;
        let floor_span = watch.stop()?;
        let floor_count = floor_one.count() + floor_many.count();
        floor.stop().await?;

        let node = Child::node().await?;
        let watch = Stopwatch::start(node.process)?;
        let alone = one.send(&node.announcement).await?;
        let together = many.send(&node.announcement).await?;
        let answered = watch.stop()?;
        let settled = node.settle(run.phase()).await?;
        let span = watch.stop()?;
        let report = Report::of("admission")
            .took(node.process, "reviews", alone.count() + together.count(), span)?
            .with("input", input.source)
            .with("records_correlated", node.applied().await?)
            .with("correlation_caught_up", settled)
            .with("cpu_seconds_until_answered", answered.cpu.as_secs_f64())
            .with("latency_us_of_8_connections", Quantiles::of(&together))
            .with("floor_latency_us", Quantiles::of(&floor_one))
            .with("floor_latency_us_of_8_connections", Quantiles::of(&floor_many))
            .answered_within(&alone);
        node.stop().await?;
        Ok(report.above("an HTTPS handler that reads the JSON and allows", floor_count, floor_span))
    })
}

fn bodies(reviews: Vec<String>) -> Bodies {
    Arc::new(move |number| {
        let count = reviews.len().max(1);
        let copy = u32::try_from(number / count).unwrap_or(u32::MAX);
        reviews.get(number % count).map(|it| own::copy(it, copy).into_bytes()).unwrap_or_default()
    })
}
