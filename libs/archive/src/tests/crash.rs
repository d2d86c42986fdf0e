//! A process that ends at any point: what was acknowledged is there afterwards, once.

use std::fs;
use std::path::PathBuf;

use super::*;

fn rows() -> Vec<Small> {
    let row = |time| Small { tenant: 0, cluster: 0, time, number: 0, actor: 0, verb: 0, name: 7 };
    (1..4).map(row).collect()
}

/// A folder in which a process has appended the rows one by one, and ended: its one segment, with the length
/// that it had after each.
async fn left_behind(folder: &Path) -> (PathBuf, Vec<u64>) {
    let (archive, work) = open(folder).await;
    let path = folder.join("segments/00000000000000000001.wal");
    let mut lengths = Vec::new();
    for row in rows() {
        archive.append(row.batch()).await.unwrap();
        lengths.push(fs::metadata(&path).unwrap().len());
    }
    close(work).await;
    (path, lengths)
}

async fn found(archive: &Archive) -> Vec<String> {
    raws(&all_pages(archive, Query::of(&Tenant::default())).await)
}

#[tokio::test]
async fn cut_at_every_byte_a_segment_has_what_was_acknowledged_before() {
    let folder = tempfile::tempdir().unwrap();
    let (path, lengths) = left_behind(folder.path()).await;
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("segments")).unwrap();
        let torn = folder.path().join("segments").join(path.file_name().unwrap());
        fs::write(&torn, &whole[..cut]).unwrap();
        let acknowledged = lengths.iter().filter(|length| **length <= cut as u64).count();
        let expected: Vec<_> = rows()[..acknowledged].iter().rev().map(Small::raw).collect();

        let (archive, work) = open(folder.path()).await;
        assert_eq!(found(&archive).await, expected, "cut at {cut}");
        if cut % 60 != 0 {
            close(work).await;
            continue;
        }
        // What comes next is not lost behind the torn end.
        let more = Small { time: 9, ..rows()[0] };
        archive.append(more.batch()).await.unwrap();
        work.seal_all().await;
        let with_more: Vec<_> = [more.raw()].into_iter().chain(expected).collect();
        assert_eq!(found(&archive).await, with_more, "cut at {cut}");
        close(work).await;
        let (archive, work) = open(folder.path()).await;
        assert_eq!(found(&archive).await, with_more, "cut at {cut}");
        close(work).await;
    }
}

#[tokio::test]
async fn sealed_and_not_yet_removed_a_segment_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = left_behind(folder.path()).await;
    let segment = fs::read(&path).unwrap();
    let expected: Vec<_> = rows().iter().rev().map(Small::raw).collect();
    for _again in 0..2 {
        // As after a crash between the files and the removal of their segment.
        fs::write(&path, &segment).unwrap();
        let (archive, work) = open(folder.path()).await;
        assert_eq!(found(&archive).await, expected);
        work.seal_all().await;
        assert_eq!(found(&archive).await, expected);
        assert_eq!(archive.files().0, 1, "the same segment gives the same file");
        close(work).await;
    }
    assert!(!path.try_exists().unwrap());
}

#[tokio::test]
async fn half_a_file_in_the_workshop_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    left_behind(folder.path()).await;
    fs::write(folder.path().join("sealing/sealing.parquet"), b"half a fi").unwrap();
    let (archive, work) = open(folder.path()).await;
    work.seal_all().await;
    assert_eq!(found(&archive).await.len(), 3);
    close(work).await;
}

#[tokio::test]
async fn a_folder_is_read_while_its_process_works() {
    let folder = tempfile::tempdir().unwrap();
    left_behind(folder.path()).await;
    let (archive, work) = open(folder.path()).await;
    let expected: Vec<_> = rows().iter().rev().map(Small::raw).collect();
    for _sealed in [false, true] {
        let page = crate::page_of_folder(folder.path(), &Query::of(&Tenant::default())).unwrap();
        assert_eq!(raws(&page.records), expected);
        seal(&archive, &work).await;
    }
    close(work).await;
    assert!(
        crate::page_of_folder(&folder.path().join("no"), &Query::of(&Tenant::default())).is_err()
    );
}
