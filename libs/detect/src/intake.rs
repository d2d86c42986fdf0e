//! How what was read becomes records: whose it is, when it was seen, and ids that follow from content.
//!
//! Ids depend on tenant, cluster and the source's own identity of the event, never on when or where from
//! Airside read it: the same event twice is the same record.

use std::time::Duration;

use airside_types::{
    Cluster, Detection, Fact, Gap, Id, Payload, Place, Record, Source, Tenant, Timestamp,
};

use crate::profile::ClusterProfile;

/// What the intake of an event knows beside the event.
#[derive(Debug, Clone)]
pub struct Intake<'a> {
    /// Whose events these are.
    pub tenant: &'a Tenant,
    /// The cluster that they are about.
    pub cluster: &'a Cluster,
    /// How times are taken.
    pub clock: Clock,
    /// What is known of the cluster.
    pub profile: &'a ClusterProfile,
    /// Where this event was read from, for events from files.
    pub origin: Option<Origin<'a>>,
}

/// A line of a file.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The file as it was given.
    pub path: &'a str,
    /// The line, from 1.
    pub line: u32,
}

/// How ingest time is stamped, and how far a source's own time is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Events arrive as they happen: this is the time of arrival. An event time more than
    /// [`Clock::OLDEST`] before or [`Clock::NEWEST`] after it is a broken clock's, and arrival counts.
    Live(Timestamp),
    /// Events were recorded: they arrive when they happened.
    Recorded,
}

impl Clock {
    /// The oldest event time that is believed, before arrival.
    pub const OLDEST: Duration = Duration::from_hours(7 * 24);
    /// The newest event time that is believed, after arrival.
    pub const NEWEST: Duration = Duration::from_mins(2);

    /// Event time and ingest time for what the source says, if it says anything.
    pub(crate) fn stamp(self, said: Option<Timestamp>) -> (Timestamp, Timestamp) {
        match self {
            Self::Live(arrival) => {
                let believable = arrival.minus(Self::OLDEST)..=arrival.plus(Self::NEWEST);
                (said.filter(|time| believable.contains(time)).unwrap_or(arrival), arrival)
            }
            Self::Recorded => {
                let time = said.unwrap_or(Timestamp::EPOCH);
                (time, time)
            }
        }
    }
}

impl Intake<'_> {
    /// The identity of an event, to which a source adds what tells its events apart.
    pub(crate) fn event_id(&self, source: Source) -> airside_types::IdBuilder {
        Id::builder("event")
            .text(self.tenant.as_str())
            .text(self.cluster.as_str())
            .text(source.as_str())
    }

    /// Where the event was read from.
    pub(crate) fn place(&self) -> Option<Place> {
        let Origin { path, line } = self.origin?;
        Some(Place { path: path.into(), line, column: 0 })
    }

    /// The record of a detection about an event.
    pub(crate) fn detection(
        &self,
        source: Source,
        event: Id,
        time: Option<Timestamp>,
        detection: Detection,
    ) -> Record {
        let detection = Detection { event: Some(event), ..detection };
        let id = Record::detection_id(self.tenant, self.cluster, source, event, &detection.rule);
        self.record(source, id, time, Payload::Detection(detection))
    }

    /// The record of a fact. `fact.from` is the source's word; where a live clock does not believe it,
    /// the payload is corrected, and the id is not.
    pub(crate) fn fact(&self, source: Source, mut fact: Fact) -> Record {
        let id = fact.id(self.tenant, self.cluster);
        let said = fact.until.unwrap_or(fact.from);
        if let Clock::Live(arrival) = self.clock
            && fact.from > arrival.plus(Clock::NEWEST)
        {
            fact.from = arrival;
        }
        self.record(source, id, Some(said), Payload::Fact(fact))
    }

    /// The record of a gap.
    pub(crate) fn gap(&self, gap: Gap) -> Record {
        let id = Record::gap_id(self.tenant, self.cluster, &gap);
        self.record(gap.source, id, Some(gap.until), Payload::Gap(gap))
    }

    fn record(&self, source: Source, id: Id, said: Option<Timestamp>, payload: Payload) -> Record {
        let (event_time, ingest_time) = self.clock.stamp(said);
        Record {
            tenant: self.tenant.clone(),
            cluster: self.cluster.clone(),
            id,
            source,
            event_time,
            ingest_time,
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_times_are_believed_within_bounds() {
        let arrival = Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").unwrap();
        let live = Clock::Live(arrival);
        for (said, believed) in [
            ("2026-11-22T11:59:00Z", true),
            ("2026-11-22T12:02:00Z", true),
            ("2026-11-22T12:02:01Z", false),
            ("2026-11-15T12:00:00Z", true),
            ("2026-11-15T11:59:59Z", false),
        ] {
            let said = Timestamp::parse_rfc3339(said).unwrap();
            let expected = if believed { said } else { arrival };
            assert_eq!(live.stamp(Some(said)), (expected, arrival), "{said}");
        }
        assert_eq!(live.stamp(None), (arrival, arrival));
        let old = Timestamp::from_nanos(5);
        assert_eq!(Clock::Recorded.stamp(Some(old)), (old, old));
    }
}
