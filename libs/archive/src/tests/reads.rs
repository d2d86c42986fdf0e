//! How many frames of segments a page reads: those of whoever asks, and each of them once for all of its records.

use super::*;
use crate::MAX_PAGE_BYTES;
use crate::search;
use crate::segment::READS;

const ROWS: i64 = 40;

/// A batch of a tenant with [`ROWS`] rows from a time on, each with so many bytes.
fn batch(tenant: &Tenant, from: i64, raw: &[u8]) -> Batch {
    let mut batch = Batch::new(tenant, &Cluster::default(), Timestamp::from_nanos(from));
    for time in from..from + ROWS {
        let event = Id::builder("reads").text(tenant.as_str()).number(time).finish();
        let time = Timestamp::from_nanos(time);
        batch.push(&Row { event, time, raw, ..Row::default() });
    }
    batch
}

/// A page, and how many frames were read for it. Asked on this thread, which counts.
fn page(archive: &Archive, query: &Query) -> (Page, usize) {
    let before = READS.get();
    let (page, _) = search::page(query, &archive.shelf, &*archive.storage).unwrap();
    (page, READS.get() - before)
}

#[tokio::test]
async fn a_page_reads_the_frames_of_whoever_asks_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let [own, other, nobody] = ["default", "other", "nobody"].map(|it| Tenant::new(it).unwrap());
    let (mut archive, mut work) = open(folder.path()).await;
    for at in 0..30 {
        let tenant = if at % 10 == 0 { &own } else { &other };
        archive.append(batch(tenant, at * ROWS, b"{}")).await.unwrap();
        if at == 14 {
            archive.close_segment().await;
        }
    }
    for _restarted in [false, true] {
        // Each frame once to find what is wanted, and once for the records, as far as they are on the page.
        for (tenant, limit, found, reads) in [
            (&own, 1000, 3 * 40, 3 + 3),
            (&own, 1, 1, 3 + 1),
            (&other, 1000, 1000, 27 + 1000 / 40),
            (&nobody, 1000, 0, 0),
        ] {
            let (page, read) = page(&archive, &Query::of(tenant).limit(limit));
            assert_eq!((page.records.len(), read), (found, reads), "{tenant}, {limit}");
        }
        close(work).await;
        (archive, work) = open(folder.path()).await;
    }
    close(work).await;
}

#[tokio::test]
async fn a_frame_is_read_once_for_all_of_its_records_and_not_where_the_page_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let tenant = Tenant::default();
    let (archive, work) = open(folder.path()).await;
    // The rows of the last two frames alternate.
    let (first, twins) = (batch(&tenant, 0, b"1"), [0, 1].map(|odd| twin(&tenant, odd)));
    for batch in [first].into_iter().chain(twins) {
        archive.append(batch).await.unwrap();
    }
    let (all, read) = page(&archive, &Query::of(&tenant).limit(1000));
    let raws: Vec<_> = all.records.iter().map(|it| it.raw[0]).collect();
    let expected = [b"01".repeat(40).into_iter().rev().collect(), vec![b'1'; 40]].concat();
    assert_eq!((raws, read), (expected, 3 + 3));

    // Two of these fill a page: the frames with the others are not read again.
    let large = vec![b'x'; MAX_PAGE_BYTES / ROWS as usize];
    for at in 100..103 {
        archive.append(batch(&tenant, at * ROWS, &large)).await.unwrap();
    }
    let (full, read) = page(&archive, &Query::of(&tenant).limit(1000));
    assert_eq!((full.records.len(), full.next.is_some(), read), (ROWS as usize, true, 6 + 1));
    let (without, read) = page(&archive, &Query::of(&tenant).limit(1000).without_raw());
    assert_eq!((without.records.len(), read), (6 * ROWS as usize, 6 + 6));
    assert!(without.records.iter().all(|it| it.raw.is_empty() && it.bytes > 0));
    close(work).await;
}

/// Every other moment behind those of the first batch.
fn twin(tenant: &Tenant, odd: i64) -> Batch {
    let mut batch = Batch::new(tenant, &Cluster::default(), Timestamp::EPOCH);
    for time in (0..ROWS).map(|row| ROWS + row * 2 + odd) {
        let event = Id::builder("twin").number(time).finish();
        let raw = odd.to_string();
        let time = Timestamp::from_nanos(time);
        batch.push(&Row { event, time, raw: raw.as_bytes(), ..Row::default() });
    }
    batch
}
