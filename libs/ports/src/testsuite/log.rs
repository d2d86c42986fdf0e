//! What every log does.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::SOON;
use crate::{
    Entry, Headers, Log, LogReader, LostRange, Offset, Partition, PartitionSet, ReadLimit,
    StoredEntry, Stream,
};

mod appending;
mod durability;
mod reading;
mod room;

pub use self::appending::*;
pub use self::durability::*;
pub use self::reading::*;
pub use self::room::*;

/// How the suite gets a log.
#[async_trait]
pub trait LogHarness: Sized + Send {
    /// How long a read waits that is to find nothing.
    const QUIET: Duration;
    /// Starts an empty log whose streams hold up to so many bytes.
    async fn start(max_bytes: u64) -> Self;
    /// The log that runs now.
    fn log(&self) -> Arc<dyn Log>;
    /// Closes the log, and what it runs on, and opens it anew on the same data.
    async fn restart(&mut self);
    /// Removes the entries of a stream before an offset, as retention does.
    async fn trim(&self, stream: Stream, before: Offset);
}

/// Makes the tests of the log port for a [`LogHarness`].
#[macro_export]
macro_rules! log_conformance {
    ($harness:ty, #[$test:meta]) => {
        $crate::conformance_tests!(
            $crate::testsuite::log,
            $harness,
            #[$test],
            [
                what_was_appended_is_read,
                partitions_keep_their_order,
                streams_are_apart,
                repeats_are_stored_and_harmless,
                concurrent_appenders_lose_nothing_and_keep_their_order,
                a_failed_append_leaves_no_holes,
                a_large_append_is_stored_whole,
                too_large_an_entry_is_refused,
                a_reader_starts_where_it_is_told,
                a_reader_sees_its_partitions_only,
                a_read_stays_within_its_limit,
                a_waiting_reader_wakes,
                a_reader_of_others_partitions_moves_on,
                a_read_that_finds_nothing_ends,
                a_dropped_read_loses_nothing,
                a_reader_from_behind_the_end_is_told,
                a_full_stream_refuses_and_keeps_what_it_has,
                a_stream_tells_how_full_it_is,
                a_full_stream_that_makes_room_keeps_the_newest,
                readers_are_told_of_what_made_room_before_they_read_it,
                while_a_stream_makes_room_each_entry_is_seen_or_told_lost,
                of_an_append_beyond_the_bound_the_newest_stay,
                an_entry_larger_than_its_stream_is_refused,
                an_entry_as_large_as_its_stream_is_kept_or_refused,
                trimmed_entries_are_reported_lost,
                entries_trimmed_under_a_reader_are_reported_lost,
                replaced_entries_are_gone_and_nobody_misses_them,
                entries_replaced_under_a_reader_are_no_loss,
                a_restart_keeps_what_was_acknowledged,
                offsets_are_never_given_twice,
            ]
        );
    };
}

/// More than any case appends, unless it is about the bound.
const ROOMY: u64 = 64 << 20;
const EVERY: PartitionSet = PartitionSet::range(0, 64);

fn entry(partition: u16, text: impl Into<String>) -> Entry {
    Entry {
        partition: Partition(partition),
        headers: Headers { message: "suite.v1".to_owned(), trace_parent: None },
        payload: Bytes::from(text.into()),
    }
}

async fn append(log: &dyn Log, partition: u16, texts: &[&str]) {
    let entries = texts.iter().map(|text| entry(partition, *text)).collect();
    log.append(Stream::Activity, entries).await.unwrap();
}

async fn reader(log: &dyn Log, from: Offset) -> Box<dyn LogReader> {
    log.reader(Stream::Activity, EVERY, from).await.unwrap()
}

/// Reads so many entries, in as many reads as it takes, and checks that offsets grow.
async fn read(reader: &mut dyn LogReader, count: usize) -> Vec<StoredEntry> {
    let mut entries: Vec<StoredEntry> = Vec::new();
    while entries.len() < count {
        let limit = ReadLimit { entries: count - entries.len(), ..ReadLimit::default() };
        let batch = reader.next(limit, SOON).await.unwrap();
        assert!(!batch.entries.is_empty(), "only {} of {count} entries came", entries.len());
        assert_eq!(batch.lost, None);
        entries.extend(batch.entries);
        let last = entries.last().map(|last| last.offset.after());
        assert!(Some(batch.next) >= last, "the next read starts behind the last entry");
    }
    assert!(entries.windows(2).all(|two| two[0].offset < two[1].offset), "offsets grow");
    entries
}

fn texts(entries: &[StoredEntry]) -> Vec<&str> {
    entries.iter().map(|stored| std::str::from_utf8(&stored.entry.payload).unwrap()).collect()
}

/// Asserts that nothing more comes, and returns what was reported lost instead.
async fn nothing_comes<H: LogHarness>(reader: &mut dyn LogReader) -> Option<LostRange> {
    let batch = reader.next(ReadLimit::default(), H::QUIET).await.unwrap();
    assert_eq!(texts(&batch.entries), Vec::<&str>::new());
    batch.lost
}
