//! Events that an API server could not hand on: gaps, by its own count.
//!
//! An API server drops events where its buffer is full, or where nobody takes them for long; it says so in its metrics
//! and nowhere else. Of the cluster that the node watches they are read, and what they grow by is a gap between two
//! readings. What was read last is kept, so that what was lost while this service did not run is told as well.

use std::sync::Arc;
use std::time::Duration;

use airside_detect::audit;
use airside_detect::profile::ClusterProfile;
use airside_detect::{Clock as EventClock, Intake};
use airside_ports::{Batch, Keyspace, Sample};
use airside_service::{CancellationToken, Deps, LiveCluster};
use airside_types::{Gap, Source, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;

/// How often the metrics are read.
const EVERY: Duration = Duration::from_secs(30);
/// What was read last.
const READ: Keyspace = Keyspace::new("audit-ingest.lost");
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
    let mut is_told = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = readings.tick() => {}
        }
        let read = tokio::select! {
            () = shutdown.cancelled() => return,
            read = read(&live, &deps) => read,
        };
        match read {
            Ok(()) => is_told = false,
            // Once, and not each half minute.
            Err(error) if !is_told => {
                tracing::warn!(%error, cluster = %live.cluster, "events that an API server lost cannot be told");
                is_told = true;
            }
            Err(_) => {}
        }
    }
}

/// Reads the metrics once, and tells what is lost.
async fn read(live: &LiveCluster, deps: &Deps) -> anyhow::Result<()> {
    let samples = live.feed.metrics(&[LOST, STARTED]).await?;
    let now = deps.clock.now();
    let key = format!("{}/{}", live.tenant, live.cluster);
    let kept = deps.store.get(READ, key.as_bytes()).await?;
    // What another version kept is read anew.
    let mut servers: Servers =
        kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default();
    if let Some(gap) = servers.take(&Reading::of(&samples), now) {
        tracing::warn!(cluster = %live.cluster, lost = gap.lost, "an API server lost audit events");
        let intake = Intake {
            tenant: &live.tenant,
            cluster: &live.cluster,
            clock: EventClock::Live(now),
            profile: ClusterProfile::unknown(),
            origin: None,
        };
        deps.publisher().publish(vec![audit::gap(gap, &intake)]).await?;
    }
    let mut batch = Batch::new();
    batch.put(READ, key, serde_json::to_vec(&servers)?);
    Arc::clone(&deps.store).commit(batch).await?;
    Ok(())
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
        let last_read = self.all.iter().map(|it| it.at).max();
        let known = self.all.iter().find(|it| it.started == *started).copied();
        let (before, from) = match (known, last_read) {
            (Some(known), _) => (known.lost, Timestamp::from_nanos(known.at)),
            (None, Some(last)) if began.as_nanos() >= last => (0, began),
            (None, _) => (*lost, now),
        };
        self.all.retain(|it| it.started != *started);
        self.all.push(Server { started: *started, lost: *lost, at: now.as_nanos() });
        self.all.sort_by_key(|it| it.started);
        let most = self.all.len().saturating_sub(MOST_SERVERS);
        self.all.drain(..most);
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
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(1_800_000_000_000_000_000 + second * 1_000_000_000)
    }

    fn reading(began: i64, lost: u64) -> Reading {
        let samples = [
            (STARTED, "", at(began).as_nanos() as f64 / 1e9),
            (LOST, "{plugin=\"webhook\"}", lost as f64),
        ];
        let sample = |(name, labels, value): (&str, &str, f64)| Sample {
            name: name.to_owned(),
            labels: labels.to_owned(),
            value,
        };
        Reading::of(&samples.map(sample))
    }

    /// What readings tell: when, which process, its count → from when, and how many.
    fn told(readings: &[(i64, i64, u64)]) -> Vec<(i64, i64, u64)> {
        let mut servers = Servers::default();
        let take = |(now, began, lost): &(i64, i64, u64)| {
            // As after a restart of this service.
            let kept = serde_json::to_vec(&servers).unwrap();
            servers = serde_json::from_slice(&kept).unwrap();
            let gap = servers.take(&reading(*began, *lost), at(*now))?;
            let second = |time: Timestamp| (time.as_nanos() - at(0).as_nanos()) / 1_000_000_000;
            Some((second(gap.from), second(gap.until), gap.lost?))
        };
        readings.iter().filter_map(take).collect()
    }

    #[test]
    fn what_the_count_grows_by_is_a_gap_between_two_readings() {
        // What was lost before the first reading was lost at a time that nobody knows.
        assert_eq!(told(&[(0, -900, 7)]), []);
        assert_eq!(told(&[(0, -900, 7), (30, -900, 7), (60, -900, 9)]), [(30, 60, 2)]);
        // A process that began since then counts from nothing.
        assert_eq!(told(&[(0, -900, 7), (60, 40, 0), (90, 40, 3)]), [(60, 90, 3)]);
        assert_eq!(told(&[(0, -900, 7), (60, 40, 3)]), [(40, 60, 3)]);
        // Two API servers answer in turn; the second began before anything was read.
        let turns = [(0, -900, 7), (30, -800, 5), (60, -900, 7), (90, -800, 6), (120, -900, 8)];
        assert_eq!(told(&turns), [(30, 90, 1), (60, 120, 1)]);
    }

    #[test]
    fn a_gap_says_whose_count_grew() {
        let mut servers = Servers::default();
        assert_eq!(servers.take(&reading(-900, 1), at(0)), None);
        let gap = servers.take(&reading(-900, 3), at(30)).unwrap();
        assert_eq!(gap.reason, "apiserver_audit_error_total{plugin=\"webhook\"} grew by 2");
        assert_eq!(gap.origin, format!("the API server that began at {}", at(-900)));
    }

    #[test]
    fn no_more_processes_are_remembered_than_there_may_be() {
        let mut servers = Servers::default();
        for began in 0..100 {
            servers.take(&reading(began, 1), at(1_000 + began));
        }
        assert_eq!(servers.all.len(), MOST_SERVERS);
    }
}
