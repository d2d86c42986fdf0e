//! Full streams: which refuse, which make room, and what their readers are told.

use super::*;
use crate::{LogError, StreamRoom};

const LIMIT: u64 = 200_000;

/// An entry of which between 15 and 20 fit into the limit.
fn large(number: usize) -> Entry {
    entry(1, format!("{number:010000}"))
}

fn numbers(entries: &[StoredEntry]) -> Vec<usize> {
    texts(entries).iter().map(|text| text.parse().unwrap()).collect()
}

fn streams(make_room: bool) -> impl Iterator<Item = Stream> {
    Stream::ALL.into_iter().filter(move |stream| stream.makes_room() == make_room)
}

/// Reads to the end: what is told to be lost, and what is there.
async fn read_to_end(
    log: &dyn Log,
    stream: Stream,
    reader: &mut dyn LogReader,
) -> (Vec<LostRange>, Vec<StoredEntry>) {
    let end = log.end(stream).await.unwrap();
    let (mut lost, mut entries, mut next) = (Vec::new(), Vec::new(), Offset::START);
    while next < end {
        let batch = reader.next(ReadLimit::default(), SOON).await.unwrap();
        assert!(batch.next > next, "reading stands still at {next}, before {end}");
        lost.extend(batch.lost);
        entries.extend(batch.entries);
        next = batch.next;
    }
    (lost, entries)
}

/// A stream that makes no room refuses at its bound, keeps exactly what it acknowledged, and takes entries again when
/// there is room.
pub async fn a_full_stream_refuses_and_keeps_what_it_has<H: LogHarness>() {
    let harness = H::start(LIMIT).await;
    let log = harness.log();
    for stream in streams(false) {
        let mut acknowledged = 0;
        let refused = loop {
            assert!(acknowledged < 20, "20 entries of 10,000 bytes do not fit into {LIMIT}");
            match log.append(stream, vec![large(acknowledged)]).await {
                Ok(()) => acknowledged += 1,
                Err(error) => break error,
            }
        };
        assert!(acknowledged >= 15, "{acknowledged} entries of 10,000 bytes fit into {LIMIT}");
        let LogError::Full { stream: refusing, limit_bytes: LIMIT } = refused else {
            panic!("a full stream answers: {refused}")
        };
        assert_eq!(refusing, stream);

        let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
        let entries = read(&mut *reader, acknowledged).await;
        assert_eq!(numbers(&entries), (0..acknowledged).collect::<Vec<_>>());

        harness.trim(stream, entries[5].offset).await;
        log.append(stream, vec![large(100)]).await.unwrap();
        assert_eq!(numbers(&read(&mut *reader, 1).await), [100]);
    }
    // Other streams have bounds of their own.
    log.append(Stream::Activity, vec![large(0)]).await.unwrap();
}

/// What a stream holds grows by what is appended, and falls by what is removed; it refuses what is larger than the room
/// that it tells.
pub async fn a_stream_tells_how_full_it_is<H: LogHarness>() {
    let harness = H::start(LIMIT).await;
    let log = harness.log();
    let stream = Stream::Sightings;
    let room = async || log.room(stream).await.unwrap();
    let (first, next) = (Offset::START, Offset::START);
    assert_eq!(room().await, StreamRoom { held_bytes: 0, limit_bytes: LIMIT, first, next });
    let mut taken = 0;
    while log.append(stream, vec![large(taken)]).await.is_ok() {
        taken += 1;
        let each = room().await.held_bytes / taken as u64;
        assert!((10_000..13_000).contains(&each), "an entry of 10,000 bytes takes {each}");
    }
    let full = room().await;
    assert!(full.free_bytes() < 13_000, "it refused with {full:?}");

    assert_eq!((full.first, full.next), (first, log.end(stream).await.unwrap()));

    let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
    let last = read(&mut *reader, taken).await.pop().unwrap();
    log.forget(stream, last.offset).await.unwrap();
    let one = room().await;
    assert!((10_000..13_000).contains(&one.held_bytes), "one entry is left of {one:?}");
    assert_eq!((one.first, one.next), (last.offset, last.offset.after()));
    log.forget(stream, last.offset.after()).await.unwrap();
    let none = room().await;
    assert_eq!((none.held_bytes, none.first, none.next), (0, full.next, full.next));
    assert_eq!(log.room(Stream::Activity).await.unwrap().held_bytes, 0, "each has its own");
}

