//! The vocabulary of Airside: what every crate calls things.
//!
//! Owns identifiers, time, tenants, entities, facts, findings, boarding passes, decisions, detections,
//! gaps and incidents, and the rules that make one of them well-formed.
//! It knows no IO, no async runtime, no serialisation format and no clock: conversions to and from the
//! wire are `airside-wire`'s, and times are read from records.

pub mod attack;
pub mod boarding_pass;
pub mod dead_letter;
pub mod decision;
pub mod detection;
pub mod entity;
pub mod fact;
pub mod field_path;
pub mod finding;
pub mod gap;
pub mod id;
pub mod incident;
pub mod origin;
pub mod place;
pub mod record;
pub mod redact;
pub mod rule;
mod rule_file;
pub mod severity;
mod shared;
pub mod sighting;
pub mod suppression;
pub mod tenancy;
pub mod term_files;
mod texts;
pub mod time;
mod used_grant;

pub use attack::{Tactic, Technique};
pub use boarding_pass::{
    AcceptedFinding, Attestation, BoardingPass, FieldDigest, Knowledge, PassVerdict, Rules,
};
pub use dead_letter::DeadLetter;
pub use decision::{Authorisation, Decision, Operation, Verdict, Violation};
pub use detection::{Confidence, Detection, Link, LinkRole, NamedValue, Phase, Repeats};
pub use entity::{Entity, EntityKey, ObjectRef, shown_name};
pub use fact::{Fact, Relation};
pub use field_path::{FieldPath, Step, Steps};
pub use finding::{Finding, FindingState};
pub use gap::Gap;
pub use id::{Id, IdBuilder};
pub use incident::{Evidence, Incident, RootCause, ScoreTerm, Stage};
pub use origin::{
    ChartRendering, ChartValue, KustomizationRendering, Origin, Rendering, Revision, SourceLine,
};
pub use place::Place;
pub use record::{Payload, Record, Source};
pub use rule::Rule;
pub use rule_file::{RuleFile, RuleFiles};
pub use severity::Severity;
pub use shared::SharedList;
pub use sighting::{
    CorrelationCandidate, MAX_TEXTS_OF_REQUEST, Quiet, QuietKind, Sighting, SightingBatch,
};
pub use suppression::{Reason, Suppression};
pub use tenancy::{Cluster, Tenant};
pub use term_files::{TermFiles, TermFilesOfTenants};
pub use texts::{TextRef, Texts};
pub use time::Timestamp;
pub use used_grant::UsedGrant;
