//! Events the way that the services have them: reader, rules, the sift with behaviour, counting and roll-up, correlation.

use std::collections::BTreeMap;

use airside_correlate::{Engine, Settings};
use airside_detect::audit::own::Found;
use airside_detect::audit::{self, Telling};
use airside_detect::authorised::Authorised;
use airside_detect::intake::{Clock, Intake, Origin};
use airside_detect::profile::ClusterProfile;
use airside_sift::{Recorded, Sifted};
use airside_types::{Cluster, Incident, Payload, Severity, Tenant};

use crate::attacks::Planted;

/// What was seen of a cluster so far.
#[derive(Debug)]
pub struct Watch<'a> {
    tenant: Tenant,
    cluster: Cluster,
    recorded: Recorded<'a>,
    engine: Engine,
    /// How many events there were.
    pub events: u64,
    /// How many lines were no events.
    pub unreadable: u64,
    /// How many detections there were, by rule and severity; the most severe first.
    pub detections: BTreeMap<(std::cmp::Reverse<Severity>, String), u64>,
}

impl<'a> Watch<'a> {
    /// Nothing seen yet of a cluster in which this is authorised.
    pub fn new(authorised: &'a Authorised) -> Self {
        Self {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            recorded: Recorded::new(Telling::ToCorrelate, authorised),
            engine: Engine::new(Settings::default()),
            events: 0,
            unreadable: 0,
            detections: BTreeMap::new(),
        }
    }

    /// Takes lines of an audit log in, in the order in which they were written.
    pub fn take(&mut self, lines: &[String]) {
        for line in lines {
            self.line(line);
        }
        // Incidents are brought up to date.
        let _changes = self.engine.take_changes();
    }

    fn line(&mut self, line: &str) {
        let Self { tenant, cluster, recorded, engine, events, unreadable, detections } = self;
        let number = u32::try_from(*events + 1).unwrap_or(u32::MAX);
        audit::read::record(number, line.as_bytes(), &mut |item| {
            let Ok(event) = item.event else {
                *unreadable += 1;
                return;
            };
            *events += 1;
            let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
            let origin = Some(Origin { path: "audit.log", line: number });
            let intake = Intake { tenant, cluster, clock, profile, origin };
            let sifted = recorded.take(event, item.bytes.len(), &intake, Found::default());
            count(&sifted, detections);
            for record in sifted.told.iter().chain(&sifted.revised) {
                engine.apply(record);
            }
        });
    }

    /// The incidents so far.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.engine.incidents(&self.tenant)
    }

    /// Those of medium or above that no attack explains.
    pub fn false_incidents<'w>(
        &'w self,
        planted: &'w [Planted],
    ) -> impl Iterator<Item = &'w Incident> {
        let loud = self.incidents().filter(|it| it.severity >= Severity::Medium);
        loud.filter(|incident| !planted.iter().any(|attack| attack.is_told_by(incident)))
    }

    /// The attacks of which no incident of medium or above tells with the attacker's name.
    pub fn missed<'w>(&'w self, planted: &'w [Planted]) -> impl Iterator<Item = &'w Planted> {
        planted.iter().filter(|attack| {
            !self.incidents().any(|it| it.severity >= Severity::Medium && attack.is_told_by(it))
        })
    }
}

/// Counts detections, those for which another one stands as well.
fn count(sifted: &Sifted, detections: &mut BTreeMap<(std::cmp::Reverse<Severity>, String), u64>) {
    for record in sifted.told.iter().chain(&sifted.rolled_up) {
        if let Payload::Detection(found) = &record.payload {
            let key = (std::cmp::Reverse(found.severity), found.rule.clone());
            *detections.entry(key).or_default() += 1;
        }
    }
}

impl Planted {
    /// Whether an incident rests on what the attacker did, and names them.
    pub fn is_told_by(&self, incident: &Incident) -> bool {
        let hour = std::time::Duration::from_hours(1);
        let end = self.at.plus(hour);
        let attacker = self.attacker.name_key();
        incident.entities.iter().any(|link| link.entity.name_key() == attacker)
            && incident.evidence.iter().any(|it| (self.at..=end).contains(&it.time))
    }
}
