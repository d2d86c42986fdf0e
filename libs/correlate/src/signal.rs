//! Signals: what correlation reads in a detection or decision.
//!
//! Owns which records are signals, how loud they are and how severe a decision is. Who and what takes
//! part is `signal::parties`'; which signals belong together is `joins`'.

mod parties;

use std::sync::Arc;

use airside_types::attack::technique;
use airside_types::{
    Authorisation, Decision, Detection, Id, Operation, Payload, Phase, Place, Record, Repeats,
    Severity, Tactic, Technique, Timestamp, Verdict,
};

pub(crate) use parties::Parties;

/// Whether a signal carries a story or only illustrates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Joins others and makes an incident: everything from `low`.
    Loud,
    /// Is shown beside the loud signal that it belongs to; joins nothing: `info` detections, requests
    /// that admission let through, and what controllers do, up to `low`, because somebody else wanted
    /// it.
    Quiet,
}

/// A detection or decision, as correlation sees it.
#[derive(Debug)]
pub(crate) struct Signal {
    pub(crate) record: Arc<Record>,
    pub(crate) voice: Voice,
    pub(crate) severity: Severity,
    pub(crate) tactic: Tactic,
    pub(crate) techniques: Vec<Technique>,
    pub(crate) phase: Phase,
    pub(crate) parties: Parties,
}

impl Signal {
    /// The signal in a record, if it is one.
    pub(crate) fn of(record: &Arc<Record>) -> Option<Self> {
        let parties = Parties::of(record)?;
        let (severity, tactic, techniques, phase) = match &record.payload {
            Payload::Detection(detection) => {
                let techniques = detection.techniques.clone();
                (detection.severity, detection.tactic, techniques, detection.phase)
            }
            Payload::Decision(decision) => {
                let (tactic, technique) = goal_of(decision);
                let severity = severity_of(decision, &parties);
                (severity, tactic, vec![technique], Phase::Admission)
            }
            _ => return None,
        };
        let loud_from = if parties.is_shared() { Severity::Medium } else { Severity::Low };
        let voice = if severity >= loud_from { Voice::Loud } else { Voice::Quiet };
        let record = Arc::clone(record);
        Some(Self { record, voice, severity, tactic, techniques, phase, parties })
    }

    pub(crate) fn id(&self) -> Id {
        self.record.id
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.record.event_time
    }

    pub(crate) fn is_loud(&self) -> bool {
        self.voice == Voice::Loud
    }

    /// How sure its source is, in thousandths. A decision is what was answered: certain.
    pub(crate) fn confidence(&self) -> i64 {
        match &self.record.payload {
            Payload::Detection(detection) => i64::from(detection.confidence.as_per_mille()),
            _ => 1_000,
        }
    }

    /// The rule that fired, or the verdict of the decision.
    pub(crate) fn rule(&self) -> String {
        match &self.record.payload {
            Payload::Detection(detection) => detection.rule.clone(),
            Payload::Decision(decision) => format!("admission/{}", decision.verdict),
            _ => String::new(),
        }
    }

    /// What its rule calls what happened.
    pub(crate) fn title(&self) -> String {
        match &self.record.payload {
            Payload::Detection(detection) => detection.title.clone(),
            Payload::Decision(decision) => {
                format!("{} by admission", verdict_in_words(decision.verdict))
            }
            _ => String::new(),
        }
    }

    /// What happened, in one sentence.
    pub(crate) fn summary(&self) -> String {
        match &self.record.payload {
            Payload::Detection(detection) => detection.message.clone(),
            Payload::Decision(decision) => summary_of(decision),
            _ => String::new(),
        }
    }

    /// The source's own identity of the event.
    pub(crate) fn native_id(&self) -> &str {
        match &self.record.payload {
            Payload::Detection(detection) => &detection.native_id,
            Payload::Decision(decision) => &decision.request_uid,
            _ => "",
        }
    }