/// A stream that makes room takes whatever comes, and holds as much of the newest as its bound lets it.
pub async fn a_full_stream_that_makes_room_keeps_the_newest<H: LogHarness>() {
    for stream in streams(true) {
        let mut harness = H::start(LIMIT).await;
        let log = harness.log();
        log.append(Stream::Configuration, vec![large(0)]).await.unwrap();
        for number in 0..50 {
            log.append(stream, vec![large(number)]).await.unwrap();
        }
        let end = log.end(stream).await.unwrap();
        let mut late = log.reader(stream, EVERY, Offset::START).await.unwrap();
        let (lost, kept) = read_to_end(&*log, stream, &mut *late).await;
        assert!((15..20).contains(&kept.len()), "{stream} keeps {}", kept.len());
        assert_eq!(numbers(&kept), (50 - kept.len()..50).collect::<Vec<_>>());
        assert_eq!(lost, [LostRange { from: Offset::START, until: kept[0].offset }]);

        drop((late, log));
        harness.restart().await;
        let log = harness.log();
        assert_eq!(log.end(stream).await.unwrap(), end);
        let mut again = log.reader(stream, EVERY, kept[0].offset).await.unwrap();
        assert_eq!(read_to_end(&*log, stream, &mut *again).await, (vec![], kept));
        // Nothing of another stream gave way.
        let mut other = log.reader(Stream::Configuration, EVERY, Offset::START).await.unwrap();
        assert_eq!(numbers(&read(&mut *other, 1).await), [0]);
    }
}

/// A reader that was behind is told exactly what made room before it came to it; one that had read everything is told
/// of nothing.
pub async fn readers_are_told_of_what_made_room_before_they_read_it<H: LogHarness>() {
    let stream = Stream::Activity;
    for partitions in [EVERY, PartitionSet::range(1, 2)] {
        let harness = H::start(LIMIT).await;
        let log = harness.log();
        let mut current = log.reader(stream, partitions, Offset::START).await.unwrap();
        let mut behind = log.reader(stream, partitions, Offset::START).await.unwrap();
        let mut missed_from = Offset::START;
        for number in 0..60 {
            log.append(stream, vec![large(number)]).await.unwrap();
            let read_now = read(&mut *current, 1).await;
            assert_eq!(numbers(&read_now), [number], "{partitions:?}");
            if number == 1 {
                assert_eq!(numbers(&read(&mut *behind, 2).await), [0, 1]);
                missed_from = read_now[0].offset.after();
            }
        }
        assert_eq!(nothing_comes::<H>(&mut *current).await, None);
        let (lost, kept) = read_to_end(&*log, stream, &mut *behind).await;
        assert_eq!(numbers(&kept), (60 - kept.len()..60).collect::<Vec<_>>(), "{partitions:?}");
        assert_eq!(lost, [LostRange { from: missed_from, until: kept[0].offset }]);
        assert_eq!(nothing_comes::<H>(&mut *behind).await, None, "a loss is told once");
    }
}

