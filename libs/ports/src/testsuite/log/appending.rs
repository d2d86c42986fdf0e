//! Appending: order, repeats, concurrency, sizes. What a full stream does is `room.rs`'s.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::*;
use crate::LogError;

/// Payloads and headers come back as they were given, empty and binary ones too.
pub async fn what_was_appended_is_read<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    assert_eq!(log.end(Stream::Activity).await.unwrap(), Offset::START);
    log.append(Stream::Activity, Vec::new()).await.unwrap();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let appended = vec![
        entry(3, "text"),
        entry(0, ""),
        Entry { payload: Bytes::from_static(b"\0\xff\r\n\0"), ..entry(63, "") },
        Entry {
            headers: Headers {
                message: "record-batch.v12".to_owned(),
                trace_parent: Some(trace.to_owned()),
            },
            ..entry(3, "traced")
        },
    ];
    log.append(Stream::Activity, appended.clone()).await.unwrap();
    let mut reader = reader(&*log, Offset::START).await;
    let found = read(&mut *reader, appended.len()).await;
    let mut expected = appended;
    let mut entries: Vec<Entry> = found.iter().map(|stored| stored.entry.clone()).collect();
    // Order is promised within a partition only.
    expected.sort_by_key(|entry| entry.partition);
    entries.sort_by_key(|entry| entry.partition);
    assert_eq!(entries, expected);
    assert!(found[0].offset >= Offset::START);
    assert_eq!(log.end(Stream::Activity).await.unwrap(), found[3].offset.after());
}

/// Entries of a partition are read in the order in which they were appended, within one append and over
/// several.
pub async fn partitions_keep_their_order<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let mut number = 0;
    for size in [1, 30, 2, 7] {
        let entries = (0..size).map(|_| {
            number += 1;
            entry(number % 3, number.to_string())
        });
        log.append(Stream::Activity, entries.collect()).await.unwrap();
    }
    let mut reader = reader(&*log, Offset::START).await;
    let mut last = BTreeMap::new();
    for stored in read(&mut *reader, usize::from(number)).await {
        let number: u16 = texts(std::slice::from_ref(&stored))[0].parse().unwrap();
        assert_eq!(stored.entry.partition, Partition(number % 3));
        let before = last.insert(stored.entry.partition, number);
        assert!(before.is_none_or(|before| before + 3 == number), "{before:?} before {number}");
    }
    assert_eq!(nothing_comes::<H>(&mut *reader).await, None);
}

/// What is appended to one stream is in no other.
pub async fn streams_are_apart<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    for stream in Stream::ALL {
        log.append(stream, vec![entry(0, stream.as_str())]).await.unwrap();
    }
    for stream in Stream::ALL {
        let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
        assert_eq!(texts(&read(&mut *reader, 1).await), [stream.as_str()]);
        assert_eq!(nothing_comes::<H>(&mut *reader).await, None);
    }
}

/// Appending again what was appended, as after a lost acknowledgement, is taken; the reader drops repeats.
pub async fn repeats_are_stored_and_harmless<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    for _ in 0..2 {
        append(&*log, 5, &["a", "b", "c"]).await;
    }
    let mut reader = reader(&*log, Offset::START).await;
    let entries = read(&mut *reader, 6).await;
    let mut first_seen = texts(&entries);
    let mut seen = Vec::new();
    first_seen.retain(|text| {
        !seen.contains(text) && {
            seen.push(*text);
            true
        }
    });
    assert_eq!(first_seen, ["a", "b", "c"]);
}

/// Appenders beside each other lose nothing, and each finds its own entries in its order.
pub async fn concurrent_appenders_lose_nothing_and_keep_their_order<H: LogHarness>() {
    const APPENDERS: u16 = 6;
    const APPENDS: usize = 10;
    let harness = H::start(ROOMY).await;
    let mut tasks = JoinSet::new();
    for appender in 0..APPENDERS {
        let log = harness.log();
        tasks.spawn(async move {
            for number in 0..APPENDS {
                // Two appenders share each partition.
                let text = |half| format!("{appender} {}", 2 * number + half);
                let entries = vec![entry(appender / 2, text(0)), entry(appender / 2, text(1))];
                log.append(Stream::Activity, entries).await.unwrap();
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let mut reader = reader(&*harness.log(), Offset::START).await;
    let entries = read(&mut *reader, usize::from(APPENDERS) * APPENDS * 2).await;
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for text in texts(&entries) {
        let (appender, number) = text.split_once(' ').unwrap();
        found.entry(appender).or_default().push(number.parse().unwrap());
    }
    for (appender, numbers) in found {
        assert_eq!(numbers, (0..2 * APPENDS).collect::<Vec<_>>(), "appender {appender}");
    }
    assert_eq!(nothing_comes::<H>(&mut *reader).await, None);
}

/// Of an append that fails in its middle, a beginning of each partition is stored and nothing behind it, so that
/// appending again keeps the order of what is seen for the first time.
pub async fn a_failed_append_leaves_no_holes<H: LogHarness>() {
    const LIMIT: u64 = 100_000;
    let harness = H::start(LIMIT).await;
    let log = harness.log();
    // Two partitions with large entries, of which not all fit, and then small ones that would fit.
    let filling = |number: usize| if number < 30 { 10_000 } else { 10 };
    let entries: Vec<Entry> = (0..40)
        .map(|number| {
            let partition = u16::try_from(number % 2).unwrap();
            entry(partition, format!("{number:0width$}", width = filling(number)))
        })
        .collect();
    let refused = log.append(Stream::Configuration, entries).await;
    assert!(matches!(refused, Err(LogError::Full { .. })), "{refused:?}");

    let mut reader = log.reader(Stream::Configuration, EVERY, Offset::START).await.unwrap();
    let end = log.end(Stream::Configuration).await.unwrap();
    let stored = read(&mut *reader, usize::try_from(end.0 - 1).unwrap()).await;
    let mut next = [0, 1];
    for stored in &stored {
        let next = &mut next[usize::from(stored.entry.partition.0)];
        assert_eq!(texts(std::slice::from_ref(stored))[0].parse(), Ok(*next));
        *next += 2;
    }
}

/// One append of more than a read returns is stored, all of it.
pub async fn a_large_append_is_stored_whole<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let entries = (0..600).map(|number| entry(number % 64, format!("{number:0500}"))).collect();
    log.append(Stream::Activity, entries).await.unwrap();
    let mut reader = reader(&*log, Offset::START).await;
    read(&mut *reader, 600).await;
    assert_eq!(nothing_comes::<H>(&mut *reader).await, None);
}

/// An entry above the log's bound is refused with both sizes; nothing of its append is stored, and the log
/// goes on.
pub async fn too_large_an_entry_is_refused<H: LogHarness>() {
    const BYTES: usize = 20 << 20;
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    let entries = vec![entry(0, "before"), entry(1, "x".repeat(BYTES))];
    match log.append(Stream::Activity, entries).await {
        Err(LogError::TooLarge { bytes, limit_bytes, .. }) => {
            assert!(bytes >= BYTES && limit_bytes < BYTES);
            assert!(log.preferred_entry_bytes() <= limit_bytes);
        }
        other => panic!("{other:?}"),
    }
    append(&*log, 0, &["after"]).await;
    let mut reader = reader(&*log, Offset::START).await;
    assert_eq!(texts(&read(&mut *reader, 1).await), ["after"]);
}
