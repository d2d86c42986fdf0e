//! What the owner of clusters tells of sightings that the log let go before they were folded.

use std::sync::Arc;

use airside_ports::testsuite::TakingLog;
use airside_ports::{Entry, Headers, LostRange, Offset, Partition, StoredEntry, Stream};
use airside_service::{Effects, LogOwner, Lost};
use airside_types::{Cluster, Id, Payload, QuietKind, SightingBatch, Source, Tenant, Timestamp};
use airside_wire::{MessageType, decode_records, encode_sightings};

use crate::options::Options;
use crate::owner::{AuditOwner, LedgerView};
use crate::testing::deps;

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(1_800_000_000_000_000_000 + second * 1_000_000_000)
}

/// One event of a cluster.
fn sighting(cluster: &str, second: i64) -> StoredEntry {
    let cluster = Cluster::new(cluster).unwrap();
    let mut batch = SightingBatch::new(Tenant::default(), cluster, at(second));
    batch.count(QuietKind::Health, Id::builder("test").number(second).finish(), at(second));
    let message = MessageType::SightingBatch.as_str().to_owned();
    let headers = Headers { message, trace_parent: None };
    let payload = encode_sightings(&batch).unwrap();
    StoredEntry { offset: Offset(9), entry: Entry { partition: Partition(0), headers, payload } }
}

#[tokio::test]
async fn sightings_that_were_removed_before_they_were_folded_are_a_gap_of_every_cluster() {
    let deps = deps(&Arc::new(TakingLog::default()), None).await;
    let view = Arc::new(LedgerView::default());
    let judging = Arc::default();
    let mut owner = AuditOwner::open(&deps, &Options::default(), judging, view).await.unwrap();
    let next = sighting("red", 500);
    let lost = Lost {
        stream: Stream::Sightings,
        range: LostRange { from: Offset(3), until: Offset(9) },
        goes_on: false,
        next: Some(&next),
    };
    let mut effects = Effects::default();
    owner.lost(lost, &mut effects).await;
    assert!(effects.outputs.is_empty(), "nothing is known of whom it could be");

    for (cluster, second) in [("blue", 10), ("red", 30)] {
        let entry = sighting(cluster, second);
        owner.apply(Stream::Sightings, &entry, &mut effects).await.unwrap();
    }
    owner.settle(&mut effects);
    owner.committed();
    let mut effects = Effects::default();
    owner.lost(lost, &mut effects).await;
    let told =
        effects.outputs.iter().flat_map(|(_, entry)| decode_records(&entry.payload).unwrap());
    let gaps: Vec<_> = told
        .map(|record| match record.payload {
            Payload::Gap(gap) => (record.cluster.to_string(), gap.source, gap.from, gap.until),
            other => panic!("{other:?}"),
        })
        .collect();
    let gap = |cluster: &str| (cluster.to_owned(), Source::Audit, at(30), at(500));
    assert_eq!(gaps, [gap("blue"), gap("red")]);
}
