//! What a question costs right after a start, when nothing of an object store is kept in memory: how many requests,
//! how often it waits for one, and how much of the files it fetches.

use std::time::Duration;

use airside_testkit::{ObjectStoreServer, Requests};

use super::storage::store_at;
use super::*;

/// Files, each of which has more than is fetched together: rows that a query may find, and bytes that cannot be
/// packed.
const FILES: i64 = 15;
const ROWS: i64 = 64;
const RAW: u64 = 6 << 10;
/// How far away the store is: long enough that whatever is asked for together arrives while the first waits.
const AWAY: Duration = Duration::from_millis(200);

/// Each row has a name of its own, an actor that others have as well, and a verb that all of its file have.
fn push(file: i64, row: i64, batch: &mut Batch) {
    let time = file * ROWS + row;
    let (name, actor) = (format!("object-{time}"), format!("actor-{}", row % 8));
    let texts = Texts {
        stage: "ResponseComplete",
        actor: &actor,
        verb: if file == 3 { "delete" } else { "get" },
        name: &name,
        ..Texts::default()
    };
    let noise = (0..RAW / 8).flat_map(|at| {
        let seed = (time.unsigned_abs() * RAW + at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (seed ^ seed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9).to_le_bytes()
    });
    let event = Id::builder("cold").number(time).finish();
    let time = Timestamp::from_nanos(time);
    batch.push(&Row { event, time, code: 200, texts, raw: &noise.collect::<Vec<_>>() });
}

async fn filled(server: &ObjectStoreServer, files: i64) {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = opened(server, folder.path(), |_| ()).await;
    for file in 0..files {
        let taken = Timestamp::from_nanos(file);
        let mut batch = Batch::new(&Tenant::default(), &Cluster::default(), taken);
        (0..ROWS).for_each(|row| push(file, row, &mut batch));
        archive.append(batch).await.unwrap();
        seal(&archive, &work).await;
    }
    work.settle_all().await.unwrap();
    assert!(archive.files().1 > files as u64 * ROWS as u64 * RAW);
    close(work).await;
}

async fn opened(
    server: &ObjectStoreServer,
    folder: &Path,
    change: impl FnOnce(&mut crate::ObjectStore),
) -> (Archive, Housekeeping) {
    let mut store = store_at(server, "one");
    change(&mut store);
    let settings = Settings { object_store: Some(store), ..Settings::new(folder.to_owned()) };
    Archive::open(settings).await.unwrap()
}

/// What a page costs an archive that was just opened, and how many records it has.
async fn cost(
    server: &ObjectStoreServer,
    change: impl FnOnce(&mut crate::ObjectStore),
    query: Query,
) -> (Requests, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = opened(server, folder.path(), change).await;
    server.count_anew();
    let found = archive.query(query).await.unwrap().records.len();
    let cost = server.requests();
    close(work).await;
    (cost, found)
}

#[tokio::test]
async fn a_cold_question_waits_a_few_times_however_many_files_it_reads() {
    let server = ObjectStoreServer::start().unwrap();
    filled(&server, FILES).await;
    server.set_delay(AWAY);
    let all = || Query::of(&Tenant::default());
    let size = RAW * ROWS as u64;

    // One row in each of eight: every file is opened and looked into, in 1, 2, 4 and 8 at a time; of each the
    // page takes some records.
    let (everywhere, found) =
        cost(&server, |_| (), all().text(Field::Actor, "actor-5").without_raw().limit(1000)).await;
    assert_eq!(found, (FILES * ROWS / 8) as usize);
    // The end of each and its columns, which lie together.
    assert_eq!(
        (everywhere.parts, everywhere.whole, everywhere.others),
        (30, 0, 0),
        "{everywhere:?}"
    );
    assert!(everywhere.rounds <= 8, "twice for each of 1, 2, 4 and 8 files: {everywhere:?}");
    assert!(everywhere.bytes < FILES as u64 * size / 2, "{everywhere:?}");

    // With what was sent, which is most of a file.
    let (whole, found) = cost(&server, |_| (), all().text(Field::Actor, "actor-5")).await;
    assert_eq!(found, 100);
    assert!(whole.rounds <= 9 && whole.parts <= 60, "{whole:?}");

    // Statistics, filters and dictionaries leave the others out.
    let (one, found) =
        cost(&server, |_| (), all().text(Field::Name, "object-70").without_raw()).await;
    assert_eq!(found, 1);
    assert!(one.parts <= 17 && one.rounds <= 6, "{one:?}");
    let (one, found) = cost(&server, |_| (), all().text(Field::Verb, "delete").without_raw()).await;
    assert_eq!(found, ROWS as usize);
    assert!(one.parts <= 16 && one.rounds <= 5, "{one:?}");
    let (none, found) = cost(&server, |_| (), all().code(403)).await;
    assert_eq!((found, none.parts), (0, FILES as u64), "{none:?}");
    let (last, found) = cost(&server, |_| (), all().limit(3).without_raw()).await;
    assert_eq!((found, last.parts), (3, 2), "{last:?}");
}

#[tokio::test]
async fn no_more_requests_are_made_at_a_time_than_settings_say_and_nothing_need_be_kept() {
    let server = ObjectStoreServer::start().unwrap();
    filled(&server, 6).await;
    server.set_delay(AWAY / 10);
    let query = || Query::of(&Tenant::default()).text(Field::Actor, "actor-5").limit(1000);
    let (few, found) = cost(&server, |store| store.max_requests = 3, query()).await;
    assert_eq!(found, 48);
    assert!((2..=3).contains(&few.most_at_a_time), "some at a time, and three at most: {few:?}");
    server.set_delay(Duration::ZERO);
    // Without any memory each part is fetched when it is read; the answer is the same.
    let (_, found) = cost(&server, |store| store.cache_bytes = 0, query().limit(20)).await;
    assert_eq!(found, 20);
}
