//! Incidents as a function of the set of records.
//!
//! Owns the joining of detections and decisions into incidents, and what an incident says: stages,
//! evidence, score, root causes, advice. [`Engine`] keeps incidents up to date record by record;
//! [`incidents_of`] computes the same from scratch, slowly and plainly, and is what the engine is
//! tested against. Both know no IO, clock, randomness or order of arrival.
//! What makes a detection is `airside-detect`'s; durability and the log are the correlation service's.

mod engine;
mod graph;
mod index;
mod joins;
mod keyed;
mod knowledge;
mod oracle;
mod scope;
mod settings;
mod signal;
mod story;
mod table;

pub use engine::{Change, Engine, KnownCluster};
pub use oracle::incidents_of;
pub use settings::{Caps, Guards, Retention, Scores, Settings, Spans};

#[cfg(test)]
mod tests;
