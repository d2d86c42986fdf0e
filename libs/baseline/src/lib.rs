//! Behaviour: what is usual for an actor, a credential, a cluster, learnt from what they do.
//!
//! Pure and deterministic: a fold over observations in the order of a log, with bounded memory for each
//! actor. A [`ClusterBehaviour`] knows one cluster of one tenant, so that none can learn from, or be told by,
//! another. Nothing is learnt for a fixed time: how rare something is follows from how much was seen
//! (`memory.rs`). Where observations come from, and what an anomaly means beside other signals, is left to
//! others.

mod anomaly;
mod behaviour;
pub mod evidence;
mod memory;
mod models;
pub mod observation;
pub mod recent;

pub use anomaly::Anomaly;
pub use behaviour::{Changed, ClusterBehaviour, Limits, Rare, StateKey};
pub use observation::Observation;

/// All models, in the order in which they are documented.
pub fn rules() -> impl Iterator<Item = &'static airside_types::Rule> {
    models::ALL.iter().copied()
}
