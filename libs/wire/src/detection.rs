//! Detections on the wire.

use airside_types::{Confidence, Detection, NamedValue, Repeats};

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_LINKS, MAX_VALUES};
use crate::{bounded, field, v1};

impl From<&NamedValue> for v1::NamedValue {
    fn from(value: &NamedValue) -> Self {
        Self { name: bounded::text(&value.name), value: bounded::text(&value.value) }
    }
}

impl TryFrom<v1::NamedValue> for NamedValue {
    type Error = InvalidField;

    fn try_from(value: v1::NamedValue) -> Result<Self, Self::Error> {
        Ok(Self {
            name: field::text("name", value.name)?,
            value: field::text("value", value.value)?,
        })
    }
}

impl From<&Detection> for v1::Detection {
    fn from(detection: &Detection) -> Self {
        Self {
            rule: bounded::identity(&detection.rule),
            rule_version: detection.rule_version,
            title: bounded::text(&detection.title),
            message: bounded::text(&detection.message),
            severity: detection.severity.to_wire(),
            confidence_per_mille: detection.confidence.as_per_mille().into(),
            tactic: detection.tactic.to_wire(),
            techniques: bounded::techniques(&detection.techniques),
            phase: detection.phase.to_wire(),
            links: bounded::list(&detection.links, MAX_LINKS),
            values: bounded::list(&detection.values, MAX_VALUES),
            native_id: bounded::identity(&detection.native_id),
            origin: detection.origin.as_ref().map(Into::into),
            event_id: detection.event.map(bounded::id),
            repeats: detection.repeats.map(Into::into),
        }
    }
}

impl TryFrom<v1::Detection> for Detection {
    type Error = InvalidField;

    fn try_from(detection: v1::Detection) -> Result<Self, Self::Error> {
        Ok(Self {
            rule: field::identity("rule", detection.rule)?,
            rule_version: detection.rule_version,
            title: field::text("title", detection.title)?,
            message: field::text("message", detection.message)?,
            severity: field::listed("severity", detection.severity)?,
            confidence: confidence("confidence_per_mille", detection.confidence_per_mille)?,
            tactic: field::listed("tactic", detection.tactic)?,
            techniques: field::techniques("techniques", detection.techniques)?,
            phase: field::listed("phase", detection.phase)?,
            links: field::list("links", detection.links, MAX_LINKS)?.into(),
            values: field::list("values", detection.values, MAX_VALUES)?.into(),
            native_id: field::identity("native_id", detection.native_id)?,
            origin: field::optional("origin", detection.origin)?,
            event: field::optional_id("event_id", detection.event_id)?,
            repeats: field::optional("repeats", detection.repeats)?,
        })
    }
}

impl From<Repeats> for v1::Repeats {
    fn from(repeats: Repeats) -> Self {
        Self {
            count: repeats.count,
            last_unix_nanos: repeats.last.as_nanos(),
            carried_out: repeats.carried_out,
        }
    }
}

impl TryFrom<v1::Repeats> for Repeats {
    type Error = InvalidField;

    fn try_from(repeats: v1::Repeats) -> Result<Self, Self::Error> {
        if repeats.count < 2 {
            let why = "what was seen once has no repeats".to_owned();
            return Err(InvalidField::new("count", Problem::Malformed(why)));
        }
        if repeats.carried_out >= repeats.count {
            let why = "the first of what repeats itself was asked for".to_owned();
            return Err(InvalidField::new("carried_out", Problem::Malformed(why)));
        }
        Ok(Self {
            count: repeats.count,
            last: field::moment(repeats.last_unix_nanos),
            carried_out: repeats.carried_out,
        })
    }
}

fn confidence(field: &str, value: u32) -> Result<Confidence, InvalidField> {
    let most = Confidence::CERTAIN.as_per_mille();
    u16::try_from(value)
        .ok()
        .filter(|per_mille| *per_mille <= most)
        .map(Confidence::per_mille)
        .ok_or_else(|| {
            let problem = Problem::TooLarge { value: value.into(), most: most.into() };
            InvalidField::new(field, problem)
        })
}
