//! Raw records on the wire, and the questions of `RawRecordsService`.

use airside_types::{Cluster, Id, Timestamp};
use bytes::Bytes;

use crate::field;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_TEXT_BYTES, PART_BYTES};
use crate::page::Page;
use crate::{bounded, v1};

/// What records are found by. In a query, what is not set does not filter, and an empty text asks for records
/// that lack it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawQuery {
    /// Only of this cluster.
    pub cluster: Option<Cluster>,
    /// Only what happened at this time or later.
    pub from: Option<Timestamp>,
    /// Only what happened before this time.
    pub until: Option<Timestamp>,
    /// Only what has this id of its source.
    pub audit_id: Option<String>,
    /// Only what this user did.
    pub actor: Option<String>,
    /// Only what was done as this user.
    pub impersonated: Option<String>,
    /// Only with this verb.
    pub verb: Option<String>,
    /// Only of this API group.
    pub group: Option<String>,
    /// Only of this resource.
    pub resource: Option<String>,
    /// Only of this subresource.
    pub subresource: Option<String>,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only about the object of this name.
    pub name: Option<String>,
    /// Only from this address.
    pub address: Option<String>,
    /// Only what was answered with this HTTP status.
    pub code: Option<u16>,
    /// Whether raw bytes are wanted as well.
    pub with_raw: bool,
    /// Which part of the answer.
    pub page: Page,
}

impl From<&RawQuery> for v1::QueryRawRecordsRequest {
    fn from(query: &RawQuery) -> Self {
        Self {
            cluster: query.cluster.as_ref().map(ToString::to_string).unwrap_or_default(),
            from_unix_nanos: query.from.map(Timestamp::as_nanos),
            until_unix_nanos: query.until.map(Timestamp::as_nanos),
            audit_id: query.audit_id.clone(),
            actor: query.actor.clone(),
            impersonated: query.impersonated.clone(),
            verb: query.verb.clone(),
            group: query.group.clone(),
            resource: query.resource.clone(),
            subresource: query.subresource.clone(),
            namespace: query.namespace.clone(),
            name: query.name.clone(),
            address: query.address.clone(),
            code: query.code.map(u32::from),
            with_raw: query.with_raw,
            page_size: query.page.wire_size(),
            page_token: query.page.wire_token(),
        }
    }
}

impl TryFrom<v1::QueryRawRecordsRequest> for RawQuery {
    type Error = InvalidField;

    fn try_from(request: v1::QueryRawRecordsRequest) -> Result<Self, Self::Error> {
        let text = |field: &str, text: Option<String>| {
            text.map(|text| field::bounded(field, text, MAX_TEXT_BYTES)).transpose()
        };
        Ok(Self {
            cluster: field::optional_cluster("cluster", &request.cluster)?,
            from: request.from_unix_nanos.map(field::moment),
            until: request.until_unix_nanos.map(field::moment),
            audit_id: text("audit_id", request.audit_id)?,
            actor: text("actor", request.actor)?,
            impersonated: text("impersonated", request.impersonated)?,
            verb: text("verb", request.verb)?,
            group: text("group", request.group)?,
            resource: text("resource", request.resource)?,
            subresource: text("subresource", request.subresource)?,
            namespace: text("namespace", request.namespace)?,
            name: text("name", request.name)?,
            address: text("address", request.address)?,
            code: request.code.map(|code| status("code", code)).transpose()?,
            with_raw: request.with_raw,
            page: Page::read(request.page_size, request.page_token)?,
        })
    }
}

fn status(field: &str, code: u32) -> Result<u16, InvalidField> {
    let most = u64::from(u16::MAX);
    u16::try_from(code)
        .map_err(|_| InvalidField::new(field, Problem::TooLarge { value: code.into(), most }))
}

/// A record that was kept, and what is shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    /// The identity that the event's detections name.
    pub event: Id,
    /// The cluster that it is of.
    pub cluster: Cluster,
    /// When it happened.
    pub time: Timestamp,
    /// When it was taken in.
    pub taken: Timestamp,
    /// The HTTP status; 0 where it has none.
    pub code: u16,
    /// The id that the source gave.
    pub audit_id: String,
    /// Such as `ResponseComplete`.
    pub stage: String,
    /// Who authenticated.
    pub actor: String,
    /// Whom that user acted as.
    pub impersonated: String,
    /// The verb.
    pub verb: String,
    /// The API group.
    pub group: String,
    /// The resource's plural.
    pub resource: String,
    /// The subresource.
    pub subresource: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The address of the client.
    pub address: String,
    /// What the client called itself.
    pub user_agent: String,
    /// How many bytes came.
    pub raw_bytes: u64,
    /// What is shown of them.
    pub raw: Shown,
}

