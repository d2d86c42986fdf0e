//! How an owner starts on a log that is full.

use airside_bus::EmbeddedLog;
use airside_bus::embedded::{EmbeddedLogOptions, TrimBefore};
use airside_ports::{Headers, KeyRange, Order, Partition};
use airside_store::MemoryStore;
use airside_telemetry::Metrics;

use super::*;
use crate::{Health, SystemClock};

const OUTBOX: Keyspace = Keyspace::new("test.outbox");
const EVERY: PartitionSet = PartitionSet::range(0, 64);
/// Longer than any wait between two attempts.
const A_WHILE: Duration = Duration::from_mins(1);

/// Applies nothing.
struct Idle;

#[async_trait]
impl LogOwner for Idle {
    async fn apply(
        &mut self,
        _: Stream,
        _: &StoredEntry,
        _: &mut Effects,
    ) -> Result<(), ApplyError> {
        Ok(())
    }

    async fn lost(&mut self, _: Lost<'_>, _: &mut Effects) {}
}

fn entry(bytes: usize) -> Entry {
    let headers = Headers { message: "test.v1".to_owned(), trace_parent: None };
    Entry { partition: Partition(3), headers, payload: Bytes::from(vec![b'x'; bytes]) }
}

async fn sizes(log: &EmbeddedLog, stream: Stream) -> Vec<usize> {
    let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
    let batch = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
    batch.entries.iter().map(|stored| stored.entry.payload.len()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_owner_starts_once_the_log_has_room_for_what_its_last_life_left() {
    let store = Arc::<MemoryStore>::default();
    let options = EmbeddedLogOptions { max_stream_bytes: 20_000, ..EmbeddedLogOptions::default() };
    let log = EmbeddedLog::open(Arc::<MemoryStore>::default(), Arc::new(SystemClock), options);
    let log = Arc::new(log.await.unwrap());
    while log.append(Stream::Configuration, vec![entry(6_000)]).await.is_ok() {}
    let before = sizes(&log, Stream::Configuration).await;

    let mut outbox = Outbox::recover(OUTBOX, store.clone(), log.clone()).await.unwrap();
    let mut batch = Batch::new();
    let outputs = [(Stream::Activity, entry(1)), (Stream::Configuration, entry(5_000))];
    outbox.stage(&mut batch, &outputs);
    store.commit(batch).await.unwrap();
    drop(outbox);

    let settings = OwnerSettings {
        name: "test",
        streams: vec![Stream::Sightings],
        partitions: EVERY,
        offsets: Keyspace::new("test.offsets"),
        outbox: OUTBOX,
        attempts: 1,
        limit: ReadLimit::default(),
        consumes: true,
    };
    let ports = OwnerPorts {
        log: log.clone(),
        store: store.clone(),
        clock: Arc::new(SystemClock),
        dead_letters: DeadLetters::new("test", log.clone(), &Metrics::new()),
    };
    let (health, shutdown) = (Health::default(), CancellationToken::new());
    let (ready, mut owner) = (health.register("test"), Idle);
    let owning = run_owner(&mut owner, &settings, &ports, &shutdown, &ready);
    let watching = async {
        let mut activity = log.reader(Stream::Activity, EVERY, Offset::START).await.unwrap();
        let first = activity.next(ReadLimit::default(), A_WHILE).await.unwrap();
        assert_eq!(first.entries.len(), 1);
        let later = activity.next(ReadLimit::default(), A_WHILE).await.unwrap();
        assert_eq!(later.entries, [], "what was published is not published again");
        assert!(!health.is_ready(), "its outbox is not empty");
        assert_eq!(sizes(&log, Stream::Configuration).await, before, "nothing gave way");

        log.trim(Stream::Configuration, TrimBefore::Offset(Offset::START.after())).await.unwrap();
        tokio::time::timeout(A_WHILE, health.all_ready()).await.unwrap();
        shutdown.cancel();
    };
    let (owned, ()) = tokio::join!(owning, watching);
    owned.unwrap();
    assert_eq!(sizes(&log, Stream::Configuration).await, [&before[1..], &[5_000]].concat());
    let left = store.scan(OUTBOX, KeyRange::all(), Order::Ascending, 9).await.unwrap();
    assert_eq!(left, []);
}
