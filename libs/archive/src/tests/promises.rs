//! Each promise by itself: bytes, tenants, pages, bounds, retention, permissions.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::{ArchiveError, MAX_PAGE_BYTES};

fn small(time: i64) -> Small {
    Small { tenant: 0, cluster: 0, time, number: 0, actor: 0, verb: 0, name: 7 }
}

#[tokio::test]
async fn an_event_leads_to_its_bytes_before_and_after_it_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    // No UTF-8, no JSON: what came is what is kept.
    let raw = b"{\"a\":\xff\x00\n";
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let mut batch = Batch::new(&tenant, &cluster, Timestamp::from_nanos(5));
    let texts = Texts { audit_id: "one", address: "10.0.0.7", ..Texts::default() };
    let event = Id::from_bytes([7; 16]);
    let time = Timestamp::from_nanos(3);
    batch.push(&Row { event, time, code: 403, texts, raw });
    archive.append(batch).await.unwrap();
    for sealed in [false, true] {
        if sealed {
            seal(&archive, &work).await;
            assert_eq!(archive.files().0, 1);
        }
        let query = Query::of(&tenant);
        for query in [
            query.clone().event(event),
            query.clone().text(Field::AuditId, "one"),
            query.clone().text(Field::Address, "10.0.0.7").code(403),
            query.clone().from(time).until(Timestamp::from_nanos(4)).cluster(cluster.clone()),
        ] {
            let found = all_pages(&archive, query).await;
            assert_eq!(found.len(), 1, "sealed: {sealed}");
            let record = &found[0];
            assert_eq!(record.raw, Bytes::from_static(raw));
            assert_eq!((record.event, record.time, record.taken.as_nanos()), (event, time, 5));
            assert_eq!((record.code, record.texts(), record.bytes), (403, texts, 8));
        }
        for query in [
            query.clone().event(Id::from_bytes([8; 16])),
            query.clone().text(Field::AuditId, "two"),
            query.clone().text(Field::Address, ""),
            query.clone().code(200),
            query.clone().from(Timestamp::from_nanos(4)),
            query.clone().until(time),
            query.cluster(Cluster::new("other").unwrap()),
        ] {
            assert_eq!(all_pages(&archive, query).await, [], "sealed: {sealed}");
        }
    }
    close(work).await;
}

#[tokio::test]
async fn a_tenant_finds_its_own_records_only() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    let theirs = Small { tenant: 1, ..small(5) };
    archive.append(theirs.batch()).await.unwrap();
    for _sealed in [false, true] {
        let query = Query::of(&Tenant::default());
        assert_eq!(all_pages(&archive, query.clone()).await, []);
        assert_eq!(all_pages(&archive, query.event(theirs.id())).await, []);
        let own = Query::of(&theirs.tenant()).event(theirs.id());
        assert_eq!(all_pages(&archive, own).await.len(), 1);
        seal(&archive, &work).await;
    }
    close(work).await;
}

#[tokio::test]
async fn a_page_ends_with_its_bytes_and_has_at_least_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let raw = vec![b'x'; MAX_PAGE_BYTES / 2 + 1];
    for time in 0..4 {
        let mut batch = Batch::new(&tenant, &cluster, Timestamp::EPOCH);
        let event = Id::builder("test").number(time).finish();
        let time = Timestamp::from_nanos(time);
        batch.push(&Row { event, time, raw: &raw, ..Row::default() });
        archive.append(batch).await.unwrap();
    }
    for _sealed in [false, true] {
        let page = archive.query(Query::of(&tenant)).await.unwrap();
        assert!(page.records.len() < 3 && page.next.is_some(), "{}", page.records.len());
        assert_eq!(all_pages(&archive, Query::of(&tenant)).await.len(), 4);
        // Without their bytes there is room for all of them.
        let page = archive.query(Query::of(&tenant).without_raw()).await.unwrap();
        let sizes: Vec<_> = page.records.iter().map(|it| (it.raw.len(), it.bytes)).collect();
        assert_eq!(sizes, [(0, raw.len() as u64); 4]);
        seal(&archive, &work).await;
    }
    close(work).await;
}