/// What is shown of the bytes that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing: they were not asked for, or are too many.
    LeftOut,
    /// The bytes as they came.
    AsItCame(Bytes),
    /// Without what looks like a credential.
    Redacted(Bytes),
    /// Nothing: they cannot be read, so that nobody can tell what is a credential.
    Unreadable,
}

impl Shown {
    /// The bytes; empty where none are shown.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::AsItCame(bytes) | Self::Redacted(bytes) => bytes,
            Self::LeftOut | Self::Unreadable => &[],
        }
    }
}

impl From<RawEntry> for v1::RawRecord {
    fn from(entry: RawEntry) -> Self {
        let (standing, raw) = match entry.raw {
            Shown::LeftOut => (v1::RawStanding::LeftOut, Bytes::new()),
            Shown::AsItCame(bytes) => (v1::RawStanding::AsItCame, bytes),
            Shown::Redacted(bytes) => (v1::RawStanding::Redacted, bytes),
            Shown::Unreadable => (v1::RawStanding::Unreadable, Bytes::new()),
        };
        Self {
            event_id: bounded::id(entry.event),
            cluster: entry.cluster.as_str().to_owned(),
            time_unix_nanos: entry.time.as_nanos(),
            taken_unix_nanos: entry.taken.as_nanos(),
            code: entry.code.into(),
            audit_id: entry.audit_id,
            stage: entry.stage,
            actor: entry.actor,
            impersonated: entry.impersonated,
            verb: entry.verb,
            group: entry.group,
            resource: entry.resource,
            subresource: entry.subresource,
            namespace: entry.namespace,
            name: entry.name,
            address: entry.address,
            user_agent: entry.user_agent,
            raw_bytes: entry.raw_bytes,
            raw,
            standing: standing.into(),
        }
    }
}

impl TryFrom<v1::RawRecord> for RawEntry {
    type Error = InvalidField;

    fn try_from(record: v1::RawRecord) -> Result<Self, Self::Error> {
        let raw = match v1::RawStanding::try_from(record.standing) {
            Ok(v1::RawStanding::LeftOut) => Shown::LeftOut,
            Ok(v1::RawStanding::AsItCame) => Shown::AsItCame(record.raw),
            Ok(v1::RawStanding::Redacted) => Shown::Redacted(record.raw),
            Ok(v1::RawStanding::Unreadable) => Shown::Unreadable,
            Ok(v1::RawStanding::Unspecified) => {
                return Err(InvalidField::new("standing", Problem::Missing));
            }
            Err(_) => {
                let what = "way to show raw bytes";
                let problem = Problem::UnknownValue { value: record.standing, what };
                return Err(InvalidField::new("standing", problem));
            }
        };
        Ok(Self {
            event: field::id("event_id", &record.event_id)?,
            cluster: field::cluster("cluster", &record.cluster)?,
            time: field::moment(record.time_unix_nanos),
            taken: field::moment(record.taken_unix_nanos),
            code: status("code", record.code)?,
            audit_id: field::text("audit_id", record.audit_id)?,
            stage: field::text("stage", record.stage)?,
            actor: field::text("actor", record.actor)?,
            impersonated: field::text("impersonated", record.impersonated)?,
            verb: field::text("verb", record.verb)?,
            group: field::text("group", record.group)?,
            resource: field::text("resource", record.resource)?,
            subresource: field::text("subresource", record.subresource)?,
            namespace: field::text("namespace", record.namespace)?,
            name: field::text("name", record.name)?,
            address: field::text("address", record.address)?,
            user_agent: field::text("user_agent", record.user_agent)?,
            raw_bytes: record.raw_bytes,
            raw,
        })
    }
}

