//! The embedded log and queue over each store.

mod room;

use std::sync::Arc;
use std::time::Duration;

use airside_bus::embedded::{EmbeddedLogOptions, EmbeddedQueueOptions, TrimBefore};
use airside_bus::{EmbeddedLog, EmbeddedQueue};
use airside_ports::testsuite::SetClock;
use airside_ports::testsuite::log::LogHarness;
use airside_ports::testsuite::queue::{QueueHarness, QueueLimits};
use airside_ports::{
    Entry, Headers, KeyRange, Keyspace, Log, LogError, LostRange, Offset, Order, Partition,
    PartitionSet, Queue, ReadLimit, Store, Stream,
};
use airside_store::sled::Durability;
use airside_store::{MemoryStore, SledOptions, SledStore};
use airside_types::Timestamp;
use async_trait::async_trait;
use tempfile::TempDir;

/// A store to put a log or a queue on, which can be closed and opened anew.
#[async_trait]
trait Ground: Send + Sync + Sized {
    async fn start() -> Self;
    fn store(&self) -> Arc<dyn Store>;
    async fn reopen(&mut self);
}

/// The log and queue are opened anew on the same memory.
struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Ground for Memory {
    async fn start() -> Self {
        Self(Arc::default())
    }

    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn reopen(&mut self) {}
}

struct Sled {
    folder: TempDir,
    store: Arc<SledStore>,
}

impl Sled {
    async fn open(folder: &TempDir) -> Arc<SledStore> {
        let options = SledOptions { durability: Durability::Process, ..SledOptions::default() };
        Arc::new(SledStore::open(folder.path(), options).await.unwrap())
    }
}

#[async_trait]
impl Ground for Sled {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Self::open(&folder).await;
        Self { folder, store }
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Self::open(&self.folder).await;
    }
}

struct LogOver<G> {
    ground: G,
    log: Arc<EmbeddedLog>,
    max_stream_bytes: u64,
}

async fn open_log(ground: &impl Ground, max_stream_bytes: u64) -> Arc<EmbeddedLog> {
    let options = EmbeddedLogOptions { max_stream_bytes, ..EmbeddedLogOptions::default() };
    let clock = Arc::new(SetClock::default());
    Arc::new(EmbeddedLog::open(ground.store(), clock, options).await.unwrap())
}

#[async_trait]
impl<G: Ground> LogHarness for LogOver<G> {
    const QUIET: Duration = Duration::from_secs(1);

    async fn start(max_stream_bytes: u64) -> Self {
        let ground = G::start().await;
        let log = open_log(&ground, max_stream_bytes).await;
        Self { ground, log, max_stream_bytes }
    }

    fn log(&self) -> Arc<dyn Log> {
        self.log.clone()
    }

    async fn restart(&mut self) {
        self.log.close().await;
        self.ground.reopen().await;
        self.log = open_log(&self.ground, self.max_stream_bytes).await;
    }

    async fn trim(&self, stream: Stream, before: Offset) {
        self.log.trim(stream, TrimBefore::Offset(before)).await.unwrap();
    }
}

struct QueueOver<G> {
    ground: G,
    queue: Arc<EmbeddedQueue>,
    limits: QueueLimits,
}

async fn open_queue(ground: &impl Ground, limits: QueueLimits) -> Arc<EmbeddedQueue> {
    let QueueLimits { visibility, max_jobs } = limits;
    let options = EmbeddedQueueOptions { visibility, max_jobs, ..EmbeddedQueueOptions::default() };
    Arc::new(EmbeddedQueue::open(ground.store(), options).await.unwrap())
}

#[async_trait]
impl<G: Ground> QueueHarness for QueueOver<G> {
    const QUIET: Duration = Duration::from_secs(1);
    const VISIBILITY: Duration = Duration::from_secs(10);

    async fn start(limits: QueueLimits) -> Self {
        let ground = G::start().await;
        let queue = open_queue(&ground, limits).await;
        Self { ground, queue, limits }
    }

    fn queue(&self) -> Arc<dyn Queue> {
        self.queue.clone()
    }

    async fn restart(&mut self) {
        self.queue.close();
        self.ground.reopen().await;
        self.queue = open_queue(&self.ground, self.limits).await;
    }
}

