//! What the log let go before its owner read it, and what is known of it: when it was told, and by whom it may have been.

use std::collections::BTreeMap;
use std::time::Duration;

use airside_ports::{LostRange, StoredEntry, Stream};
use airside_types::{Cluster, Gap, Payload, Record, Source, Tenant, Timestamp};

/// Entries that were removed from a stream before they were read. The log says neither whose they were nor what they held.
#[derive(Debug, Clone, Copy)]
pub struct Lost<'a> {
    /// The stream.
    pub stream: Stream,
    /// Which entries: where losses follow each other, all of them since the first one.
    pub range: LostRange,
    /// Whether this adds to a loss that was told: no batch without one came since.
    pub goes_on: bool,
    /// The first entry that is there again; none while none is.
    pub next: Option<&'a StoredEntry>,
}

/// Who told nothing for so long before has nothing that a gap could explain; its records are older than what is kept of them.
const SILENT: Duration = Duration::from_hours(7 * 24);

impl Lost<'_> {
    /// The gap of a source of a cluster, of which something was heard last then, in the time in which nobody knows what was
    /// told; none of a cluster that was silent long before. A loss that goes on is the same record with a later end.
    pub fn gap(
        &self,
        (tenant, cluster): (&Tenant, &Cluster),
        source: Source,
        heard: Timestamp,
        (since, until): (Timestamp, Timestamp),
    ) -> Option<Record> {
        let from = since.min(until);
        if heard < from.minus(SILENT) {
            return None;
        }
        let Self { stream, range: LostRange { from: first, until: end }, .. } = self;
        let begun = Gap {
            source,
            origin: format!("the log's stream {stream}"),
            from,
            until: from,
            lost: None,
            reason: format!("entries from {first} up to {end} were removed before they were read"),
        };
        Some(Record {
            tenant: tenant.clone(),
            cluster: cluster.clone(),
            id: Record::gap_id(tenant, cluster, &begun),
            source,
            event_time: until,
            ingest_time: until,
            payload: Payload::Gap(Gap { until, ..begun }),
        })
    }
}

/// Up to when an owner has read its streams, by when the records in them were taken in.
#[derive(Debug, Default)]
pub struct ReadUpTo {
    newest: BTreeMap<Stream, Timestamp>,
    /// Since when the loss lasts that was told last.
    losing: BTreeMap<Stream, Timestamp>,
}

impl ReadUpTo {
    /// Something was read of a stream that was taken in at this time.
    pub fn note(&mut self, stream: Stream, taken_in: Timestamp) {
        let newest = self.newest.entry(stream).or_insert(taken_in);
        *newest = (*newest).max(taken_in);
    }

    /// Since when it is not known what was told; none where nothing was known before.
    pub fn since(&mut self, lost: &Lost<'_>) -> Option<Timestamp> {
        let known = self.losing.get(&lost.stream).filter(|_| lost.goes_on);
        let since = *known.or_else(|| self.newest.get(&lost.stream))?;
        self.losing.insert(lost.stream, since);
        Some(since)
    }
}

#[cfg(test)]
mod tests {
    use airside_ports::Offset;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_nanos(hour * 3_600_000_000_000)
    }

    fn lost(goes_on: bool, until: u64) -> Lost<'static> {
        let range = LostRange { from: Offset(5), until: Offset(until) };
        Lost { stream: Stream::Activity, range, goes_on, next: None }
    }

    fn told(lost: &Lost<'_>, heard: i64, (since, until): (i64, i64)) -> Option<Record> {
        let of = (&Tenant::default(), &Cluster::default());
        lost.gap(of, Source::Falco, at(heard), (at(since), at(until)))
    }

    #[test]
    fn a_loss_that_goes_on_is_the_same_record_with_a_later_end() {
        let mut read = ReadUpTo::default();
        assert_eq!(read.since(&lost(false, 9)), None);
        read.note(Stream::Activity, at(3));
        read.note(Stream::Activity, at(2));
        read.note(Stream::Configuration, at(8));
        let since = |read: &mut ReadUpTo, goes_on| read.since(&lost(goes_on, 9)).unwrap();
        assert_eq!(since(&mut read, false), at(3));
        read.note(Stream::Activity, at(6));
        assert_eq!(since(&mut read, true), at(3));
        read.note(Stream::Activity, at(7));
        assert_eq!(since(&mut read, false), at(7));

        let [first, more] = [(false, 9, 6), (true, 40, 9)]
            .map(|(goes_on, offset, until)| told(&lost(goes_on, offset), 3, (3, until)).unwrap());
        assert_eq!(first.id, more.id);
        assert!(more.event_time > first.event_time, "the later word counts");
        let Payload::Gap(gap) = more.payload else { panic!("{more:?}") };
        assert_eq!((gap.from, gap.until, gap.lost), (at(3), at(9), None));
        assert_eq!(gap.origin, "the log's stream activity");
        assert_eq!(gap.reason, "entries from 5 up to 40 were removed before they were read");
    }

    #[test]
    fn a_cluster_that_was_silent_for_a_week_is_told_of_no_gap() {
        assert!(told(&lost(false, 9), 0, (7 * 24, 200)).is_some());
        assert!(told(&lost(false, 9), 0, (7 * 24 + 1, 200)).is_none());
    }
}
