//! Suppressions on the wire, and as a store keeps them.

use airside_types::{Cluster, Reason, Suppression};
use bytes::Bytes;

use crate::invalid::{InvalidField, Problem};
use crate::message::{self, DecodeError, EncodeError};
use crate::{bounded, field, v1};

/// Which suppressions to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuppressionQuery {
    /// Only those of this cluster.
    pub cluster: Option<Cluster>,
}

impl TryFrom<v1::ListSuppressionsRequest> for SuppressionQuery {
    type Error = InvalidField;

    fn try_from(request: v1::ListSuppressionsRequest) -> Result<Self, Self::Error> {
        Ok(Self { cluster: field::optional_cluster("cluster", &request.cluster)? })
    }
}

/// A suppression in a cluster, as a message.
pub fn to_wire(cluster: &Cluster, suppression: &Suppression) -> v1::Suppression {
    v1::Suppression {
        cluster: cluster.as_str().to_owned(),
        reason: suppression.reason.as_str().to_owned(),
        rule: bounded::identity(&suppression.rule),
        count: suppression.count,
        first_unix_nanos: suppression.first.as_nanos(),
        last_unix_nanos: suppression.last.as_nanos(),
        example: bounded::text(&suppression.example),
        about: suppression.reason.about().to_owned(),
    }
}

impl TryFrom<v1::Suppression> for Suppression {
    type Error = InvalidField;

    fn try_from(suppression: v1::Suppression) -> Result<Self, Self::Error> {
        let reason = &suppression.reason;
        let known = Reason::ALL.into_iter().find(|known| known.as_str() == reason);
        let unknown = || {
            let shown: String = reason.chars().take(40).collect();
            InvalidField::new("reason", Problem::Malformed(format!("`{shown}` is no reason")))
        };
        Ok(Self {
            reason: known.ok_or_else(unknown)?,
            rule: field::identity("rule", suppression.rule)?,
            count: suppression.count,
            first: field::moment(suppression.first_unix_nanos),
            last: field::moment(suppression.last_unix_nanos),
            example: field::text("example", suppression.example)?,
        })
    }
}

/// Encodes a suppression, for a store.
pub fn encode_suppression(
    cluster: &Cluster,
    suppression: &Suppression,
) -> Result<Bytes, EncodeError> {
    message::encode("suppression", &to_wire(cluster, suppression))
}

/// Decodes what [`encode_suppression`] wrote.
pub fn decode_suppression(payload: &[u8]) -> Result<Suppression, DecodeError> {
    message::decode::<v1::Suppression, _>("suppression", payload)
}
