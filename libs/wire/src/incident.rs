//! Incidents on the wire: revisions and merges, as correlation tells them.
//!
//! The parts of an incident (stages, evidence, root causes) are in `part`; the questions of
//! `IncidentsService` in [`query`].

use airside_types::{Cluster, Id, Incident, Tenant};
use bytes::Bytes;

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{
    MAX_ADVICE, MAX_ALIASES, MAX_CLUSTERS, MAX_EVIDENCE, MAX_GAPS, MAX_INCIDENT_ENTITIES,
    MAX_ROOT_CAUSES, MAX_SCORE_TERMS, MAX_STAGES, MAX_TRACE_PARENT_BYTES,
};
use crate::message::{self, DecodeError, EncodeError};
use crate::v1::incident_event::Event;
use crate::{bounded, field, v1};

mod part;
pub mod query;

pub use query::{IncidentQuery, WatchItem, WatchQuery, WatchUpdate, watched};

/// An incident as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The incident.
    pub incident: Incident,
    /// The number of the revision: of two revisions of an incident, the higher one is current.
    pub revision: u64,
    /// The W3C `traceparent` of the request that brought in the record that caused this revision.
    pub trace_parent: Option<String>,
}

/// Two incidents turned out to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Whose they are.
    pub tenant: Tenant,
    /// The id that is no longer current; it keeps resolving.
    pub old: Id,
    /// The incident that it is part of now.
    pub into: Id,
}

/// What correlation tells about incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentEvent {
    /// An incident is new or has changed.
    Revision(Box<Revision>),
    /// Two incidents became one.
    Merged(Merge),
}

impl IncidentEvent {
    /// Whose it is.
    pub const fn tenant(&self) -> &Tenant {
        match self {
            Self::Revision(revision) => &revision.incident.tenant,
            Self::Merged(merge) => &merge.tenant,
        }
    }
}

impl From<&Revision> for v1::Incident {
    fn from(Revision { incident, revision, trace_parent }: &Revision) -> Self {
        Self {
            id: bounded::id(incident.id),
            aliases: incident.aliases.iter().copied().map(bounded::id).collect(),
            tenant: incident.tenant.as_str().to_owned(),
            clusters: incident
                .clusters
                .iter()
                .take(MAX_CLUSTERS)
                .map(|cluster| cluster.as_str().to_owned())
                .collect(),
            content_hash: bounded::id(incident.content_hash),
            severity: incident.severity.to_wire(),
            score_milli_points: incident.score,
            terms: bounded::list(&incident.terms, MAX_SCORE_TERMS),
            title: bounded::text(&incident.title),
            first_seen_unix_nanos: incident.first_seen.as_nanos(),
            last_seen_unix_nanos: incident.last_seen.as_nanos(),
            stages: bounded::list(&incident.stages, MAX_STAGES),
            entities: bounded::list(&incident.entities, MAX_INCIDENT_ENTITIES),
            evidence: bounded::list(&incident.evidence, MAX_EVIDENCE),
            root_causes: bounded::list(&incident.root_causes, MAX_ROOT_CAUSES),
            advice: incident
                .advice
                .iter()
                .take(MAX_ADVICE)
                .map(|advice| bounded::text(advice))
                .collect(),
            gaps: bounded::list(&incident.gaps, MAX_GAPS),
            revision: *revision,
            trace_parent: trace_parent
                .clone()
                .filter(|context| context.len() <= MAX_TRACE_PARENT_BYTES)
                .unwrap_or_default(),
        }
    }
}

impl TryFrom<v1::Incident> for Revision {
    type Error = InvalidField;

    fn try_from(message: v1::Incident) -> Result<Self, Self::Error> {
        let incident = Incident {
            id: field::id("id", &message.id)?,
            aliases: field::ids("aliases", message.aliases, MAX_ALIASES)?,
            tenant: field::tenant("tenant", &message.tenant)?,
            clusters: clusters("clusters", message.clusters)?,
            content_hash: field::id("content_hash", &message.content_hash)?,
            severity: field::listed("severity", message.severity)?,
            score: message.score_milli_points,
            terms: field::list("terms", message.terms, MAX_SCORE_TERMS)?,
            title: field::text("title", message.title)?,
            first_seen: field::moment(message.first_seen_unix_nanos),
            last_seen: field::moment(message.last_seen_unix_nanos),
            stages: field::list("stages", message.stages, MAX_STAGES)?,
            entities: field::list("entities", message.entities, MAX_INCIDENT_ENTITIES)?,
            evidence: field::list("evidence", message.evidence, MAX_EVIDENCE)?,
            root_causes: field::list("root_causes", message.root_causes, MAX_ROOT_CAUSES)?,
            advice: field::texts("advice", message.advice, MAX_ADVICE)?,
            gaps: field::list("gaps", message.gaps, MAX_GAPS)?,
        };
        let trace_parent =
            field::bounded("trace_parent", message.trace_parent, MAX_TRACE_PARENT_BYTES)?;
        Ok(Self {
            incident,
            revision: message.revision,
            trace_parent: Some(trace_parent).filter(|context| !context.is_empty()),
        })
    }
}

