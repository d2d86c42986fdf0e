//! B06: far more different objects within ten minutes than ever.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::{Anomaly, highest_of};
use crate::behaviour::{Breadth, Look, minute};
use crate::memory::{Key, Surge, key};
use crate::observation::Outcome;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B06",
    version: 1,
    title: "An actor goes through far more objects than ever",
    why: "Who looks for a way on reads what is there, all of it.",
    next: "Look at which kinds and namespaces were gone through, and at what the actor did with what it found.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::Discovery,
    techniques: &[technique("T1613")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

const TIMES: f32 = 3.0;
/// How many windows with anything must be known.
const EVIDENCE: u32 = 30;
const AT_LEAST: u32 = 25;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let request = &look.observation.request;
    if request.resource.is_empty() || look.observation.outcome == Outcome::Unauthenticated {
        return None;
    }
    let what = key("object", &[request.group, request.resource, request.namespace, request.name]);
    let window = minute(look.observation.time) / 10;
    let (number, surge) = widened(&mut look.actor.breadth, what, window, AT_LEAST)?;
    let seen = format!("asked for {number} different objects within ten minutes");
    let usual = format!("in {} such times it asked for {} at most", surge.windows, surge.highest);
    Some(Anomaly::of(&RULE, seen, usual, highest_of(surge.windows)))
}

/// Takes a thing in; tells how many there are when they have just become far more than ever.
pub(super) fn widened(
    breadth: &mut Breadth,
    what: Key,
    window: u32,
    at_least: u32,
) -> Option<(u32, Surge)> {
    let before = breadth.distinct.count();
    let (number, closed) = breadth.distinct.add(what, window);
    if let Some(closed) = closed {
        breadth.peak.close(closed);
    }
    let surge =
        |number: u32| breadth.peak.surge(number, TIMES, EVIDENCE).filter(|_| number >= at_least);
    let was = closed.is_none() && surge(before).is_some();
    surge(number).filter(|_| !was).map(|surge| (number, surge))
}
