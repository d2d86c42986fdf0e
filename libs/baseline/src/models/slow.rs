//! B22: one new thing after the other, over days.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use super::first_seen::Deed;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;
use crate::observation::Weight;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B22",
    version: 1,
    title: "An actor looks around slowly",
    why: "Who has time spreads the search over days, so that no hour looks busy.",
    next: "List what the actor read for the first time within the last days, in order.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::Discovery,
    techniques: &[technique("T1613")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// Above so many new things, of which a day forgets a seventh.
const THRESHOLD: f32 = 8.0;
const PER_DAY: f32 = 6.0 / 7.0;
/// How rare something new must have been, by a million.
const RARER_THAN: u32 = 50_000;

pub(super) fn look(look: &mut Look<'_, '_>, deed: Deed) -> Option<Anomaly> {
    // What was heard last may be later: two API servers' clocks differ, and files are read in any order.
    let days = (look.now / 24).saturating_sub(look.actor.last / 24);
    for _ in 0..days.min(60) {
        look.actor.curiosity *= PER_DAY;
    }
    let novelty = deed.of_actor.filter(|it| it.is_rarer_than(RARER_THAN))?;
    if !look.is_machine() || deed.weight != Weight::Reads {
        return None;
    }
    let before = look.actor.curiosity;
    look.actor.curiosity += 1.0;
    if before >= THRESHOLD || look.actor.curiosity < THRESHOLD {
        return None;
    }
    let seen = format!(
        "read {THRESHOLD:.0} things for the first time, {} the last",
        look.observation.request.told()
    );
    let usual = format!("on {} occasions it read the same few", novelty.occasions);
    Some(Anomaly::of(&RULE, seen, usual, novelty.per_million))
}
