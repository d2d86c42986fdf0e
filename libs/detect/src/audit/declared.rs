//! What a declaration of authorised administration makes of what an event tells.
//!
//! A detection about a deed that is authorised is told as `info`, with the rule that authorises it; what an
//! administrator does outside of every rule is a detection of its own. What is declared, and how, is
//! [`crate::authorised`]'s.

use std::collections::BTreeMap;

use airside_k8s::{Map, Value};
use airside_types::attack::technique;
use airside_types::{Detection, NamedValue, Payload, Record, Severity, Source, Tactic};

use super::request::{Outcome, Request};
use super::rules::Firing;
use super::{actor, body, detection};
use crate::authorised::{Authorised, Deed, Miss, Standing};
use crate::intake::Intake;
use crate::rule::{LIKELY, Rule, RuleInfo};

/// An administrator's deed that no rule of the declaration covers.
pub(crate) static OUTSIDE: Rule = Rule {
    id: "AUD-R100",
    version: 1,
    title: "Administration outside of what is authorised",
    why: "The declaration says who administers what, from where and when; a deed outside of it is a mistake, an emergency that nobody wrote down, or somebody else with an administrator's credential.",
    next: "Ask the administrator whether it was they, and for the ticket; look at the address and the credential, and at what else they did in the hour around it.",
    severity: Severity::Medium,
    confidence: LIKELY,
    tactic: Tactic::PrivilegeEscalation,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// The name of the value that names the rule by which a deed is authorised.
pub const AUTHORISED_BY: &str = "authorised-by";
/// The name of the value that names its ticket.
pub const TICKET: &str = "ticket";

/// What a declaration says of an event's deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// A rule covers it: the values that tell which, and by which ticket.
    Authorised(Vec<NamedValue>),
    /// An administrator's, and no rule covers it: how people are told.
    Outside {
        /// The rule that comes nearest, and what of it does not hold.
        nearest: Option<(String, Miss)>,
    },
    /// The declaration is not about it.
    Unknown,
}

/// What a declaration says of the deed that an event reports. What is done as somebody else needs the right to be
/// that one as well: `impersonate` of `users`.
pub fn judge(authorised: &Authorised, request: &Request<'_>) -> Judgement {
    let event = request.event();
    if authorised.is_empty() || actor::is_disguised(&event.user) {
        return Judgement::Unknown;
    }
    let Some(time) = request.time() else { return Judgement::Unknown };
    let groups: Vec<&str> = event.user.groups.iter().map(AsRef::as_ref).collect();
    let deed = Deed {
        user: &event.user.username,
        groups: &groups,
        verb: request.verb(),
        group: request.group(),
        resource: request.resource(),
        subresource: request.subresource(),
        namespace: request.namespace(),
        name: request.name(),
        address: request.source_address(),
        time,
        annotations: &[],
    };
    let told = match judged(authorised, &deed) {
        // Bodies are decoded where a ticket is all that is missing.
        Judgement::Outside { nearest: Some((_, Miss::Ticket)) } => {
            let annotations = annotations(request);
            let named: Vec<_> = annotations.iter().map(|(key, it)| (&**key, &**it)).collect();
            judged(authorised, &Deed { annotations: &named, ..deed })
        }
        told => told,
    };
    match (&event.impersonated_user, told) {
        (Some(other), Judgement::Authorised(values)) => {
            let being = Deed {
                verb: "impersonate",
                group: "",
                resource: "users",
                subresource: "",
                namespace: "",
                name: &other.username,
                ..deed
            };
            match judged(authorised, &being) {
                Judgement::Authorised(_) => Judgement::Authorised(values),
                otherwise => otherwise,
            }
        }
        (_, told) => told,
    }
}

fn judged(authorised: &Authorised, deed: &Deed<'_>) -> Judgement {
    let value = |name: &str, value: &str| NamedValue { name: name.into(), value: value.into() };
    match authorised.of(deed) {
        Standing::Authorised { rule, ticket, .. } => {
            let by = std::iter::once(value(AUTHORISED_BY, rule));
            Judgement::Authorised(by.chain(ticket.map(|it| value(TICKET, &it))).collect())
        }
        Standing::Outside { nearest } => {
            let nearest = nearest.map(|it| (it.rule.to_owned(), it.but));
            Judgement::Outside { nearest }
        }
        Standing::Unknown => Judgement::Unknown,
    }
}

