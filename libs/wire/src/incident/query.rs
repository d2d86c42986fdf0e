//! The questions of `IncidentsService`: which incidents to list or to watch, and what a watch answers.

use airside_types::{Cluster, Severity, Timestamp};

use crate::closed_list;
use crate::incident::{IncidentEvent, Merge, Revision};
use crate::invalid::{InvalidField, Problem};
use crate::limits::MAX_TOKEN_BYTES;
use crate::page::Page;
use crate::v1::watch_incidents_response::{Heartbeat, Update};
use crate::{field, v1};

/// Which incidents to list. What is not set does not filter; what is set must all fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentQuery {
    /// Only at least this severe.
    pub min_severity: Option<Severity>,
    /// Only those that touch this cluster.
    pub cluster: Option<Cluster>,
    /// Only with evidence at or after this moment.
    pub since: Option<Timestamp>,
    /// Which part of the answer.
    pub page: Page,
}

impl From<&IncidentQuery> for v1::ListIncidentsRequest {
    fn from(query: &IncidentQuery) -> Self {
        Self {
            min_severity: closed_list::filter(query.min_severity),
            cluster: query.cluster.as_ref().map(ToString::to_string).unwrap_or_default(),
            since_unix_nanos: query.since.map(Timestamp::as_nanos),
            page_size: query.page.wire_size(),
            page_token: query.page.wire_token(),
        }
    }
}

impl TryFrom<v1::ListIncidentsRequest> for IncidentQuery {
    type Error = InvalidField;

    fn try_from(request: v1::ListIncidentsRequest) -> Result<Self, Self::Error> {
        Ok(Self {
            min_severity: field::optional_listed("min_severity", request.min_severity)?,
            cluster: field::optional_cluster("cluster", &request.cluster)?,
            since: request.since_unix_nanos.map(field::moment),
            page: Page::read(request.page_size, request.page_token)?,
        })
    }
}

/// Which incidents to watch, and from where on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WatchQuery {
    /// The token of the last item that was dealt with; none to begin with all incidents there are.
    pub resume_token: Option<String>,
    /// Only at least this severe.
    pub min_severity: Option<Severity>,
    /// Only those that touch this cluster.
    pub cluster: Option<Cluster>,
}

impl From<&WatchQuery> for v1::WatchIncidentsRequest {
    fn from(query: &WatchQuery) -> Self {
        Self {
            resume_token: query.resume_token.clone().unwrap_or_default(),
            min_severity: closed_list::filter(query.min_severity),
            cluster: query.cluster.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }
}

impl TryFrom<v1::WatchIncidentsRequest> for WatchQuery {
    type Error = InvalidField;

    fn try_from(request: v1::WatchIncidentsRequest) -> Result<Self, Self::Error> {
        let token = field::bounded("resume_token", request.resume_token, MAX_TOKEN_BYTES)?;
        Ok(Self {
            resume_token: Some(token).filter(|token| !token.is_empty()),
            min_severity: field::optional_listed("min_severity", request.min_severity)?,
            cluster: field::optional_cluster("cluster", &request.cluster)?,
        })
    }
}

/// One item of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchItem {
    /// Where to resume after this item; opaque to callers.
    pub resume_token: String,
    /// What happened.
    pub update: WatchUpdate,
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchUpdate {
    /// An incident is new or has changed.
    Revision(Box<Revision>),
    /// Two incidents became one.
    Merged(Merge),
    /// Nothing happened: the stream is alive.
    Heartbeat {
        /// Whether everything known when the stream was opened has been sent.
        caught_up: bool,
    },
}

impl From<&WatchItem> for v1::WatchIncidentsResponse {
    fn from(item: &WatchItem) -> Self {
        let update = match &item.update {
            WatchUpdate::Revision(revision) => Update::Incident(Box::new(revision.as_ref().into())),
            WatchUpdate::Merged(merge) => Update::Merged(merge.into()),
            WatchUpdate::Heartbeat { caught_up } => {
                Update::Heartbeat(Heartbeat { caught_up: *caught_up })
            }
        };
        Self { resume_token: item.resume_token.clone(), update: Some(update) }
    }
}

impl TryFrom<v1::WatchIncidentsResponse> for WatchItem {
    type Error = InvalidField;

    fn try_from(response: v1::WatchIncidentsResponse) -> Result<Self, Self::Error> {
        let update =
            response.update.ok_or_else(|| InvalidField::new("update", Problem::Missing))?;
        Ok(Self {
            resume_token: field::bounded("resume_token", response.resume_token, MAX_TOKEN_BYTES)?,
            update: match update {
                Update::Incident(incident) => WatchUpdate::Revision(Box::new(
                    Revision::try_from(*incident).map_err(|error| error.within("incident"))?,
                )),
                Update::Merged(merge) => WatchUpdate::Merged(
                    Merge::try_from(merge).map_err(|error| error.within("merged"))?,
                ),
                Update::Heartbeat(Heartbeat { caught_up }) => WatchUpdate::Heartbeat { caught_up },
            },
        })
    }
}

/// What a message of a watch tells of incidents; nothing where it is a heartbeat.
pub fn watched(
    response: v1::WatchIncidentsResponse,
) -> Result<Option<IncidentEvent>, InvalidField> {
    Ok(match WatchItem::try_from(response)?.update {
        WatchUpdate::Revision(revision) => Some(IncidentEvent::Revision(revision)),
        WatchUpdate::Merged(merge) => Some(IncidentEvent::Merged(merge)),
        WatchUpdate::Heartbeat { .. } => None,
    })
}
