//! Reading: where a reader starts, what it sees, how it waits.

use std::pin::pin;

use airside_types::Id;
use tokio::time::Instant;

use super::*;
use crate::LogError;
use crate::testsuite::poll_once;

/// A reader with a kept offset goes on exactly there.
pub async fn a_reader_starts_where_it_is_told<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let all = ["a", "b", "c", "d", "e"];
    append(&*log, 7, &all).await;
    let mut first = reader(&*log, Offset::START).await;
    let entries = read(&mut *first, all.len()).await;
    assert_eq!(texts(&entries), all);
    for (index, stored) in entries.iter().enumerate() {
        let mut at = reader(&*log, stored.offset).await;
        assert_eq!(texts(&read(&mut *at, all.len() - index).await), all[index..]);
        let mut after = reader(&*log, stored.offset.after()).await;
        assert_eq!(texts(&read(&mut *after, all.len() - index - 1).await), all[index + 1..]);
    }
    let end = log.end(Stream::Activity).await.unwrap();
    let mut caught_up = reader(&*log, end).await;
    assert_eq!(nothing_comes::<H>(&mut *caught_up).await, None);
    append(&*log, 7, &["f"]).await;
    assert_eq!(texts(&read(&mut *caught_up, 1).await), ["f"]);
}

/// A reader of some partitions sees those, in order, with the offsets that every reader sees.
pub async fn a_reader_sees_its_partitions_only<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    for number in 0..30_u16 {
        append(&*log, number % 5, &[&number.to_string()]).await;
    }
    let mut every = reader(&*log, Offset::START).await;
    let every = read(&mut *every, 30).await;
    for (first, end) in [(0, 1), (1, 4), (4, 64), (0, 64)] {
        let set = PartitionSet::range(first, end);
        let expected: Vec<StoredEntry> =
            every.iter().filter(|stored| set.contains(stored.entry.partition)).cloned().collect();
        let (mut found, mut from) = (Vec::new(), Offset::START);
        while found.len() < expected.len() {
            // Each read by a new reader: the kept offset is all that it needs.
            let mut some = log.reader(Stream::Activity, set, from).await.unwrap();
            let limit = ReadLimit { entries: 4, ..ReadLimit::default() };
            let batch = some.next(limit, SOON).await.unwrap();
            assert_eq!(batch.lost, None);
            found.extend(batch.entries);
            from = batch.next;
        }
        assert_eq!(found, expected, "{set:?}");
        let mut some = log.reader(Stream::Activity, set, from).await.unwrap();
        assert_eq!(nothing_comes::<H>(&mut *some).await, None);
    }
    for set in [PartitionSet::range(40, 50), PartitionSet::range(0, 0)] {
        let mut none = log.reader(Stream::Activity, set, Offset::START).await.unwrap();
        assert_eq!(nothing_comes::<H>(&mut *none).await, None);
    }
}

/// A batch has no more entries and no more bytes than asked for, but at least one entry.
pub async fn a_read_stays_within_its_limit<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let entries = (0..20).map(|number| entry(0, format!("{number:01000}"))).collect();
    log.append(Stream::Activity, entries).await.unwrap();
    let mut reader = reader(&*log, Offset::START).await;
    let mut seen = 0;
    let limits = [(3, 1 << 20), (100, 2500), (100, 1), (1, 1), (100, 4000), (0, 0)];
    for (entries, bytes) in limits.into_iter().cycle() {
        let batch = reader.next(ReadLimit { entries, bytes }, SOON).await.unwrap();
        let most = entries.min(bytes / 1000).max(1);
        assert!((1..=most).contains(&batch.entries.len()), "{entries} {bytes}: {batch:?}");
        for text in texts(&batch.entries) {
            assert_eq!(text.parse(), Ok(seen));
            seen += 1;
        }
        if seen == 20 {
            break;
        }
    }
}

/// A reader that waits is woken by what is appended, not by the end of its wait.
pub async fn a_waiting_reader_wakes<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let mut reader = reader(&*log, Offset::START).await;
    for text in ["one", "two"] {
        let started = Instant::now();
        let mut waiting = pin!(reader.next(ReadLimit::default(), 10 * SOON));
        assert!(poll_once(waiting.as_mut()).await.is_pending());
        let appended = [text];
        let (batch, ()) = tokio::join!(waiting, append(&*log, 0, &appended));
        assert_eq!(texts(&batch.unwrap().entries), [text]);
        assert!(started.elapsed() < SOON, "woke after {:?}", started.elapsed());
    }
}

/// A reader whose partitions are quiet passes over those of others, also to keep a later offset.
pub async fn a_reader_of_others_partitions_moves_on<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let others = (0..300).map(|number| entry(1, number.to_string())).collect();
    log.append(Stream::Activity, others).await.unwrap();
    let mine = PartitionSet::range(2, 3);
    let mut reader = log.reader(Stream::Activity, mine, Offset::START).await.unwrap();
    assert_eq!(nothing_comes::<H>(&mut *reader).await, None);
    append(&*log, 2, &["mine"]).await;
    assert_eq!(texts(&read(&mut *reader, 1).await), ["mine"]);
}

