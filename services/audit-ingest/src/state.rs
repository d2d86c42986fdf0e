//! The sift's state in the store: a row for each part of what is known of a cluster.
//!
//! A key is tenant, cluster, what the row is, and which. What a row holds is read as strictly as what comes over the
//! wire; a row that cannot be read is learnt anew, and told.

use std::sync::Arc;

use airside_baseline::StateKey;
use airside_ports::{Batch, KeyRange, Keyspace, Order, Store};
use airside_sift::{Change, ClusterKey, Limits, Rolled, Sift};
use airside_types::{Cluster, Id, Tenant, Timestamp};
use airside_wire::{
    EncodeError, decode_record, decode_suppression, encode_record, encode_suppression,
};
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What is known of clusters.
const SIFT: Keyspace = Keyspace::new("audit-ingest.sift");
/// How many pairs are read at a time.
const PAGE: usize = 1024;

/// What a row is: a letter of its key, which never changes.
const BEHAVIOUR: u8 = b'b';
const SEEN: u8 = b's';
const COUNTED: u8 = b'c';
const WINDOW: u8 = b'w';
const ROLLED: u8 = b'r';
const LEDGER: u8 = b'l';
const CASCADE: u8 = b'k';
const GRANT: u8 = b'g';
const FOLDED: u8 = b'f';

/// Adds a change of a cluster to a commit.
pub(crate) fn keep(
    cluster: &ClusterKey,
    change: Change,
    batch: &mut Batch,
) -> Result<(), EncodeError> {
    let key = |kind: u8, which: &[u8]| key(cluster, &[&[kind], which].concat());
    let (key, value) = match change {
        Change::Behaviour(of, bytes) => (key(BEHAVIOUR, &of.to_bytes()), bytes.map(Bytes::from)),
        Change::Seen(row, events) => {
            (key(SEEN, row.as_bytes()), events.map(|(time, events)| seen(time, &events)))
        }
        Change::Counted(id, record) => {
            let record = record.map(|record| encode_record(&record)).transpose()?;
            (key(COUNTED, id.as_bytes()), record)
        }
        Change::Window(id, bytes) => (key(WINDOW, id.as_bytes()), bytes.map(Bytes::from)),
        Change::Rolled(id, rolled) => {
            let rolled = rolled.map(|rolled| encode_rolled(&rolled)).transpose()?;
            (key(ROLLED, id.as_bytes()), rolled)
        }
        Change::Cascade(id, bytes) => (key(CASCADE, id.as_bytes()), bytes.map(Bytes::from)),
        Change::Grant(id, bytes) => (key(GRANT, id.as_bytes()), bytes.map(Bytes::from)),
        Change::Ledger(line) => {
            let which = [line.reason.as_str(), &line.rule].join("\0");
            (key(LEDGER, which.as_bytes()), Some(encode_suppression(&cluster.1, &line)?))
        }
        Change::Folded(number) => {
            (key(FOLDED, &[]), Some(Bytes::copy_from_slice(&number.to_be_bytes())))
        }
    };
    match value {
        Some(value) => batch.put(SIFT, key, value),
        None => batch.delete(SIFT, key),
    }
    Ok(())
}

/// Shows each cluster that was ever seen, one after the other, as far as it was kept: the ledger, and which grants were
/// used; and how often it is heard of: one that has fallen silent brings its state back by no batch.
pub(crate) async fn show(
    store: &dyn Store,
    show: &mut (dyn FnMut(&ClusterKey, &Sift) + Send),
) -> anyhow::Result<()> {
    let mut shown = Sift::new(Limits::default());
    let mut take = |key: Bytes, value| {
        let part = cluster_of(&key).and_then(|(_, part)| part.split_first());
        let is_shown = part.is_some_and(|(kind, of)| match *kind {
            LEDGER | FOLDED | GRANT => true,
            BEHAVIOUR => StateKey::from_bytes(of).is_some_and(StateKey::is_of_pace),
            _ => false,
        });
        if is_shown && let Some((cluster, row)) = read(&key, value) {
            // The rows of a cluster stand together, and no more than one is in memory.
            if !shown.has(&cluster) {
                shown.clusters().for_each(|key| show(key, &shown));
                shown = Sift::new(Limits::default());
            }
            // What cannot be read is told when the cluster's state is taken back.
            let _taken = shown.restore(cluster, row);
        }
    };
    each(store, SIFT, KeyRange::all(), &mut take).await?;
    shown.clusters().for_each(|key| show(key, &shown));
    Ok(())
}

