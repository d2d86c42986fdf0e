//! Bodies that become much more than they are: what is in memory of them, what is durable, and who works on them.

mod lost_sightings;
mod room_for_others;
mod turns;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use airside_archive::Query;
use airside_ports::testsuite::{TakingLog, Turn};
use airside_ports::{LogError, Stream};
use airside_service::HttpError;
use airside_service::budget::Budget;
use airside_service::intake::PIECE_BYTES;
use airside_types::{Id, SightingBatch, Tenant};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::poll_immediate;

use crate::testing::{received, sightings, webhook};
use crate::{Sender, Webhook};

/// As many requests of one who is anonymous, of which each is told.
fn anonymous(events: usize) -> String {
    anonymous_with(events, 0)
}

/// The same, with an object of so many bytes each.
fn anonymous_with(events: usize, bytes: usize) -> String {
    let object = "x".repeat(bytes);
    let event = |number: usize| {
        format!(
            r#"{{"auditID":"{number}","verb":"get","user":{{"username":"system:anonymous"}},"objectRef":{{"resource":"pods","name":"p"}},"responseStatus":{{"code":200}},"requestObject":{{"x":"{object}"}}}}"#
        )
    };
    let items: Vec<_> = (0..events).map(event).collect();
    format!(r#"{{"kind":"EventList","items":[{}]}}"#, items.join(","))
}

/// What CloudWatch has of as many parts, each of these bytes packed.
fn packed(parts: usize, plain: &[u8]) -> String {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    let data = STANDARD.encode(encoder.finish().unwrap());
    let records = vec![format!(r#"{{"data":"{data}"}}"#); parts];
    format!(r#"{{"records":[{}]}}"#, records.join(","))
}

async fn take(webhook: &Webhook, budget: &Budget, body: &str) -> Result<(), HttpError> {
    webhook.understand(Sender::Cloud, received(body.to_owned()), budget.hold()).await
}

fn events_of(appends: &[Vec<SightingBatch>]) -> BTreeSet<Id> {
    let batches = appends.iter().flatten();
    batches.flat_map(|batch| &batch.sightings).map(|sighting| sighting.event).collect()
}

fn budget() -> Budget {
    Budget::new(256 << 20)
}

#[tokio::test]
async fn what_a_body_tells_goes_to_the_log_in_pieces_and_an_ordinary_one_as_a_whole() {
    const EVENTS: usize = 6_000;
    for (events, is_one) in [(400, true), (EVENTS, false)] {
        let log = Arc::new(TakingLog::default());
        let body = anonymous(events);
        take(&webhook(&log, None).await.0, &budget(), &body).await.unwrap();
        let appends = sightings(&log);
        assert_eq!(events_of(&appends).len(), events);
        assert_eq!(appends.len() == 1, is_one, "{}", appends.len());
        let weight = |append: &Vec<SightingBatch>| append.iter().map(SightingBatch::weight).sum();
        let weights: Vec<usize> = appends.iter().map(weight).collect();
        assert!(weights.iter().all(|it| *it < PIECE_BYTES), "{} become {weights:?}", body.len());
        assert!(
            weights.iter().sum::<usize>() > 3 * body.len(),
            "{} become {weights:?}",
            body.len()
        );
    }
}

#[tokio::test]
async fn what_is_answered_with_success_is_durable_and_what_comes_again_is_the_same() {
    const EVENTS: usize = 40;
    let (log, folder) = (Arc::new(TakingLog::default()), tempfile::tempdir().unwrap());
    let (webhook, _archiving) = webhook(&log, Some(folder.path())).await;
    let (body, budget) = (anonymous_with(EVENTS, 300 << 10), budget());
    log.next_turns([Turn::Takes, Turn::Takes, Turn::Refuses(LogError::Closed)]);
    let refused = take(&webhook, &budget, &body).await.unwrap_err();
    assert_eq!(refused.status.as_u16(), 503, "{refused}");
    let first = sightings(&log);
    assert_eq!(first.len(), 2, "nothing follows what failed");
    take(&webhook, &budget, &body).await.unwrap();
    let all = sightings(&log);
    assert_eq!(all[2..4], first[..], "the same pieces");
    assert!(all.len() > 5, "{}", all.len());
    assert_eq!(events_of(&all[2..]).len(), EVENTS);
    let (archive, mut kept) = (webhook.raw.archive().unwrap(), BTreeSet::new());
    let mut query = Some(Query::of(&Tenant::default()).limit(EVENTS));
    while let Some(asked) = query {
        let page = archive.query(asked.clone()).await.unwrap();
        kept.extend(page.records.iter().map(|record| record.event));
        query = page.next.map(|cursor| asked.after(cursor));
    }
    assert_eq!(kept, events_of(&all[2..]), "each event leads to its raw record");
}

#[tokio::test]
async fn letters_about_a_body_are_few_however_many_pieces_it_becomes() {
    let log = Arc::new(TakingLog::default());
    let body = anonymous(3_000).replace("\"items\":[", &format!("\"items\":[{}", "1,".repeat(500)));
    take(&webhook(&log, None).await.0, &budget(), &body).await.unwrap();
    assert!(sightings(&log).len() > 1);
    assert_eq!(log.entries(Stream::DeadLetters), 101);
}

#[test]
fn what_is_packed_in_a_body_is_unpacked_off_the_async_threads() {
    let many = packed(40, &[b' '; 64 << 10]);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build().unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let log = Arc::new(TakingLog::default());
        let (webhook, budget) = (webhook(&log, None).await.0, budget());
        drop(tokio::task::spawn_blocking(move || released.recv().is_ok()));
        for (body, is_small) in [
            (packed(1, anonymous(2).as_bytes()), true),
            (packed(1, &vec![b' '; 1 << 20]), false),
            (many, false),
        ] {
            assert!(body.len() < 64 << 10, "{}", body.len());
            let mut taking = Box::pin(take(&webhook, &budget, &body));
            assert_eq!(poll_immediate(&mut taking).await.is_some(), is_small, "{}", body.len());
        }
    });
    drop(release);
}

#[tokio::test]
async fn what_is_packed_in_a_body_takes_of_the_memory_of_all_bodies() {
    let body = packed(1, &vec![b' '; 16 << 20]);
    let log = Arc::new(TakingLog::default());
    let webhook = webhook(&log, None).await.0;
    for (in_all, others, status) in
        [(64, 32, Some(429)), (64, 0, None), (256, 32, None), (2, 0, None), (2, 1, Some(429))]
    {
        let budget = Budget::new(in_all << 20);
        let mut other = budget.hold();
        other.cover(others << 20).unwrap();
        let taken = take(&webhook, &budget, &body).await;
        let refused = taken.err().map(|error| error.status.as_u16());
        assert_eq!(refused, status, "{others} of {in_all} MiB are taken");
    }
    assert_eq!(
        log.entries(Stream::DeadLetters),
        3,
        "spaces are no event, once for each that was taken"
    );
}
