//! A raw record with what it is found by, and the batches in which records are appended.
//!
//! Owns the bytes of a batch as they lie in a segment: numbers are little-endian, texts and raw bytes are
//! preceded by their length. What an event means is decided by whoever makes the rows.

use airside_types::{Cluster, Id, Tenant, Timestamp};
use bytes::Bytes;

use crate::query::{Cursor, Key, stage};

/// The longest text that a record is found by, in bytes; what is longer is cut, and so is what is asked for.
pub const MAX_TEXT_BYTES: usize = 1024;

/// The texts that a record is found by, in the order in which they lie in a segment.
pub(crate) const TEXTS: usize = 12;

/// One raw record as it is appended: borrowed from what came in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    /// The content-derived identity of the event; detections name it.
    pub event: Id,
    /// When it happened, as the source says; when it was taken in, where the source does not say.
    pub time: Timestamp,
    /// The HTTP status; 0 where there is none.
    pub code: u16,
    /// What it is found by.
    pub texts: Texts<'a>,
    /// The bytes as they came.
    pub raw: &'a [u8],
}

/// The texts of a record. What an event does not have is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Texts<'a> {
    /// The id that the source gave.
    pub audit_id: &'a str,
    /// Such as `ResponseComplete`.
    pub stage: &'a str,
    /// Who authenticated.
    pub actor: &'a str,
    /// Whom that actor acted as.
    pub impersonated: &'a str,
    /// The verb.
    pub verb: &'a str,
    /// The API group.
    pub group: &'a str,
    /// The resource's plural.
    pub resource: &'a str,
    /// The subresource.
    pub subresource: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The address of the client, as far as it is certain.
    pub address: &'a str,
    /// What the client calls itself.
    pub user_agent: &'a str,
}

impl<'a> Texts<'a> {
    /// The texts in the order of [`TEXTS`].
    pub(crate) const fn each(&self) -> [&'a str; TEXTS] {
        [
            self.audit_id,
            self.stage,
            self.actor,
            self.impersonated,
            self.verb,
            self.group,
            self.resource,
            self.subresource,
            self.namespace,
            self.name,
            self.address,
            self.user_agent,
        ]
    }

    pub(crate) const fn of(each: [&'a str; TEXTS]) -> Self {
        let [
            audit_id,
            stage,
            actor,
            impersonated,
            verb,
            group,
            resource,
            subresource,
            namespace,
            name,
            address,
            user_agent,
        ] = each;
        Self {
            audit_id,
            stage,
            actor,
            impersonated,
            verb,
            group,
            resource,
            subresource,
            namespace,
            name,
            address,
            user_agent,
        }
    }
}

/// The beginning of a text, at most [`MAX_TEXT_BYTES`] long.
pub(crate) fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT_BYTES {
        return text;
    }
    let end = (0..=MAX_TEXT_BYTES).rev().find(|&end| text.is_char_boundary(end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// A raw record that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// The cluster that it is of.
    pub cluster: Cluster,
    /// The identity of the event.
    pub event: Id,
    /// When it happened.
    pub time: Timestamp,
    /// When it was taken in.
    pub taken: Timestamp,
    /// The HTTP status; 0 where there is none.
    pub code: u16,
    texts: [String; TEXTS],
    /// How many bytes came.
    pub bytes: u64,
    /// The bytes as they came; empty where they were not asked for.
    pub raw: Bytes,
}

impl RawRecord {
    /// What it is found by.
    pub fn texts(&self) -> Texts<'_> {
        Texts::of(self.texts.each_ref().map(String::as_str))
    }

    /// Where a page that ends with this record is gone on with.
    pub fn cursor(&self) -> Cursor {
        let stage = stage(self.texts().stage);
        Cursor(Key { time: self.time.as_nanos(), event: self.event, stage })
    }

    /// A record of a file, without its bytes.
    pub(crate) const fn new(
        cluster: Cluster,
        (event, time, taken): (Id, Timestamp, Timestamp),
        code: u16,
        texts: [String; TEXTS],
        bytes: u64,
    ) -> Self {
        Self { cluster, event, time, taken, code, texts, bytes, raw: Bytes::new() }
    }

    /// A record that lies in a segment.
    pub(crate) fn stored(head: &Head, row: &Row<'_>, with_raw: bool) -> Self {
        let Row { event, time, code, texts, raw } = *row;
        let texts = texts.each().map(str::to_owned);
        let times = (event, time, head.taken);
        let record = Self::new(head.cluster.clone(), times, code, texts, raw.len() as u64);
        match with_raw {
            true => Self { raw: Bytes::copy_from_slice(raw), ..record },
            false => record,
        }
    }
}

/// Rows that are appended together: all of them are durable, or none.
#[derive(Debug, Clone)]
pub struct Batch {
    bytes: Vec<u8>,
    rows: u32,
    times: Option<(Timestamp, Timestamp)>,
}

/// Where the number of rows stands in a batch.
const ROWS_AT: usize = 8;

impl Batch {
    /// An empty batch of a cluster's records that were taken in at this time.
    pub fn new(tenant: &Tenant, cluster: &Cluster, taken: Timestamp) -> Self {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&taken.as_nanos().to_le_bytes());
        bytes.extend_from_slice(&0u32.to_le_bytes());
        put(&mut bytes, tenant.as_str().as_bytes());
        put(&mut bytes, cluster.as_str().as_bytes());
        Self { bytes, rows: 0, times: None }
    }