/// Takes back all that was kept of a cluster.
pub(crate) async fn restore(
    store: &dyn Store,
    (tenant, cluster): &ClusterKey,
    sift: &mut Sift,
) -> anyhow::Result<()> {
    let prefix = [tenant.as_str(), cluster.as_str(), ""].join("\0");
    // Either all of it is there or nothing is.
    let mut rows = Vec::new();
    let mut take = |key: Bytes, value: Bytes| rows.push((key, value));
    each(store, SIFT, KeyRange::prefix(prefix.as_bytes()), &mut take).await?;
    for (key, value) in rows {
        let read = read(&key, value).ok_or_else(|| "it is damaged".to_owned());
        if let Err(why) = read.and_then(|(cluster, row)| sift.restore(cluster, row)) {
            let key = String::from_utf8_lossy(&key).into_owned();
            tracing::warn!(key, why, "a part of what is known cannot be read and is learnt anew");
        }
    }
    Ok(())
}

/// Shows the pairs of a range of a keyspace, a page at a time.
pub(crate) async fn each(
    store: &dyn Store,
    keyspace: Keyspace,
    mut range: KeyRange,
    take: &mut (dyn FnMut(Bytes, Bytes) + Send),
) -> anyhow::Result<()> {
    loop {
        let page = store.scan(keyspace, range.clone(), Order::Ascending, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        range.from = [last.as_ref(), &[0]].concat();
        page.into_iter().for_each(|(key, value)| take(key, value));
    }
}

/// The key of a part of what is known of a cluster.
pub(crate) fn key((tenant, cluster): &ClusterKey, part: &[u8]) -> Vec<u8> {
    let mut key = [tenant.as_str(), cluster.as_str(), ""].join("\0").into_bytes();
    key.extend_from_slice(part);
    key
}

/// The cluster of a key, and the part.
pub(crate) fn cluster_of(key: &[u8]) -> Option<(ClusterKey, &[u8])> {
    let mut parts = key.splitn(3, |byte| *byte == 0);
    let mut name = || std::str::from_utf8(parts.next()?).ok();
    let cluster = (Tenant::new(name()?).ok()?, Cluster::new(name()?).ok()?);
    Some((cluster, parts.next()?))
}

fn read(key: &[u8], value: Bytes) -> Option<(ClusterKey, Change)> {
    let (cluster, part) = cluster_of(key)?;
    let (kind, which) = part.split_first()?;
    let id = || <[u8; 16]>::try_from(which).ok().map(Id::from_bytes);
    let row = match *kind {
        BEHAVIOUR => Change::Behaviour(StateKey::from_bytes(which)?, Some(value.to_vec())),
        SEEN => Change::Seen(id()?, Some(decode_seen(value)?)),
        COUNTED => Change::Counted(id()?, Some(Box::new(decode_record(&value).ok()?))),
        WINDOW => Change::Window(id()?, Some(value.to_vec())),
        ROLLED => Change::Rolled(id()?, Some(Box::new(decode_rolled(value)?))),
        CASCADE => Change::Cascade(id()?, Some(value.to_vec())),
        GRANT => Change::Grant(id()?, Some(value.to_vec())),
        LEDGER => Change::Ledger(decode_suppression(&value).ok()?),
        FOLDED => Change::Folded(u64::from_be_bytes(value.as_ref().try_into().ok()?)),
        _ => return None,
    };
    Some((cluster, row))
}

fn seen(time: Timestamp, events: &[Id]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(8 + 16 * events.len());
    bytes.put_i64(time.as_nanos());
    events.iter().for_each(|event| bytes.put_slice(event.as_bytes()));
    bytes.freeze()
}

fn decode_seen(mut bytes: Bytes) -> Option<(Timestamp, Vec<Id>)> {
    let time = Timestamp::from_nanos(bytes.try_get_i64().ok()?);
    let (events, rest) = bytes.as_chunks::<16>();
    rest.is_empty().then(|| (time, events.iter().copied().map(Id::from_bytes).collect()))
}

fn encode_rolled(rolled: &Rolled) -> Result<Bytes, EncodeError> {
    let record = encode_record(&rolled.record)?;
    let mut bytes = BytesMut::with_capacity(44 + record.len());
    bytes.put_i64(rolled.opened.as_nanos());
    bytes.put_u32(rolled.told);
    bytes.put_u64(rolled.count);
    bytes.put_u64(rolled.carried_out);
    bytes.put_i64(rolled.last.as_nanos());
    bytes.put_u64(rolled.published);
    bytes.put(record);
    Ok(bytes.freeze())
}

fn decode_rolled(mut bytes: Bytes) -> Option<Rolled> {
    Some(Rolled {
        opened: Timestamp::from_nanos(bytes.try_get_i64().ok()?),
        told: bytes.try_get_u32().ok()?,
        count: bytes.try_get_u64().ok()?,
        carried_out: bytes.try_get_u64().ok()?,
        last: Timestamp::from_nanos(bytes.try_get_i64().ok()?),
        published: bytes.try_get_u64().ok()?,
        record: Arc::new(decode_record(&bytes).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use airside_detect::audit::own::Found;
    use airside_detect::audit::{Event, Request, Telling, sight};
    use airside_detect::authorised::Authorised;
    use airside_detect::{Clock, ClusterProfile, Intake};
    use airside_sift::{Limits, Sifted};
    use airside_store::MemoryStore;
    use airside_types::{Payload, SightingBatch};

    use super::*;

    /// Requests without a credential, each for another path.
    fn tries(paths: std::ops::Range<u32>) -> SightingBatch {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
        let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
        let mut batch = SightingBatch::new(tenant.clone(), cluster.clone(), Timestamp::EPOCH);
        for path in paths {
            let text = format!(
                r#"{{"auditID":"{path}","stage":"ResponseComplete","verb":"get","requestURI":"/path/{path}","user":{{"username":"system:anonymous"}},"sourceIPs":["10.0.0.9"],"responseStatus":{{"code":403}},"requestReceivedTimestamp":"2026-03-02T09:00:0{path}Z"}}"#
            );
            let event = Event::parse(&text).unwrap();
            let judging = (Telling::ToCorrelate, &Authorised::default());
            let request = Request::new(&event, intake.profile);
            sight((&request, text.len()), &intake, judging, Found::default(), &mut batch);
        }
        batch
    }

    /// It brings its state back by no batch: what is shown has to know how often it was heard of.
    #[tokio::test]
    async fn clusters_that_fell_silent_before_a_restart_are_still_listened_for() {
        let (store, profile) = (MemoryStore::new(), ClusterProfile::unknown());
        let mut before = Sift::new(Limits::default());
        let names = [("acme", "prod"), ("acme", "prod-2"), ("other", "prod")];
        for (cluster, often) in names.into_iter().zip(1..) {
            let key = (Tenant::new(cluster.0).unwrap(), Cluster::new(cluster.1).unwrap());
            for minute in 0..100 * often {
                let now = Timestamp::from_nanos(minute * 60_000_000_000);
                let mut batch = SightingBatch::new(key.0.clone(), key.1.clone(), now);
                for number in 0..100 {
                    let event = Id::builder("test").number(minute).number(number).finish();
                    batch.count(airside_types::QuietKind::Lease, event, now);
                }
                before.take(&mut batch, profile);
            }
            let mut batch = Batch::new();
            for change in before.take_changes(&key) {
                keep(&key, change, &mut batch).unwrap();
            }
            store.commit(batch).await.unwrap();
        }
        let mut after = Vec::new();
        let mut take = |key: &ClusterKey, shown: &Sift| {
            assert_eq!(shown.clusters().count(), 1, "one after the other");
            after.push((key.clone(), shown.awaits_silence(key)));
        };
        show(&store, &mut take).await.unwrap();
        let awaited = before.clusters().map(|key| (key.clone(), before.awaits_silence(key)));
        assert_eq!(after, awaited.collect::<Vec<_>>());
        assert_eq!(after.len(), 3);
    }

    fn fires(sifted: &Sifted, rule: &str) -> bool {
        let is_it = |record: &airside_types::Record| matches!(&record.payload, Payload::Detection(it) if it.rule == rule);
        sifted.told.iter().any(is_it)
    }

    #[tokio::test]
    async fn what_was_counted_before_a_restart_counts_after_it() {
        let (store, profile) = (MemoryStore::new(), ClusterProfile::unknown());
        let key = (Tenant::default(), Cluster::default());
        let mut before = Sift::new(Limits::default());
        assert!(!fires(&before.take(&mut tries(0..4), profile), "AUD-R04"));
        let mut batch = Batch::new();
        for change in before.take_changes(&key) {
            keep(&key, change, &mut batch).unwrap();
        }
        store.commit(batch).await.unwrap();
        let mut after = Sift::new(Limits::default());
        restore(&store, &key, &mut after).await.unwrap();
        assert!(fires(&after.take(&mut tries(4..5), profile), "AUD-R04"));
        let mut nothing_known = Sift::new(Limits::default());
        assert!(!fires(&nothing_known.take(&mut tries(4..5), profile), "AUD-R04"));
    }
}
