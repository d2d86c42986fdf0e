//! What becomes of what the log let go before it was read.

use std::collections::BTreeMap;

use airside_correlate::Settings;
use airside_ports::testsuite::SetClock;
use airside_ports::{LostRange, Offset};
use airside_store::MemoryStore;
use airside_telemetry::Metrics;
use airside_types::{Cluster, Entity, Fact, Gap, Relation, Tenant, Timestamp};
use airside_wire::{decode_record, encode_records};

use super::*;

async fn owner() -> IncidentOwner {
    let clock = SetClock::default();
    clock.set(at(900));
    let metrics = Metrics::new();
    IncidentOwner {
        engine: Engine::new(Settings::default()),
        state: State::open(Arc::new(MemoryStore::new())).await.unwrap(),
        view: Arc::default(),
        clock: Arc::new(clock),
        read: ReadUpTo::default(),
        pending: Vec::new(),
        records: metrics.counter("airside_test_records_total", "test"),
        revisions: metrics.counter("airside_test_revisions_total", "test"),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(1_800_000_000_000_000_000 + second * 1_000_000_000)
}

/// A fact of a tenant's cluster that was taken in at a time.
fn fact(tenant: &str, cluster: &str, source: Source, second: i64) -> Record {
    let (tenant, cluster) = (Tenant::new(tenant).unwrap(), Cluster::new(cluster).unwrap());
    let pod = Entity::pod("shop", &format!("web-{second}"), Some("u-1"));
    let relation = Relation::Exists;
    let from = at(second);
    let fact = Fact { subject: pod.clone(), relation, object: pod, from, until: None };
    Record {
        id: fact.id(&tenant, &cluster),
        tenant,
        cluster,
        source,
        event_time: from,
        ingest_time: from,
        payload: Payload::Fact(fact),
    }
}

fn entry(records: &[Record]) -> StoredEntry {
    let message = MessageType::RecordBatch.as_str().to_owned();
    let headers = Headers { message, trace_parent: None };
    let payload = encode_records(records).unwrap();
    let entry = Entry { partition: INCIDENTS_PARTITION, headers, payload };
    StoredEntry { offset: Offset(900), entry }
}

/// The gaps among what is kept, by tenant and cluster.
fn gaps(effects: &Effects) -> Vec<(String, Gap)> {
    let kept = effects.batch.writes.iter().filter_map(|write| write.value.clone());
    let records = kept.filter_map(|value| decode_record(&value).ok());
    let gaps = records.filter_map(|record| match record.payload {
        Payload::Gap(gap) => Some((format!("{}/{}", record.tenant, record.cluster), gap)),
        _ => None,
    });
    let mut gaps: Vec<_> = gaps.collect();
    gaps.sort();
    gaps
}

#[tokio::test]
async fn what_was_removed_before_it_was_read_is_a_gap_of_every_source_of_every_cluster() {
    let mut owner = owner().await;
    let known = [
        fact("acme", "blue", Source::Audit, 10),
        fact("acme", "blue", Source::Falco, 20),
        fact("acme", "blue", Source::Scan, 25),
        fact("other", "red", Source::Tetragon, 30),
    ];
    let [scanned, others] = [&known[2..3], &[&known[..2], &known[3..]].concat()];
    let mut before = Effects::default();
    owner.apply(Stream::Activity, &entry(others), &mut before).await.unwrap();
    owner.apply(Stream::Configuration, &entry(scanned), &mut before).await.unwrap();
    assert_eq!(gaps(&before), []);

    let range = LostRange { from: Offset(5), until: Offset(900) };
    let next = entry(&[fact("other", "red", Source::Tetragon, 500)]);
    let every = "acme/blue audit, acme/blue falco, other/red tetragon";
    // Up to when one stream was read says nothing of the other.
    for (stream, next, (from, until), told) in [
        (Stream::Activity, Some(&next), (30, 500), every),
        (Stream::Activity, None, (30, 900), every),
        (Stream::Configuration, None, (25, 900), "acme/blue scan"),
    ] {
        let mut effects = Effects::default();
        owner.lost(Lost { stream, range, goes_on: false, next }, &mut effects).await;
        let found = gaps(&effects);
        let sources: Vec<_> =
            found.iter().map(|(of, gap)| format!("{of} {}", gap.source)).collect();
        assert_eq!(sources.join(", "), told);
        for (_, gap) in found {
            assert_eq!((gap.from, gap.until, gap.lost), (at(from), at(until), None));
        }
    }
}

#[tokio::test]
async fn a_loss_that_goes_on_replaces_what_was_told_of_it() {
    let mut owner = owner().await;
    let known = [fact("acme", "blue", Source::Audit, 10)];
    owner.apply(Stream::Activity, &entry(&known), &mut Effects::default()).await.unwrap();
    let mut kept = BTreeMap::new();
    for (goes_on, end, second) in [(false, 50, 100), (true, 90, 200), (true, 95, 150)] {
        let range = LostRange { from: Offset(5), until: Offset(end) };
        let next = entry(&[fact("acme", "blue", Source::Audit, second)]);
        let lost = Lost { stream: Stream::Activity, range, goes_on, next: Some(&next) };
        let mut effects = Effects::default();
        owner.lost(lost, &mut effects).await;
        kept.extend(effects.batch.writes.into_iter().map(|write| (write.key, write.value)));
    }
    let records = kept.into_values().filter_map(|value| decode_record(&value?).ok());
    let gaps: Vec<_> = records
        .filter_map(|record| match record.payload {
            Payload::Gap(gap) => Some((gap.from, gap.until)),
            _ => None,
        })
        .collect();
    assert_eq!(gaps, [(at(10), at(200))], "one, as long as the longest that was told");
}

#[tokio::test]
async fn of_a_log_whose_beginning_is_gone_nothing_is_told_to_clusters_that_nobody_knows() {
    let mut effects = Effects::default();
    let range = LostRange { from: Offset::START, until: Offset(900) };
    let lost = Lost { stream: Stream::Activity, range, goes_on: false, next: None };
    owner().await.lost(lost, &mut effects).await;
    assert_eq!(gaps(&effects), []);
}
