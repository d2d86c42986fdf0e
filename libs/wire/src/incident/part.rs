//! The parts of an incident: stages, evidence, root causes and score terms.

use airside_types::{Evidence, RootCause, ScoreTerm, Stage};

use crate::closed_list::ClosedList;
use crate::invalid::InvalidField;
use crate::limits::MAX_LINEAGE_STEPS;
use crate::{bounded, field, v1};

impl From<&Stage> for v1::Stage {
    fn from(stage: &Stage) -> Self {
        Self {
            tactic: stage.tactic.to_wire(),
            techniques: bounded::techniques(&stage.techniques),
            first_unix_nanos: stage.first.as_nanos(),
            last_unix_nanos: stage.last.as_nanos(),
        }
    }
}

impl TryFrom<v1::Stage> for Stage {
    type Error = InvalidField;

    fn try_from(stage: v1::Stage) -> Result<Self, Self::Error> {
        Ok(Self {
            tactic: field::listed("tactic", stage.tactic)?,
            techniques: field::techniques("techniques", stage.techniques)?,
            first: field::moment(stage.first_unix_nanos),
            last: field::moment(stage.last_unix_nanos),
        })
    }
}

impl From<&Evidence> for v1::Evidence {
    fn from(evidence: &Evidence) -> Self {
        Self {
            record_id: bounded::id(evidence.record),
            source: evidence.source.to_wire(),
            phase: evidence.phase.to_wire(),
            time_unix_nanos: evidence.time.as_nanos(),
            rule: bounded::identity(&evidence.rule),
            summary: bounded::text(&evidence.summary),
            severity: evidence.severity.to_wire(),
            native_id: bounded::identity(&evidence.native_id),
            origin: evidence.origin.as_ref().map(Into::into),
            event_id: evidence.event.map(bounded::id),
            repeats: evidence.repeats.map(Into::into),
        }
    }
}

impl TryFrom<v1::Evidence> for Evidence {
    type Error = InvalidField;

    fn try_from(evidence: v1::Evidence) -> Result<Self, Self::Error> {
        Ok(Self {
            record: field::id("record_id", &evidence.record_id)?,
            source: field::listed("source", evidence.source)?,
            phase: field::listed("phase", evidence.phase)?,
            time: field::moment(evidence.time_unix_nanos),
            rule: field::identity("rule", evidence.rule)?,
            summary: field::text("summary", evidence.summary)?,
            severity: field::listed("severity", evidence.severity)?,
            native_id: field::identity("native_id", evidence.native_id)?,
            origin: field::optional("origin", evidence.origin)?,
            event: field::optional_id("event_id", evidence.event_id)?,
            repeats: field::optional("repeats", evidence.repeats)?,
        })
    }
}

impl From<&RootCause> for v1::RootCause {
    fn from(cause: &RootCause) -> Self {
        Self {
            check: bounded::identity(&cause.check),
            severity: cause.severity.to_wire(),
            object: Some((&cause.object).into()),
            field: bounded::field_path(&cause.field),
            place: Some((&cause.place).into()),
            message: bounded::text(&cause.message),
            fix: bounded::text(&cause.fix),
            lineage: cause
                .lineage
                .iter()
                .take(MAX_LINEAGE_STEPS)
                .map(|step| bounded::text(step))
                .collect(),
        }
    }
}

impl TryFrom<v1::RootCause> for RootCause {
    type Error = InvalidField;

    fn try_from(cause: v1::RootCause) -> Result<Self, Self::Error> {
        Ok(Self {
            check: field::identity("check", cause.check)?,
            severity: field::listed("severity", cause.severity)?,
            object: field::required("object", cause.object)?,
            field: field::field_path("field", cause.field)?,
            place: field::required("place", cause.place)?,
            message: field::text("message", cause.message)?,
            fix: field::text("fix", cause.fix)?,
            lineage: field::texts("lineage", cause.lineage, MAX_LINEAGE_STEPS)?,
        })
    }
}

impl From<&ScoreTerm> for v1::ScoreTerm {
    fn from(term: &ScoreTerm) -> Self {
        Self { reason: bounded::text(&term.reason), milli_points: term.points }
    }
}

impl TryFrom<v1::ScoreTerm> for ScoreTerm {
    type Error = InvalidField;

    fn try_from(term: v1::ScoreTerm) -> Result<Self, Self::Error> {
        Ok(Self { reason: field::text("reason", term.reason)?, points: term.milli_points })
    }
}
