//! The stores against the suite of their port, and what is sled's alone: locks, damage, leftovers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking; the exception for tests does not reach their common parts"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use airside_ports::testsuite::store::{DurableStoreHarness, StoreHarness};
use airside_ports::{Batch, KeyRange, Keyspace, Order, Store};
use airside_store::sled::Durability;
use airside_store::{MemoryStore, OnDamage, OpenError, SledOptions, SledStore};
use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;

const KEYSPACE: Keyspace = Keyspace::new("test.things");

mod memory {
    use super::*;

    struct Memory(Arc<MemoryStore>);

    #[async_trait]
    impl StoreHarness for Memory {
        async fn start() -> Self {
            Self(Arc::default())
        }

        fn store(&self) -> Arc<dyn Store> {
            self.0.clone()
        }
    }

    airside_ports::store_conformance!(Memory, #[tokio::test]);
}

mod sled_on_disk {
    use super::*;

    struct Sled {
        folder: TempDir,
        store: Arc<SledStore>,
    }

    #[async_trait]
    impl StoreHarness for Sled {
        async fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(open(folder.path()).await.unwrap());
            Self { folder, store }
        }

        fn store(&self) -> Arc<dyn Store> {
            self.store.clone()
        }
    }

    #[async_trait]
    impl DurableStoreHarness for Sled {
        async fn restart(&mut self) {
            self.store.close().await;
            self.store = Arc::new(open(self.folder.path()).await.unwrap());
        }
    }

    async fn open(folder: &Path) -> Result<SledStore, OpenError> {
        // What the process writes is what these tests look at; syncing for the machine only slows them.
        let options = SledOptions { durability: Durability::Process, ..SledOptions::default() };
        SledStore::open(folder, options).await
    }

    airside_ports::store_conformance!(Sled, #[tokio::test]);
    airside_ports::durable_store_conformance!(Sled, #[tokio::test]);
}

async fn put(store: &SledStore, key: u8, value: Vec<u8>) {
    let mut batch = Batch::new();
    batch.put(KEYSPACE, vec![key], value);
    store.commit(batch).await.unwrap();
}

async fn count(store: &SledStore) -> usize {
    store.scan(KEYSPACE, KeyRange::all(), Order::Ascending, 1000).await.unwrap().len()
}

/// Fills a store and closes it.
async fn filled(path: &Path) {
    let store = SledStore::open(path, SledOptions::default()).await.unwrap();
    for key in 0..100 {
        put(&store, key, vec![key; 1000]).await;
    }
    store.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_in_use_is_not_opened_twice() {
    let folder = tempfile::tempdir().unwrap();
    let first = SledStore::open(folder.path(), SledOptions::default()).await.unwrap();
    let quarantine = SledOptions { on_damage: OnDamage::Quarantine, ..SledOptions::default() };
    let error = SledStore::open(folder.path(), quarantine).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    put(&first, 1, vec![1]).await;
    assert_eq!(count(&first).await, 1);
}

#[tokio::test]
async fn dropping_a_store_closes_it() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let store = SledStore::open(folder.path(), SledOptions::default()).await.unwrap();
        assert_eq!(count(&store).await, usize::from(round));
        put(&store, round, vec![round]).await;
    }
}

/// What a kill leaves that comes while sled writes a snapshot: it stands last among the snapshots, and is
/// half of one.
#[tokio::test]
async fn a_snapshot_that_a_kill_cut_off_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let cut_off = folder.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    for half in [&b""[..], &[7; 100]] {
        fs::write(&cut_off, half).unwrap();
        let store = SledStore::open(folder.path(), SledOptions::default()).await.unwrap();
        assert_eq!(count(&store).await, 100);
        assert!(!cut_off.try_exists().unwrap());
        store.close().await;
    }
}

#[tokio::test]
async fn a_damaged_store_fails_or_is_moved_away_as_the_option_says() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store");
    for number in 1..=2 {
        filled(&path).await;
        fs::write(path.join("conf"), b"not what sled wrote here").unwrap();

        let error = SledStore::open(&path, SledOptions::default()).await.unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");

        let quarantine = SledOptions { on_damage: OnDamage::Quarantine, ..SledOptions::default() };
        let store = SledStore::open(&path, quarantine).await.unwrap();
        let aside = home.path().join(format!("store.damaged-{number}"));
        assert_eq!(store.quarantined(), Some(aside.as_path()));
        assert!(aside.join("db").metadata().unwrap().len() > 0, "nothing is deleted");
        assert_eq!(count(&store).await, 0);
        put(&store, 1, vec![1]).await;
        store.close().await;
        fs::remove_dir_all(&path).unwrap();
    }
}

