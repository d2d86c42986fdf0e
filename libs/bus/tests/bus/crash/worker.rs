//! One life of the process that is killed: it appends inputs, folds them and publishes what they cause.
//!
//! As a service does: state, offset and outbox in one commit, then the outbox is published, then emptied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use airside_bus::EmbeddedLog;
use airside_bus::embedded::EmbeddedLogOptions;
use airside_ports::testsuite::SetClock;
use airside_ports::{
    Batch, Entry, Headers, KeyRange, Keyspace, Log, LogReader, Offset, Order, Partition,
    PartitionSet, ReadLimit, Store, Stream,
};
use airside_store::sled::Durability;
use airside_store::{SledOptions, SledStore};
use airside_types::Id;
use bytes::Bytes;

/// Tells a child what to do.
pub(super) const VARIABLE: &str = "AIRSIDE_CRASH_TEST";

const PARTITIONS: u16 = 8;
const EVERY: PartitionSet = PartitionSet::range(0, PARTITIONS);
const STATE: Keyspace = Keyspace::new("crash.state");
const SEEN: Keyspace = Keyspace::new("crash.seen");
const OUTBOX: Keyspace = Keyspace::new("crash.outbox");
const OFFSET: &[u8] = b"offset";

/// What lives before this one were told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Acknowledged {
    /// Inputs whose append was acknowledged: all below this number.
    pub(super) appended: u64,
    /// How many inputs a committed state counted.
    pub(super) folded: u64,
}

impl Acknowledged {
    pub(super) fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("appended", number)) => self.appended = number.parse().unwrap(),
            Some(("folded", number)) => self.folded = number.parse().unwrap(),
            _ => {}
        }
    }
}

/// One life.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) folder: PathBuf,
    pub(super) acknowledged: Acknowledged,
    /// After how many inputs it ends; none to go on until it is killed.
    pub(super) inputs: Option<u64>,
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Acknowledged { appended, folded } = self.acknowledged;
        let inputs = self.inputs.unwrap_or(u64::MAX);
        write!(f, "{appended},{folded},{inputs},{}", self.folder.display())
    }
}

/// What an input is: its size goes from nothing to several parts of a value.
fn input(number: u64) -> Entry {
    let filling = usize::try_from(number * 7919 % 5000).unwrap();
    let filling = if number.is_multiple_of(10) { 2 * filling } else { filling / 10 };
    Entry {
        partition: Partition(u16::try_from(number % u64::from(PARTITIONS)).unwrap()),
        headers: Headers { message: "input.v1".to_owned(), trace_parent: None },
        payload: Bytes::from(format!("{number} {}", "x".repeat(filling))),
    }
}

fn id(entry: &Entry) -> Id {
    Id::builder("input").text(std::str::from_utf8(&entry.payload).unwrap()).finish()
}

/// The state of a partition after an input, and what the input causes.
fn fold(state: &str, input: &Entry) -> (String, Option<String>) {
    let (count, hash) = state.split_once(' ').unwrap_or(("0", ""));
    let count: u64 = count.parse().unwrap();
    let id = id(input).to_string();
    let hash = Id::builder("fold").text(hash).text(&id).finish();
    let output = count.is_multiple_of(5).then(|| format!("{} {hash}", input.partition.0));
    (format!("{} {hash}", count + 1), output)
}

/// The states and outputs that so many inputs give, without log, store or kills.
pub(super) fn plain_fold(inputs: u64) -> String {
    let mut states: BTreeMap<u16, String> = BTreeMap::new();
    let mut outputs = BTreeSet::new();
    for number in 0..inputs {
        let input = input(number);
        let state = states.entry(input.partition.0).or_default();
        let (next, output) = fold(state, &input);
        *state = next;
        outputs.extend(output);
    }
    summary(&states, &outputs)
}

fn summary(states: &BTreeMap<u16, String>, outputs: &BTreeSet<String>) -> String {
    let all = Id::builder("outputs");
    let all = outputs.iter().fold(all, |all, output| all.text(output)).finish();
    format!("{states:?} {} outputs {all}", outputs.len())
}

impl Life {
    pub(super) fn parse(told: &str) -> Self {
        let mut parts = told.splitn(4, ',');
        let mut number = || parts.next().unwrap().parse::<u64>().unwrap();
        let acknowledged = Acknowledged { appended: number(), folded: number() };
        let inputs = Some(number()).filter(|inputs| *inputs != u64::MAX);
        Self { folder: parts.next().unwrap().into(), acknowledged, inputs }
    }

    /// Opens, finds what was acknowledged, works. Returns what was computed, when it may end.
    pub(super) async fn live(self) -> String {
        // A kill is the end of the process, not of the machine.
        let options = SledOptions { durability: Durability::Process, ..SledOptions::default() };
        let store = Arc::new(SledStore::open(self.folder.join("store"), options).await.unwrap());
        let options = EmbeddedLogOptions::default();
        let log =
            EmbeddedLog::open(store.clone(), Arc::<SetClock>::default(), options).await.unwrap();
        self.find_acknowledged(&*store, &log).await;
        println!("up");
        let ((), ()) = tokio::join!(self.append_inputs(&log), self.work(&*store, &log));
        let result = result(&*store, &log).await;
        println!("result {result}");
        log.close().await;
        store.close().await;
        result
    }

