//! Kubernetes audit events: from an event to detections and facts.
//!
//! Events are dispatched by what they are: resource and verb choose the few rules that look at one, so
//! that most events meet only the rules about who asks.

use std::sync::Arc;

use airside_types::{Detection, Payload, Phase, Record, Severity, Source};

use crate::command;
use crate::intake::Intake;
use crate::rule::{Rule, RuleInfo};

mod actor;
mod body;
mod certificate_request;
mod change;
mod client;
pub mod declared;
mod deed;
mod dispatch;
mod enrichment;
pub mod event;
mod exec;
mod facts;
mod grant;
mod indexed;
pub(crate) mod kind;
mod known;
mod links;
mod machinery;
mod object;
mod observation;
pub mod own;
mod parameters;
mod pod_spec;
pub mod read;
mod redacted;
mod request;
mod rules;
mod sighting;
mod sign;
mod uses;

pub(crate) use actor::Actor;
pub(crate) use client::Client;
pub use client::UserAgent;
pub use deed::{CAUSED_BY, COUNTED_IN, Cause, Deed, Hand, deed, tell_cause, tell_counted};
use dispatch::DISPATCH;
pub(crate) use dispatch::{CORE as CORE_RESOURCES, VERBS};
pub use event::Event;
pub use grant::used as used_grant;
pub use indexed::{Indexed, indexed};
use known::{Asked, Lookup};
pub use known::{Known, KnownBy, KnownText};
pub use links::of_user as links_of_user;
use machinery::Standing;
pub(crate) use observation::of_sighting;
pub use observation::{anomaly, images, observation, silence};
pub(crate) use parameters::Part;
pub use redacted::redacted;
pub(crate) use request::Outcome;
pub use request::Request;
use rules::Definition;
pub(crate) use rules::{Firing, SECRET_READ, UNSCHEDULABLE};
pub use sighting::{Telling, event_of, is_end, sight};

#[cfg(test)]
mod tests;

/// The entity that an event's request acts upon; none for collections and paths.
pub fn target(event: &Event<'_>, intake: &Intake<'_>) -> Option<airside_types::Entity> {
    links::target(&Request::new(event, intake.profile))
}

/// The address that an event's request certainly came from.
pub fn address(event: &Event<'_>, intake: &Intake<'_>) -> Option<std::net::IpAddr> {
    intake.profile.client_address(&event.source_ips)
}

/// Of an event of a request that stays open, such as a shell's: the request, and whether the event is of its end. The event of
/// its start tells the same, but for when it ended.
pub fn open_request(event: &Event<'_>, intake: &Intake<'_>) -> Option<(airside_types::Id, bool)> {
    let request = Request::new(event, intake.profile);
    let is_open = request.is_long_running() && request.is_answered();
    is_open.then(|| (request.id(intake), event.stage == "ResponseComplete"))
}

/// The record of a fact that several events of a cluster tell.
pub fn fact(fact: airside_types::Fact, intake: &Intake<'_>) -> Record {
    intake.fact(Source::Audit, fact)
}

/// The record of events of an audit log that are known to be lost.
pub fn gap(gap: airside_types::Gap, intake: &Intake<'_>) -> Record {
    intake.gap(gap)
}

/// Whom a username names: a user or service account; nobody where none was authenticated.
pub fn identity(username: &str) -> Option<airside_types::Entity> {
    let user = event::User { username: username.into(), ..event::User::default() };
    links::identities(&user).into_iter().next()
}

/// All rules for audit events.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    definitions().map(|definition| &definition.rule)
}

fn definitions() -> impl Iterator<Item = &'static Definition> {
    rules::ALL.iter().copied().flatten()
}

/// The checks of the scanner that a rule stands for: it fires where one of them fails by what a request says.
/// None for rules that stand for no check.
pub fn checks_of(rule: &str) -> &'static [&'static str] {
    let found = rules::STANDS_FOR.iter().find(|(id, _)| *id == rule);
    found.map(|(_, checks)| *checks).unwrap_or_default()
}

/// What a rule says of a workload or of its pods: rules that stand for the same checks say the same.
pub fn said_by(rule: &str) -> &str {
    checks_of(rule).first().copied().unwrap_or(rule)
}

/// What an event tells: its detections, and facts about the entities that it shows.
pub fn records(event: &Event<'_>, intake: &Intake<'_>) -> Vec<Record> {
    told_by(&Request::new(event, intake.profile), intake)
}

/// The same, of its request.
pub fn told_by(request: &Request<'_>, intake: &Intake<'_>) -> Vec<Record> {
    if request.is_answered() { records_of(request, intake, Telling::All) } else { Vec::new() }
}

