//! `audit`: batches of audit events through parse, rules and durable publish, in this process.
//!
//! The floor is serde_json reading the same fields of the same bytes, borrowed as the product has them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use bytes::Bytes;

mod floor;

use airside_audit_ingest::Judging;
use airside_detect::audit::{self, read};
use airside_detect::intake::{Clock, Intake};
use airside_detect::profile::ClusterProfile;
use airside_sift::{Limits, Sift};
use airside_types::{Cluster, Tenant};

use super::Run;
use crate::corpus::{self, BATCH};
use crate::measure::{Process, Stopwatch, measured};
use crate::pipeline::{Kept, Pipeline, received};
use crate::report::Report;

/// How many batches are under way at a time: an API server sends them concurrently.
const CONCURRENT: usize = 4;

pub(super) fn measure(run: &Run) -> anyhow::Result<Report> {
    let input = corpus::audit_events(run.corpus(), run.amount(20_000, 100_000))?;
    let batches = corpus::event_lists(&input.items, BATCH);
    let events = input.items.len() as u64;
    drop(input.items);
    let bytes: usize = batches.iter().map(Bytes::len).sum();
    // The first pass fills tables that live as long as the process.
    judge(batches.get(..1).unwrap_or_default());
    let (_, understanding) = measured(|| Ok::<_, anyhow::Error>(judge(&batches)))?;
    let (told, sifting) = measured(|| sift(&batches))?;
    let (_, reading) = measured(|| floor::read(&batches))?;
    let runtime = airside_node::runtime()?;
    let batch_count = batches.len();
    let (kept, span, log_bytes) = runtime.block_on(async {
        let pipeline = Arc::new(Pipeline::open().await?);
        let watch = Stopwatch::start(Process::This)?;
        let kept = take_all(&pipeline, batches).await?;
        let span = watch.stop()?;
        let log_bytes = pipeline.log_bytes()?;
        let pipeline = Arc::into_inner(pipeline).context("the pipeline is still in use")?;
        pipeline.close().await?;
        anyhow::Ok((kept, span, log_bytes))
    })?;
    anyhow::ensure!(kept.events == events, "{} of {events} events were taken", kept.events);
    let share = understanding.rate(events).zip(reading.rate(events)).map(|(all, read)| all / read);
    let report = Report::of("audit")
        .took(Process::This, "events", events, span)?
        .with("input", input.source)
        .with("bytes", bytes)
        .with("batches", batch_count)
        .with("concurrent_batches", CONCURRENT)
        .with("sightings", kept.records)
        .with("dead_letters", kept.letters)
        .with("log_bytes", log_bytes)
        .with("told", told)
        .with(
            "with_behaviour_and_roll_up_events_per_cpu_second",
            sifting.rate(events).map(f64::round),
        )
        .with("parse_and_rules_events_per_cpu_second", understanding.rate(events).map(f64::round))
        .with("parse_and_rules_of_the_floors_rate", share.map(|it| (it * 1000.0).round() / 1000.0));
    Ok(report.above("serde_json into the same fields, borrowed, and nothing else", events, reading))
}

/// Parse and all rules alone: how many records.
fn judge(batches: &[Bytes]) -> usize {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let profile = ClusterProfile::unknown();
    let mut records = 0;
    for body in batches {
        let clock = Clock::Live(received(body.clone()).time);
        let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
        read::record(1, body, &mut |item| {
            let found = item.event.map(|event| audit::records(event, &intake).len());
            records += found.unwrap_or_default();
        });
    }
    records
}

/// Parse, rules, and what the owner of a cluster makes of it: behaviour, counting, repeats. How many records are told.
fn sift(batches: &[Bytes]) -> anyhow::Result<usize> {
    let (judging, mut sift) = (Judging::default(), Sift::new(Limits::default()));
    let mut told = 0;
    for body in batches {
        let understood = airside_audit_ingest::understand(&received(body.clone()), &judging)
            .map_err(|error| anyhow::anyhow!("a batch was refused: {error}"))?;
        for batch in understood.sightings {
            told += sift.take(batch, ClusterProfile::unknown()).told.len();
        }
    }
    Ok(told)
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
