//! A tenant with very many clusters: how many files they make, and that each finds what is its own.

use proptest::prelude::*;

use super::*;

/// More than have a file of their own.
const MANY: usize = 40;
/// As many files as little of one tenant and day becomes: a few of one cluster each, and one that the others share.
const MOST_FILES: u64 = 9;

fn cluster(number: usize) -> Cluster {
    Cluster::new(&format!("cluster-{number}")).unwrap()
}

/// What happened in a cluster at a time.
fn batch(number: usize, time: i64) -> Batch {
    let actor = ACTORS[number % ACTORS.len()];
    let texts = Texts { stage: "ResponseComplete", actor, ..Texts::default() };
    let event = Id::builder("clusters").number(time).number(number as i64).finish();
    let raw = format!("{number}@{time}");
    let time = Timestamp::from_nanos(time);
    let mut batch = Batch::new(&Tenant::default(), &cluster(number), time);
    batch.push(&Row { event, time, code: 200, texts, raw: raw.as_bytes() });
    batch
}

fn query() -> Query {
    Query::of(&Tenant::default()).limit(40)
}

#[tokio::test]
async fn however_many_clusters_a_tenant_has_its_files_are_few_and_each_finds_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (mut archive, mut work) = open(folder.path()).await;
    for number in 0..MANY {
        archive.append(batch(number, 7)).await.unwrap();
    }
    // The one of which most came is by itself in a file of its name.
    archive.append(batch(MANY - 1, 8)).await.unwrap();
    seal(&archive, &work).await;
    let own = folder.path().join("records/default").join(cluster(MANY - 1).as_str());
    assert!(own.is_dir());
    for _restarted in [false, true] {
        // The last one is of another tenant, which closes the segment.
        assert!(archive.files().0 <= MOST_FILES + 1, "{}", archive.files().0);
        for number in 0..MANY {
            let found = all_pages(&archive, query().cluster(cluster(number))).await;
            let times = if number == MANY - 1 { vec![8, 7] } else { vec![7] };
            let expected: Vec<_> = times.iter().map(|time| format!("{number}@{time}")).collect();
            assert_eq!(raws(&found), expected);
            assert!(found.iter().all(|record| record.cluster == cluster(number)));
        }
        let none = all_pages(&archive, query().cluster(cluster(MANY))).await;
        assert_eq!((all_pages(&archive, query()).await.len(), none.len()), (MANY + 1, 0));
        close(work).await;
        (archive, work) = open(folder.path()).await;
    }
    close(work).await;
}

#[tokio::test]
async fn what_is_the_same_in_two_clusters_that_share_a_file_is_found_in_both() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    let same = Row { event: Id::from_bytes([7; 16]), raw: b"{}", ..Row::default() };
    for number in 0..MANY {
        let mut batch = Batch::new(&Tenant::default(), &cluster(number), Timestamp::EPOCH);
        batch.push(&same);
        archive.append(batch).await.unwrap();
    }
    for _sealed in [false, true] {
        for number in 0..MANY {
            let found = all_pages(&archive, query().cluster(cluster(number))).await;
            assert_eq!(raws(&found), ["{}"], "{number}");
        }
        seal(&archive, &work).await;
    }
    close(work).await;
}

#[tokio::test]
async fn files_that_clusters_share_are_merged_into_one_that_they_share() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, work) = open(folder.path()).await;
    for time in 0..8 {
        for number in 0..MANY {
            archive.append(batch(number, time)).await.unwrap();
        }
        seal(&archive, &work).await;
    }
    let before = archive.files().0;
    work.merge_small().await;
    let after = archive.files().0;
    // Nothing but small files: each cluster with one of its own has one left, and the others share one.
    assert!(before > after && after <= MOST_FILES + 1, "{before} {after}");
    for number in [0, MANY / 2, MANY - 1] {
        let found = all_pages(&archive, query().cluster(cluster(number))).await;
        let expected: Vec<_> = (0..8).rev().map(|time| format!("{number}@{time}")).collect();
        assert_eq!(raws(&found), expected);
    }
    assert_eq!(all_pages(&archive, query()).await.len(), 8 * MANY);
    close(work).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn pages_over_shared_files_have_what_a_naive_filter_has(
        rows in prop::collection::btree_set((0..MANY, 0..20i64), 60..150),
        asked in prop::collection::vec((0..MANY, prop::option::of(0..3usize), 0..20i64), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (archive, work) = open(folder.path()).await;
            for (number, time) in &rows {
                archive.append(batch(*number, *time)).await.unwrap();
            }
            seal(&archive, &work).await;
            for (number, actor, from) in asked {
                let mut query = query().limit(3).cluster(cluster(number));
                query = query.from(Timestamp::from_nanos(from));
                if let Some(actor) = actor {
                    query = query.text(Field::Actor, ACTORS[actor]);
                }
                let wants = |(of, time): &&(usize, i64)| {
                    *of == number && *time >= from && actor.is_none_or(|it| it == number % 3)
                };
                let expected: Vec<_> =
                    rows.iter().rev().filter(wants).map(|(of, at)| format!("{of}@{at}")).collect();
                assert_eq!(raws(&all_pages(&archive, query).await), expected);
            }
            close(work).await;
        });
    }
}
