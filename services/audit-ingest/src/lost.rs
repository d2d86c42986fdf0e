//! Events that an API server could not hand on: gaps, by its own count.
//!
//! An API server drops events where its buffer is full, or where nobody takes them for long; it says so in its metrics
//! and nowhere else. Of the cluster that the node watches they are read, and what they grow by is a gap between two
//! readings. What was read last is kept, so that what was lost while this service did not run is told as well. It is kept in
//! one commit with the gap that it leads to, which is published after that: whenever the process dies, what was lost between
//! two readings is one record.

use std::sync::Arc;
use std::time::Duration;

use airside_detect::audit;
use airside_detect::profile::ClusterProfile;
use airside_detect::{Clock as EventClock, Intake};
use airside_ports::{Batch, Clock, Keyspace, Log, Sample, Store};
use airside_service::outbox::Outbox;
use airside_service::publisher::Publisher;
use airside_service::{CancellationToken, Deps, LiveCluster};
use airside_types::{Cluster, Gap, Record, Source, Tenant, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;

/// How often the metrics are read.
const EVERY: Duration = Duration::from_secs(30);
/// What was read last.
const READ: Keyspace = Keyspace::new("audit-ingest.lost");
/// Where a gap waits until it is published.
const OUTBOX: Keyspace = Keyspace::new("audit-ingest.lost-outbox");
/// How many processes of API servers are remembered; those that began first are forgotten first.
const MOST_SERVERS: usize = 32;

/// The events that a plugin of the audit log could not hand on.
const LOST: &str = "apiserver_audit_error_total";
/// When the process began, in seconds since the Unix epoch: tells several API servers apart.
const STARTED: &str = "process_start_time_seconds";

/// Reads the metrics until the service stops.
pub(crate) async fn watch(live: LiveCluster, deps: Deps, shutdown: CancellationToken) {
    let mut readings = tokio::time::interval(EVERY);
    readings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lost = Lost::new(live, &deps);
    let mut is_told = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = readings.tick() => {}
        }
        let read = tokio::select! {
            () = shutdown.cancelled() => return,
            read = lost.read() => read,
        };
        match read {
            Ok(()) => is_told = false,
            // Once, and not each half minute.
            Err(error) if !is_told => {
                let cluster = &lost.live.cluster;
                tracing::warn!(%error, %cluster, "events that an API server lost cannot be told");
                is_told = true;
            }
            Err(_) => {}
        }
    }
}

/// Reads what a cluster's API servers say, and tells what they lost.
struct Lost {
    live: LiveCluster,
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    publisher: Publisher,
    /// None before the first reading, and after one that failed: what was left in it is published first.
    outbox: Option<Outbox>,
}

impl Lost {
    fn new(live: LiveCluster, deps: &Deps) -> Self {
        let (store, log, clock) = (deps.store.clone(), deps.log.clone(), deps.clock.clone());
        Self { live, store, log, clock, publisher: deps.publisher(), outbox: None }
    }

    /// Reads the metrics once, and tells what is lost.
    async fn read(&mut self) -> anyhow::Result<()> {
        let mut outbox = match self.outbox.take() {
            Some(outbox) => outbox,
            None => Outbox::recover(OUTBOX, self.store.clone(), self.log.clone()).await?,
        };
        let samples = self.live.feed.metrics(&[LOST, STARTED]).await?;
        let now = self.clock.now();
        let key = format!("{}/{}", self.live.tenant, self.live.cluster);
        let kept = self.store.get(READ, key.as_bytes()).await?;
        // What another version kept is read anew.
        let mut servers: Servers =
            kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default();
        let gap = servers.take(&Reading::of(&samples), now);
        let records = gap.into_iter().map(|gap| self.record(gap, now)).collect();
        let told = self.publisher.entries(records)?.into_iter();
        let told = told.flat_map(|(stream, all)| all.into_iter().map(move |it| (stream, it)));
        let told: Vec<_> = told.collect();
        let mut batch = Batch::new();
        batch.put(READ, key, serde_json::to_vec(&servers)?);
        outbox.stage(&mut batch, &told);
        self.store.commit(batch).await?;
        outbox.publish(told).await?;
        self.outbox = Some(outbox);
        Ok(())
    }