    async fn find_acknowledged(&self, store: &dyn Store, log: &EmbeddedLog) {
        let mut expected = 0;
        for entry in read_all(log, Stream::Activity).await {
            // Inputs come in order, some of them again.
            if entry == input(expected) {
                expected += 1;
            } else {
                let again = (0..expected).rev().take(1000).any(|number| input(number) == entry);
                assert!(again, "where input {expected} or an earlier one was due: {entry:?}");
            }
        }
        let Acknowledged { appended, folded } = self.acknowledged;
        assert!(expected >= appended, "{appended} inputs were acknowledged, {expected} are there");
        let states = states(store).await;
        let there = counted(&states);
        assert!(there >= folded, "a state of {folded} inputs was committed, {there} are counted");
        let seen = store.scan(SEEN, KeyRange::all(), Order::Ascending, usize::MAX).await.unwrap();
        assert_eq!(seen.len() as u64, there, "part of a commit is missing");
    }

    /// Sends inputs again from the first that was not acknowledged.
    async fn append_inputs(&self, log: &EmbeddedLog) {
        let end = self.inputs.unwrap_or(u64::MAX);
        let mut next = self.acknowledged.appended;
        while next < end {
            let behind = (next + 1 + next % 4).min(end);
            log.append(Stream::Activity, (next..behind).map(input).collect()).await.unwrap();
            next = behind;
            println!("appended {next}");
        }
    }

    /// Folds until all inputs are folded.
    async fn work(&self, store: &dyn Store, log: &EmbeddedLog) {
        publish(store, log).await;
        let mut stored_offset = store.get(STATE, OFFSET).await.unwrap();
        let from = stored_offset
            .as_deref()
            .map_or(Offset::START, |bytes| Offset(u64::from_be_bytes(bytes.try_into().unwrap())));
        let mut reader = log.reader(Stream::Activity, EVERY, from).await.unwrap();
        let mut states = states(store).await;
        let mut folded = counted(&states);
        while self.inputs.is_none_or(|inputs| folded < inputs) {
            let limit = ReadLimit { entries: 20, ..ReadLimit::default() };
            let read = reader.next(limit, Duration::from_secs(1)).await.unwrap();
            assert_eq!(read.lost, None);
            let mut batch = Batch::new();
            let mut seen_now = BTreeSet::new();
            for stored in &read.entries {
                let (offset, entry) = (stored.offset, &stored.entry);
                let id = id(entry);
                let seen = store.get(SEEN, id.as_bytes()).await.unwrap().is_some();
                if seen || !seen_now.insert(id) {
                    continue;
                }
                let partition = entry.partition.0;
                let state = states.entry(partition).or_default();
                let (next, output) = fold(state, entry);
                state.clone_from(&next);
                batch.put(SEEN, *id.as_bytes(), Bytes::new());
                batch.put(STATE, partition.to_be_bytes(), next);
                if let Some(output) = output {
                    batch.put(OUTBOX, offset.0.to_be_bytes(), output);
                }
                folded += 1;
            }
            let offset = Bytes::copy_from_slice(&read.next.0.to_be_bytes());
            batch.expect(STATE, OFFSET, stored_offset.replace(offset.clone()));
            batch.put(STATE, OFFSET, offset);
            store.commit(batch).await.unwrap();
            println!("folded {folded}");
            publish(store, log).await;
        }
    }
}

/// Publishes what the outbox holds, then empties it. Killed in between, it publishes again.
async fn publish(store: &dyn Store, log: &EmbeddedLog) {
    let waiting = store.scan(OUTBOX, KeyRange::all(), Order::Ascending, 1000).await.unwrap();
    let mut sent = Batch::new();
    let mut entries = Vec::new();
    for (key, payload) in waiting {
        let headers = Headers { message: "output.v1".to_owned(), trace_parent: None };
        entries.push(Entry { partition: Partition(0), headers, payload });
        sent.delete(OUTBOX, key.to_vec());
    }
    if !entries.is_empty() {
        log.append(Stream::Incidents, entries).await.unwrap();
        store.commit(sent).await.unwrap();
    }
}

async fn states(store: &dyn Store) -> BTreeMap<u16, String> {
    let pairs = store.scan(STATE, KeyRange::all(), Order::Ascending, 100).await.unwrap();
    let states = pairs.iter().filter(|(key, _)| &**key != OFFSET).map(|(key, state)| {
        let partition = u16::from_be_bytes((**key).try_into().unwrap());
        (partition, String::from_utf8(state.to_vec()).unwrap())
    });
    states.collect()
}

/// How many inputs the states are of.
fn counted(states: &BTreeMap<u16, String>) -> u64 {
    states.values().map(|state| state.split_once(' ').unwrap().0.parse::<u64>().unwrap()).sum()
}

async fn read_all(log: &EmbeddedLog, stream: Stream) -> Vec<Entry> {
    let end = log.end(stream).await.unwrap();
    let mut reader: Box<dyn LogReader> = log.reader(stream, EVERY, Offset::START).await.unwrap();
    let (mut entries, mut next) = (Vec::new(), Offset::START);
    while next < end {
        let batch = reader.next(ReadLimit::default(), Duration::ZERO).await.unwrap();
        assert_eq!(batch.lost, None);
        next = batch.next;
        entries.extend(batch.entries.into_iter().map(|stored| stored.entry));
    }
    entries
}

async fn result(store: &dyn Store, log: &EmbeddedLog) -> String {
    let left = store.scan(OUTBOX, KeyRange::all(), Order::Ascending, 1).await.unwrap();
    assert!(left.is_empty(), "the outbox was not emptied");
    let outputs = read_all(log, Stream::Incidents).await;
    let outputs = outputs.iter().map(|entry| String::from_utf8(entry.payload.to_vec()).unwrap());
    summary(&states(store).await, &outputs.collect())
}
