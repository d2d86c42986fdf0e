//! Records: what travels on the log. Nothing else influences an incident.

use std::fmt;
use std::str::FromStr;

use crate::boarding_pass::BoardingPass;
use crate::decision::Decision;
use crate::detection::{Detection, UnknownName};
use crate::fact::Fact;
use crate::finding::Finding;
use crate::gap::Gap;
use crate::id::Id;
use crate::tenancy::{Cluster, Tenant};
use crate::time::Timestamp;

/// Where a record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The scanner.
    Scan,
    /// The admission webhook.
    Admission,
    /// Kubernetes audit events.
    Audit,
    /// Falco alerts.
    Falco,
    /// Tetragon's export.
    Tetragon,
    /// A partner that speaks the Ingest API.
    Partner,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 6] =
        [Self::Scan, Self::Admission, Self::Audit, Self::Falco, Self::Tetragon, Self::Partner];

    /// The source's name, as on the wire, in ids and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Admission => "admission",
            Self::Audit => "audit",
            Self::Falco => "falco",
            Self::Tetragon => "tetragon",
            Self::Partner => "partner",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Source {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| UnknownName::new("source of records", text))
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A check failed, or no longer does.
    Finding(Finding),
    /// An object went through the check-in.
    BoardingPass(BoardingPass),
    /// Admission answered.
    Decision(Decision),
    /// A rule fired.
    Detection(Detection),
    /// Something is known about entities.
    Fact(Fact),
    /// A source lost events.
    Gap(Gap),
}

/// One thing that is known, from one source, about one cluster of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub tenant: Tenant,
    /// The cluster that it is about.
    pub cluster: Cluster,
    /// Derived from content: the same input has the same id.
    pub id: Id,
    /// Which source it came from.
    pub source: Source,
    /// When it happened, as the source says.
    pub event_time: Timestamp,
    /// When Airside first saw it; stamped once.
    pub ingest_time: Timestamp,
    /// What it says.
    pub payload: Payload,
}

impl Record {
    /// The id of a detection: one for each event and rule, so that a rule fires once for an event.
    pub fn detection_id(
        tenant: &Tenant,
        cluster: &Cluster,
        source: Source,
        event: Id,
        rule: &str,
    ) -> Id {
        Id::builder("detection")
            .text(tenant.as_str())
            .text(cluster.as_str())
            .text(source.as_str())
            .id(event)
            .text(rule)
            .finish()
    }

    /// The id of a gap.
    pub fn gap_id(tenant: &Tenant, cluster: &Cluster, gap: &Gap) -> Id {
        Id::builder("gap")
            .text(tenant.as_str())
            .text(cluster.as_str())
            .text(gap.source.as_str())
            .text(&gap.origin)
            .number(gap.from.as_nanos())
            .number(gap.until.as_nanos())
            .finish()
    }
}
