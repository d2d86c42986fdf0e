//! An archive whose files are kept in an object store: what it promises beside what every archive does.

use airside_testkit::ObjectStoreServer;

use super::storage::store_at;
use super::*;
use crate::{ArchiveError, BucketReader, Instance};

fn small(time: i64) -> Small {
    Small { tenant: 0, cluster: 0, time, number: 0, actor: 0, verb: 0, name: 7 }
}

fn settings(folder: &Path, server: &ObjectStoreServer, instance: &str) -> Settings {
    let object_store = Some(store_at(server, instance));
    Settings { object_store, ..Settings::new(folder.to_owned()) }
}

async fn open_at(
    folder: &Path,
    server: &ObjectStoreServer,
    instance: &str,
) -> (Archive, Housekeeping) {
    Archive::open(settings(folder, server, instance)).await.unwrap()
}

async fn append(archive: &Archive, work: &Housekeeping, time: i64) {
    archive.append(small(time).batch()).await.unwrap();
    seal(archive, work).await;
}

async fn found(archive: &Archive) -> Vec<String> {
    raws(&all_pages(archive, Query::of(&Tenant::default())).await)
}

fn expected(times: impl DoubleEndedIterator<Item = i64>) -> Vec<String> {
    times.rev().map(|time| small(time).raw()).collect()
}

/// The files below a folder.
fn files_below(folder: &Path) -> Vec<String> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path.to_str().unwrap().to_owned()),
            }
        }
    }
    files.retain(|path| path.ends_with(".parquet"));
    files.sort();
    files
}

#[tokio::test]
async fn finished_files_go_to_the_store_and_are_found_there_by_parts_and_after_a_restart() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open_at(folder.path(), &server, "one").await;
    append(&archive, &work, 1).await;
    assert_eq!(files_below(&server.files()), [""; 0]);
    assert_eq!(found(&archive).await, expected(1..2));
    work.settle_all().await.unwrap();
    let stored = files_below(&server.files());
    assert!(stored[0].contains("/below/this/default/prod/1970-01-01/1_1_1_"), "{stored:?}");
    assert!(stored[0].ends_with("_one.parquet"), "{stored:?}");
    assert_eq!(files_below(folder.path()), [""; 0], "nothing stays behind");
    assert_eq!(found(&archive).await, expected(1..2));
    close(work).await;
    let (archive, work) = open_at(folder.path(), &server, "one").await;
    assert_eq!(found(&archive).await, expected(1..2));
    let read = server.requests();
    assert_eq!(read.whole, 0);
    // What was read is kept.
    assert_eq!(found(&archive).await, expected(1..2));
    assert_eq!(server.requests(), read);
    close(work).await;
}

#[tokio::test]
async fn while_the_store_is_away_files_wait_within_their_bound_and_nothing_is_lost_or_doubled() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), &server, "one");
    settings.object_store.as_mut().unwrap().max_waiting_bytes = 1;
    let (archive, work) = Archive::open(settings.clone()).await.unwrap();
    server.set_away(true);
    append(&archive, &work, 1).await;
    assert!(work.settle_all().await.is_err());
    let waiting = files_below(folder.path());
    assert!(!waiting.is_empty() && archive.waiting_bytes() > 0);
    // There is no room for more files: segments wait, durable, and are found.
    append(&archive, &work, 2).await;
    assert_eq!(files_below(folder.path()), waiting);
    assert_eq!(found(&archive).await, expected(1..3));
    close(work).await;

    // The store is still away when the archive is opened again: intake goes on, and who asks is told.
    let (archive, work) = Archive::open(settings).await.unwrap();
    archive.append(small(3).batch()).await.unwrap();
    let away = archive.query(Query::of(&Tenant::default())).await.unwrap_err();
    assert!(matches!(away, ArchiveError::Away { .. }), "{away}");
    server.set_away(false);
    for _round in 0..3 {
        work.settle_all().await.unwrap();
        seal(&archive, &work).await;
    }
    work.settle_all().await.unwrap();
    assert_eq!((files_below(folder.path()).len(), archive.waiting_bytes()), (0, 0));
    assert_eq!(found(&archive).await, expected(1..4));
    close(work).await;
}

