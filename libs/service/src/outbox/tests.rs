//! What opening an outbox does with what an earlier life left in it.

use airside_ports::testsuite::{TakingLog, Turn};
use airside_store::MemoryStore;

use super::*;

const OUTBOX: Keyspace = Keyspace::new("test.outbox");

/// A log that refuses entries of configuration at first; with other streams it is well.
fn refusing(refusals: impl IntoIterator<Item = LogError>) -> Arc<TakingLog> {
    let turns = refusals.into_iter().map(Turn::Refuses);
    Arc::new(TakingLog::failing(Stream::Configuration, turns))
}

/// The stream of each entry that a log took.
fn streams(log: &TakingLog) -> Vec<Stream> {
    log.taken().iter().flat_map(|(stream, entries)| entries.iter().map(|_| *stream)).collect()
}

fn full() -> LogError {
    LogError::Full { stream: Stream::Configuration, limit_bytes: 1 }
}

fn away() -> LogError {
    LogError::Unavailable { action: "store an entry", source: "nobody answers".into() }
}

fn entry() -> Entry {
    let headers = Headers { message: "test.v1".to_owned(), trace_parent: None };
    Entry { partition: Partition(7), headers, payload: Bytes::from_static(b"payload") }
}

/// A store with what a life left in its outbox that died before it published.
async fn left(streams: &[Stream]) -> Arc<MemoryStore> {
    let store = Arc::<MemoryStore>::default();
    let log = refusing([]);
    let mut outbox = Outbox::recover(OUTBOX, store.clone(), log).await.unwrap();
    let mut batch = Batch::new();
    let entries: Vec<_> = streams.iter().map(|stream| (*stream, entry())).collect();
    outbox.stage(&mut batch, &entries);
    store.commit(batch).await.unwrap();
    store
}

async fn count(store: &MemoryStore) -> usize {
    store.scan(OUTBOX, KeyRange::all(), Order::Ascending, 100).await.unwrap().len()
}

#[test]
fn an_entry_survives_the_outbox() {
    for trace_parent in [None, Some("00-ab-cd-01".to_owned())] {
        let entry = Entry {
            partition: Partition(7),
            headers: Headers { message: "incident-event.v1".to_owned(), trace_parent },
            payload: Bytes::from_static(b"\0payload"),
        };
        let encoded = encode(Stream::Incidents, &entry);
        assert_eq!(decode(encoded.clone()), Some((Stream::Incidents, entry)));
        for end in 0..encoded.len() {
            assert_eq!(decode(encoded.slice(..end)), None, "cut at {end}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_waits_for_the_log_and_is_published_once_and_in_order() {
    let streams = [Stream::Activity, Stream::Configuration, Stream::Incidents];
    let cases = [vec![], vec![full()], vec![away()], vec![full(), away(), full(), full()]];
    for refusals in cases {
        let told = format!("{refusals:?}");
        let (store, log) = (left(&streams).await, refusing(refusals));
        let shutdown = CancellationToken::new();
        let recovered = Outbox::recover_in_time(OUTBOX, store.clone(), log.clone(), &shutdown);
        assert!(recovered.await.unwrap().is_some(), "{told}");
        assert_eq!(self::streams(&log), streams, "{told}");
        assert_eq!(count(&store).await, 0, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waiting_does_not_help_is_told_at_once() {
    let shutdown = CancellationToken::new();
    let store = left(&[Stream::Activity, Stream::Configuration]).await;
    let log = refusing([LogError::Closed]);
    let closed = Outbox::recover_in_time(OUTBOX, store.clone(), log, &shutdown).await;
    assert!(matches!(closed, Err(OutboxError::Log(LogError::Closed))), "{closed:?}");

    let mut damage = Batch::new();
    damage.put(OUTBOX, 1_u64.to_be_bytes(), "no entry");
    store.commit(damage).await.unwrap();
    let log = refusing([full()]);
    let damaged = Outbox::recover_in_time(OUTBOX, store.clone(), log, &shutdown).await;
    assert!(matches!(damaged, Err(OutboxError::Damaged { position: 1, .. })), "{damaged:?}");
    assert_eq!(count(&store).await, 1, "it is kept for whoever looks into it");
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_stop_waits_for_no_room() {
    let store = left(&[Stream::Activity, Stream::Configuration]).await;
    let log = refusing(std::iter::repeat_with(full).take(1_000));
    let shutdown = CancellationToken::new();
    let recovering = Outbox::recover_in_time(OUTBOX, store.clone(), log.clone(), &shutdown);
    let stop = async {
        let waited = tokio::time::timeout(std::time::Duration::from_mins(5), shutdown.cancelled());
        assert!(waited.await.is_err(), "nobody else stops it");
        shutdown.cancel();
    };
    let (recovered, ()) = tokio::join!(recovering, stop);
    assert!(recovered.unwrap().is_none());
    assert_eq!(streams(&log), [Stream::Activity], "what there was room for went out once");
    assert_eq!(count(&store).await, 1, "the rest stays for the next life");
}
