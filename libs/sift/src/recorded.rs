//! Events that were recorded: folded in the order in which they stand in files, as if they arrived when they happened.

use std::sync::Arc;
use std::time::Duration;

use airside_detect::Intake;
use airside_detect::audit::own::Found;
use airside_detect::audit::{Event, Known, Request, Telling, sight};
use airside_detect::authorised::Authorised;
use airside_detect::profile::ClusterProfile;
use airside_types::{SightingBatch, Suppression, Timestamp};

use crate::{Limits, SharedLimits, Sift, Sifted};

/// The fold of recorded events.
#[derive(Debug)]
pub struct Recorded<'a> {
    sift: Sift,
    telling: Telling,
    authorised: &'a Authorised,
    known: Arc<Known>,
    /// The profile of the last event, and how many others there were before it.
    profile: (ClusterProfile, u64),
    events: u64,
    /// The batch of the last event, whose texts the next ones share.
    batch: Option<SightingBatch>,
}

/// How many bytes of texts events share before these are forgotten.
const SHARED_TEXT_BYTES: usize = 64 << 10;

/// After how many events it is forgotten which parts of the state have changed.
const FORGET_EVERY: u64 = 4096;

impl<'a> Recorded<'a> {
    /// Nothing folded yet. An event that stands in two files is told once, however far apart they are.
    pub fn new(telling: Telling, authorised: &'a Authorised) -> Self {
        let limits = Limits {
            seen_for: Duration::from_hours(10 * 365 * 24),
            shared: SharedLimits { seen: 2_000_000, ..SharedLimits::default() },
            ..Limits::default()
        };
        Self {
            sift: Sift::new(limits),
            telling,
            authorised,
            known: Arc::default(),
            profile: (ClusterProfile::default(), 0),
            events: 0,
            batch: None,
        }
    }

    /// What is known of events that came before, for whoever reads the next ones.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    /// Takes an event of so many bytes in, with what people's own rules find in it.
    pub fn take(
        &mut self,
        event: &Event<'_>,
        bytes: usize,
        intake: &Intake<'_>,
        own: Found,
    ) -> Sifted {
        let mut batch = self.next_batch(intake);
        let number = self.number_of(intake.profile);
        let request = Request::new(event, intake.profile).among(self.known.by(number));
        sight((&request, bytes), intake, (self.telling, self.authorised), own, &mut batch);
        let quiet = batch.quiet.iter().map(|quiet| quiet.last);
        let time = batch.sightings.iter().map(|it| it.time).chain(quiet).max();
        batch.ingest_time = time.unwrap_or(Timestamp::EPOCH);
        self.events += 1;
        if self.events.is_multiple_of(FORGET_EVERY) {
            self.sift.discard_changes();
        }
        let sifted = self.sift.take(&mut batch, intake.profile);
        self.batch = Some(batch);
        arrived(sifted)
    }

    /// The number under which requests of a profile are known.
    fn number_of(&mut self, profile: &ClusterProfile) -> u64 {
        let (last, number) = &mut self.profile;
        if last != profile {
            (*last, *number) = (profile.clone(), *number + 1);
        }
        *number
    }

    /// An empty batch of the event's cluster.
    fn next_batch(&mut self, intake: &Intake<'_>) -> SightingBatch {
        let is_same = |batch: &SightingBatch| {
            batch.tenant == *intake.tenant && batch.cluster == *intake.cluster
        };
        let mut batch = self.batch.take().filter(is_same).unwrap_or_else(|| {
            let (tenant, cluster) = (intake.tenant.clone(), intake.cluster.clone());
            SightingBatch::new(tenant, cluster, Timestamp::EPOCH)
        });
        batch.clear(SHARED_TEXT_BYTES);
        batch
    }

    /// What is left when nothing follows: the detections that were told, with what they count in the end.
    pub fn finish(&mut self) -> Sifted {
        arrived(Sifted { revised: self.sift.finish(), ..Sifted::default() })
    }

    /// What was not told, by reason and rule.
    pub fn ledger(&self) -> impl Iterator<Item = &Suppression> {
        self.sift.clusters().flat_map(|key| self.sift.ledger(key))
    }
}

/// Recorded events arrive when they happen.
fn arrived(mut sifted: Sifted) -> Sifted {
    let Sifted { told, revised, rolled_up, carried_out, .. } = &mut sifted;
    for record in told.iter_mut().chain(revised).chain(rolled_up).chain(carried_out) {
        record.ingest_time = record.event_time;
    }
    sifted
}