/// The parts in which a record travels: itself with the beginning of its bytes, then the rest of them.
pub fn parts(mut entry: RawEntry) -> impl Iterator<Item = v1::GetRawRecordsResponse> + Send {
    let rest = match &mut entry.raw {
        Shown::AsItCame(bytes) | Shown::Redacted(bytes) => {
            bytes.split_off(bytes.len().min(PART_BYTES))
        }
        Shown::LeftOut | Shown::Unreadable => Bytes::new(),
    };
    let first = v1::GetRawRecordsResponse { record: Some(entry.into()), more: Bytes::new() };
    let pieces = (0..rest.len().div_ceil(PART_BYTES)).map(move |at| {
        let end = rest.len().min((at + 1) * PART_BYTES);
        let more = rest.slice(at * PART_BYTES..end);
        v1::GetRawRecordsResponse { record: None, more }
    });
    std::iter::once(first).chain(pieces)
}

/// The most raw bytes of an event that are put together: what a service takes in may be as large.
const MOST_GATHERED: usize = 256 << 20;

/// Puts records together whose parts come one after the other.
#[derive(Debug, Default)]
pub struct GatheredRecords {
    entries: Vec<RawEntry>,
    more: Vec<u8>,
    gathered: usize,
}

impl GatheredRecords {
    /// Takes the next part.
    pub fn take(&mut self, part: v1::GetRawRecordsResponse) -> Result<(), InvalidField> {
        if let Some(record) = part.record {
            self.finish_last();
            self.entries.push(record.try_into()?);
        }
        self.gathered += part.more.len();
        if self.gathered > MOST_GATHERED {
            let problem = Problem::TooLong { bytes: self.gathered, most: MOST_GATHERED };
            return Err(InvalidField::new("more", problem));
        }
        self.more.extend_from_slice(&part.more);
        Ok(())
    }

    /// The records.
    pub fn finish(mut self) -> Vec<RawEntry> {
        self.finish_last();
        self.entries
    }

    fn finish_last(&mut self) {
        let more = std::mem::take(&mut self.more);
        if more.is_empty() {
            return;
        }
        if let Some(Shown::AsItCame(bytes) | Shown::Redacted(bytes)) =
            self.entries.last_mut().map(|entry| &mut entry.raw)
        {
            *bytes = [&**bytes, &more].concat().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(raw: Shown) -> RawEntry {
        let record = v1::RawRecord {
            event_id: Bytes::from_static(&[7; 16]),
            cluster: "prod".to_owned(),
            time_unix_nanos: -3,
            taken_unix_nanos: 5,
            code: 403,
            actor: "ada".to_owned(),
            standing: v1::RawStanding::Unreadable.into(),
            ..Default::default()
        };
        RawEntry { raw, ..record.try_into().unwrap() }
    }

    #[test]
    fn records_survive_their_parts_however_large() {
        let large: Bytes = (0..PART_BYTES * 2 + 7).map(|at| at.to_le_bytes()[0]).collect();
        let entries = [
            entry(Shown::AsItCame(large.clone())),
            entry(Shown::Unreadable),
            entry(Shown::Redacted(large.slice(..PART_BYTES))),
            entry(Shown::AsItCame(Bytes::new())),
            entry(Shown::LeftOut),
        ];
        let mut gathered = GatheredRecords::default();
        let all: Vec<_> = entries.clone().into_iter().flat_map(parts).collect();
        assert_eq!(all.len(), 7);
        all.into_iter().try_for_each(|part| gathered.take(part)).unwrap();
        assert_eq!(gathered.finish(), entries);
    }

    #[test]
    fn a_query_survives_the_wire_and_empty_is_not_unset() {
        let query = RawQuery {
            from: Some(Timestamp::from_nanos(-1)),
            namespace: Some(String::new()),
            verb: Some("get".to_owned()),
            code: Some(403),
            page: Page::new(7, Some("x".to_owned())),
            ..RawQuery::default()
        };
        let wire = v1::QueryRawRecordsRequest::from(&query);
        assert_eq!(RawQuery::try_from(wire.clone()).unwrap(), query);
        let wrong = v1::QueryRawRecordsRequest { code: Some(70_000), ..wire };
        let error = RawQuery::try_from(wrong).unwrap_err().to_string();
        assert_eq!(error, "code: is 70000, at most 65535 is allowed");
    }
}
