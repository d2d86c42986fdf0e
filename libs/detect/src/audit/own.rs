//! Rules of people's own over audit events: how what they find becomes a record like that of a built-in rule.
//!
//! Owns identity, time, links and the sentence, so that no rule engine invents its own. Which rules there are and
//! when one fires is the engine's: `airside-sigma`.

use airside_types::{CorrelationCandidate, Id, NamedValue, Record, Source, Timestamp};

use super::event::Event;
use super::request::Request;
use super::rules::Firing;
use crate::intake::Intake;
use crate::profile::ClusterProfile;
use crate::rule::RuleInfo;

/// What people's own rules find in one event.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The detections of rules that stand alone.
    pub records: Vec<Record>,
    /// What correlation rules count of it.
    pub candidates: Vec<CorrelationCandidate>,
}

impl Found {
    pub(super) const fn is_empty(&self) -> bool {
        self.records.is_empty() && self.candidates.is_empty()
    }
}

/// Whether a request was answered: rules that name no stage look at these events only, so that a request is told
/// once.
pub fn is_answered(event: &Event<'_>) -> bool {
    // Nothing of the cluster bears on that.
    Request::new(event, ClusterProfile::unknown()).is_answered()
}

/// The identity of an event, as detections have it: a client can choose its auditID alone.
pub fn event_id(event: &Event<'_>, intake: &Intake<'_>) -> Id {
    Request::new(event, intake.profile).id(intake)
}

/// When what an event tells happened: the time of its stage, as far as the clock believes it. A request that stays
/// open is received long before it ends.
pub fn moment(event: &Event<'_>, intake: &Intake<'_>) -> Timestamp {
    let stage = Timestamp::parse_rfc3339(&event.stage_reached).ok();
    intake.clock.stamp(stage.or_else(|| event.time())).0
}

/// The record of an own rule that fires on an event, with the values that made it fire. Credentials in them are
/// hidden.
pub fn record(
    rule: &RuleInfo,
    event: &Event<'_>,
    intake: &Intake<'_>,
    values: Vec<NamedValue>,
) -> Record {
    let request = Request::new(event, intake.profile);
    let deed = format!("did what the rule “{}” describes", rule.title);
    // The user agent is among the values of every detection.
    let firing = values
        .into_iter()
        .filter(|it| it.name != "userAgent")
        .fold(Firing::new(deed), |firing, it| firing.with(&it.name, &it.value));
    let detection = super::detection(rule.clone(), firing, &request, intake);
    intake.detection(Source::Audit, request.id(intake), event.time(), detection)
}
