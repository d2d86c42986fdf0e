//! The loop of a log's owner over every log: a poison entry is tried, set aside with its reason, and the log
//! goes on; what was applied is applied once, also over a restart.

use std::sync::Arc;

use airside_bus::nats::{NatsLogOptions, NatsOptions};
use airside_bus::{EmbeddedLog, EmbeddedLogOptions, NatsConnection, NatsLog};
use airside_ports::{
    Entry, Headers, KeyRange, Keyspace, Log, Offset, Order, Partition, PartitionSet, ReadLimit,
    Store, StoredEntry, Stream,
};
use airside_service::owner::{ApplyError, OwnerPorts, run_owner};
use airside_service::{
    CancellationToken, DeadLetters, Effects, Health, LogOwner, Lost, OwnerSettings, SystemClock,
};
use airside_store::MemoryStore;
use airside_telemetry::Metrics;
use airside_testkit::NatsServer;
use airside_wire::decode_dead_letter;
use async_trait::async_trait;
use bytes::Bytes;

use crate::platform::PATIENCE;

const STATE: Keyspace = Keyspace::new("test.state");
const ATTEMPTS: u32 = 3;

/// Keeps every entry under its offset; refuses `poison` for ever and `late` the first time.
#[derive(Debug, Default)]
struct Keeper {
    tried: Vec<Bytes>,
}

#[async_trait]
impl LogOwner for Keeper {
    async fn apply(
        &mut self,
        _: Stream,
        entry: &StoredEntry,
        effects: &mut Effects,
    ) -> Result<(), ApplyError> {
        let payload = entry.entry.payload.clone();
        let before = self.tried.iter().filter(|tried| **tried == payload).count();
        self.tried.push(payload.clone());
        match payload.as_ref() {
            b"poison" => return Err(ApplyError::Poison("it is poison".to_owned())),
            b"stuck" => return Err(ApplyError::Transient("never now".to_owned())),
            b"late" if before == 0 => return Err(ApplyError::Transient("not yet".to_owned())),
            _ => {}
        }
        effects.batch.put(STATE, entry.offset.0.to_be_bytes(), payload);
        Ok(())
    }

    async fn lost(&mut self, lost: Lost<'_>, _: &mut Effects) {
        panic!("nothing is lost here: {lost:?}");
    }
}

fn entry(payload: &'static [u8]) -> Entry {
    let headers = Headers { message: "test.v1".to_owned(), trace_parent: None };
    Entry { partition: Partition(3), headers, payload: Bytes::from_static(payload) }
}

/// Follows the log until everything in it is applied, then stops.
async fn catch_up(log: &Arc<dyn Log>, store: &Arc<dyn Store>) -> Keeper {
    let mut keeper = Keeper::default();
    let health = Health::default();
    let ready = health.register("test");
    let shutdown = CancellationToken::new();
    let settings = OwnerSettings {
        name: "test",
        streams: vec![Stream::Activity],
        partitions: PartitionSet::range(0, 64),
        offsets: Keyspace::new("test.offsets"),
        outbox: Keyspace::new("test.outbox"),
        attempts: ATTEMPTS,
        limit: ReadLimit::default(),
        consumes: false,
    };
    let ports = OwnerPorts {
        log: Arc::clone(log),
        store: Arc::clone(store),
        clock: Arc::new(SystemClock),
        dead_letters: DeadLetters::new("test", Arc::clone(log), &Metrics::new()),
    };
    let stop = async {
        tokio::time::timeout(PATIENCE, health.all_ready()).await.expect("the owner catches up");
        shutdown.cancel();
    };
    let owning = run_owner(&mut keeper, &settings, &ports, &shutdown, &ready);
    let (owned, ()) = tokio::join!(owning, stop);
    owned.expect("the owner ends well");
    keeper
}

async fn reasons(log: &Arc<dyn Log>) -> Vec<String> {
    let all = PartitionSet::range(0, 1);
    let mut reader = log.reader(Stream::DeadLetters, all, Offset::START).await.expect("a reader");
    let wait = std::time::Duration::from_millis(300);
    let batch = reader.next(ReadLimit::default(), wait).await.expect("dead letters");
    let letter =
        |stored: &StoredEntry| decode_dead_letter(&stored.entry.payload).expect("a letter");
    batch.entries.iter().map(|stored| letter(stored).reason).collect()
}

async fn kept(store: &Arc<dyn Store>) -> Vec<Bytes> {
    let pairs = store.scan(STATE, KeyRange::all(), Order::Ascending, 100).await.expect("the state");
    pairs.into_iter().map(|(_, value)| value).collect()
}

async fn a_poison_entry_is_set_aside(log: Arc<dyn Log>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let entries = [&b"one"[..], b"poison", b"late", b"stuck", b"two"].map(entry).to_vec();
    log.append(Stream::Activity, entries).await.expect("appended");
    let keeper = catch_up(&log, &store).await;
    assert_eq!(kept(&store).await, ["one", "late", "two"]);
    let tried = |payload: &str| keeper.tried.iter().filter(|it| *it == payload).count();
    assert_eq!((tried("poison"), tried("late"), tried("stuck")), (1, 2, ATTEMPTS as usize));
    assert_eq!(reasons(&log).await, ["it is poison", "never now"]);

    // A second life goes on behind what the first one committed.
    log.append(Stream::Activity, vec![entry(b"three")]).await.expect("appended");
    let keeper = catch_up(&log, &store).await;
    assert_eq!(keeper.tried, ["three"]);
    assert_eq!(kept(&store).await, ["one", "late", "two", "three"]);
    assert_eq!(reasons(&log).await.len(), 2);
}

#[tokio::test]
async fn a_poison_entry_is_set_aside_on_the_embedded_log() {
    let store = Arc::new(MemoryStore::new());
    let options = EmbeddedLogOptions::default();
    let log = EmbeddedLog::open(store, Arc::new(SystemClock), options).await.expect("a log");
    a_poison_entry_is_set_aside(Arc::new(log)).await;
}

#[tokio::test]
async fn a_poison_entry_is_set_aside_on_nats() {
    let server = NatsServer::start().expect("a nats-server");
    let connection =
        NatsConnection::connect(&NatsOptions::new([server.url()])).await.expect("a connection");
    let options = NatsLogOptions { max_stream_bytes: 16 << 20, ..NatsLogOptions::default() };
    let log = NatsLog::open(&connection, options).await.expect("a log");
    a_poison_entry_is_set_aside(Arc::new(log)).await;
}
