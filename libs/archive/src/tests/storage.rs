//! What every place for files owes, run against the disk, a bucket, and a bucket with the disk in front.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use airside_testkit::ObjectStoreServer;
use tokio::runtime::Handle;

use crate::storage::{
    AccessKey, Announced, Bucket, Credentials, Disk, ObjectStorage, ObjectStore, Shared,
};

/// The settings of an archive in the bucket of a server.
pub(super) fn store_at(server: &ObjectStoreServer, instance: &str) -> ObjectStore {
    ObjectStore {
        endpoint: Some(server.endpoint()),
        credentials: Credentials::Key(AccessKey {
            access_key_id: ObjectStoreServer::ACCESS_KEY_ID.to_owned(),
            secret_access_key: ObjectStoreServer::SECRET_ACCESS_KEY.to_owned(),
            session_token: None,
        }),
        ..ObjectStore::new("s3://raw/below/this", instance.parse().unwrap())
    }
}

fn bucket(server: &ObjectStoreServer) -> Bucket {
    Bucket::new(&store_at(server, "one"), Handle::current()).unwrap()
}

/// Runs a suite, which blocks, on each kind of storage.
async fn each(suite: fn(&dyn ObjectStorage, &Path)) {
    let server = ObjectStoreServer::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let disk = |name: &str| Disk::open(folder.path().join(name)).unwrap();
    let kinds: [Arc<dyn ObjectStorage>; 3] = [
        Arc::new(disk("disk")),
        Arc::new(bucket(&server)),
        Arc::new(Shared::new(
            disk("front"),
            Bucket::new(
                &ObjectStore { url: "s3://raw/other".to_owned(), ..store_at(&server, "two") },
                Handle::current(),
            )
            .unwrap(),
        )),
    ];
    for storage in kinds {
        let written = folder.path().join("written");
        tokio::task::spawn_blocking(move || suite(&*storage, &written)).await.unwrap();
    }
}

fn put(storage: &dyn ObjectStorage, written: &Path, path: &str, bytes: &[u8]) {
    std::fs::write(written, bytes).unwrap();
    storage.take(written, path).unwrap();
    assert!(!written.try_exists().unwrap(), "it was taken over");
}

fn listed(storage: &dyn ObjectStorage) -> Vec<(String, u64)> {
    let mut listed = storage.list().unwrap();
    listed.sort();
    listed
}

