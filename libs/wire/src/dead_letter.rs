//! Dead letters on the wire.

use airside_types::DeadLetter;
use bytes::Bytes;

use crate::invalid::InvalidField;
use crate::message::{self, DecodeError, EncodeError};
use crate::{bounded, field, v1};

impl From<&DeadLetter> for v1::DeadLetter {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            tenant: letter.tenant.as_ref().map(ToString::to_string).unwrap_or_default(),
            cluster: letter.cluster.as_ref().map(ToString::to_string).unwrap_or_default(),
            origin: bounded::identity(&letter.origin),
            reason: bounded::text(&letter.reason),
            time_unix_nanos: letter.time.as_nanos(),
            digest: bounded::id(letter.digest),
            input_bytes: letter.bytes,
            excerpt: bounded::text(&letter.excerpt),
        }
    }
}

impl TryFrom<v1::DeadLetter> for DeadLetter {
    type Error = InvalidField;

    fn try_from(letter: v1::DeadLetter) -> Result<Self, Self::Error> {
        Ok(Self {
            tenant: field::optional_tenant("tenant", &letter.tenant)?,
            cluster: field::optional_cluster("cluster", &letter.cluster)?,
            origin: field::identity("origin", letter.origin)?,
            reason: field::text("reason", letter.reason)?,
            time: field::moment(letter.time_unix_nanos),
            digest: field::id("digest", &letter.digest)?,
            bytes: letter.input_bytes,
            excerpt: field::text("excerpt", letter.excerpt)?,
        })
    }
}

/// Encodes a dead letter, as message type [`crate::MessageType::DeadLetter`].
pub fn encode_dead_letter(letter: &DeadLetter) -> Result<Bytes, EncodeError> {
    message::encode::<v1::DeadLetter>("dead letter", &letter.into())
}

/// Decodes what [`encode_dead_letter`] wrote.
pub fn decode_dead_letter(payload: &[u8]) -> Result<DeadLetter, DecodeError> {
    message::decode::<v1::DeadLetter, _>("dead letter", payload)
}
