//! What is kept and what is not: retention and restarts.

use super::*;

/// A reader that comes too late is told what it missed, then reads what is there.
pub async fn trimmed_entries_are_reported_lost<H: LogHarness>() {
    let harness = H::start(ROOMY).await;
    let log = harness.log();
    append(&*log, 0, &["a", "b", "c", "d"]).await;
    let mut before = reader(&*log, Offset::START).await;
    let offsets: Vec<Offset> =
        read(&mut *before, 4).await.iter().map(|stored| stored.offset).collect();
    harness.trim(Stream::Activity, offsets[2]).await;

    let mut late = reader(&*log, Offset::START).await;
    let batch = late.next(ReadLimit::default(), SOON).await.unwrap();
    assert_eq!(batch.lost, Some(LostRange { from: Offset::START, until: offsets[2] }));
    let mut entries = batch.entries;
    if entries.len() < 2 {
        entries.extend(read(&mut *late, 2 - entries.len()).await);
    }
    assert_eq!(texts(&entries), ["c", "d"]);
    assert_eq!(nothing_comes::<H>(&mut *late).await, None, "a loss is told once");

    // Everything is gone: told at once, without an entry to wait for.
    let end = log.end(Stream::Activity).await.unwrap();
    harness.trim(Stream::Activity, end).await;
    assert_eq!(log.end(Stream::Activity).await.unwrap(), end);
    let mut late = reader(&*log, offsets[3]).await;
    let batch = late.next(ReadLimit::default(), SOON).await.unwrap();
    assert_eq!(batch.entries, []);
    assert_eq!(batch.lost, Some(LostRange { from: offsets[3], until: end }));
    assert_eq!(batch.next, end);
    append(&*log, 0, &["e"]).await;
    assert_eq!(texts(&read(&mut *late, 1).await), ["e"]);
}

/// What retention takes while a reader lags is reported in its place.
pub async fn entries_trimmed_under_a_reader_are_reported_lost<H: LogHarness>() {
    for partitions in [EVERY, PartitionSet::range(0, 1)] {
        let harness = H::start(ROOMY).await;
        let log = harness.log();
        let mut reader = log.reader(Stream::Activity, partitions, Offset::START).await.unwrap();
        let entries = (0..200).map(|number| entry(0, number.to_string())).collect();
        log.append(Stream::Activity, entries).await.unwrap();
        let first = read(&mut *reader, 1).await[0].offset;
        let kept = Offset(first.0 + 190);
        harness.trim(Stream::Activity, kept).await;

        // Some of what was trimmed may have been on its way already.
        let (mut next, mut lost, mut seen) = (first.after(), None, 1);
        while next < log.end(Stream::Activity).await.unwrap() {
            let batch = reader.next(ReadLimit::default(), SOON).await.unwrap();
            if let Some(range) = batch.lost {
                assert_eq!((range.from, lost), (next, None), "the loss begins where reading ended");
                lost = Some(range);
                seen += usize::try_from(range.until.0 - range.from.0).unwrap();
            }
            for text in texts(&batch.entries) {
                assert_eq!(text.parse(), Ok(seen), "{partitions:?}: neither seen nor lost");
                seen += 1;
            }
            next = batch.next;
        }
        assert_eq!(lost.map(|lost| lost.until), Some(kept), "{partitions:?}");
        assert_eq!(seen, 200, "{partitions:?}");
    }
}

/// After a restart every acknowledged entry is at its offset, and kept offsets stay good.
pub async fn a_restart_keeps_what_was_acknowledged<H: LogHarness>() {
    let mut harness = H::start(ROOMY).await;
    let (mut entries, mut next) = (Vec::new(), Offset::START);
    for round in 0..3 {
        let log = harness.log();
        append(&*log, 0, &[&format!("{round} a"), &format!("{round} b")]).await;
        append(&*log, 9, &[&"long ".repeat(2000)]).await;
        let mut resumed = reader(&*log, next).await;
        let read_now = read(&mut *resumed, 3).await;
        next = read_now[2].offset.after();
        entries.extend(read_now);
        drop((resumed, log));
        harness.restart().await;
        let log = harness.log();
        assert_eq!(log.end(Stream::Activity).await.unwrap(), next);
        let mut again = reader(&*log, Offset::START).await;
        assert_eq!(read(&mut *again, entries.len()).await, entries, "round {round}");
        assert_eq!(nothing_comes::<H>(&mut *again).await, None);
    }
}

/// Offsets go on where they were, even when a restart finds an empty stream: a kept offset never comes to
/// mean another entry.
pub async fn offsets_are_never_given_twice<H: LogHarness>() {
    let mut harness = H::start(ROOMY).await;
    append(&*harness.log(), 0, &["a", "b", "c"]).await;
    let end = harness.log().end(Stream::Activity).await.unwrap();
    harness.trim(Stream::Activity, end).await;
    harness.restart().await;
    let log = harness.log();
    assert_eq!(log.end(Stream::Activity).await.unwrap(), end);
    append(&*log, 0, &["d"]).await;
    let mut resumed = reader(&*log, end).await;
    let entries = read(&mut *resumed, 1).await;
    assert_eq!((texts(&entries), entries[0].offset), (vec!["d"], end));
}
