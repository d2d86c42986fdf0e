//! Gaps: intervals in which a source is known to have lost events.

use crate::record::Source;
use crate::time::Timestamp;

/// A source's known blind spot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gap {
    /// The source that lost events.
    pub source: Source,
    /// Which part of it: a node or an API server; empty for all of it.
    pub origin: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// How many events were lost, where the source counts them.
    pub lost: Option<u64>,
    /// What the source said about it.
    pub reason: String,
}
