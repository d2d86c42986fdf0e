//! Messages of the log and the queue: their names and versions, and how their bytes are read.
//!
//! A message carries its type and version in a header, so that a reader knows what it cannot read yet. A
//! newer version than this program knows is no broken message: the reader waits for its upgrade.

use airside_types::{DeadLetter, Record, RuleFiles, SightingBatch};
use bytes::Bytes;

use crate::dead_letter::decode_dead_letter;
use crate::incident::{IncidentEvent, decode_incident_event};
use crate::invalid::InvalidField;
use crate::job::{ScanJob, decode_scan_job};
use crate::limits::MAX_MESSAGE_BYTES;
use crate::record::decode_records;
use crate::rules::decode_rule_files;
use crate::sighting::decode_sightings;

/// The name of the header that holds a message's type and version.
pub const HEADER: &str = "airside-msg";

/// The types of messages, each in the version that this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageType {
    /// Records, from intake services to correlation.
    RecordBatch,
    /// What correlation tells about incidents.
    IncidentEvent,
    /// A scan to do later.
    ScanJob,
    /// An input that was set aside.
    DeadLetter,
    /// Requests to API servers, from intake to the owner of their partition.
    SightingBatch,
    /// The rules that a tenant has set.
    RuleFiles,
}

impl MessageType {
    /// All types.
    pub const ALL: [Self; 6] = [
        Self::RecordBatch,
        Self::IncidentEvent,
        Self::ScanJob,
        Self::DeadLetter,
        Self::SightingBatch,
        Self::RuleFiles,
    ];

    /// The header's value: the type and its version.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecordBatch => "record-batch.v1",
            Self::IncidentEvent => "incident-event.v1",
            Self::ScanJob => "scan-job.v1",
            Self::DeadLetter => "dead-letter.v1",
            Self::SightingBatch => "sighting-batch.v1",
            Self::RuleFiles => "rule-files.v1",
        }
    }

    /// Reads a header's value. A known type in a newer version is [`DecodeError::NewerVersion`].
    pub fn parse(name: &str) -> Result<Self, DecodeError> {
        let shown = || name.chars().take(80).collect::<String>();
        for known in Self::ALL {
            if known.as_str() == name {
                return Ok(known);
            }
            if is_newer(name, known.as_str()) {
                return Err(DecodeError::NewerVersion { name: shown(), known: known.as_str() });
            }
        }
        Err(DecodeError::UnknownType { name: shown() })
    }
}

/// Whether `name` is a later version of the type whose version `known` is: `record-batch.v2`.
fn is_newer(name: &str, known: &str) -> bool {
    let versioned = |text: &str| {
        let (kind, version) = text.rsplit_once(".v")?;
        Some((kind.to_owned(), version.parse::<u32>().ok()?))
    };
    match (versioned(name), versioned(known)) {
        (Some((kind, version)), Some((known_kind, known_version))) => {
            kind == known_kind && version > known_version
        }
        _ => false,
    }
}

/// A message, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Of type [`MessageType::RecordBatch`].
    Records(Vec<Record>),
    /// Of type [`MessageType::IncidentEvent`].
    IncidentEvent(IncidentEvent),
    /// Of type [`MessageType::ScanJob`].
    ScanJob(ScanJob),
    /// Of type [`MessageType::DeadLetter`].
    DeadLetter(DeadLetter),
    /// Of type [`MessageType::SightingBatch`].
    Sightings(Box<SightingBatch>),
    /// Of type [`MessageType::RuleFiles`].
    RuleFiles(RuleFiles),
}

/// Decodes a message by what its header says it is.
pub fn decode_named(name: &str, payload: &[u8]) -> Result<Decoded, DecodeError> {
    match MessageType::parse(name)? {
        MessageType::RecordBatch => decode_records(payload).map(Decoded::Records),
        MessageType::IncidentEvent => decode_incident_event(payload).map(Decoded::IncidentEvent),
        MessageType::ScanJob => decode_scan_job(payload).map(Decoded::ScanJob),
        MessageType::DeadLetter => decode_dead_letter(payload).map(Decoded::DeadLetter),
        MessageType::SightingBatch => {
            decode_sightings(payload).map(Box::new).map(Decoded::Sightings)
        }
        MessageType::RuleFiles => decode_rule_files(payload).map(Decoded::RuleFiles),
    }
}

