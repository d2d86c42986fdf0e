//! How an owner starts on a log that is full, what it is told of what the log let go, and what becomes of an entry on
//! which it panics.

use std::collections::BTreeSet;

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

fn settings(streams: Vec<Stream>) -> OwnerSettings {
    OwnerSettings {
        name: "test",
        streams,
        partitions: EVERY,
        offsets: Keyspace::new("test.offsets"),
        outbox: OUTBOX,
        attempts: 1,
        limit: ReadLimit::default(),
        consumes: true,
    }
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

    let settings = settings(vec![Stream::Sightings]);
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

/// A reader that returns what it was given, then nothing for once, and is closed.
struct Scripted(std::vec::IntoIter<LogBatch>);

#[async_trait]
impl LogReader for Scripted {
    async fn next(&mut self, _: ReadLimit, _: Duration) -> Result<LogBatch, LogError> {
        self.0.next().ok_or(LogError::Closed)
    }
}

fn read(lost: Option<(u64, u64)>, entries: std::ops::Range<u64>) -> LogBatch {
    let lost = lost.map(|(from, until)| LostRange { from: Offset(from), until: Offset(until) });
    let next = Offset(entries.end);
    let stored = |offset| StoredEntry { offset: Offset(offset), entry: entry(1) };
    LogBatch { entries: entries.map(stored).collect(), next, lost }
}

#[tokio::test]
async fn a_loss_is_told_with_the_entry_behind_it_unless_none_comes() {
    for (given, passed_on) in [
        (vec![read(Some((1, 5)), 5..5), read(None, 5..8)], vec![read(Some((1, 5)), 5..8)]),
        (
            vec![read(Some((1, 5)), 5..5), read(Some((5, 7)), 7..7), read(Some((7, 9)), 9..10)],
            vec![read(Some((1, 9)), 9..10)],
        ),
        (vec![read(Some((1, 5)), 5..5), read(None, 5..5)], vec![read(Some((1, 5)), 5..5)]),
        (vec![read(None, 1..1), read(None, 1..2)], vec![read(None, 1..2)]),
    ] {
        let (sender, mut batches) = mpsc::channel(8);
        let reader = Box::new(Scripted(given.into_iter()));
        let stop = CancellationToken::new();
        follow(Stream::Activity, reader, ReadLimit::default(), sender, stop).await;
        let mut all = Vec::new();
        while let Some((_, batch)) = batches.recv().await {
            all.push(batch.unwrap());
        }
        assert_eq!(all, passed_on);
    }
}

/// Notes what it is told: the losses, whether they go on, and the entry behind each.
#[derive(Default)]
struct Noting(Vec<(LostRange, bool, Option<Offset>)>);

#[async_trait]
impl LogOwner for Noting {
    async fn apply(
        &mut self,
        _: Stream,
        _: &StoredEntry,
        _: &mut Effects,
    ) -> Result<(), ApplyError> {
        Ok(())
    }

    async fn lost(&mut self, lost: Lost<'_>, _: &mut Effects) {
        self.0.push((lost.range, lost.goes_on, lost.next.map(|stored| stored.offset)));
    }
}

#[tokio::test]
async fn losses_that_follow_each_other_are_one_that_goes_on() {
    let store = Arc::<MemoryStore>::default();
    let options = EmbeddedLogOptions::default();
    let log = EmbeddedLog::open(store.clone(), Arc::new(SystemClock), options).await.unwrap();
    let log: Arc<dyn Log> = Arc::new(log);
    let ports = OwnerPorts {
        store: store.clone(),
        log: log.clone(),
        clock: Arc::new(SystemClock),
        dead_letters: DeadLetters::new("test", log.clone(), &Metrics::new()),
    };
    let settings = settings(vec![Stream::Activity]);
    let outbox = Outbox::recover(OUTBOX, store, log).await.unwrap();
    let mut owner = Noting::default();
    let (forgotten, losing) = (BTreeMap::new(), BTreeMap::new());
    let (settings, ports) = (&settings, &ports);
    let panicked = Panicked::load(&*ports.store, settings.offsets, &[]).await.unwrap();
    let mut work = Work { owner: &mut owner, settings, ports, outbox, forgotten, losing, panicked };
    let shutdown = CancellationToken::new();
    for batch in [
        read(Some((1, 5)), 5..7),
        read(Some((7, 9)), 9..12),
        read(None, 12..13),
        read(Some((13, 20)), 20..20),
    ] {
        assert!(work.commit(Stream::Activity, batch, &shutdown).await.unwrap().is_continue());
    }
    drop(work);
    let range = |from, until| LostRange { from: Offset(from), until: Offset(until) };
    assert_eq!(
        owner.0,
        [
            (range(1, 5), false, Some(Offset(5))),
            (range(1, 9), true, Some(Offset(9))),
            (range(13, 20), false, None),
        ]
    );
}

/// Applies what has no more than so many bytes, and panics over the rest.
struct Panics {
    above: usize,
    applied: Vec<usize>,
}

#[async_trait]
impl LogOwner for Panics {
    async fn apply(
        &mut self,
        _: Stream,
        entry: &StoredEntry,
        _: &mut Effects,
    ) -> Result<(), ApplyError> {
        let bytes = entry.entry.payload.len();
        assert!(bytes <= self.above, "{bytes} bytes");
        self.applied.push(bytes);
        Ok(())
    }

    async fn lost(&mut self, _: Lost<'_>, _: &mut Effects) {}
}

#[tokio::test(start_paused = true)]
async fn an_entry_on_which_it_panics_ends_one_life_of_an_owner_and_is_set_aside_by_the_next() {
    let store = Arc::<MemoryStore>::default();
    let options = EmbeddedLogOptions::default();
    let log = EmbeddedLog::open(Arc::<MemoryStore>::default(), Arc::new(SystemClock), options);
    let log = Arc::new(log.await.unwrap());
    let settings = OwnerSettings { attempts: 3, ..settings(vec![Stream::Sightings]) };
    let ports = OwnerPorts {
        log: log.clone(),
        store: store.clone(),
        clock: Arc::new(SystemClock),
        dead_letters: DeadLetters::new("test", log.clone(), &Metrics::new()),
    };
    let life = async |above| {
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let (ready, mut owner) = (health.register("test"), Panics { above, applied: vec![] });
        let owning = run_owner(&mut owner, &settings, &ports, &shutdown, &ready);
        let ended = tokio::select! {
            ended = owning => ended.map_err(|error| format!("{error:#}")),
            () = async {
                health.all_ready().await;
                shutdown.cancel();
                std::future::pending().await
            } => Ok(()),
        };
        (ended, owner.applied)
    };
    log.append(Stream::Sightings, [1, 20, 3, 40, 5].map(entry).into()).await.unwrap();
    let (ended, applied) = life(9).await;
    let error = ended.unwrap_err();
    assert!(
        error.contains("`test` panicked at entry 2 of stream `sightings` (20 bytes)"),
        "{error}"
    );
    assert_eq!(applied, [1], "what is not durable is applied again");
    let (ended, applied) = life(9).await;
    assert!(ended.unwrap_err().contains("at entry 4 of stream"), "the next one of the same read");
    assert_eq!(applied, [1, 3]);

    assert_eq!(life(9).await, (Ok(()), vec![1, 3, 5]));
    assert_eq!(sizes(&log, Stream::DeadLetters).await.len(), 2);
    assert_eq!(life(9).await, (Ok(()), vec![]), "nothing of it is left");
    let left = store.scan(settings.offsets, KeyRange::all(), Order::Ascending, 9).await.unwrap();
    assert_eq!(left.len(), 1, "the notes are gone: {left:?}");

    log.append(Stream::Sightings, [50, 6].map(entry).into()).await.unwrap();
    assert!(life(9).await.0.is_err());
    assert_eq!(life(99).await, (Ok(()), vec![6]), "once noted it is set aside by whoever comes");
    assert_eq!(sizes(&log, Stream::DeadLetters).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_a_log_that_was_replaced_is_set_aside_as_well() {
    let store = Arc::<MemoryStore>::default();
    let options = EmbeddedLogOptions::default();
    let log = EmbeddedLog::open(Arc::<MemoryStore>::default(), Arc::new(SystemClock), options);
    let log = Arc::new(log.await.unwrap());
    let settings = settings(vec![Stream::Sightings]);
    let mut batch = Batch::new();
    batch.put(settings.offsets, key_of(Stream::Sightings), offset_bytes(Offset(100)));
    store.commit(batch).await.unwrap();
    log.append(Stream::Sightings, [1, 20, 3].map(entry).into()).await.unwrap();
    let ports = OwnerPorts {
        log: log.clone(),
        store: store.clone(),
        clock: Arc::new(SystemClock),
        dead_letters: DeadLetters::new("test", log.clone(), &Metrics::new()),
    };
    let life = async || {
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let (ready, mut owner) = (health.register("test"), Panics { above: 9, applied: vec![] });
        let owning = run_owner(&mut owner, &settings, &ports, &shutdown, &ready);
        let is_good = tokio::select! {
            ended = owning => ended.is_ok(),
            () = async {
                health.all_ready().await;
                shutdown.cancel();
                std::future::pending().await
            } => true,
        };
        (is_good, owner.applied)
    };
    assert_eq!(life().await, (false, vec![1]));
    assert_eq!(life().await, (true, vec![1, 3]));
}

/// Panics over what was lost, or over an entry of six bytes, once all that was read with it is applied.
#[derive(Default)]
struct PanicsLate {
    over_losses: bool,
    read: Vec<usize>,
    lost: usize,
    settled: Vec<Vec<usize>>,
}

#[async_trait]
impl LogOwner for PanicsLate {
    async fn apply(
        &mut self,
        _: Stream,
        entry: &StoredEntry,
        _: &mut Effects,
    ) -> Result<(), ApplyError> {
        self.read.push(entry.entry.payload.len());
        Ok(())
    }

    async fn lost(&mut self, _: Lost<'_>, _: &mut Effects) {
        assert!(!self.over_losses, "lost");
        self.lost += 1;
    }

    fn settle(&mut self, _: &mut Effects) {
        assert!(!self.read.contains(&6), "six");
        self.settled.push(std::mem::take(&mut self.read));
    }
}

#[tokio::test]
async fn what_panics_over_all_that_was_read_is_found_by_its_next_lives() {
    let sized = |lost: Option<(u64, u64)>, sizes: &[usize], next: u64| LogBatch {
        entries: (next - sizes.len() as u64..)
            .zip(sizes)
            .map(|(offset, bytes)| StoredEntry { offset: Offset(offset), entry: entry(*bytes) })
            .collect(),
        next: Offset(next),
        lost: lost.map(|(from, until)| LostRange { from: Offset(from), until: Offset(until) }),
    };
    type Case =
        (LogBatch, bool, &'static [&'static str], &'static [&'static [usize]], usize, usize);
    // What is read; whether losses are what it panics over; what each life is told to end with; what the last one settles,
    // how many losses it heard of, and how many letters there are.
    let cases: [Case; 5] = [
        (sized(None, &[4, 5], 9), false, &[], &[&[4, 5]], 0, 0),
        (sized(None, &[4, 6, 5], 9), false, &["before entry 9", "at entry 7"], &[&[4], &[5]], 0, 1),
        (
            sized(None, &[6, 6], 9),
            false,
            &["before entry 9", "at entry 7", "at entry 8"],
            &[],
            0,
            2,
        ),
        (sized(Some((1, 8)), &[6], 9), false, &["before entry 9", "at entry 8"], &[&[]], 2, 1),
        (sized(Some((1, 8)), &[5], 9), true, &["over what was lost from entry 1"], &[&[5]], 0, 1),
    ];
    for (read, over_losses, ends, settled, lost, letters) in cases {
        let store = Arc::<MemoryStore>::default();
        let options = EmbeddedLogOptions::default();
        let log = EmbeddedLog::open(store.clone(), Arc::new(SystemClock), options).await.unwrap();
        let log = Arc::new(log);
        let settings = settings(vec![Stream::Activity]);
        let ports = OwnerPorts {
            store: store.clone(),
            log: log.clone(),
            clock: Arc::new(SystemClock),
            dead_letters: DeadLetters::new("test", log.clone(), &Metrics::new()),
        };
        let life = async || {
            let mut owner = PanicsLate { over_losses, ..PanicsLate::default() };
            let outbox = Outbox::recover(OUTBOX, store.clone(), log.clone()).await.unwrap();
            let panicked = Panicked::load(&*store, settings.offsets, &settings.streams).await;
            // What a life before has committed is not read again.
            let stored = stored_offset(&*store, settings.offsets, Stream::Activity).await.unwrap();
            let is_left = |stored: &StoredEntry, from: Offset| stored.offset >= from;
            let mut read = read.clone();
            if let Some(from) = stored {
                read.entries.retain(|entry| is_left(entry, from));
                read.lost = None;
            }
            let mut work = Work {
                owner: &mut owner,
                settings: &settings,
                ports: &ports,
                outbox,
                forgotten: BTreeMap::new(),
                losing: BTreeMap::new(),
                panicked: panicked.unwrap(),
            };
            let taken = work.take(Stream::Activity, read, &CancellationToken::new()).await;
            drop(work);
            (taken.map_err(|error| format!("{error:#}")), owner)
        };
        let (mut all_settled, mut all_lost) = (Vec::new(), 0);
        for end in ends {
            let (ended, owner) = life().await;
            let error = ended.expect_err(end);
            assert!(error.contains(&format!("panicked {end} of stream")), "{end}: {error}");
            all_settled.extend(owner.settled);
            all_lost += owner.lost;
        }
        let (ended, owner) = life().await;
        assert!(ended.unwrap().is_continue(), "{ends:?}");
        all_settled.extend(owner.settled);
        assert_eq!(all_settled, settled, "{ends:?}");
        assert_eq!(all_lost + owner.lost, lost, "{ends:?}");
        // What was committed is published again by the next life, as what it was.
        let mut reader = log.reader(Stream::DeadLetters, EVERY, Offset::START).await.unwrap();
        let told = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
        let told: BTreeSet<_> = told.entries.into_iter().map(|it| it.entry.payload).collect();
        assert_eq!(told.len(), letters, "{ends:?}");
        let left =
            store.scan(settings.offsets, KeyRange::all(), Order::Ascending, 9).await.unwrap();
        assert_eq!(left.len(), 1, "the notes are gone: {left:?}");
    }
}

#[tokio::test]
async fn what_was_noted_of_another_log_is_forgotten() {
    let (store, keyspace) = (MemoryStore::new(), Keyspace::new("test.offsets"));
    let stream = Stream::Sightings;
    let load =
        async || Panicked::load(&store, keyspace, &[stream, Stream::Activity]).await.unwrap();
    store.commit(load().await.note((stream, Offset(7), What::Entry))).await.unwrap();
    store.commit(load().await.note((Stream::Activity, Offset(8), What::Entry))).await.unwrap();
    let mut panicked = load().await;
    assert!(
        panicked.has((stream, Offset(7), What::Entry))
            && !panicked.has((stream, Offset(8), What::Entry))
    );
    panicked.forget_all(stream);
    assert!(!panicked.has((stream, Offset(7), What::Entry)));
    let mut batch = Batch::new();
    panicked.forget_before(stream, Offset(2), &mut batch);
    store.commit(batch).await.unwrap();
    let again = load().await;
    assert!(
        !again.has((stream, Offset(7), What::Entry))
            && again.has((Stream::Activity, Offset(8), What::Entry))
    );
}