#[tokio::test]
async fn the_archives_own_work_brings_files_and_tries_again_by_itself() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    server.set_away(true);
    let (archive, work) = open_at(folder.path(), &server, "one").await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let working = tokio::spawn(work.run(|| Timestamp::EPOCH, stopped));
    archive.append(small(1).batch()).await.unwrap();
    archive.close_segment().await;
    let asked = server.requests().others;
    while server.requests().others < asked + 4 {
        tokio::task::yield_now().await;
    }
    server.set_away(false);
    while files_below(&server.files()).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(found(&archive).await, expected(1..2));
    drop(stop);
    working.await.unwrap();
    assert_eq!(files_below(folder.path()), [""; 0]);
}

#[tokio::test]
async fn brought_and_not_yet_removed_from_the_disk_a_file_doubles_nothing() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open_at(folder.path(), &server, "one").await;
    append(&archive, &work, 1).await;
    close(work).await;
    let waiting = files_below(folder.path());
    let kept: Vec<_> = waiting.iter().map(|path| std::fs::read(path).unwrap()).collect();
    for _again in 0..2 {
        // As after a crash between the bucket and the removal from the disk.
        for (path, bytes) in waiting.iter().zip(&kept) {
            std::fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let (archive, work) = open_at(folder.path(), &server, "one").await;
        let files = archive.files().0;
        assert_eq!(found(&archive).await, expected(1..2));
        work.settle_all().await.unwrap();
        assert_eq!(found(&archive).await, expected(1..2));
        assert_eq!((archive.files().0, files_below(&server.files()).len() as u64), (files, files));
        close(work).await;
    }
    assert_eq!(files_below(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_segment_that_is_sealed_again_after_its_file_was_brought_doubles_nothing() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open_at(folder.path(), &server, "one").await;
    archive.append(small(1).batch()).await.unwrap();
    close(work).await;
    let path = folder.path().join("segments/00000000000000000001.wal");
    let segment = std::fs::read(&path).unwrap();
    for _again in 0..2 {
        std::fs::write(&path, &segment).unwrap();
        let (archive, work) = open_at(folder.path(), &server, "one").await;
        assert_eq!(found(&archive).await, expected(1..2));
        work.seal_all().await;
        work.settle_all().await.unwrap();
        assert_eq!(found(&archive).await, expected(1..2));
        assert_eq!(files_below(&server.files()).len(), 1, "the same segment gives the same file");
        close(work).await;
    }
}

#[tokio::test]
async fn archives_that_share_a_store_answer_for_each_other_and_tend_to_their_own() {
    let server = ObjectStoreServer::start().unwrap();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (one, one_work) = open_at(folders[0].path(), &server, "one").await;
    let (two, two_work) = open_at(folders[1].path(), &server, "two").await;
    for time in 0..9 {
        append(&one, &one_work, time).await;
        one_work.settle_all().await.unwrap();
    }
    append(&two, &two_work, 9).await;
    two_work.settle_all().await.unwrap();
    one_work.relist().await;
    assert_eq!(found(&one).await, expected(0..10));
    // One merges, and removes what the other one still knows of and has not read.
    two_work.relist().await;
    let stored = files_below(&server.files());
    two_work.merge_small().await;
    assert_eq!(files_below(&server.files()), stored, "they are not its own");
    let before = two.files().0;
    one_work.merge_small().await;
    assert_eq!(found(&two).await, expected(0..10));
    assert!(two.files().0 < before, "{before}");
    assert_eq!(found(&one).await, expected(0..10));
    // What another one still fills is not seen, and told where it becomes a file.
    two.append(small(10).batch()).await.unwrap();
    one_work.relist().await;
    assert_eq!(found(&one).await, expected(0..10));
    close(one_work).await;
    close(two_work).await;
}

/// An archive of which nine small files lie in the store.
async fn open_with_nine(folder: &Path, server: &ObjectStoreServer) -> (Archive, Housekeeping) {
    let (archive, work) = open_at(folder, server, "one").await;
    for time in 0..9 {
        append(&archive, &work, time).await;
    }
    work.settle_all().await.unwrap();
    (archive, work)
}

#[tokio::test]
async fn who_only_reads_finds_what_was_sealed_also_when_it_was_merged_meanwhile() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open_with_nine(folder.path(), &server).await;
    archive.append(small(9).batch()).await.unwrap();
    let reader = BucketReader::open(&store_at(&server, "reader")).await.unwrap();
    work.merge_small().await;
    let page = reader.query(Query::of(&Tenant::default()).limit(20)).await.unwrap();
    assert_eq!((raws(&page.records), page.next), (expected(0..9), None));
    close(work).await;
    server.set_away(true);
    let refused = BucketReader::open(&store_at(&server, "reader")).await.unwrap_err().to_string();
    assert!(
        refused.contains("s3://raw/below/this") && refused.contains("the key `airside-test`"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_expired_goes_from_the_store_whoever_took_it_in() {
    let server = ObjectStoreServer::start().unwrap();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (one, one_work) = open_at(folders[0].path(), &server, "gone").await;
    append(&one, &one_work, 1).await;
    one_work.settle_all().await.unwrap();
    close(one_work).await;
    let (two, two_work) = open_at(folders[1].path(), &server, "two").await;
    assert_eq!(found(&two).await, expected(1..2));
    let later = Timestamp::EPOCH.plus(std::time::Duration::from_hours(24 * 31));
    // Away, it keeps everything, in the books too.
    server.set_away(true);
    two_work.remove_expired(later).await;
    server.set_away(false);
    assert_eq!(found(&two).await, expected(1..2));
    two_work.remove_expired(later).await;
    assert_eq!(found(&two).await, [""; 0]);
    assert_eq!(files_below(&server.files()), [""; 0]);
    close(two_work).await;
}

#[tokio::test]
async fn merged_records_stay_in_the_store_until_what_stands_for_them_is_there() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open_with_nine(folder.path(), &server).await;
    let stored = files_below(&server.files());
    server.set_full(true);
    work.merge_small().await;
    server.set_full(false);
    assert_eq!(files_below(&server.files()), stored, "nothing was removed");
    assert!(!files_below(folder.path()).is_empty(), "what was merged waits");
    assert_eq!(found(&archive).await, expected(0..9));
    work.settle_all().await.unwrap();
    work.merge_small().await;
    assert!(files_below(&server.files()).len() < stored.len());
    assert_eq!(found(&archive).await, expected(0..9));
    close(work).await;
}

#[tokio::test]
async fn what_another_one_removed_is_no_error_to_who_had_begun_to_read_it() {
    let server = ObjectStoreServer::start().unwrap();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (one, one_work) = open_at(folders[0].path(), &server, "one").await;
    // More than is fetched when a file is opened, and nothing that could be packed.
    let noise = (0..6_000_000u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8);
    let raw: Vec<u8> = noise
        .scan(0u8, |sum, byte| {
            *sum = sum.rotate_left(3) ^ byte;
            Some(*sum)
        })
        .collect();
    let tenant = Tenant::default();
    let mut batch = Batch::new(&tenant, &Cluster::default(), Timestamp::EPOCH);
    batch.push(&Row { raw: &raw, ..Row::default() });
    one.append(batch).await.unwrap();
    seal(&one, &one_work).await;
    one_work.settle_all().await.unwrap();
    let (two, two_work) = open_at(folders[1].path(), &server, "two").await;
    let begun = two.query(Query::of(&tenant).without_raw()).await.unwrap();
    assert_eq!((begun.records.len(), begun.records[0].bytes), (1, 6_000_000));
    one_work.remove_expired(Timestamp::EPOCH.plus(std::time::Duration::from_hours(24 * 31))).await;
    assert_eq!(two.query(Query::of(&tenant)).await.unwrap().records.len(), 0);
    close(one_work).await;
    close(two_work).await;
}

#[tokio::test]
async fn files_of_a_time_without_a_store_are_brought_to_it() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    append(&archive, &work, 1).await;
    close(work).await;
    let (archive, work) = open_at(folder.path(), &server, "one").await;
    assert_eq!(found(&archive).await, expected(1..2));
    work.settle_all().await.unwrap();
    assert_eq!(found(&archive).await, expected(1..2));
    assert!(files_below(&server.files()).iter().all(|path| path.ends_with("_one.parquet")));
    close(work).await;
}

#[tokio::test]
async fn a_store_that_refuses_us_keeps_an_archive_from_opening() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path(), &server, "one");
    settings.object_store.as_mut().unwrap().url = "s3://nothing".to_owned();
    let refused = Archive::open(settings).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::Unlisted { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("s3://nothing") && text.contains("NoSuchBucket"), "{text}");
    for wrong in ["", "One", "a_b", "a/b", &"x".repeat(64)] {
        assert!(wrong.parse::<Instance>().is_err(), "{wrong}");
    }
}
