//! Findings on the wire, and the questions of `FindingsService`.

use std::sync::Arc;

use airside_types::{Cluster, Finding, FindingState, Id, Knowledge, Severity, Timestamp};
use bytes::Bytes;

use crate::closed_list::{self, ClosedList};
use crate::invalid::InvalidField;
use crate::message::{self, DecodeError, EncodeError};
use crate::page::Page;
use crate::{bounded, field, v1};

impl From<&Finding> for v1::Finding {
    fn from(finding: &Finding) -> Self {
        Self {
            check: bounded::identity(&finding.check),
            severity: finding.severity.to_wire(),
            state: finding.state.to_wire(),
            object: Some(finding.object.as_ref().into()),
            field: bounded::field_path(&finding.field),
            message: bounded::text(&finding.message),
            fix: bounded::text(&finding.fix),
            place: Some((&finding.place).into()),
            techniques: bounded::techniques(&finding.techniques),
            origin: finding.origin.as_deref().map(Into::into),
            owner: bounded::optional_identity(finding.owner.as_deref()),
            named_field: bounded::optional_identity(finding.named_field.as_deref()),
        }
    }
}

impl TryFrom<v1::Finding> for Finding {
    type Error = InvalidField;

    fn try_from(finding: v1::Finding) -> Result<Self, Self::Error> {
        Ok(Self {
            check: field::identity("check", finding.check)?.into(),
            severity: field::listed("severity", finding.severity)?,
            state: field::listed("state", finding.state)?,
            object: Arc::new(field::required("object", finding.object)?),
            field: field::field_path("field", finding.field)?,
            message: field::text("message", finding.message)?,
            fix: field::text("fix", finding.fix)?.into(),
            place: field::required("place", finding.place)?,
            techniques: field::techniques("techniques", finding.techniques)?,
            origin: field::optional("origin", finding.origin)?.map(Box::new),
            owner: field::optional_identity("owner", finding.owner)?,
            named_field: field::optional_identity("named_field", finding.named_field)?
                .map(String::into_boxed_str),
        })
    }
}

/// A finding as the scanner keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingEntry {
    /// The fingerprint.
    pub id: Id,
    /// The cluster that the manifest is meant for.
    pub cluster: Cluster,
    /// The finding as last reported.
    pub finding: Finding,
    /// When it was first reported.
    pub first_seen: Timestamp,
    /// When it last changed its state.
    pub state_since: Timestamp,
    /// When a scan last reported it, to the hour.
    pub last_seen: Timestamp,
    /// How often it came back after it was fixed or gone.
    pub reappeared: u32,
    /// When it last came back.
    pub reappeared_at: Option<Timestamp>,
    /// When it was last found to be fixed or gone.
    pub closed_at: Option<Timestamp>,
    /// What was known when it was last judged.
    pub judged_by: Option<Knowledge>,
    /// Whether the scanner has other checks or later data now; only answers tell it.
    pub outdated: bool,
}

impl From<&FindingEntry> for v1::FindingEntry {
    fn from(entry: &FindingEntry) -> Self {
        Self {
            id: bounded::id(entry.id),
            cluster: entry.cluster.as_str().to_owned(),
            finding: Some((&entry.finding).into()),
            first_seen_unix_nanos: entry.first_seen.as_nanos(),
            state_since_unix_nanos: entry.state_since.as_nanos(),
            last_seen_unix_nanos: entry.last_seen.as_nanos(),
            reappeared: entry.reappeared,
            reappeared_unix_nanos: entry.reappeared_at.map(Timestamp::as_nanos),
            closed_unix_nanos: entry.closed_at.map(Timestamp::as_nanos),
            judged_by: entry.judged_by.as_ref().map(Into::into),
            outdated: entry.outdated,
        }
    }
}

impl TryFrom<v1::FindingEntry> for FindingEntry {
    type Error = InvalidField;

    fn try_from(entry: v1::FindingEntry) -> Result<Self, Self::Error> {
        Ok(Self {
            id: field::id("id", &entry.id)?,
            cluster: field::cluster("cluster", &entry.cluster)?,
            finding: field::required("finding", entry.finding)?,
            first_seen: field::moment(entry.first_seen_unix_nanos),
            state_since: field::moment(entry.state_since_unix_nanos),
            last_seen: field::moment(entry.last_seen_unix_nanos),
            reappeared: entry.reappeared,
            reappeared_at: entry.reappeared_unix_nanos.map(field::moment),
            closed_at: entry.closed_unix_nanos.map(field::moment),
            judged_by: field::optional("judged_by", entry.judged_by)?,
            outdated: entry.outdated,
        })
    }
}

/// Encodes a finding as the scanner keeps it, for a store.
pub fn encode_entry(entry: &FindingEntry) -> Result<Bytes, EncodeError> {
    message::encode::<v1::FindingEntry>("finding", &entry.into())
}

/// Decodes what [`encode_entry`] wrote.
pub fn decode_entry(payload: &[u8]) -> Result<FindingEntry, DecodeError> {
    message::decode::<v1::FindingEntry, _>("finding", payload)
}

/// Which findings to list. What is not set does not filter; what is set must all fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindingQuery {
    /// Only in this state.
    pub state: Option<FindingState>,
    /// Only at least this severe.
    pub min_severity: Option<Severity>,
    /// Only of this check.
    pub check: Option<String>,
    /// Only in this file or below this folder.
    pub path: Option<String>,
    /// Only of this cluster.
    pub cluster: Option<Cluster>,
    /// Only those that came back after they were fixed or gone.
    pub reappeared: bool,
    /// Which part of the answer.
    pub page: Page,
}

impl From<&FindingQuery> for v1::ListFindingsRequest {
    fn from(query: &FindingQuery) -> Self {
        Self {
            state: closed_list::filter(query.state),
            min_severity: closed_list::filter(query.min_severity),
            check: query.check.clone().unwrap_or_default(),
            path: query.path.clone().unwrap_or_default(),
            cluster: query.cluster.as_ref().map(ToString::to_string).unwrap_or_default(),
            page_size: query.page.wire_size(),
            page_token: query.page.wire_token(),
            reappeared: query.reappeared,
        }
    }
}

impl TryFrom<v1::ListFindingsRequest> for FindingQuery {
    type Error = InvalidField;

    fn try_from(request: v1::ListFindingsRequest) -> Result<Self, Self::Error> {
        let given = |text: &String| !text.is_empty();
        Ok(Self {
            state: field::optional_listed("state", request.state)?,
            min_severity: field::optional_listed("min_severity", request.min_severity)?,
            check: Some(field::identity("check", request.check)?).filter(given),
            path: Some(field::file_path("path", request.path)?).filter(given),
            cluster: field::optional_cluster("cluster", &request.cluster)?,
            page: Page::read(request.page_size, request.page_token)?,
            reappeared: request.reappeared,
        })
    }
}