impl Judgement {
    /// The rule by which the deed is authorised.
    pub fn rule(&self) -> Option<&str> {
        let Self::Authorised(values) = self else { return None };
        values.iter().find(|value| value.name == AUTHORISED_BY).map(|value| value.value.as_str())
    }

    /// Makes of a detection about a deed that is authorised one that says so.
    pub fn tell(&self, record: &mut Record) {
        if let (Self::Authorised(values), Payload::Detection(found)) = (self, &mut record.payload) {
            found.severity = Severity::Info;
            found.values.extend(values.iter().cloned());
        }
    }

    /// Makes of an event's records what the judgement is: detections of what is authorised become `info` and say
    /// so; of what is outside, a detection is added where something was done that matters.
    pub fn apply(&self, request: &Request<'_>, intake: &Intake<'_>, records: &mut Vec<Record>) {
        match self {
            Self::Authorised(_) => records.iter_mut().for_each(|record| self.tell(record)),
            Self::Outside { nearest } => {
                let is_dangerous = records.iter().any(super::is_above_info);
                if request.outcome() == Outcome::Done && (is_dangerous || is_deed(request)) {
                    records.push(outside(nearest.as_ref(), request, intake));
                }
            }
            Self::Unknown => {}
        }
    }
}

/// Makes of a detection about a deed that a rule authorises one that says so. An empty name is no rule.
pub fn tell_authorised(record: &mut Record, rule: &str) {
    if let Payload::Detection(found) = &mut record.payload
        && !rule.is_empty()
    {
        found.severity = Severity::Info;
        found.values.push(NamedValue { name: AUTHORISED_BY.into(), value: rule.into() });
    }
}

/// Whether a detection is about a deed that is authorised. What counts several of them is as authorised as they are.
pub fn is_authorised(detection: &Detection) -> bool {
    detection.values.iter().any(|value| value.name == AUTHORISED_BY)
}

/// The object's annotations: those that the request sets, else those that the answer shows.
fn annotations(request: &Request<'_>) -> BTreeMap<String, String> {
    let answer = request.event().response_object.map(|body| body.get());
    let answer = answer.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let of = |object: &Value| {
        let annotations = body::at(object, &["metadata", "annotations"]).as_object();
        let pairs = annotations.into_iter().flat_map(Map::iter);
        pairs
            .filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())))
            .collect::<BTreeMap<_, _>>()
    };
    let mut all = answer.as_ref().map(of).unwrap_or_default();
    all.extend(of(request.body()));
    all
}

/// Whether a request changes something or goes into something: reading around is no administration.
fn is_deed(request: &Request<'_>) -> bool {
    let writes =
        matches!(request.verb(), "create" | "update" | "patch" | "delete" | "deletecollection");
    let enters = matches!(request.subresource(), "exec" | "attach" | "portforward" | "proxy");
    // Questions about oneself are asked by creating reviews.
    let asks =
        request.group() == "authorization.k8s.io" || request.group() == "authentication.k8s.io";
    (writes && !asks) || enters
}

fn outside(nearest: Option<&(String, Miss)>, request: &Request<'_>, intake: &Intake<'_>) -> Record {
    let object = request.target().map_or_else(|| request.path().to_owned(), told);
    let deed = format!("did `{} {object}`, which no declaration authorises", request.verb());
    let firing = match nearest {
        Some((rule, but)) => {
            Firing::new(format!("{deed}: `{rule}` comes nearest, but {but}")).with("nearest", rule)
        }
        None => Firing::new(deed),
    };
    let detection = detection(RuleInfo::from(&OUTSIDE), firing, request, intake);
    intake.detection(Source::Audit, request.id(intake), request.time(), detection)
}

fn told(target: &super::event::ObjectReference<'_>) -> String {
    let mut text = target.resource.clone().into_owned();
    if !target.subresource.is_empty() {
        text.push('/');
        text.push_str(&target.subresource);
    }
    let place = [&target.namespace, &target.name].map(|part| &**part);
    let place: Vec<_> = place.into_iter().filter(|part| !part.is_empty()).collect();
    if !place.is_empty() {
        text.push(' ');
        text.push_str(&place.join("/"));
    }
    text
}

#[cfg(test)]
mod tests;