/// A read that finds nothing ends when its wait does, at the offset where it was.
pub async fn a_read_that_finds_nothing_ends<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    append(&*log, 0, &["a"]).await;
    let end = log.end(Stream::Activity).await.unwrap();
    let mut reader = reader(&*log, Offset::START).await;
    read(&mut *reader, 1).await;
    for wait in [H::QUIET, Duration::ZERO] {
        let started = Instant::now();
        let batch = reader.next(ReadLimit::default(), wait).await.unwrap();
        assert_eq!((batch.entries.len(), batch.next, batch.lost), (0, end, None));
        assert!(started.elapsed() >= wait && started.elapsed() < wait + SOON);
    }
}

/// Reads that are dropped at any point, before or while entries come, take nothing with them.
pub async fn a_dropped_read_loses_nothing<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let mut reader = reader(&*log, Offset::START).await;
    let mut seen: Vec<String> = Vec::new();
    for round in 0..20 {
        for polls in 0..4 {
            append(&*log, 0, &[&format!("{round} {polls}")]).await;
            let mut dropped = pin!(reader.next(ReadLimit::default(), SOON));
            for _ in 0..polls {
                if let std::task::Poll::Ready(batch) = poll_once(dropped.as_mut()).await {
                    seen.extend(
                        texts(&batch.unwrap().entries).iter().map(|text| (*text).to_owned()),
                    );
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    }
    let rest = read(&mut *reader, 80 - seen.len()).await;
    seen.extend(texts(&rest).iter().map(|text| (*text).to_owned()));
    let expected = (0..20).flat_map(|round| (0..4).map(move |polls| format!("{round} {polls}")));
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

/// An offset behind the end belongs to another log: the reader is told, and not left to skip what comes.
pub async fn a_reader_from_behind_the_end_is_told<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    append(&*log, 0, &["a", "b"]).await;
    let end = log.end(Stream::Activity).await.unwrap();
    match log.reader(Stream::Activity, EVERY, end.after()).await.map(|_reader| ()) {
        Err(LogError::Rewound { stream, from, end: told }) => {
            assert_eq!((stream, from, told), (Stream::Activity, end.after(), end));
        }
        other => panic!("{other:?}"),
    }
}

/// Of entries that replace each other only the last is there, in the order in which they came; a reader goes on from
/// where it was and is told of no loss, also when what it would have read next was replaced.
pub async fn replaced_entries_are_gone_and_nobody_misses_them<H: LogHarness>() {
    let mut harness = H::start(ROOMY).await;
    let key = |name: &str| Id::builder("suite").text(name).finish();
    let stream = Stream::Rules;
    let log = harness.log();
    let partitions = PartitionSet::range(0, 1);
    for (name, text) in [("a", "a1"), ("b", "b1"), ("a", "a2")] {
        log.replace(stream, key(name), entry(0, text)).await.unwrap();
    }
    let mut early = log.reader(stream, partitions, Offset::START).await.unwrap();
    let first = early.next(ReadLimit { entries: 1, ..ReadLimit::default() }, SOON).await.unwrap();
    assert_eq!((texts(&first.entries), first.lost), (vec!["b1"], None));
    for (name, text) in [("a", "a3"), ("b", "b2"), ("c", "c1")] {
        log.replace(stream, key(name), entry(0, text)).await.unwrap();
    }
    drop(early);
    drop(log);
    harness.restart().await;
    let log = harness.log();
    for (of, from) in
        [(partitions, first.next), (partitions, Offset::START), (EVERY, Offset::START)]
    {
        let mut reader = log.reader(stream, of, from).await.unwrap();
        assert_eq!(texts(&read(&mut *reader, 3).await), ["a3", "b2", "c1"], "from {from}");
        assert_eq!(nothing_comes::<H>(&mut *reader).await, None);
    }
    let end = log.end(stream).await.unwrap();
    let mut late = log.reader(stream, partitions, end).await.unwrap();
    log.replace(stream, key("c"), entry(0, "c2")).await.unwrap();
    assert_eq!(texts(&read(&mut *late, 1).await), ["c2"]);
}

/// A reader that follows while entries are replaced sees the last of each key, and is told of no loss.
pub async fn entries_replaced_under_a_reader_are_no_loss<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let partitions = PartitionSet::range(0, 1);
    let mut reader = log.reader(Stream::Rules, partitions, Offset::START).await.unwrap();
    let key = Id::builder("suite").text("one").finish();
    for number in 0..50 {
        log.replace(Stream::Rules, key, entry(0, number.to_string())).await.unwrap();
    }
    let mut last = String::new();
    while last != "49" {
        let batch = reader.next(ReadLimit::default(), SOON).await.unwrap();
        assert_eq!(batch.lost, None);
        assert!(!batch.entries.is_empty(), "only {last} of 49 came");
        texts(&batch.entries).last().copied().unwrap_or_default().clone_into(&mut last);
    }
    // What is replaced takes no room: the bound of a stream holds for what is there.
    let large = "x".repeat(256 << 10);
    for _ in 0..(ROOMY >> 18) + 8 {
        log.replace(Stream::Rules, key, entry(0, large.clone())).await.unwrap();
    }
}