#[tokio::test]
async fn old_records_go_and_those_within_the_time_stay() {
    let folder = tempfile::tempdir().unwrap();
    let day = 86_400_000_000_000;
    let max_age = Duration::from_hours(48);
    let settings = Settings { max_age, ..Settings::new(folder.path().to_owned()) };
    let (archive, work) = Archive::open(settings).await.unwrap();
    let rows = [small(day), small(2 * day), small(3 * day)];
    for batch in Small::batch_of(&rows) {
        archive.append(batch).await.unwrap();
    }
    seal(&archive, &work).await;
    assert_eq!(archive.files().0, 3);
    for (days, left) in [(3, 3), (4, 2), (5, 1), (6, 0)] {
        work.remove_expired(Timestamp::from_nanos(days * day)).await;
        let found = all_pages(&archive, Query::of(&Tenant::default())).await;
        assert_eq!(raws(&found), rows.iter().rev().take(left).map(Small::raw).collect::<Vec<_>>());
    }
    let records = folder.path().join("records");
    assert_eq!(std::fs::read_dir(records).unwrap().count(), 0);
    close(work).await;
}

#[tokio::test]
async fn the_folder_is_for_its_owner_and_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    archive.append(small(1).batch()).await.unwrap();
    seal(&archive, &work).await;
    let mut folders = vec![folder.path().join("segments"), folder.path().join("records")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
    }
    assert_eq!(files, 2);
    let second = Archive::open(Settings::new(folder.path().to_owned())).await;
    assert!(matches!(second, Err(ArchiveError::InUse { .. })));
    close(work).await;
    assert!(matches!(archive.append(small(2).batch()).await, Err(ArchiveError::Closed)));
    close(open(folder.path()).await.1).await;
}

#[tokio::test]
async fn a_full_segment_is_sealed_and_appends_are_refused_where_none_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { segment_bytes: 100, ..Settings::new(folder.path().to_owned()) };
    let (archive, work) = Archive::open(settings).await.unwrap();
    let refused = loop {
        if let Err(error) = archive.append(small(1).batch()).await {
            break error;
        }
    };
    assert!(matches!(refused, ArchiveError::Behind { .. }), "{refused}");
    work.seal_all().await;
    archive.append(small(2).batch()).await.unwrap();
    assert_eq!(all_pages(&archive, Query::of(&Tenant::default())).await.len(), 2);
    close(work).await;
}

#[tokio::test]
async fn many_who_wait_are_all_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    let mut appends = tokio::task::JoinSet::new();
    for time in 0..500 {
        let archive = archive.clone();
        appends.spawn(async move { archive.append(small(time).batch()).await });
    }
    while let Some(appended) = appends.join_next().await {
        appended.unwrap().unwrap();
    }
    let found = all_pages(&archive, Query::of(&Tenant::default()).limit(70)).await;
    assert_eq!(raws(&found), (0..500).rev().map(|time| small(time).raw()).collect::<Vec<_>>());
    close(work).await;
}

#[tokio::test]
async fn small_files_of_a_day_become_one_and_nothing_is_lost_or_told_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    let mut rows: Vec<_> = (0..9).map(small).collect();
    rows.push(Small { cluster: 1, ..small(9) });
    for row in &rows {
        archive.append(row.batch()).await.unwrap();
        archive.close_segment().await;
        // Another one closes it for certain, and is the same each time.
        archive.append(small(0).batch()).await.unwrap();
        work.seal_all().await;
    }
    let expected: Vec<_> = rows.iter().rev().map(Small::raw).collect();
    let (before, _) = archive.files();
    assert!(before > 9, "{before}");
    work.merge_small().await;
    let (after, _) = archive.files();
    assert_eq!(after, 2, "one for each cluster");
    assert_eq!(raws(&all_pages(&archive, Query::of(&Tenant::default())).await), expected);
    close(work).await;
    let (archive, work) = open(folder.path()).await;
    assert_eq!(archive.files().0, 2);
    assert_eq!(raws(&all_pages(&archive, Query::of(&Tenant::default())).await), expected);
    close(work).await;
}
