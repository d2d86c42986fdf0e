//! What every store does, and what every durable store does besides.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tokio::task::JoinSet;

use crate::store::Pairs;
use crate::{Batch, KeyRange, Keyspace, Order, Store, StoreError};

mod model;

/// How the suite gets a store.
#[async_trait]
pub trait StoreHarness: Sized + Send {
    /// Starts an empty store.
    async fn start() -> Self;
    /// The store that runs now.
    fn store(&self) -> Arc<dyn Store>;
}

/// How the suite gets a durable store.
#[async_trait]
pub trait DurableStoreHarness: StoreHarness {
    /// Closes the store and opens it anew on the same data.
    async fn restart(&mut self);
}

/// Makes the tests of the store port for a [`StoreHarness`].
#[macro_export]
macro_rules! store_conformance {
    ($harness:ty, #[$test:meta]) => {
        $crate::conformance_tests!(
            $crate::testsuite::store,
            $harness,
            #[$test],
            [
                what_was_put_is_there,
                keyspaces_do_not_touch,
                scans_have_order_limit_and_bounds,
                values_of_any_size,
                a_failed_condition_changes_nothing,
                the_last_write_of_a_batch_wins,
                concurrent_increments_lose_none,
                a_scan_sees_a_commit_whole_or_not_at_all,
                behaves_as_an_ordered_map,
            ]
        );
    };
}

/// Makes the tests of a store that outlives its process, for a [`DurableStoreHarness`].
#[macro_export]
macro_rules! durable_store_conformance {
    ($harness:ty, #[$test:meta]) => {
        $crate::conformance_tests!(
            $crate::testsuite::store,
            $harness,
            #[$test],
            [a_restart_keeps_commits, a_closed_store_says_so]
        );
    };
}

const A: Keyspace = Keyspace::new("suite.a");
const B: Keyspace = Keyspace::new("suite.b");
/// Its name starts with another's: only a separator keeps the two apart.
const AB: Keyspace = Keyspace::new("suite.ab");

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn put(store: &dyn Store, keyspace: Keyspace, key: &str, value: &'static str) {
    let mut batch = Batch::new();
    batch.put(keyspace, key, bytes(value));
    store.commit(batch).await.unwrap();
}

async fn keys(store: &dyn Store, range: KeyRange, order: Order, limit: usize) -> Vec<String> {
    let pairs = store.scan(A, range, order, limit).await.unwrap();
    pairs.into_iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()).collect()
}

/// Values are put, replaced and removed; what is not there is none, and removing it is no error.
pub async fn what_was_put_is_there<H: StoreHarness>() {
    let harness = H::start().await;
    let store = harness.store();
    assert_eq!(store.get(A, b"k").await.unwrap(), None);
    put(&*store, A, "k", "one").await;
    assert_eq!(store.get(A, b"k").await.unwrap(), Some(bytes("one")));
    put(&*store, A, "k", "two").await;
    assert_eq!(store.get(A, b"k").await.unwrap(), Some(bytes("two")));
    for _ in 0..2 {
        let mut batch = Batch::new();
        batch.delete(A, "k");
        store.commit(batch).await.unwrap();
        assert_eq!(store.get(A, b"k").await.unwrap(), None);
    }
    put(&*store, A, "", "the empty key").await;
    assert_eq!(store.get(A, b"").await.unwrap(), Some(bytes("the empty key")));
    store.commit(Batch::new()).await.unwrap();
}

/// The same key in two keyspaces is two values, also where one name starts with the other.
pub async fn keyspaces_do_not_touch<H: StoreHarness>() {
    let harness = H::start().await;
    let store = harness.store();
    for (keyspace, value) in [(A, "a"), (B, "b"), (AB, "ab")] {
        put(&*store, keyspace, "k", value).await;
    }
    for (keyspace, value) in [(A, "a"), (B, "b"), (AB, "ab")] {
        let expected: Pairs = vec![(bytes("k"), bytes(value))];
        assert_eq!(store.get(keyspace, b"k").await.unwrap(), Some(bytes(value)));
        for order in [Order::Ascending, Order::Descending] {
            let found = store.scan(keyspace, KeyRange::all(), order, 10).await.unwrap();
            assert_eq!(found, expected, "{keyspace:?} {order:?}");
        }
    }
}

