//! The wire of Airside: Protocol Buffers and gRPC, and every conversion between them and the vocabulary.
//!
//! Owns the generated code ([`v1`]), the conversions of every noun (one module each), the bounds that
//! they enforce ([`limits`]), the names of versioned messages ([`message`]) and the error codes that
//! callers see ([`error`]). No other crate names `prost`: outside this one, a payload is bytes and a
//! request is a type of `airside-types` or of a module here.
//!
//! Reading is strict: [`TryFrom`] a wire message checks everything, and says which field is wrong.
//! Writing always succeeds for what describes (a text that is too long is cut, visibly) and for what
//! identifies (a name that is too long is shortened to one that is still its own), so that nobody can
//! keep a detection off the log by making a name long. Where cutting would change what a record means,
//! encoding fails with an [`message::EncodeError`].

pub mod boarding_pass;
mod bounded;
pub mod catalogue;
mod closed_list;
pub mod dead_letter;
pub mod decision;
pub mod detection;
pub mod entity;
pub mod error;
pub mod fact;
mod field;
pub mod finding;
pub mod gap;
mod id;
pub mod incident;
pub mod ingest;
pub mod invalid;
pub mod job;
pub mod limits;
pub mod message;
pub mod origin;
pub mod page;
pub mod place;
pub mod raw;
pub mod record;
pub mod rules;
pub mod scan;
pub mod sighting;
pub mod suppression;

pub use dead_letter::{decode_dead_letter, encode_dead_letter};
pub use error::{ApiError, ErrorCode};
pub use incident::{IncidentEvent, decode_incident_event, encode_incident_event};
pub use invalid::{InvalidField, Problem};
pub use message::{DecodeError, EncodeError, MessageType};
pub use record::{decode_record, decode_records, encode_batches, encode_record, encode_records};
pub use rules::{decode_rule_files, encode_rule_files};
pub use sighting::{decode_sightings, encode_sightings};
pub use suppression::{decode_suppression, encode_suppression};

/// The descriptors of all services and messages, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptor.bin");

/// The generated messages, clients and servers of the package `airside.v1`. Made from `proto/` by the
/// test `codegen`; never edited by hand.
#[allow(
    clippy::all,
    clippy::restriction,
    missing_debug_implementations,
    missing_docs,
    rustdoc::all,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code"
)]
pub mod v1 {
    include!("gen/airside.v1.rs");
}

#[cfg(test)]
mod tests;
