//! What readings of an API server's count tell, also when the process dies at any time.

use std::sync::atomic::{AtomicI64, Ordering};

use airside_ports::testsuite::{TakingLog, Turn};
use airside_ports::{
    ClusterError, ClusterFeed, ClusterSnapshot, ClusterWatch, LogError, ObjectKind, Partitioner,
};
use airside_store::MemoryStore;
use airside_types::Payload;
use airside_wire::decode_records;
use async_trait::async_trait;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(1_800_000_000_000_000_000 + second * 1_000_000_000)
}

fn reading(began: i64, lost: u64) -> Reading {
    Reading::of(&samples(began, lost))
}

fn samples(began: i64, lost: u64) -> Vec<Sample> {
    let samples = [
        (STARTED, "", at(began).as_nanos() as f64 / 1e9),
        (LOST, "{plugin=\"webhook\"}", lost as f64),
    ];
    let sample = |(name, labels, value): (&str, &str, f64)| Sample {
        name: name.to_owned(),
        labels: labels.to_owned(),
        value,
    };
    samples.map(sample).to_vec()
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
    // One of two restarts, and the other one is read before it.
    let restarted = [(0, -900, 0), (30, -800, 0), (60, -900, 0), (90, 40, 5)];
    assert_eq!(told(&restarted), [(40, 90, 5)]);
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

/// An API server and a clock.
#[derive(Debug, Default)]
struct World {
    lost: AtomicI64,
    second: AtomicI64,
}

#[async_trait]
impl ClusterFeed for World {
    async fn snapshot(&self, _: &[ObjectKind]) -> Result<ClusterSnapshot, ClusterError> {
        Ok(ClusterSnapshot::default())
    }

    async fn metrics(&self, _: &[&str]) -> Result<Vec<Sample>, ClusterError> {
        let lost = u64::try_from(self.lost.load(Ordering::SeqCst)).unwrap();
        Ok(samples(-900, lost))
    }

    async fn watch(&self) -> Result<Box<dyn ClusterWatch>, ClusterError> {
        Err(ClusterError::Unknown { reason: "nobody watches".to_owned() })
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        at(self.second.load(Ordering::SeqCst))
    }
}

/// A process that begins over what the ones before it kept.
fn process(world: &Arc<World>, log: &Arc<TakingLog>, store: &Arc<MemoryStore>) -> Lost {
    let feed: Arc<dyn ClusterFeed> = world.clone();
    let log: Arc<dyn Log> = log.clone();
    Lost {
        live: LiveCluster { tenant: Tenant::default(), cluster: Cluster::default(), feed },
        store: store.clone(),
        publisher: Publisher::new(log.clone(), Partitioner::new(1)),
        log,
        clock: world.clone(),
        outbox: None,
    }
}

#[tokio::test]
async fn a_process_that_dies_between_telling_and_noting_tells_no_other_gap() {
    for is_told in [false, true] {
        for is_restarted in [true, false] {
            let (world, store) = (Arc::new(World::default()), Arc::new(MemoryStore::new()));
            let log = Arc::new(TakingLog::default());
            let reads = |second, lost| {
                world.second.store(second, Ordering::SeqCst);
                world.lost.store(lost, Ordering::SeqCst);
            };
            let mut lost = process(&world, &log, &store);
            reads(0, 7);
            lost.read().await.unwrap();
            reads(30, 9);
            let dies = if is_told { Turn::TakesUnheard } else { Turn::Refuses };
            log.next_turns([dies(LogError::Closed)]);
            lost.read().await.unwrap_err();
            if is_restarted {
                lost = process(&world, &log, &store);
            }
            // More was lost before anybody reads again.
            reads(60, 12);
            lost.read().await.unwrap();
            reads(90, 12);
            lost.read().await.unwrap();
            let entries = log.taken().into_iter().flat_map(|(_, entries)| entries);
            let mut told: Vec<_> =
                entries.flat_map(|it| decode_records(&it.payload).unwrap()).collect();
            let twice = usize::from(is_told);
            assert_eq!(told.len(), 2 + twice, "{told:#?}");
            told.dedup_by_key(|record| record.id);
            let gap = |record: &Record| match &record.payload {
                Payload::Gap(gap) => (gap.from, gap.until, gap.lost),
                other => panic!("{other:?}"),
            };
            let gaps: Vec<_> = told.iter().map(gap).collect();
            let expected = [(at(0), at(30), Some(2)), (at(30), at(60), Some(3))];
            assert_eq!(gaps, expected, "told: {is_told}");
        }
    }
}