/// Scans go both ways, stop at the limit, include the start and leave out the end.
pub async fn scans_have_order_limit_and_bounds<H: StoreHarness>() {
    let harness = H::start().await;
    let store = harness.store();
    for key in ["b", "a", "c1", "c2", "d", "c"] {
        put(&*store, A, key, "v").await;
    }
    let scan = |range, order, limit| keys(&*store, range, order, limit);
    let (up, down) = (Order::Ascending, Order::Descending);
    assert_eq!(scan(KeyRange::all(), up, 9).await, ["a", "b", "c", "c1", "c2", "d"]);
    assert_eq!(scan(KeyRange::all(), down, 9).await, ["d", "c2", "c1", "c", "b", "a"]);
    assert_eq!(scan(KeyRange::all(), up, 2).await, ["a", "b"]);
    assert_eq!(scan(KeyRange::all(), down, 2).await, ["d", "c2"]);
    assert!(scan(KeyRange::all(), up, 0).await.is_empty());
    assert_eq!(scan(KeyRange::prefix(b"c"), up, 9).await, ["c", "c1", "c2"]);
    assert_eq!(scan(KeyRange::starting_at(b"c1"), up, 2).await, ["c1", "c2"]);
    let middle = KeyRange { from: b"b".to_vec(), until: Some(b"c2".to_vec()) };
    assert_eq!(scan(middle.clone(), up, 9).await, ["b", "c", "c1"]);
    assert_eq!(scan(middle, down, 9).await, ["c1", "c", "b"]);
    let backwards = KeyRange { from: b"d".to_vec(), until: Some(b"a".to_vec()) };
    assert!(scan(backwards, up, 9).await.is_empty());
}

/// Values of no byte and of many megabytes come back, replace each other and leave nothing behind in scans.
pub async fn values_of_any_size<H: StoreHarness>() {
    let harness = H::start().await;
    let store = harness.store();
    for size in [3_000_000, 0, 1, 4096, 50_000, 4000, 4001, 100_000, 7] {
        let value: Bytes = (0..size).map(|i: usize| u8::try_from(i % 251).unwrap()).collect();
        let mut batch = Batch::new();
        batch.expect(A, "k", store.get(A, b"k").await.unwrap());
        batch.put(A, "k", value.clone());
        store.commit(batch).await.unwrap();
        assert!(store.get(A, b"k").await.unwrap() == Some(value.clone()), "{size} bytes");
        let found = store.scan(A, KeyRange::all(), Order::Ascending, 9).await.unwrap();
        assert!(found == [(bytes("k"), value)], "{size} bytes");
    }
}

/// A batch with a condition that does not hold changes nothing in any keyspace, and says which it was.
pub async fn a_failed_condition_changes_nothing<H: StoreHarness>() {
    let harness = H::start().await;
    let store = harness.store();
    put(&*store, A, "there", "old").await;
    let conditions =
        [("there", None), ("there", Some("other")), ("absent", Some("x")), ("there", Some("ol"))];
    for (key, expected) in conditions {
        let mut batch = Batch::new();
        batch.put(A, "there", bytes("new"));
        batch.put(B, "beside", bytes("new"));
        batch.expect(A, "there", Some(bytes("old")));
        batch.expect(A, key, expected.map(bytes));
        let error = store.commit(batch).await.unwrap_err();
        let StoreError::Conflict { keyspace, key: conflicting } = error else {
            panic!("{key} {expected:?} gave {error}")
        };
        assert_eq!((keyspace, &*conflicting), (A, key.as_bytes()));
        assert_eq!(store.get(A, b"there").await.unwrap(), Some(bytes("old")));
        assert_eq!(store.get(B, b"beside").await.unwrap(), None);
    }
    let mut batch = Batch::new();
    batch.expect(A, "there", Some(bytes("old")));
    batch.expect(B, "beside", None);
    batch.put(B, "beside", bytes("new"));
    batch.delete(A, "there");
    store.commit(batch).await.unwrap();
    assert_eq!(store.get(A, b"there").await.unwrap(), None);
    assert_eq!(store.get(B, b"beside").await.unwrap(), Some(bytes("new")));
}

/// Writes of one batch apply in their order.
pub async fn the_last_write_of_a_batch_wins<H: StoreHarness>() {
    let harness = H::start().await;
    let store = harness.store();
    let long = Bytes::from(vec![7; 20_000]);
    let mut batch = Batch::new();
    batch.put(A, "put", long.clone());
    batch.put(A, "put", bytes("last"));
    batch.put(A, "gone", bytes("first"));
    batch.delete(A, "gone");
    batch.delete(A, "back");
    batch.put(A, "back", long.clone());
    store.commit(batch).await.unwrap();
    let found = store.scan(A, KeyRange::all(), Order::Ascending, 9).await.unwrap();
    assert!(found == [(bytes("back"), long), (bytes("put"), bytes("last"))]);
}

