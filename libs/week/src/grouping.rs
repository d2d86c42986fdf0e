//! Which events of a log belong to one action, with what controllers do to carry it out.

use airside_detect::audit::{self, Telling};
use airside_detect::authorised::Authorised;
use airside_detect::intake::{Clock, Intake};
use airside_detect::profile::ClusterProfile;
use airside_sift::cascade::{Cascades, Shown};
use airside_types::{Cluster, Id, SightingBatch, Tenant, Timestamp};

/// What is known of the actions in a log.
#[derive(Debug)]
pub struct Grouping {
    cascades: Cascades,
}

/// An event and the action to which it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouped {
    /// The event; none where only its number is kept, and where it is about no object.
    pub event: Option<Id>,
    /// The action, by the event that began it.
    pub action: Option<Id>,
}

impl Default for Grouping {
    fn default() -> Self {
        Self { cascades: Cascades::new(20_000) }
    }
}

impl Grouping {
    /// Takes a line of an audit log in.
    pub fn take(&mut self, line: &str) -> Vec<Grouped> {
        let mut grouped = Vec::new();
        audit::read::record(1, line.as_bytes(), &mut |item| {
            if let Ok(event) = item.event {
                grouped.push(self.event(event, item.bytes.len()));
            }
        });
        grouped
    }

    fn event(&mut self, event: &audit::Event<'_>, bytes: usize) -> Grouped {
        let (tenant, cluster) = (Tenant::default(), Cluster::default());
        let (clock, profile) = (Clock::Recorded, ClusterProfile::unknown());
        let intake = Intake { tenant: &tenant, cluster: &cluster, clock, profile, origin: None };
        let mut batch = SightingBatch::new(tenant.clone(), cluster.clone(), Timestamp::EPOCH);
        let judging = (Telling::All, &Authorised::default());
        let request = audit::Request::new(event, profile);
        audit::sight((&request, bytes), &intake, judging, audit::own::Found::default(), &mut batch);
        let Some(sighting) = batch.sightings.first() else {
            return Grouped { event: None, action: None };
        };
        let seen = audit::event_of(&batch, sighting);
        let asked = audit::Request::new(&seen, profile);
        let deed = audit::deed(sighting, &asked, "");
        let Some(deed) = deed else { return Grouped { event: None, action: None } };
        let shown = Shown::of(&sighting.records, &deed);
        let _fact = self.cascades.learn(&deed, &shown);
        let action = self.cascades.action(&deed, &shown);
        Grouped { event: Some(sighting.event), action }
    }
}