impl TryFrom<v1::Incident> for Incident {
    type Error = InvalidField;

    fn try_from(message: v1::Incident) -> Result<Self, Self::Error> {
        Revision::try_from(message).map(|revision| revision.incident)
    }
}

fn clusters(field: &str, values: Vec<String>) -> Result<Vec<Cluster>, InvalidField> {
    field::each(field, values, MAX_CLUSTERS, |name| field::cluster("", &name))
}

impl From<&Merge> for v1::IncidentMerge {
    fn from(merge: &Merge) -> Self {
        Self {
            tenant: merge.tenant.as_str().to_owned(),
            old_id: bounded::id(merge.old),
            into_id: bounded::id(merge.into),
        }
    }
}

impl TryFrom<v1::IncidentMerge> for Merge {
    type Error = InvalidField;

    fn try_from(merge: v1::IncidentMerge) -> Result<Self, Self::Error> {
        Ok(Self {
            tenant: field::tenant("tenant", &merge.tenant)?,
            old: field::id("old_id", &merge.old_id)?,
            into: field::id("into_id", &merge.into_id)?,
        })
    }
}

impl From<&IncidentEvent> for v1::IncidentEvent {
    fn from(event: &IncidentEvent) -> Self {
        let event = match event {
            IncidentEvent::Revision(revision) => {
                Event::Revision(Box::new(revision.as_ref().into()))
            }
            IncidentEvent::Merged(merge) => Event::Merged(merge.into()),
        };
        Self { event: Some(event) }
    }
}

impl TryFrom<v1::IncidentEvent> for IncidentEvent {
    type Error = InvalidField;

    fn try_from(message: v1::IncidentEvent) -> Result<Self, Self::Error> {
        match message.event.ok_or_else(|| InvalidField::new("event", Problem::Missing))? {
            Event::Revision(revision) => Revision::try_from(*revision)
                .map(|revision| Self::Revision(Box::new(revision)))
                .map_err(|error| error.within("revision")),
            Event::Merged(merge) => {
                Merge::try_from(merge).map(Self::Merged).map_err(|error| error.within("merged"))
            }
        }
    }
}

/// Whether the wire can carry the incident: all its ids, so that old ones keep resolving.
fn fits(revision: &Revision) -> Result<(), EncodeError> {
    let (entries, most) = (revision.incident.aliases.len(), MAX_ALIASES);
    if entries > most {
        let error = InvalidField::new("aliases", Problem::TooMany { entries, most });
        return Err(EncodeError::Unbounded { what: "incident", error });
    }
    Ok(())
}

/// Encodes what happened to an incident, as message type [`crate::MessageType::IncidentEvent`].
pub fn encode_incident_event(event: &IncidentEvent) -> Result<Bytes, EncodeError> {
    if let IncidentEvent::Revision(revision) = event {
        fits(revision)?;
    }
    message::encode::<v1::IncidentEvent>("incident event", &event.into())
}

/// Decodes what [`encode_incident_event`] wrote.
pub fn decode_incident_event(payload: &[u8]) -> Result<IncidentEvent, DecodeError> {
    message::decode::<v1::IncidentEvent, _>("incident event", payload)
}

/// Encodes one revision, for a store.
pub fn encode_revision(revision: &Revision) -> Result<Bytes, EncodeError> {
    fits(revision)?;
    message::encode::<v1::Incident>("incident", &revision.into())
}

/// Decodes what [`encode_revision`] wrote.
pub fn decode_revision(payload: &[u8]) -> Result<Revision, DecodeError> {
    message::decode::<v1::Incident, _>("incident", payload)
}
