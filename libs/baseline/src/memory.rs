//! What an actor, a class or a cluster is remembered by: small, bounded, and the same for the same past.

mod distinct;
mod heights;
mod kept;
mod key;
mod pairs;
mod peak;
mod seen;

pub(crate) use distinct::Distinct;
pub(crate) use heights::{Heights, Levels, Scores};
pub(crate) use kept::Kept;
pub(crate) use key::{Key, key, key_of_number};
pub(crate) use pairs::{Meeting, Pairs};
pub(crate) use peak::{Peak, Surge};
pub(crate) use seen::{Novelty, Seen, Sight};

/// Hours since the Unix epoch.
pub(crate) type Hour = u32;

/// The hour of a moment.
pub(crate) fn hour(time: airside_types::Timestamp) -> Hour {
    u32::try_from(time.as_nanos() / (3600 * 1_000_000_000)).unwrap_or_default()
}
