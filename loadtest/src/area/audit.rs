//! `audit`: batches of audit events through parse, rules and durable publish, in this process.
//!
//! The floor is serde_json reading the same fields of the same bytes, borrowed as the product has them. What the steps before
//! the publishing cost is measured for itself (`parts.rs`), in several rounds with the floor between them, of which the
//! medians are told: a machine that others use is faster in one second than in the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use bytes::Bytes;

mod floor;
mod parts;

use parts::Parts;

use super::Run;
use crate::corpus::{self, BATCH};
use crate::measure::{Process, Span, Stopwatch, measured};
use crate::pipeline::{Kept, Pipeline};
use crate::report::{Report, rounded};

/// How many batches are under way at a time: an API server sends them concurrently.
const CONCURRENT: usize = 4;
/// How often each part is measured.
const ROUNDS: usize = 7;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::audit_events(run.corpus(), run.amount(20_000, 100_000))?;
    let batches = corpus::event_lists(&input.items, BATCH);
    let events = input.items.len() as u64;
    drop(input.items);
    let bytes: usize = batches.iter().map(Bytes::len).sum();
    // The first pass fills tables that live as long as the process.
    Parts::of(batches.get(..1).unwrap_or_default())?;
    let is_same = parts::are_the_same_where_known(&batches);
    anyhow::ensure!(is_same, "what is known of what came before changes what is told");
    let (mut rounds, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..run.amount(1, ROUNDS) {
        rounds.push(Parts::of(&batches)?);
        floors.push(measured(|| floor::read(&batches))?.1);
    }
    let rounds_run = rounds.len();
    let parts = Parts::median(rounds).context("nothing was measured")?;
    let reading = Span::median(floors).context("nothing was measured")?;
    let runtime = airside_node::runtime()?;
    let batch_count = batches.len();
    let (kept, span, log_bytes) = runtime.block_on(async {
        let pipeline = Arc::new(Pipeline::open().await?);
        let watch = Stopwatch::start(Process::This)?;
        let kept = take_all(&pipeline, batches).await?;
        let span = watch.stop()?;
        let log_bytes = pipeline.log_bytes().await?;
        let pipeline = Arc::into_inner(pipeline).context("the pipeline is still in use")?;
        pipeline.close().await?;
        anyhow::Ok((kept, span, log_bytes))
    })?;
    anyhow::ensure!(kept.events == events, "{} of {events} events were taken", kept.events);
    let rate = |span: Span| span.rate(events).map(f64::round);
    let of_floor = |span: Span| {
        let rates = span.rate(events).zip(reading.rate(events));
        rates.map(|(ours, floor)| rounded(ours / floor, 1e3))
    };
    let report = Report::of("audit")
        .took(Process::This, "events", events, span)?
        .with("input", input.source)
        .with("bytes", bytes)
        .with("batches", batch_count)
        .with("concurrent_batches", CONCURRENT)
        .with("sightings", kept.sightings)
        .with("dead_letters", kept.letters)
        .with("log_bytes", log_bytes)
        .with("rounds", rounds_run)
        .with("told", parts.told)
        .with("parse_events_per_cpu_second", rate(parts.reading))
        .with("parse_and_rules_records", parts.records)
        .with("parse_and_rules_events_per_cpu_second", rate(parts.each_anew))
        .with("parse_and_rules_of_the_floors_rate", of_floor(parts.each_anew))
        .with("parse_and_rules_knowing_bodies_events_per_cpu_second", rate(parts.known_bodies))
        .with("parse_and_rules_knowing_bodies_of_the_floors_rate", of_floor(parts.known_bodies))
        .with("parse_and_rules_knowing_requests_events_per_cpu_second", rate(parts.rules))
        .with("parse_and_rules_knowing_requests_of_the_floors_rate", of_floor(parts.rules))
        .with("sightings_events_per_cpu_second", rate(parts.sightings))
        .with("with_behaviour_and_roll_up_events_per_cpu_second", rate(parts.sifting))
        .with("with_behaviour_and_roll_up_of_the_floors_rate", of_floor(parts.sifting));
    Ok(report.above("serde_json into the same fields, borrowed, and nothing else", events, reading))
}

async fn take_all(pipeline: &Arc<Pipeline>, batches: Vec<Bytes>) -> anyhow::Result<Kept> {
    let (batches, next) = (Arc::new(batches), Arc::new(AtomicUsize::new(0)));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENT {
        let (pipeline, batches) = (Arc::clone(pipeline), Arc::clone(&batches));
        let next = Arc::clone(&next);
        senders.spawn(async move {
            let mut kept = Kept::default();
            while let Some(body) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                kept.add(pipeline.take(body.clone()).await?);
            }
            anyhow::Ok(kept)
        });
    }
    let mut all = Kept::default();
    while let Some(kept) = senders.join_next().await {
        all.add(kept??);
    }
    Ok(all)
}
