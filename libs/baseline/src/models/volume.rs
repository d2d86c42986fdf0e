//! B03: far more requests within a minute than ever.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::{Anomaly, highest_of};
use crate::behaviour::{Look, minute};

pub(super) static RULE: Rule = Rule {
    id: "AUD-B03",
    version: 1,
    title: "Far more requests than ever",
    why: "A program that is used for something else, or that has gone wild, asks more than it ever did.",
    next: "Look at what the requests of that minute were for, and whether the program was released anew.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::Discovery,
    techniques: &[technique("T1613")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// Fewer are no surge, whatever was before.
const AT_LEAST: u32 = 60;
const TIMES: f32 = 3.0;
/// How many active minutes must be known.
const EVIDENCE: u32 = 60;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let now = minute(look.observation.time);
    let counter = &mut look.actor.requests;
    if now > counter.window {
        if counter.count > 0 {
            counter.peak.close(counter.count);
        }
        (counter.window, counter.count) = (now, 0);
    }
    counter.count = counter.count.saturating_add(1);
    let surge = counter.peak.surge(counter.count, TIMES, EVIDENCE)?;
    // Told once, at the request that makes it one.
    let is_first = counter.peak.surge(counter.count - 1, TIMES, EVIDENCE).is_none()
        && counter.count > AT_LEAST
        || counter.count == AT_LEAST;
    if !is_first || counter.count < AT_LEAST {
        return None;
    }
    let seen = format!("made {} requests within a minute", counter.count);
    let usual = format!("in {} minutes it made {} at most", surge.windows, surge.highest);
    Some(Anomaly::of(&RULE, seen, usual, highest_of(surge.windows)))
}