/// What of an event travels to be correlated: all that it tells but what is ordinary. That somebody made an
/// object, or named an image without its digest, is no part of any incident.
pub fn records_to_correlate(event: &Event<'_>, intake: &Intake<'_>) -> Vec<Record> {
    let request = Request::new(event, intake.profile);
    let is_answered = request.is_answered();
    if is_answered { records_of(&request, intake, Telling::ToCorrelate) } else { Vec::new() }
}

/// What an answered request tells: detections of some rules, and facts.
fn records_of(request: &Request<'_>, intake: &Intake<'_>, telling: Telling) -> Vec<Record> {
    let mut records = detections(request, intake, telling);
    let of_interest = records.iter().any(is_above_info);
    facts::of(request, of_interest, intake, &mut records);
    records
}

fn is_above_info(record: &Record) -> bool {
    matches!(&record.payload, Payload::Detection(found) if found.severity > Severity::Info)
}

fn detections(request: &Request<'_>, intake: &Intake<'_>, telling: Telling) -> Vec<Record> {
    let record = |found: Detection| {
        let detection = placed(found, request, intake);
        intake.detection(Source::Audit, request.id(intake), request.time(), detection)
    };
    if let Lookup::Known(asked) = request.lookup()
        && asked.telling == telling
    {
        // Whoever looks looked at it before.
        request.doubt();
        return asked.found.iter().flat_map(|all| all.iter()).cloned().map(record).collect();
    }
    let found = found(request, telling);
    if let (Lookup::Again(key), Some(known)) = (request.lookup(), request.known()) {
        let digest = request.digest();
        let found = Some(found.as_slice()).filter(|all| !all.is_empty()).map(Arc::from);
        known.keep(*key, Asked { digest, telling, found });
    }
    found.into_iter().map(record).collect()
}

/// What was found in a request, with what differs where the same comes again: under which number, and where it was read.
fn placed(found: Detection, request: &Request<'_>, intake: &Intake<'_>) -> Detection {
    let native_id = command::cut(&request.event().audit_id, MAX_AUDIT_ID_CHARS).to_owned();
    Detection { native_id, origin: intake.place(), ..found }
}

/// What rules find in a request, whenever it was asked.
fn found(request: &Request<'_>, telling: Telling) -> Vec<Detection> {
    let is_told = |rule: &Rule| telling == Telling::All || !rules::is_ordinary(rule.id);
    let mut told = firings(request, is_told);
    if request.doubt() {
        let all = firings(request, |_| true).into_iter();
        let left_alone = all.filter(|(rule, _)| told.iter().all(|(known, _)| known.id != rule.id));
        told.extend(rules::told_under_a_name(&left_alone.collect::<Vec<_>>()));
    }
    told.into_iter().map(|(rule, firing)| unplaced(rule.into(), firing, request)).collect()
}

/// What some rules find: those that are not asked need not look.
fn firings(
    request: &Request<'_>,
    is_asked: impl Fn(&Rule) -> bool,
) -> Vec<(&'static Rule, Firing)> {
    let outcome = request.outcome();
    DISPATCH
        .rules_for(request)
        .filter(|definition| definition.ended.allows(outcome) && is_asked(&definition.rule))
        .filter_map(|definition| Some((&definition.rule, (definition.when)(request)?)))
        .collect()
}

fn detection(
    rule: RuleInfo,
    firing: Firing,
    request: &Request<'_>,
    intake: &Intake<'_>,
) -> Detection {
    placed(unplaced(rule, firing, request), request, intake)
}

/// A detection about a request, but for what [`placed`] adds.
fn unplaced(rule: RuleInfo, firing: Firing, request: &Request<'_>) -> Detection {
    let message = message(&firing.deed, request);
    let severity = firing.severity.unwrap_or(rule.severity);
    // Nobody said who runs the cluster: what a provider's component is known to do is told, and no more.
    let severity = match request.standing() {
        Standing::PerhapsMachinery => severity.min(Severity::Low),
        _ => severity,
    };
    let mut values = firing.values;
    values.extend_from_slice(request.values());
    Detection {
        rule: rule.id,
        rule_version: rule.version,
        title: rule.title,
        message,
        severity,
        confidence: rule.confidence,
        tactic: rule.tactic,
        techniques: rule.techniques,
        phase: Phase::Audit,
        links: links::of(request, firing.targets).into(),
        values: values.into(),
        native_id: String::new(),
        origin: None,
        event: None,
        repeats: None,
    }
}

/// The longest description of a deed, and the longest auditID that is kept, in characters. A client
/// chooses its auditID freely; an ordinary one has 36.
const MAX_DEED_CHARS: usize = 400;
const MAX_AUDIT_ID_CHARS: usize = 128;

/// One sentence: who did what, from where, with what.
fn message(deed: &str, request: &Request<'_>) -> String {
    // A path is as long as a client makes it.
    let deed = command::cut(deed, MAX_DEED_CHARS);
    let (by, circumstances) = request.told();
    [by, " ", deed, circumstances].concat()
}
