//! What is asked of an archive, and what of it is answered: pages of records, the latest first.
//!
//! A query is made of a tenant, so that none can be written without one.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use airside_types::{Cluster, Id, Tenant, Timestamp};

use crate::record::{RawRecord, Row, TEXTS, cut};

/// The most records of a page.
pub const MAX_PAGE: usize = 1000;

/// A text that records are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The id that the source gave.
    AuditId,
    /// Such as `ResponseComplete`.
    Stage,
    /// Who authenticated.
    Actor,
    /// Whom that actor acted as.
    Impersonated,
    /// The verb.
    Verb,
    /// The API group.
    Group,
    /// The resource's plural.
    Resource,
    /// The subresource.
    Subresource,
    /// The namespace.
    Namespace,
    /// The object's name.
    Name,
    /// The client's address.
    Address,
    /// What the client calls itself.
    UserAgent,
}

impl Field {
    /// Its place in the order of [`TEXTS`].
    pub(crate) const fn number(self) -> usize {
        self as usize
    }
}

/// A query over one tenant's records. What is not set does not filter; what is set must all fit.
#[derive(Debug, Clone)]
pub struct Query {
    pub(crate) tenant: Tenant,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) event: Option<Id>,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) texts: [Option<String>; TEXTS],
    pub(crate) code: Option<u16>,
    pub(crate) with_raw: bool,
    pub(crate) limit: usize,
    pub(crate) before: Option<Cursor>,
}

impl Query {
    /// All records of a tenant: the first page of 100.
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            tenant: tenant.clone(),
            cluster: None,
            event: None,
            from: Timestamp::from_nanos(i64::MIN),
            until: Timestamp::from_nanos(i64::MAX),
            texts: Default::default(),
            code: None,
            with_raw: true,
            limit: 100,
            before: None,
        }
    }

    /// Only of this cluster.
    #[must_use]
    pub fn cluster(self, cluster: Cluster) -> Self {
        Self { cluster: Some(cluster), ..self }
    }

    /// Only of this event: one record for each stage that was logged.
    #[must_use]
    pub fn event(self, event: Id) -> Self {
        Self { event: Some(event), ..self }
    }

    /// Only what happened at this time or later.
    #[must_use]
    pub fn from(self, from: Timestamp) -> Self {
        Self { from, ..self }
    }

    /// Only what happened before this time.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self { until, ..self }
    }

    /// Only what has exactly this text.
    #[must_use]
    pub fn text(mut self, field: Field, text: &str) -> Self {
        if let Some(place) = self.texts.get_mut(field.number()) {
            *place = Some(cut(text).to_owned());
        }
        self
    }

    /// Only what was answered with this HTTP status.
    #[must_use]
    pub fn code(self, code: u16) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Without the raw bytes of the records.
    #[must_use]
    pub fn without_raw(self) -> Self {
        Self { with_raw: false, ..self }
    }

    /// How many records a page has at most, from 1 to [`MAX_PAGE`].
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit: limit.clamp(1, MAX_PAGE), ..self }
    }

    /// The page that follows the one which gave this cursor.
    #[must_use]
    pub fn after(self, cursor: Cursor) -> Self {
        Self { before: Some(cursor), ..self }
    }

    /// Whether records of this time are asked for, on this page.
    pub(crate) fn wants_time(&self, time: i64) -> bool {
        let before = self.before.is_none_or(|before| time <= before.0.time);
        before && time >= self.from.as_nanos() && time < self.until.as_nanos()
    }

    /// Whether this record is asked for, tenant and cluster aside.
    pub(crate) fn wants(&self, row: &Row<'_>) -> bool {
        self.wants_time(row.time.as_nanos())
            && self.event.is_none_or(|event| event == row.event)
            && self.code.is_none_or(|code| code == row.code)
            && self
                .texts
                .iter()
                .zip(row.texts.each())
                .all(|(wanted, text)| wanted.as_ref().is_none_or(|wanted| wanted == text))
    }
}

/// A record's place in the order of answers. Two records with the same key are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) time: i64,
    pub(crate) event: Id,
    pub(crate) stage: u8,
}

impl Key {
    pub(crate) fn of(row: &Row<'_>) -> Self {
        Self { time: row.time.as_nanos(), event: row.event, stage: stage(row.texts.stage) }
    }
}

/// The order in which the stages of a request are reached.
pub(crate) fn stage(stage: &str) -> u8 {
    match stage {
        "RequestReceived" => 0,
        "ResponseStarted" => 1,
        "ResponseComplete" => 2,
        "Panic" => 3,
        _ => 4,
    }
}

/// Where a page ends: the next one has what is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(crate) Key);

impl Cursor {
    /// Goes on with everything up to this time.
    pub(crate) fn up_to(time: i64) -> Self {
        Self(Key { time: time.saturating_add(1), event: Id::default(), stage: 0 })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0.time, self.0.event, self.0.stage)
    }
}

/// The text is no cursor that a page gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is none that a page gave")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(NoCursor);
        let (time, event, stage) = (part()?, part()?, part()?);
        Ok(Self(Key {
            time: time.parse().map_err(|_| NoCursor)?,
            event: event.parse().map_err(|_| NoCursor)?,
            stage: stage.parse().map_err(|_| NoCursor)?,
        }))
    }
}

/// A page of records.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The records, the latest first.
    pub records: Vec<RawRecord>,
    /// Where the next page begins; none after the last one. A page may be shorter than its limit and still
    /// have a next one: a search that takes long is answered in parts.
    pub next: Option<Cursor>,
}

/// The latest keys so far, and where each record lies.
#[derive(Debug)]
pub(crate) struct Best<P> {
    limit: usize,
    before: Option<Key>,
    found: BTreeMap<Key, P>,
}

impl<P> Best<P> {
    pub(crate) const fn new(limit: usize, before: Option<Key>) -> Self {
        Self { limit, before, found: BTreeMap::new() }
    }

    /// Whether a record of this time could still be among them.
    pub(crate) fn takes(&self, time: i64) -> bool {
        let lowest = self.found.first_key_value().filter(|_| self.found.len() >= self.limit);
        lowest.is_none_or(|(key, _)| time >= key.time)
    }

    pub(crate) fn offer(&mut self, key: Key, place: P) {
        if self.before.is_some_and(|before| key >= before) || !self.takes(key.time) {
            return;
        }
        // The same event from two places is one record.
        self.found.entry(key).or_insert(place);
        if self.found.len() > self.limit {
            self.found.pop_first();
        }
    }

    /// What was found, the latest first.
    pub(crate) fn into_latest(self) -> impl Iterator<Item = (Key, P)> {
        self.found.into_iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let key = Key { time: -5, event: Id::from_bytes([7; 16]), stage: 2 };
        assert_eq!(Cursor(key).to_string().parse(), Ok(Cursor(key)));
        for text in ["", "1", "1.2.3", "x.00000000000000000000000000000000.1"] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }

    #[test]
    fn the_latest_are_kept_and_each_once() {
        let key = |time| Key { time, event: Id::default(), stage: 0 };
        let mut best = Best::new(2, Some(key(9)));
        for time in [3, 9, 5, 5, 10, 4] {
            best.offer(key(time), time);
        }
        assert_eq!(best.into_latest().map(|(_, place)| place).collect::<Vec<_>>(), [5, 4]);
    }
}
