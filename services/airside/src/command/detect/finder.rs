//! From events to detections, as the services have them: rules, behaviour, people's own rules, what is authorised,
//! and what several events say together.

use std::sync::Arc;

use airside_detect::audit::{Event, Known, Telling};
use airside_detect::authorised::Authorised;
use airside_detect::intake::{Clock, Intake, Origin};
use airside_detect::profile::ClusterProfile;
use airside_detect::runtime::RuntimeSource;
use airside_sift::{Recorded, Sifted};
use airside_sigma::{Correlating, RuleSet};
use airside_types::{Cluster, Payload, Record, Suppression, Tenant};

use crate::command::rules::OwnRules;

/// What is remembered from event to event.
#[derive(Debug)]
pub(super) struct Finder<'r> {
    tenant: Tenant,
    cluster: Cluster,
    own: &'r RuleSet,
    correlating: Correlating,
    recorded: Recorded<'r>,
}

impl<'r> Finder<'r> {
    /// Nothing seen yet.
    pub(super) fn new(own: &'r RuleSet, authorised: &'r Authorised) -> Self {
        Self {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            own,
            correlating: Correlating::new(OwnRules::LIMITS),
            recorded: Recorded::new(Telling::All, authorised),
        }
    }

    /// What is known of events that came before, for whoever reads the next ones.
    pub(super) fn known(&self) -> Arc<Known> {
        self.recorded.known()
    }

    /// What an audit event of so many bytes tells, and how it was taken in.
    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        bytes: usize,
        origin: Origin<'_>,
        take: &mut dyn FnMut(&Intake<'_>, &[Record]),
    ) {
        let intake = intake(&self.tenant, &self.cluster, origin);
        let own = self.own.judge(event, &intake);
        let mut sifted = self.recorded.take(event, bytes, &intake, own);
        for (event, candidate) in std::mem::take(&mut sifted.candidates) {
            sifted.told.extend(self.correlating.count(self.own, event, candidate));
        }
        take(&intake, &detections(sifted));
    }

    /// What a sensor's record tells.
    pub(super) fn sensed(
        &mut self,
        sensor: RuntimeSource,
        text: &[u8],
        origin: Origin<'_>,
    ) -> Result<Vec<Record>, String> {
        let intake = intake(&self.tenant, &self.cluster, origin);
        sensor.read(text, &intake).map_err(|why| why.to_string())
    }

    /// What was not told, by reason and rule.
    pub(super) fn ledger(&self) -> impl Iterator<Item = &Suppression> {
        self.recorded.ledger()
    }

    /// What is known only when nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<Record> {
        let mut records = detections(self.recorded.finish());
        records.extend(self.correlating.finish(self.own));
        records
    }
}

/// The detections, each once, those for which another stands among them.
fn detections(sifted: Sifted) -> Vec<Record> {
    let is_detection = |record: &Record| matches!(record.payload, Payload::Detection(_));
    let told = sifted.told.into_iter().filter(is_detection);
    told.chain(sifted.rolled_up).chain(sifted.carried_out).collect()
}

fn intake<'i>(tenant: &'i Tenant, cluster: &'i Cluster, origin: Origin<'i>) -> Intake<'i> {
    let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
    Intake { tenant, cluster, clock, profile, origin: Some(origin) }
}
