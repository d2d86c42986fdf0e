//! Versions of a record: which of two with the same id counts, whichever comes first.

use std::cmp::Ordering;
use std::sync::Arc;

use airside_types::{Detection, Payload, Place, Record, Timestamp};

/// A record that is kept.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) record: Arc<Record>,
    /// The latest ingest time of this version, from which the horizon is measured.
    pub(super) ingested: Timestamp,
}

/// Whether a record describes the world for long (facts, findings, boarding passes), or is an event.
pub(crate) fn is_context(record: &Record) -> bool {
    match record.payload {
        Payload::Finding(_) | Payload::BoardingPass(_) | Payload::Fact(_) => true,
        Payload::Decision(_) | Payload::Detection(_) | Payload::Gap(_) => false,
    }
}

/// Whether two records say the same; when they were seen is not part of it.
pub(crate) fn same_content(a: &Record, b: &Record) -> bool {
    a.event_time == b.event_time && a.source == b.source && a.payload == b.payload
}

/// Whether a record replaces one with the same id: a newer version of the rule, then the one that counts more
/// repeats, then the later word of the source, then the later sight of it; what is left is decided by content, so that every order of
/// arrival ends alike.
pub(crate) fn is_newer(record: &Record, (held, ingested): (&Record, Timestamp)) -> bool {
    let versions = rule_version(record).cmp(&rule_version(held));
    let by_time = versions
        .then(repeats(record).cmp(&repeats(held)))
        .then(record.event_time.cmp(&held.event_time))
        .then(record.ingest_time.cmp(&ingested));
    let by_content = || {
        let places = origin(record).cmp(&origin(held));
        let text = |record: &Record| format!("{:?}{:?}", record.source, record.payload);
        places.then_with(|| text(record).cmp(&text(held)))
    };
    by_time.then_with(by_content) == Ordering::Greater
}

const fn rule_version(record: &Record) -> u32 {
    match &record.payload {
        Payload::Detection(detection) => detection.rule_version,
        _ => 0,
    }
}

const fn repeats(record: &Record) -> u64 {
    match &record.payload {
        Payload::Detection(Detection { repeats: Some(repeats), .. }) => repeats.count,
        _ => 0,
    }
}

fn origin(record: &Record) -> Option<&Place> {
    match &record.payload {
        Payload::Detection(detection) => detection.origin.as_ref(),
        Payload::Decision(decision) => decision.origin.as_ref(),
        _ => None,
    }
}