/// Why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another node speaks a newer version: keep the message until this one is upgraded.
    #[error(
        "message type `{name}` is newer than `{known}`, the newest that this version reads: upgrade this node"
    )]
    NewerVersion {
        /// The header's value.
        name: String,
        /// The newest that is known.
        known: &'static str,
    },
    /// No message of Airside has this name.
    #[error("`{name}` is no message type")]
    UnknownType {
        /// The header's value.
        name: String,
    },
    /// Larger than any message may be.
    #[error("a {what} of {bytes} bytes is larger than the {most} bytes that are allowed")]
    TooLarge {
        /// What was expected.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// The bytes are no message of this kind.
    #[error("the bytes are no {what}: {reason}")]
    Malformed {
        /// What was expected.
        what: &'static str,
        /// What the decoder stumbled over.
        reason: String,
    },
    /// A field cannot be read.
    #[error("invalid {what}: {error}")]
    Invalid {
        /// What was expected.
        what: &'static str,
        /// Which field, and what is wrong with it.
        error: InvalidField,
    },
}

/// Why something cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A batch without records says nothing.
    #[error("a batch needs at least one record")]
    NoRecords,
    /// The batch has more records than one message may have: split it.
    #[error("a batch of {records} records is larger than the {most} that one message may have")]
    TooManyRecords {
        /// How many there are.
        records: usize,
        /// The bound.
        most: usize,
    },
    /// The message is larger than its bound.
    #[error("a {what} of {bytes} bytes is larger than the {most} bytes that one message may have")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// A list that must not be cut is longer than its bound.
    #[error("cannot encode {what}: {error}")]
    Unbounded {
        /// What it is.
        what: &'static str,
        /// Which list, and how long it may be.
        error: InvalidField,
    },
}

/// Encodes a message, if it is not larger than a message may be.
pub(crate) fn encode<M: prost::Message>(
    what: &'static str,
    message: &M,
) -> Result<Bytes, EncodeError> {
    let bytes = message.encoded_len();
    if bytes > MAX_MESSAGE_BYTES {
        return Err(EncodeError::TooLarge { what, bytes, most: MAX_MESSAGE_BYTES });
    }
    Ok(message.encode_to_vec().into())
}

/// Decodes a message and converts it.
pub(crate) fn decode<M, T>(what: &'static str, payload: &[u8]) -> Result<T, DecodeError>
where
    M: prost::Message + Default,
    T: TryFrom<M, Error = InvalidField>,
{
    let message: M = decode_wire(what, payload)?;
    T::try_from(message).map_err(|error| DecodeError::Invalid { what, error })
}

/// Decodes a message as it is on the wire.
pub(crate) fn decode_wire<M>(what: &'static str, payload: &[u8]) -> Result<M, DecodeError>
where
    M: prost::Message + Default,
{
    let bytes = payload.len();
    if bytes > MAX_MESSAGE_BYTES {
        return Err(DecodeError::TooLarge { what, bytes, most: MAX_MESSAGE_BYTES });
    }
    M::decode(payload).map_err(|error| DecodeError::Malformed { what, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_told_from_what_nobody_knows() {
        for known in MessageType::ALL {
            assert_eq!(MessageType::parse(known.as_str()), Ok(known));
        }
        let newer = MessageType::parse("record-batch.v2").unwrap_err();
        assert!(matches!(&newer, DecodeError::NewerVersion { known: "record-batch.v1", .. }));
        assert_eq!(
            newer.to_string(),
            "message type `record-batch.v2` is newer than `record-batch.v1`, the newest that this \
             version reads: upgrade this node"
        );
        for unknown in ["record-batch.v0", "record-batch", "record-batch.v", "letter.v1", ""] {
            let error = MessageType::parse(unknown).unwrap_err();
            assert!(matches!(error, DecodeError::UnknownType { .. }), "{unknown}: {error}");
        }
        assert_eq!(decode_named("record-batch.v2", b"").unwrap_err(), newer);
    }
}
