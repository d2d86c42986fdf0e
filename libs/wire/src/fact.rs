//! Facts on the wire.

use airside_types::{Fact, Timestamp};

use crate::closed_list::ClosedList;
use crate::invalid::InvalidField;
use crate::{field, v1};

impl From<&Fact> for v1::Fact {
    fn from(fact: &Fact) -> Self {
        Self {
            subject: Some((&fact.subject).into()),
            relation: fact.relation.to_wire(),
            object: Some((&fact.object).into()),
            from_unix_nanos: fact.from.as_nanos(),
            until_unix_nanos: fact.until.map(Timestamp::as_nanos),
        }
    }
}

impl TryFrom<v1::Fact> for Fact {
    type Error = InvalidField;

    fn try_from(fact: v1::Fact) -> Result<Self, Self::Error> {
        Ok(Self {
            subject: field::required("subject", fact.subject)?,
            relation: field::listed("relation", fact.relation)?,
            object: field::required("object", fact.object)?,
            from: field::moment(fact.from_unix_nanos),
            until: fact.until_unix_nanos.map(field::moment),
        })
    }
}