    fn record(&self, gap: Gap, now: Timestamp) -> Record {
        let LiveCluster { tenant, cluster, .. } = &self.live;
        tracing::warn!(%cluster, lost = gap.lost, "an API server lost audit events");
        record(gap, (tenant, cluster), now)
    }
}

/// The record of a gap in the audit events of a cluster.
pub(crate) fn record(gap: Gap, (tenant, cluster): (&Tenant, &Cluster), now: Timestamp) -> Record {
    let (clock, profile) = (EventClock::Live(now), ClusterProfile::unknown());
    audit::gap(gap, &Intake { tenant, cluster, clock, profile, origin: None })
}

/// What an API server says at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    /// When its process began, in milliseconds since the Unix epoch; 0 where it does not say.
    started: i64,
    lost: u64,
    /// The plugins that lost something, as it names them.
    plugins: String,
}

impl Reading {
    fn of(samples: &[Sample]) -> Self {
        let named = |name| samples.iter().filter(move |it| it.name == name && it.value > 0.0);
        let started = named(STARTED).map(|it| whole(it.value * 1_000.0)).next();
        let plugins: Vec<_> = named(LOST).map(|it| it.labels.as_str()).collect();
        Self {
            started: started.and_then(|it| i64::try_from(it).ok()).unwrap_or_default(),
            lost: named(LOST).map(|it| whole(it.value)).sum(),
            plugins: plugins.join(" "),
        }
    }
}

/// A count, which the text form writes as a number with a point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, and what is below zero is none"
)]
const fn whole(value: f64) -> u64 {
    value as u64
}

/// What the API servers of a cluster have said.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Servers {
    /// By when they began, the latest last.
    all: Vec<Server>,
    /// Since when every process is known from its beginning, in nanoseconds since the Unix epoch: when one was first read, or
    /// the last one that was forgotten began. 0 where nobody has noted it.
    #[serde(default)]
    since: i64,
}

/// What a process of an API server said last.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Server {
    started: i64,
    lost: u64,
    /// When it said so, in nanoseconds since the Unix epoch.
    at: i64,
}

impl Servers {
    /// Takes a reading in, and tells what was lost since the one before. Of a process that began before anything was read
    /// nobody knows when it lost what it has lost.
    fn take(&mut self, reading: &Reading, now: Timestamp) -> Option<Gap> {
        let Reading { started, lost, plugins } = reading;
        let began = Timestamp::from_nanos(started.saturating_mul(1_000_000));
        if self.since == 0 {
            self.since = self.all.iter().map(|it| it.at).min().unwrap_or(now.as_nanos());
        }
        let known = self.all.iter().find(|it| it.started == *started).copied();
        let (before, from) = match known {
            Some(known) => (known.lost, Timestamp::from_nanos(known.at)),
            None if began.as_nanos() >= self.since => (0, began),
            None => (*lost, now),
        };
        self.all.retain(|it| it.started != *started);
        self.all.push(Server { started: *started, lost: *lost, at: now.as_nanos() });
        self.all.sort_by_key(|it| it.started);
        let most = self.all.len().saturating_sub(MOST_SERVERS);
        if let Some(forgotten) = self.all.drain(..most).map(|it| it.started).max() {
            self.since = self.since.max(forgotten.saturating_add(1).saturating_mul(1_000_000));
        }
        let lost = lost.saturating_sub(before);
        (lost > 0).then(|| Gap {
            source: Source::Audit,
            origin: format!("the API server that began at {began}"),
            from,
            until: now,
            lost: Some(lost),
            reason: format!("{LOST}{plugins} grew by {lost}"),
        })
    }
}

#[cfg(test)]
mod tests;