/// Tasks that count with compare-and-set, each trying again at a conflict, count everything.
pub async fn concurrent_increments_lose_none<H: StoreHarness>() {
    const TASKS: u64 = 8;
    const EACH: u64 = 10;
    let harness = H::start().await;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = harness.store();
        tasks.spawn(async move {
            let mut done = 0;
            while done < EACH {
                let before = store.get(A, b"count").await.unwrap();
                let count =
                    before.as_deref().map_or(0, |b| u64::from_be_bytes(b.try_into().unwrap()));
                let mut batch = Batch::new();
                batch.expect(A, "count", before);
                batch.put(A, "count", Bytes::copy_from_slice(&(count + 1).to_be_bytes()));
                match store.commit(batch).await {
                    Ok(()) => done += 1,
                    Err(StoreError::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let count = harness.store().get(A, b"count").await.unwrap().unwrap();
    assert_eq!(u64::from_be_bytes((*count).try_into().unwrap()), TASKS * EACH);
}

/// While commits replace many keys at once, no scan finds two commits mixed.
pub async fn a_scan_sees_a_commit_whole_or_not_at_all<H: StoreHarness>() {
    const KEYS: u8 = 100;
    let harness = H::start().await;
    let fill = |value: u8| {
        let mut batch = Batch::new();
        for key in 0..KEYS {
            batch.put(A, vec![key], Bytes::from(vec![value; 100]));
        }
        batch
    };
    harness.store().commit(fill(0)).await.unwrap();
    let store = harness.store();
    let writer = tokio::spawn(async move {
        for value in 1..40 {
            store.commit(fill(value)).await.unwrap();
        }
    });
    let store = harness.store();
    while !writer.is_finished() {
        let pairs = store.scan(A, KeyRange::all(), Order::Ascending, 1000).await.unwrap();
        assert_eq!(pairs.len(), usize::from(KEYS));
        assert!(pairs.windows(2).all(|two| two[0].1 == two[1].1), "two commits mixed");
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// Any sequence of commits and reads gives what an ordered map gives.
pub async fn behaves_as_an_ordered_map<H: StoreHarness>() {
    let harness = H::start().await;
    let store = harness.store();
    let runtime = tokio::runtime::Handle::current();
    // The runner is synchronous: it waits for the store on a thread of its own.
    let cases = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 40,
            rng_seed: RngSeed::Fixed(0x0a15_1de5),
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config).run(&model::steps(), |steps| {
            runtime.block_on(model::check(&*store, steps));
            Ok(())
        })
    });
    cases.await.unwrap().unwrap();
}

/// What was committed before a restart is there after it, with conditions and scans as before.
pub async fn a_restart_keeps_commits<H: DurableStoreHarness>() {
    let mut harness = H::start().await;
    let mut expected = BTreeMap::new();
    for round in 0_u8..5 {
        let store = harness.store();
        let mut batch = Batch::new();
        for number in 0_u8..20 {
            let value = Bytes::from(vec![round; usize::from(number) * 500]);
            batch.put(A, vec![number, round % 3], value.clone());
            expected.insert(vec![number, round % 3], value);
        }
        batch.delete(A, vec![7, round % 3]);
        expected.remove(&vec![7, round % 3]);
        store.commit(batch).await.unwrap();
        drop(store);
        harness.restart().await;
        let found = harness.store().scan(A, KeyRange::all(), Order::Ascending, 999).await.unwrap();
        let expected = expected.iter().map(|(k, v)| (Bytes::from(k.clone()), v.clone()));
        assert!(found == expected.collect::<Pairs>(), "round {round}");
    }
}

/// A store that was closed answers that it is, to reads and commits alike.
pub async fn a_closed_store_says_so<H: DurableStoreHarness>() {
    let mut harness = H::start().await;
    let closed = harness.store();
    harness.restart().await;
    let mut batch = Batch::new();
    batch.put(A, "k", bytes("v"));
    assert!(matches!(closed.commit(batch).await, Err(StoreError::Closed)));
    assert!(matches!(closed.get(A, b"k").await, Err(StoreError::Closed)));
    let scan = closed.scan(A, KeyRange::all(), Order::Ascending, 1).await;
    assert!(matches!(scan, Err(StoreError::Closed)));
    put(&*harness.store(), A, "k", "v").await;
}
