//! How the embedded log makes room: in the commits that need it, and counted to the byte.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use airside_bus::EmbeddedLog;
use airside_bus::embedded::EmbeddedLogOptions;
use airside_ports::testsuite::SetClock;
use airside_ports::{
    Batch, KeyRange, Keyspace, Log, LogError, LostRange, Offset, Order, PartitionSet, ReadLimit,
    Store, StoreError, Stream,
};
use airside_store::MemoryStore;
use async_trait::async_trait;
use bytes::Bytes;

use super::entry;

const STREAM: Stream = Stream::Activity;
const ENTRIES: Keyspace = Keyspace::new("log.activity");
const LIMIT: u64 = 20_000;

/// A store that notes how many entries each commit adds and removes, and fails when it is told to.
#[derive(Debug, Default)]
struct Watched {
    inner: MemoryStore,
    commits: Mutex<Vec<(usize, usize)>>,
    fails: AtomicBool,
}

#[async_trait]
impl Store for Watched {
    async fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.inner.get(keyspace, key).await
    }

    async fn scan(
        &self,
        keyspace: Keyspace,
        range: KeyRange,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.inner.scan(keyspace, range, order, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        if self.fails.load(SeqCst) {
            return Err(StoreError::Unavailable {
                action: "commit",
                source: "told to fail".into(),
            });
        }
        let entries = || batch.writes.iter().filter(|write| write.keyspace == ENTRIES);
        let added = entries().filter(|write| write.value.is_some()).count();
        self.commits.lock().unwrap().push((added, entries().count() - added));
        self.inner.commit(batch).await
    }
}

impl Watched {
    /// The offset and the counted bytes of each entry.
    async fn entries(&self) -> VecDeque<(u64, u64)> {
        let all = self.inner.scan(ENTRIES, KeyRange::all(), Order::Ascending, usize::MAX).await;
        let offset = |key: &Bytes| u64::from_be_bytes((**key).try_into().unwrap());
        let bytes = |key: &Bytes, value: &Bytes| (key.len() + value.len()) as u64;
        all.unwrap().iter().map(|(key, value)| (offset(key), bytes(key, value))).collect()
    }
}

async fn open(store: &Arc<Watched>, max_stream_bytes: u64) -> EmbeddedLog {
    let options = EmbeddedLogOptions { max_stream_bytes, ..EmbeddedLogOptions::default() };
    EmbeddedLog::open(store.clone(), Arc::<SetClock>::default(), options).await.unwrap()
}

fn counted(entries: &VecDeque<(u64, u64)>) -> u64 {
    entries.iter().map(|(_, bytes)| bytes).sum()
}

/// What an entry counts beside its payload, as one alone in a log shows.
async fn overhead() -> u64 {
    let log = open(&Arc::default(), LIMIT).await;
    log.append(STREAM, vec![entry("")]).await.unwrap();
    log.room(STREAM).await.unwrap().held_bytes
}

#[tokio::test(start_paused = true)]
async fn as_much_goes_as_is_needed_in_the_commit_that_needs_it() {
    let store = Arc::<Watched>::default();
    let (log, overhead) = (open(&store, LIMIT).await, overhead().await);
    let (mut plain, mut next) = (VecDeque::new(), 1);
    // Small entries, of which many make room for a large one, and the other way round.
    for number in 0..600_u64 {
        let size = if number % 50 == 49 { 19_000 } else { number * 7919 % 900 };
        let text = "x".repeat(usize::try_from(size).unwrap());
        log.append(STREAM, vec![entry(&text)]).await.unwrap();
        let bytes = size + overhead;
        while counted(&plain) + bytes > LIMIT {
            plain.pop_front();
        }
        plain.push_back((next, bytes));
        next += 1;
        assert_eq!(store.entries().await, plain, "after {number}");
        assert_eq!(log.room(STREAM).await.unwrap().held_bytes, counted(&plain), "after {number}");
    }
    let commits = store.commits.lock().unwrap().clone();
    assert_eq!(commits.len(), 600, "each append is one commit");
    assert!(commits.iter().all(|(added, _)| *added == 1), "nothing goes without need");
    assert!(commits.iter().any(|(_, removed)| *removed > 20), "{commits:?}");
}

#[tokio::test(start_paused = true)]
async fn appends_that_share_a_commit_make_room_for_all_of_them() {
    let store = Arc::<Watched>::default();
    let log = open(&store, LIMIT).await;
    for round in 1..=20_u64 {
        // Together they are more than the bound, so that some make room for others.
        let append = |size: usize| {
            let entries = vec![entry(&"y".repeat(size)), entry(&"z".repeat(2 * size))];
            log.append(STREAM, entries)
        };
        futures::future::try_join_all((0..30).map(|number| append(number * 17))).await.unwrap();
        let (there, end) = (store.entries().await, log.end(STREAM).await.unwrap().0);
        assert_eq!(end, 1 + round * 60, "every entry had its place");
        assert_eq!(log.room(STREAM).await.unwrap().held_bytes, counted(&there));
        assert!((LIMIT - 1_100..=LIMIT).contains(&counted(&there)), "{}", counted(&there));
        let first = there[0].0;
        assert!(there.iter().map(|(offset, _)| *offset).eq(first..end), "no holes: {there:?}");
    }
    assert!(store.commits.lock().unwrap().len() < 20 * 30, "no commit was shared");
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_was_lowered_is_reached_in_commits_of_bounded_size() {
    let store = Arc::<Watched>::default();
    let log = open(&store, 1 << 30).await;
    for _ in 0..20 {
        log.append(STREAM, vec![entry("0123456789"); 1_000]).await.unwrap();
    }
    log.close().await;
    store.commits.lock().unwrap().clear();

    let log = open(&store, LIMIT).await;
    log.append(STREAM, vec![entry("newest")]).await.unwrap();
    let there = store.entries().await;
    assert_eq!(log.room(STREAM).await.unwrap().held_bytes, counted(&there));
    assert!((LIMIT - 100..=LIMIT).contains(&counted(&there)), "{}", counted(&there));
    let removed: Vec<usize> =
        store.commits.lock().unwrap().iter().map(|(_, removed)| *removed).collect();
    assert_eq!(removed.iter().sum::<usize>(), 20_001 - there.len());
    assert!(removed.len() > 3 && removed.iter().all(|removed| *removed < 5_000), "{removed:?}");
    let every = PartitionSet::range(0, 1);
    let mut reader = log.reader(STREAM, every, Offset::START).await.unwrap();
    let batch = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
    let first = Offset(there[0].0);
    assert_eq!(batch.lost, Some(LostRange { from: Offset::START, until: first }));
    assert_eq!(batch.entries[0].offset, first);
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_for_an_append_that_is_not_stored() {
    let store = Arc::<Watched>::default();
    let log = open(&store, LIMIT).await;
    for _ in 0..30 {
        log.append(STREAM, vec![entry(&"x".repeat(900))]).await.unwrap();
    }
    let before = store.entries().await;
    store.fails.store(true, SeqCst);
    let refused = log.append(STREAM, vec![entry(&"y".repeat(5_000))]).await;
    assert!(matches!(refused, Err(LogError::Unavailable { .. })), "{refused:?}");
    assert_eq!(store.entries().await, before);
    store.fails.store(false, SeqCst);
    log.append(STREAM, vec![entry(&"y".repeat(5_000))]).await.unwrap();
    let there = store.entries().await;
    assert_eq!(there.back().unwrap().0, before.back().unwrap().0 + 1);
    assert_eq!(log.room(STREAM).await.unwrap().held_bytes, counted(&there));
}
