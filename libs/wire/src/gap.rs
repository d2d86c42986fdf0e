//! Gaps on the wire.

use airside_types::Gap;

use crate::closed_list::ClosedList;
use crate::invalid::InvalidField;
use crate::{bounded, field, v1};

impl From<&Gap> for v1::Gap {
    fn from(gap: &Gap) -> Self {
        Self {
            source: gap.source.to_wire(),
            origin: bounded::identity(&gap.origin),
            from_unix_nanos: gap.from.as_nanos(),
            until_unix_nanos: gap.until.as_nanos(),
            lost: gap.lost,
            reason: bounded::text(&gap.reason),
        }
    }
}

impl TryFrom<v1::Gap> for Gap {
    type Error = InvalidField;

    fn try_from(gap: v1::Gap) -> Result<Self, Self::Error> {
        Ok(Self {
            source: field::listed("source", gap.source)?,
            origin: field::identity("origin", gap.origin)?,
            from: field::moment(gap.from_unix_nanos),
            until: field::moment(gap.until_unix_nanos),
            lost: gap.lost,
            reason: field::text("reason", gap.reason)?,
        })
    }
}
