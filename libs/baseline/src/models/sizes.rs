//! B26: an event that is far larger than any of its kind.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::{Anomaly, highest_of};
use crate::behaviour::Look;
use crate::memory::{Peak, key};
use crate::observation::Weight;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B26",
    version: 1,
    title: "An event is far larger than any of its kind",
    why: "What is taken away at once is large; and what is made large may be meant to be cut off.",
    next: "Look at what the request asked for or sent, and whether the event was cut.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::Exfiltration,
    techniques: &[technique("T1041")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

const KIBIBYTE: u32 = 1024;
/// Smaller ones are never told, in KiB.
const AT_LEAST: u32 = 64;
const TIMES: f32 = 4.0;
/// How many events of the kind must be known.
const EVIDENCE: u32 = 200;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let (observation, request) = (look.observation, &look.observation.request);
    if request.resource.is_empty() {
        return None;
    }
    let class = observation.actor.class.as_str();
    let what = key("size", &[class, request.verb, request.group, request.resource]);
    let size = observation.bytes / KIBIBYTE;
    let peak = look.shared.sizes.entry(what, look.limits.things, Peak::default);
    let surge = peak.surge(size, TIMES, EVIDENCE).filter(|_| size >= AT_LEAST);
    peak.close(size);
    let surge = surge?;
    let seen = format!("did `{}` with an event of {size} KiB", request.told());
    let usual = format!("{} such events had {} KiB at most", surge.windows, surge.highest);
    let is_dangerous = request.weight() == Weight::Dangerous;
    let severity = if is_dangerous { Severity::Medium } else { Severity::Low };
    Some(Anomaly::of(&RULE, seen, usual, highest_of(surge.windows)).at(severity))
}
