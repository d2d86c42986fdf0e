//! Admission decisions on the wire.

use airside_types::{Authorisation, Decision, FieldPath, Violation};

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_DRIFTED_FIELDS, MAX_LINKS, MAX_VIOLATIONS};
use crate::v1::authorisation::{Authorised, Drifted, State, Unknown, Untrusted};
use crate::{bounded, field, v1};

impl From<&Violation> for v1::Violation {
    fn from(violation: &Violation) -> Self {
        Self {
            check: bounded::identity(&violation.check),
            severity: violation.severity.to_wire(),
            field: bounded::field_path(&violation.field),
            message: bounded::text(&violation.message),
        }
    }
}

impl TryFrom<v1::Violation> for Violation {
    type Error = InvalidField;

    fn try_from(violation: v1::Violation) -> Result<Self, Self::Error> {
        Ok(Self {
            check: field::identity("check", violation.check)?,
            severity: field::listed("severity", violation.severity)?,
            field: field::field_path("field", violation.field)?,
            message: field::text("message", violation.message)?,
        })
    }
}

impl From<&Authorisation> for v1::Authorisation {
    fn from(authorisation: &Authorisation) -> Self {
        let state = match authorisation {
            Authorisation::Authorised { pass, place } => State::Authorised(Authorised {
                pass_id: bounded::id(*pass),
                place: Some(place.into()),
            }),
            Authorisation::Drifted { pass, place, fields } => State::Drifted(Drifted {
                pass_id: bounded::id(*pass),
                place: Some(place.into()),
                fields: fields.iter().take(MAX_DRIFTED_FIELDS).map(bounded::field_path).collect(),
            }),
            Authorisation::Untrusted { pass, place, reason } => State::Untrusted(Untrusted {
                pass_id: bounded::id(*pass),
                place: Some(place.into()),
                reason: bounded::text(reason),
            }),
            Authorisation::Unknown => State::Unknown(Unknown {}),
        };
        Self { state: Some(state) }
    }
}

impl TryFrom<v1::Authorisation> for Authorisation {
    type Error = InvalidField;

    fn try_from(authorisation: v1::Authorisation) -> Result<Self, Self::Error> {
        let state = authorisation.state;
        match state.ok_or_else(|| InvalidField::new("state", Problem::Missing))? {
            State::Authorised(state) => Ok(Self::Authorised {
                pass: field::id("authorised.pass_id", &state.pass_id)?,
                place: field::required("authorised.place", state.place)?,
            }),
            State::Drifted(state) => Ok(Self::Drifted {
                pass: field::id("drifted.pass_id", &state.pass_id)?,
                place: field::required("drifted.place", state.place)?,
                fields: field_paths("drifted.fields", state.fields)?,
            }),
            State::Untrusted(state) => Ok(Self::Untrusted {
                pass: field::id("untrusted.pass_id", &state.pass_id)?,
                place: field::required("untrusted.place", state.place)?,
                reason: field::text("untrusted.reason", state.reason)?,
            }),
            State::Unknown(Unknown {}) => Ok(Self::Unknown),
        }
    }
}

fn field_paths(field: &str, values: Vec<String>) -> Result<Vec<FieldPath>, InvalidField> {
    field::each(field, values, MAX_DRIFTED_FIELDS, |value| field::field_path("", value))
}

impl From<&Decision> for v1::Decision {
    fn from(decision: &Decision) -> Self {
        Self {
            request_uid: bounded::identity(&decision.request_uid),
            verdict: decision.verdict.to_wire(),
            operation: decision.operation.to_wire(),
            object: Some((&decision.object).into()),
            subresource: bounded::identity(&decision.subresource),
            dry_run: decision.dry_run,
            links: bounded::list(&decision.links, MAX_LINKS),
            violations: bounded::list(&decision.violations, MAX_VIOLATIONS),
            authorisation: Some((&decision.authorisation).into()),
            origin: decision.origin.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::Decision> for Decision {
    type Error = InvalidField;

    fn try_from(decision: v1::Decision) -> Result<Self, Self::Error> {
        Ok(Self {
            request_uid: field::identity("request_uid", decision.request_uid)?,
            verdict: field::listed("verdict", decision.verdict)?,
            operation: field::listed("operation", decision.operation)?,
            object: field::required("object", decision.object)?,
            subresource: field::identity("subresource", decision.subresource)?,
            dry_run: decision.dry_run,
            links: field::list("links", decision.links, MAX_LINKS)?,
            violations: field::list("violations", decision.violations, MAX_VIOLATIONS)?,
            authorisation: field::required("authorisation", decision.authorisation)?,
            origin: field::optional("origin", decision.origin)?,
        })
    }
}
