//! Queries against a naive filter over the same rows, in whatever of segments and files they lie, on the disk
//! or in an object store.

use airside_testkit::ObjectStoreServer;
use proptest::prelude::*;

use super::storage::store_at;
use super::*;

fn row() -> impl Strategy<Value = Small> {
    let of = (0..2usize, 0..2usize, 0..40i64, 0..3u8);
    (of, 0..3usize, 0..3usize, 0..5u8).prop_map(
        |((tenant, cluster, time, number), actor, verb, name)| {
            // What an event is does not change when it is sent again.
            let (actor, verb) = ((actor + usize::from(number)) % 3, verb);
            Small { tenant, cluster, time, number, actor, verb, name }
        },
    )
}

/// What is asked for, as a query and as a filter.
#[derive(Debug, Clone)]
struct Asked {
    cluster: Option<usize>,
    from: i64,
    until: i64,
    actor: Option<usize>,
    verb: Option<usize>,
    name: Option<u8>,
    limit: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let some = |count: usize| prop::option::of(0..count);
    (some(2), 0..30i64, 10..45i64, some(3), some(3), some(5), 1..6usize).prop_map(
        |(cluster, from, until, actor, verb, name, limit)| {
            let name = name.map(|name| u8::try_from(name).unwrap());
            Asked { cluster, from, until, actor, verb, name, limit }
        },
    )
}

impl Asked {
    fn query(&self, tenant: &Tenant) -> Query {
        let mut query = Query::of(tenant).limit(self.limit);
        query = query.from(Timestamp::from_nanos(self.from));
        query = query.until(Timestamp::from_nanos(self.until));
        if let Some(cluster) = self.cluster {
            query = query.cluster(Cluster::new(CLUSTERS[cluster]).unwrap());
        }
        for (field, text) in [
            (Field::Actor, self.actor.map(|it| ACTORS[it].to_owned())),
            (Field::Verb, self.verb.map(|it| VERBS[it].to_owned())),
            (Field::Name, self.name.map(|it| format!("web-{it}"))),
        ] {
            if let Some(text) = text {
                query = query.text(field, &text);
            }
        }
        query
    }

    fn wants(&self, row: &Small) -> bool {
        row.tenant == 0
            && self.cluster.is_none_or(|it| it == row.cluster)
            && (self.from..self.until).contains(&row.time)
            && self.actor.is_none_or(|it| it == row.actor)
            && self.verb.is_none_or(|it| it == row.verb)
            && self.name.is_none_or(|it| it == row.name)
    }
}

/// One content for each identity: the first that came.
fn distinct(rows: &[Small]) -> Vec<Small> {
    let mut distinct: Vec<Small> = Vec::new();
    for row in rows {
        if distinct.iter().all(|known| known.id() != row.id()) {
            distinct.push(*row);
        }
    }
    distinct
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn pages_have_what_a_naive_filter_has_each_once_and_in_order(
        rows in prop::collection::vec((row(), 0..16u8), 1..40),
        asked in prop::collection::vec(asked(), 1..6),
        is_in_store: bool,
    ) {
        let all = distinct(&rows.iter().map(|(row, _)| *row).collect::<Vec<_>>());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let server = is_in_store.then(|| ObjectStoreServer::start().unwrap());
            let object_store = server.as_ref().map(|server| store_at(server, "one"));
            let settings = Settings { object_store, ..Settings::new(folder.path().to_owned()) };
            let (archive, work) = Archive::open(settings).await.unwrap();
            for (row, then) in &rows {
                let known = all.iter().find(|known| known.id() == row.id()).unwrap();
                archive.append(known.batch()).await.unwrap();
                match then {
                    // Sent again, before or after a segment is closed.
                    0 => archive.append(known.batch()).await.unwrap(),
                    1 => seal(&archive, &work).await,
                    2 => archive.close_segment().await,
                    3 => work.settle_all().await.unwrap(),
                    4 => work.merge_small().await,
                    _ => {}
                }
            }
            for asked in &asked {
                let found = all_pages(&archive, asked.query(&Tenant::default())).await;
                let mut expected: Vec<_> = all.iter().filter(|row| asked.wants(row)).collect();
                expected.sort_by_key(|row| std::cmp::Reverse((row.time, row.id())));
                let expected: Vec<_> = expected.into_iter().map(Small::raw).collect();
                assert_eq!(raws(&found), expected, "{asked:?}");
            }
            close(work).await;
        });
    }
}
