//! Events that were recorded: folded in the order in which they stand in files, as if they arrived when they happened.

use std::time::Duration;

use airside_detect::Intake;
use airside_detect::audit::{Event, Telling, sight};
use airside_types::{Record, SightingBatch, Suppression, Timestamp};

use crate::{ClusterKey, Limits, Sift, Sifted};

/// The fold of recorded events of one cluster.
#[derive(Debug)]
pub struct Recorded {
    sift: Sift,
    telling: Telling,
    batch: Option<SightingBatch>,
}

/// How many events are folded at a time.
const AT_A_TIME: usize = 256;

impl Recorded {
    /// Nothing folded yet. An event that stands in two files is told once, however far apart they are.
    pub fn new(telling: Telling) -> Self {
        let limits = Limits {
            seen_for: Duration::from_hours(10 * 365 * 24),
            seen: 4_000_000,
            ..Limits::default()
        };
        Self { sift: Sift::new(limits), telling, batch: None }
    }

    /// Takes an event of so many bytes in, with what people's own rules find in it. What is told may be of events that
    /// were taken before.
    pub fn take(
        &mut self,
        event: &Event<'_>,
        bytes: usize,
        intake: &Intake<'_>,
        own: Vec<Record>,
    ) -> Sifted {
        let (tenant, cluster) = (intake.tenant, intake.cluster);
        let new = || SightingBatch::new(tenant.clone(), cluster.clone(), Timestamp::EPOCH);
        let batch = self.batch.get_or_insert_with(new);
        sight(event, bytes, intake, self.telling, own, batch);
        if batch.events() < AT_A_TIME { Sifted::default() } else { self.fold(intake) }
    }

    /// What is left when nothing follows.
    pub fn finish(&mut self, intake: &Intake<'_>) -> Sifted {
        let mut sifted = self.fold(intake);
        sifted.told.extend(self.sift.finish());
        arrived(sifted)
    }

    /// What was not told, by reason and rule.
    pub fn ledger(&self, key: &ClusterKey) -> impl Iterator<Item = &Suppression> {
        self.sift.ledger(key)
    }

    fn fold(&mut self, intake: &Intake<'_>) -> Sifted {
        let Some(mut batch) = self.batch.take() else { return Sifted::default() };
        let quiet = batch.quiet.iter().map(|quiet| quiet.last);
        let last = batch.sightings.iter().map(|it| it.time).chain(quiet).max();
        batch.ingest_time = last.unwrap_or(batch.ingest_time);
        arrived(self.sift.take(batch, intake.profile))
    }
}

/// Recorded events arrive when they happen.
fn arrived(mut sifted: Sifted) -> Sifted {
    for record in sifted.told.iter_mut().chain(&mut sifted.rolled_up) {
        record.ingest_time = record.event_time;
    }
    sifted
}