/// Changes the files that start with a name.
fn damage(folder: &Path, name: &str, change: impl Fn(&mut Vec<u8>)) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(name) {
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn what_a_damaged_store_answers_is_right_or_an_error() {
    static GARBAGE: [u8; 20_000] = [0x5a; 20_000];
    type Change = fn(&mut Vec<u8>);
    let damages: [(&str, &str, Change); 5] = [
        ("a flipped bit in the snapshot", "snap", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("flipped bits in the data", "db", |bytes| {
            bytes.iter_mut().skip(1000).step_by(50_000).for_each(|byte| *byte ^= 1);
        }),
        ("half the data", "db", |bytes| bytes.truncate(bytes.len() / 2)),
        ("garbage at the start", "db", |bytes| bytes[..GARBAGE.len()].copy_from_slice(&GARBAGE)),
        ("garbage in the middle", "db", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle..middle + GARBAGE.len()].copy_from_slice(&GARBAGE);
        }),
    ];
    for (what, file, change) in damages {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("store");
        for _ in 0..6 {
            filled(&path).await;
        }
        damage(&path, file, change);
        let store = match SledStore::open(&path, SledOptions::default()).await {
            Ok(store) => store,
            Err(OpenError::Damaged { .. }) => continue,
            Err(error) => panic!("{what}: {error}"),
        };
        for key in 0..100_u8 {
            if let Ok(Some(value)) = store.get(KEYSPACE, &[key]).await {
                assert!(value.len() == 1000 && value.iter().all(|byte| *byte == key), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_sound_store_is_not_moved_away() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("store");
    filled(&path).await;
    let quarantine = SledOptions { on_damage: OnDamage::Quarantine, ..SledOptions::default() };
    let store = SledStore::open(&path, quarantine).await.unwrap();
    assert_eq!((store.quarantined(), count(&store).await), (None, 100));
}

#[tokio::test]
async fn another_schema_or_program_is_refused_and_never_moved_away() {
    for (key, value) in [(&b"\0schema"[..], &2_u32.to_be_bytes()[..]), (b"theirs", b"thing")] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("store");
        let db = sled::open(&path).unwrap();
        db.insert(key, value).unwrap();
        db.flush().unwrap();
        drop(db);
        let quarantine = SledOptions { on_damage: OnDamage::Quarantine, ..SledOptions::default() };
        let error = SledStore::open(&path, quarantine).await.unwrap_err();
        assert!(matches!(error, OpenError::Schema { expected: 1, .. }), "{error}");
        assert!(path.join("db").try_exists().unwrap());
    }
}

/// What sled holds of a closed store. Its lock comes back a moment after it has gone.
fn reopened(path: &Path) -> sled::Db {
    loop {
        match sled::open(path) {
            Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") => {
                std::thread::yield_now();
            }
            opened => return opened.unwrap(),
        }
    }
}

#[tokio::test]
async fn replaced_and_deleted_values_leave_no_parts_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), SledOptions::default()).await.unwrap();
    for size in [100_000, 9_000, 10, 50_000] {
        put(&store, 1, vec![1; size]).await;
    }
    put(&store, 2, vec![2; 50_000]).await;
    let mut batch = Batch::new();
    batch.put(KEYSPACE, vec![1], Bytes::from(vec![3; 90_000]));
    batch.delete(KEYSPACE, vec![1]);
    batch.put(KEYSPACE, vec![2], Bytes::from_static(b"short"));
    store.commit(batch).await.unwrap();
    store.close().await;
    let keys: Vec<_> = reopened(folder.path()).iter().keys().collect();
    assert_eq!(keys.len(), 2, "the schema and one pair: {keys:?}");
}

#[tokio::test]
async fn large_values_make_no_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path(), SledOptions::default()).await.unwrap();
    for key in 0..20 {
        put(&store, key, vec![key; 300_000]).await;
    }
    store.close().await;
    assert_eq!(fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
}