/// A reader beside appends that are faster than it sees each entry or is told that it is lost, in its place.
pub async fn while_a_stream_makes_room_each_entry_is_seen_or_told_lost<H: LogHarness>() {
    let stream = Stream::Incidents;
    for partitions in [EVERY, PartitionSet::range(1, 2)] {
        let harness = H::start(LIMIT).await;
        let log = harness.log();
        let mut reader = log.reader(stream, partitions, Offset::START).await.unwrap();
        let limit = ReadLimit { entries: 3, ..ReadLimit::default() };
        let (mut appended, mut next, mut lost) = (0, Offset::START, 0);
        while appended < 150 || next < log.end(stream).await.unwrap() {
            let until = (appended + 10).min(150);
            let appending = async {
                for number in appended..until {
                    log.append(stream, vec![large(number)]).await.unwrap();
                }
            };
            let (batch, ()) = tokio::join!(reader.next(limit, SOON), appending);
            let batch = batch.unwrap();
            appended = until;
            if let Some(range) = batch.lost {
                assert_eq!(range.from, next, "{partitions:?}: a loss is told in its place");
                lost += range.until.0 - range.from.0;
                next = range.until;
            }
            for stored in &batch.entries {
                assert_eq!(stored.offset, next, "{partitions:?}: neither seen nor lost");
                let number = u64::try_from(numbers(std::slice::from_ref(stored))[0]).unwrap();
                assert_eq!(Offset(number).after(), next, "{partitions:?}");
                next = next.after();
            }
            assert_eq!(batch.next, next, "{partitions:?}");
        }
        assert!((50..150).contains(&lost), "{partitions:?}: {lost} of 150 are lost");
    }
}

/// One append of more than the bound gives way within itself, and is no reason to refuse: who appends it again would
/// never get through.
pub async fn of_an_append_beyond_the_bound_the_newest_stay<H: LogHarness>() {
    for stream in streams(true) {
        let harness = H::start(LIMIT).await;
        let log = harness.log();
        log.append(stream, (0..5).map(large).collect()).await.unwrap();
        log.append(stream, (5..55).map(large).collect()).await.unwrap();
        let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
        let (lost, kept) = read_to_end(&*log, stream, &mut *reader).await;
        assert!((15..20).contains(&kept.len()), "{stream} keeps {}", kept.len());
        assert_eq!(numbers(&kept), (55 - kept.len()..55).collect::<Vec<_>>());
        assert_eq!(lost, [LostRange { from: Offset::START, until: kept[0].offset }]);
    }
}

/// An entry for which no room can be made is refused, with all of its append, and nothing gives way for it.
pub async fn an_entry_larger_than_its_stream_is_refused<H: LogHarness>() {
    let harness = H::start(LIMIT).await;
    let log = harness.log();
    for stream in Stream::ALL {
        log.append(stream, (0..10).map(large).collect()).await.unwrap();
        let larger = entry(1, "x".repeat(usize::try_from(LIMIT).unwrap()));
        match log.append(stream, vec![larger]).await {
            Err(LogError::Full { stream: refusing, limit_bytes: LIMIT }) => {
                assert_eq!(refusing, stream);
            }
            other => panic!("{stream}: {other:?}"),
        }
        let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
        assert_eq!(numbers(&read(&mut *reader, 10).await), (0..10).collect::<Vec<_>>());
    }
}

/// Around the bound of a stream that makes room an entry either takes the place of all others or is refused and leaves
/// them: none is acknowledged and gone.
pub async fn an_entry_as_large_as_its_stream_is_kept_or_refused<H: LogHarness>() {
    let harness = H::start(LIMIT).await;
    let log = harness.log();
    let limit = usize::try_from(LIMIT).unwrap();
    for stream in streams(true) {
        let (mut refused, mut kept) = (0, limit - 300);
        log.append(stream, vec![entry(1, "x".repeat(kept))]).await.unwrap();
        for bytes in (kept..limit).step_by(13) {
            match log.append(stream, vec![entry(1, "x".repeat(bytes))]).await {
                Ok(()) => kept = bytes,
                Err(LogError::Full { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            let mut reader = log.reader(stream, EVERY, Offset::START).await.unwrap();
            let (_, there) = read_to_end(&*log, stream, &mut *reader).await;
            let sizes: Vec<usize> = texts(&there).iter().map(|text| text.len()).collect();
            assert_eq!(sizes, [kept], "{stream}: an entry of {bytes} bytes");
        }
        assert!(refused > 0 && kept > limit - 250, "{refused} refused, {kept} bytes are kept");
    }
}
