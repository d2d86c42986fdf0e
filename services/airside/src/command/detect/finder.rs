//! From events to detections, as the services have them: rules, behaviour, people's own rules, what is authorised,
//! and what several events say together.

use airside_baseline::ClusterBehaviour;
use airside_detect::audit::{self, Event, declared};
use airside_detect::authorised::Authorised;
use airside_detect::counting::{Counting, Limits};
use airside_detect::intake::{Clock, Intake, Origin};
use airside_detect::profile::ClusterProfile;
use airside_detect::runtime::RuntimeSource;
use airside_sigma::{Correlating, RuleSet};
use airside_types::{Cluster, Payload, Record, Severity, Tenant};

use crate::command::rules::OwnRules;

/// What is remembered from event to event.
#[derive(Debug)]
pub(super) struct Finder<'r> {
    tenant: Tenant,
    cluster: Cluster,
    own: &'r RuleSet,
    authorised: &'r Authorised,
    correlating: Correlating,
    behaviour: ClusterBehaviour,
    counting: Counting,
}

impl<'r> Finder<'r> {
    /// Nothing seen yet.
    pub(super) fn new(own: &'r RuleSet, authorised: &'r Authorised) -> Self {
        Self {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            own,
            authorised,
            correlating: Correlating::new(OwnRules::LIMITS),
            behaviour: ClusterBehaviour::new(airside_baseline::Limits::default()),
            counting: Counting::new(Limits::default()),
        }
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
        let mut records = audit::records(event, &intake);
        for record in &records {
            if let Payload::Fact(fact) = &record.payload {
                self.behaviour.know(fact);
            }
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        if let Some(observation) = audit::observation(event, bytes, &intake) {
            let anomalies = self.behaviour.observe(&observation);
            records.extend(anomalies.iter().filter_map(|it| audit::anomaly(it, event, &intake)));
        }
        records.extend(self.correlating.observe(self.own, event, &intake));
        if !self.authorised.is_empty() {
            declared::judge(self.authorised, event, &intake).apply(event, &intake, &mut records);
        }
        take(&intake, &counted(&mut self.counting, records));
    }

    /// What a sensor's record tells.
    pub(super) fn sensed(
        &mut self,
        sensor: RuntimeSource,
        text: &[u8],
        origin: Origin<'_>,
    ) -> Result<Vec<Record>, String> {
        let intake = intake(&self.tenant, &self.cluster, origin);
        let records = sensor.read(text, &intake).map_err(|why| why.to_string())?;
        Ok(counted(&mut self.counting, records))
    }

    /// What is known only when nothing more comes.
    pub(super) fn finish(&mut self) -> Vec<Record> {
        let records = self.correlating.finish(self.own);
        counted(&mut self.counting, records)
    }
}

/// The detections among records, each followed by those that it completes.
fn counted(counting: &mut Counting, records: Vec<Record>) -> Vec<Record> {
    let mut all = Vec::new();
    for record in records {
        let mut derived = counting.observe(&record);
        // What counts authorised deeds is as authorised as they are.
        for record in &mut derived {
            if let Payload::Detection(found) = &mut record.payload
                && declared::is_authorised(found)
            {
                found.severity = Severity::Info;
            }
        }
        if matches!(record.payload, Payload::Detection(_)) {
            all.push(record);
        }
        all.extend(derived);
    }
    all
}

fn intake<'i>(tenant: &'i Tenant, cluster: &'i Cluster, origin: Origin<'i>) -> Intake<'i> {
    let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
    Intake { tenant, cluster, clock, profile, origin: Some(origin) }
}