mod over_memory {
    mod log {
        use crate::embedded::{LogOver, Memory};
        airside_ports::log_conformance!(LogOver<Memory>, #[tokio::test(start_paused = true)]);
    }
    mod queue {
        use crate::embedded::{Memory, QueueOver};
        airside_ports::queue_conformance!(QueueOver<Memory>, #[tokio::test(start_paused = true)]);
    }
}

mod over_sled {
    mod log {
        use crate::embedded::{LogOver, Sled};
        airside_ports::log_conformance!(LogOver<Sled>, #[tokio::test(start_paused = true)]);
    }
    mod queue {
        use crate::embedded::{QueueOver, Sled};
        airside_ports::queue_conformance!(QueueOver<Sled>, #[tokio::test(start_paused = true)]);
    }
}

fn entry(text: &str) -> Entry {
    let headers = Headers { message: "test.v1".to_owned(), trace_parent: None };
    Entry { partition: Partition(0), headers, payload: text.to_owned().into() }
}

#[tokio::test(start_paused = true)]
async fn trimming_by_age_keeps_what_is_young_and_counts_what_goes() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = Arc::new(SetClock::default());
    let log = EmbeddedLog::open(store, clock.clone(), EmbeddedLogOptions::default()).await.unwrap();
    for second in 0..200_i64 {
        clock.set(Timestamp::from_nanos(second * 1_000_000_000));
        log.append(Stream::Activity, vec![entry("0123456789")]).await.unwrap();
    }
    let before = log.room(Stream::Activity).await.unwrap().held_bytes;
    let age = TrimBefore::Time(Timestamp::from_nanos(150 * 1_000_000_000));
    let trimmed = log.trim(Stream::Activity, age).await.unwrap();
    assert_eq!((trimmed.entries, trimmed.bytes), (150, before / 4 * 3));
    assert_eq!(log.room(Stream::Activity).await.unwrap().held_bytes, before / 4);
    let every = PartitionSet::range(0, 1);
    let mut reader = log.reader(Stream::Activity, every, Offset::START).await.unwrap();
    let batch = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
    assert_eq!(batch.lost, Some(LostRange { from: Offset(1), until: Offset(151) }));
    assert_eq!(batch.entries.len(), 50);
    assert_eq!(log.trim(Stream::Activity, age).await.unwrap().entries, 0);
}

#[tokio::test(start_paused = true)]
async fn closing_wakes_readers_and_takers_and_answers_closed() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let options = EmbeddedLogOptions::default();
    let log =
        EmbeddedLog::open(store.clone(), Arc::new(SetClock::default()), options).await.unwrap();
    let every = PartitionSet::range(0, 1);
    let mut reader = log.reader(Stream::Activity, every, Offset::START).await.unwrap();
    let wait = Duration::from_secs(3600);
    let (read, ()) = tokio::join!(reader.next(ReadLimit::default(), wait), log.close());
    assert!(matches!(read, Err(LogError::Closed)));
    let append = log.append(Stream::Activity, vec![entry("late")]).await;
    assert!(matches!(append, Err(LogError::Closed)));
    assert!(matches!(log.end(Stream::Activity).await, Err(LogError::Closed)));

    let queue = EmbeddedQueue::open(store, EmbeddedQueueOptions::default()).await.unwrap();
    let name = airside_ports::QueueName::ScanJobs;
    let (taken, ()) = tokio::join!(queue.take(name, 1, wait), async { queue.close() });
    assert!(matches!(taken, Err(airside_ports::QueueError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_entry_is_told_and_can_be_passed() {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(SetClock::default());
    let log = EmbeddedLog::open(store.clone(), clock, EmbeddedLogOptions::default()).await.unwrap();
    let entries = ["a", "b", "c"].map(entry).to_vec();
    log.append(Stream::Activity, entries).await.unwrap();
    let keyspace = Keyspace::new("log.activity");
    let pairs = store.scan(keyspace, KeyRange::all(), Order::Ascending, 9).await.unwrap();
    let mut batch = airside_ports::Batch::new();
    batch.put(keyspace, pairs[1].0.to_vec(), "\u{1}no entry");
    store.commit(batch).await.unwrap();

    let every = PartitionSet::range(0, 1);
    let mut reader = log.reader(Stream::Activity, every, Offset::START).await.unwrap();
    let first = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
    assert_eq!((first.entries.len(), first.next), (1, Offset(2)));
    for _ in 0..2 {
        let error = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap_err();
        assert!(matches!(error, LogError::Damaged { offset: Offset(2), .. }), "{error}");
    }
    let mut behind = log.reader(Stream::Activity, every, Offset(2).after()).await.unwrap();
    let rest = behind.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
    assert_eq!(rest.entries[0].entry, entry("c"));
}

#[tokio::test(start_paused = true)]
async fn a_second_log_over_the_same_store_writes_over_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let open = || {
        let clock = Arc::new(SetClock::default());
        EmbeddedLog::open(store.clone(), clock, EmbeddedLogOptions::default())
    };
    let (first, second) = (open().await.unwrap(), open().await.unwrap());
    first.append(Stream::Activity, vec![entry("first")]).await.unwrap();
    let refused = second.append(Stream::Activity, vec![entry("second")]).await;
    assert!(matches!(refused, Err(LogError::Unavailable { .. })), "{refused:?}");
    // It has looked again: appending again, as after any such error, is right.
    second.append(Stream::Activity, vec![entry("second")]).await.unwrap();
    let every = PartitionSet::range(0, 1);
    let mut reader = second.reader(Stream::Activity, every, Offset::START).await.unwrap();
    let batch = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
    let texts: Vec<_> = batch.entries.iter().map(|stored| &*stored.entry.payload).collect();
    assert_eq!(texts, [&b"first"[..], b"second"]);
}