    /// The same, with room for records of so many bytes.
    #[must_use]
    pub fn with_room(mut self, bytes: usize) -> Self {
        self.bytes.reserve(bytes);
        self
    }

    /// Adds a record.
    pub fn push(&mut self, row: &Row<'_>) {
        self.bytes.extend_from_slice(row.event.as_bytes());
        self.bytes.extend_from_slice(&row.time.as_nanos().to_le_bytes());
        self.bytes.extend_from_slice(&row.code.to_le_bytes());
        for text in row.texts.each() {
            put(&mut self.bytes, cut(text).as_bytes());
        }
        put(&mut self.bytes, row.raw);
        self.rows = self.rows.saturating_add(1);
        let (first, last) = self.times.unwrap_or((row.time, row.time));
        self.times = Some((first.min(row.time), last.max(row.time)));
    }

    /// Whether it has no record.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many records it has.
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// The earliest and the latest time of its records.
    pub(crate) const fn times(&self) -> Option<(Timestamp, Timestamp)> {
        self.times
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        let counted = self.bytes.get_mut(ROWS_AT..ROWS_AT + 4);
        if let Some(place) = counted {
            place.copy_from_slice(&self.rows.to_le_bytes());
        }
        self.bytes
    }
}

/// A length never goes beyond four bytes: a batch is smaller than a segment, which is (`ArchiveError::TooLarge`).
fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(part);
}

/// What holds for all records of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) tenant: Tenant,
    pub(crate) cluster: Cluster,
    /// When they were taken in.
    pub(crate) taken: Timestamp,
    rows: u32,
}

impl Head {
    /// The head of a batch. None where the bytes are no batch.
    pub(crate) fn of(batch: &[u8]) -> Option<Self> {
        Reader { rest: batch }.head()
    }
}

/// How many records a batch says it has; never more than its bytes have room for.
pub(crate) fn rows_of(batch: &[u8]) -> usize {
    // Its id, time and code, and the lengths of its texts and of what came.
    const LEAST_BYTES: usize = 16 + 8 + 2 + 4 * (TEXTS + 1);
    let said = Head::of(batch).map_or(0, |head| head.rows);
    usize::try_from(said).unwrap_or(usize::MAX).min(batch.len() / LEAST_BYTES)
}

/// Shows each record of a batch. False where the bytes are no batch.
pub(crate) fn each_row<'a>(batch: &'a [u8], mut show: impl FnMut(Row<'a>)) -> bool {
    let mut reader = Reader { rest: batch };
    let Some(head) = reader.head() else { return false };
    for _ in 0..head.rows {
        let Some(row) = reader.row() else { return false };
        show(row);
    }
    true
}

#[derive(Debug, Clone, Copy)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(part)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.part()?).ok()
    }

    fn head(&mut self) -> Option<Head> {
        let taken = Timestamp::from_nanos(i64::from_le_bytes(self.array()?));
        let rows = u32::from_le_bytes(self.array()?);
        let tenant = Tenant::new(self.text()?).ok()?;
        let cluster = Cluster::new(self.text()?).ok()?;
        Some(Head { tenant, cluster, taken, rows })
    }

    fn row(&mut self) -> Option<Row<'a>> {
        let event = Id::from_bytes(self.array()?);
        let time = Timestamp::from_nanos(i64::from_le_bytes(self.array()?));
        let code = u16::from_le_bytes(self.array()?);
        let mut each = [""; TEXTS];
        for text in &mut each {
            *text = self.text()?;
        }
        Some(Row { event, time, code, texts: Texts::of(each), raw: self.part()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_what_was_put_in() {
        let (tenant, cluster) = (Tenant::default(), Cluster::new("prod").unwrap());
        let mut batch = Batch::new(&tenant, &cluster, Timestamp::from_nanos(7));
        let long = "ä".repeat(MAX_TEXT_BYTES);
        let texts = Texts { actor: "ada", name: &long, ..Texts::default() };
        let row =
            Row { time: Timestamp::from_nanos(-3), code: 403, texts, raw: b"{}", ..Row::default() };
        batch.push(&row);
        batch.push(&Row::default());
        let bytes = batch.into_bytes();
        let mut seen = Vec::new();
        let head = Head::of(&bytes).unwrap();
        assert!(each_row(&bytes, |row| seen.push(RawRecord::stored(&head, &row, true))));
        assert_eq!(seen.len(), 2);
        let first = &seen[0];
        assert_eq!((first.time.as_nanos(), first.taken.as_nanos(), first.code), (-3, 7, 403));
        assert_eq!((first.texts().actor, first.texts().name.len()), ("ada", MAX_TEXT_BYTES));
        assert_eq!((first.cluster.as_str(), &*first.raw), ("prod", &b"{}"[..]));
        assert_eq!(rows_of(&bytes), 2);
        for end in 0..bytes.len() {
            assert!(rows_of(&bytes[..end]) <= 2);
            assert!(!each_row(&bytes[..end], |_| {}), "{end}");
        }
    }
}
