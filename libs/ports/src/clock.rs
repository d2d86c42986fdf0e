//! The clock port. Sleeping is not part of it: services wait with the async runtime's timers.

use std::fmt::Debug;

use airside_types::Timestamp;

/// Tells the time. Only the edges ask: they stamp ingest times and deadlines; engines read records.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment, UTC.
    fn now(&self) -> Timestamp;
}