    fn detection(&self) -> Option<&Detection> {
        match &self.record.payload {
            Payload::Detection(detection) => Some(detection),
            _ => None,
        }
    }

    /// The event, by the identity under which its raw record is kept.
    pub(crate) fn event(&self) -> Option<Id> {
        self.detection()?.event
    }

    /// How often the same was seen again.
    pub(crate) fn repeats(&self) -> Option<Repeats> {
        self.detection()?.repeats
    }

    /// The file and line that it was read from.
    pub(crate) fn origin(&self) -> Option<&Place> {
        match &self.record.payload {
            Payload::Detection(detection) => detection.origin.as_ref(),
            Payload::Decision(decision) => decision.origin.as_ref(),
            _ => None,
        }
    }

    /// Whether what was tried was refused.
    pub(crate) fn is_refused(&self) -> bool {
        match &self.record.payload {
            Payload::Detection(detection) => detection.values.iter().any(|value| {
                value.name == "responseStatus.code"
                    && ["401", "403"].contains(&value.value.as_str())
            }),
            Payload::Decision(decision) => decision.verdict == Verdict::Deny,
            _ => false,
        }
    }

    /// Whether a process in a pod reached for its node.
    pub(crate) fn is_escape(&self) -> bool {
        let in_pod = self.phase == Phase::Runtime && self.parties.node.is_none();
        in_pod && self.has_technique(&["T1611"])
    }

    /// Whether it has one of these techniques, sub-techniques included.
    pub(crate) fn has_technique(&self, base_ids: &[&str]) -> bool {
        self.techniques.iter().any(|technique| base_ids.contains(&technique.base_id()))
    }
}

/// A refusal matters in context and never by itself. So does a connection into a pod that a person
/// opened: audit may not be there to tell it. Warnings count where a check of weight failed that the
/// check-in did not see. What controllers ask for repeats what somebody else wanted.
fn severity_of(decision: &Decision, parties: &Parties) -> Severity {
    if parties.is_shared() || decision.dry_run {
        return Severity::Info;
    }
    let worst = decision.violations.iter().map(|violation| violation.severity).max();
    let authorised = matches!(decision.authorisation, Authorisation::Authorised { .. });
    match (decision.verdict, decision.operation) {
        (Verdict::Deny, _) | (_, Operation::Connect) => Severity::Low,
        (Verdict::Warn, _) if worst >= Some(Severity::High) && !authorised => Severity::Low,
        _ => Severity::Info,
    }
}

/// The goal that a request would serve if an attacker made it.
fn goal_of(decision: &Decision) -> (Tactic, Technique) {
    const EXEC: Technique = technique("T1609");
    const DEPLOY: Technique = technique("T1610");
    const RIGHTS: Technique = technique("T1098.006");
    const DESTROY: Technique = technique("T1485");
    match (decision.operation, decision.object.group.as_str()) {
        (Operation::Connect, _) => (Tactic::Execution, EXEC),
        (Operation::Delete, _) => (Tactic::Impact, DESTROY),
        (_, "rbac.authorization.k8s.io") => (Tactic::PrivilegeEscalation, RIGHTS),
        _ => (Tactic::Execution, DEPLOY),
    }
}

const fn verdict_in_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "Allowed",
        Verdict::Warn => "Allowed with warnings",
        Verdict::Deny => "Refused",
    }
}

fn summary_of(decision: &Decision) -> String {
    let what = match decision.operation {
        Operation::Create => "creation",
        Operation::Update => "change",
        Operation::Delete => "deletion",
        Operation::Connect => "connection",
    };
    let verdict = verdict_in_words(decision.verdict);
    let way = decision.authorisation.as_str();
    let mut text = format!("{verdict}: {what} of {} ({way} configuration)", decision.object);
    if let Some(worst) = decision.violations.iter().max_by_key(|violation| violation.severity) {
        text.push_str(": ");
        text.push_str(&worst.message);
    }
    text
}