fn takes_lists_opens_and_removes(storage: &dyn ObjectStorage, written: &Path) {
    assert_eq!(listed(storage), []);
    assert_eq!(storage.open("t/c/d/a", 3_000_001).unwrap_err().kind(), ErrorKind::NotFound);
    storage.remove("t/c/d/a").unwrap();
    // Longer than what is fetched together, and not a multiple of it.
    let large: Vec<u8> = (0..3_000_001u32).map(|at| (at / 7 % 251) as u8).collect();
    put(storage, written, "t/c/d/a", b"replaced");
    put(storage, written, "t/c/d/a", &large);
    put(storage, written, "t/c/e/-1_b.x", b"small");
    let expected = vec![("t/c/d/a".to_owned(), 3_000_001), ("t/c/e/-1_b.x".to_owned(), 5)];
    assert_eq!(listed(storage), expected);
    for settled in [false, true] {
        if settled {
            // Wherever they waited: nothing else is to be seen of it.
            for (path, _) in storage.waiting().unwrap() {
                storage.settle(&path).unwrap();
                storage.settle(&path).unwrap();
            }
            assert_eq!(storage.waiting().unwrap(), []);
            assert_eq!(listed(storage), expected);
        }
        storage.announce_files(&[("t/c/e/-1_b.x", 5), ("t/c/d/gone", 7)]);
        let of = |path, length, parts| Announced { path, length, parts };
        let parts = vec![7..9, 1_000_000..1_200_000, 2_999_999..9_000_000];
        let all = [of("t/c/d/gone", 7, vec![0..3, 5..7]), of("t/c/d/a", 3_000_001, parts)];
        assert_eq!(storage.announce_parts(&all), 2);
        assert_eq!(storage.announce_parts(&[]), 0);
        let file = storage.open("t/c/d/a", 3_000_001).unwrap();
        assert_eq!(file.length(), large.len() as u64);
        for (at, length) in [(0, 4), (2_999_993, 8), (7, 0), (1_000_000, 600_000), (0, large.len())]
        {
            assert_eq!(
                file.read(at as u64, length).unwrap(),
                large[at..at + length],
                "{at} {length}"
            );
        }
        for (at, length) in [(2_999_994, 8), (u64::MAX, 2), (3_000_002, 0)] {
            assert!(file.read(at, length).is_err(), "{at} {length}");
        }
        assert_eq!(storage.open("t/c/e/-1_b.x", 5).unwrap().read(1, 4).unwrap(), b"mall"[..]);
    }
    storage.remove("t/c/d/a").unwrap();
    storage.remove("t/c/d/a").unwrap();
    assert_eq!(listed(storage), expected[1..]);
    assert_eq!(storage.open("t/c/d/a", 3_000_001).unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn every_storage_takes_lists_opens_and_removes_files() {
    each(takes_lists_opens_and_removes).await;
}

#[tokio::test]
async fn a_listing_has_all_files_however_many_pages_it_takes() {
    let server = ObjectStoreServer::start().unwrap();
    let folder = server.files().join("below/this/t/c/d");
    std::fs::create_dir_all(&folder).unwrap();
    // A page has a thousand.
    (0..1003).for_each(|number| std::fs::write(folder.join(number.to_string()), b"x").unwrap());
    std::fs::write(server.files().join("below/thisother"), b"not below the prefix").unwrap();
    let bucket = bucket(&server);
    let listed = tokio::task::spawn_blocking(move || listed(&bucket)).await.unwrap();
    assert_eq!((listed.len(), &*listed[0].0), (1003, "t/c/d/0"));
}

#[tokio::test]
async fn a_store_that_refuses_or_does_not_answer_says_so() {
    let server = ObjectStoreServer::start().unwrap();
    let kind = async |settings: ObjectStore| {
        let bucket = Bucket::new(&settings, Handle::current()).unwrap();
        let listing = tokio::task::spawn_blocking(move || bucket.list().unwrap_err());
        listing.await.unwrap().kind()
    };
    let good = || store_at(&server, "one");
    let mut wrong_key = good();
    let Credentials::Key(key) = &mut wrong_key.credentials else { unreachable!("it is a key") };
    key.secret_access_key = "another".to_owned();
    assert_eq!(kind(wrong_key).await, ErrorKind::PermissionDenied);
    let no_bucket = ObjectStore { url: "s3://nothing".to_owned(), ..good() };
    assert_eq!(kind(no_bucket).await, ErrorKind::NotFound);
    server.set_away(true);
    assert_eq!(kind(good()).await, ErrorKind::HostUnreachable);
    let endpoint = Some("http://127.0.0.1:1".to_owned());
    assert_eq!(kind(ObjectStore { endpoint, ..good() }).await, ErrorKind::HostUnreachable);
}

#[tokio::test]
async fn who_waits_for_an_answer_is_let_go_when_the_archive_closes() {
    let server = ObjectStoreServer::start().unwrap();
    server.set_delay(std::time::Duration::from_hours(1));
    let bucket = Arc::new(bucket(&server));
    let waiting = Arc::clone(&bucket);
    let waiting = tokio::task::spawn_blocking(move || waiting.list().unwrap_err().kind());
    while server.requests().others == 0 {
        tokio::task::yield_now().await;
    }
    bucket.close();
    assert_eq!(waiting.await.unwrap(), ErrorKind::ConnectionAborted);
}
