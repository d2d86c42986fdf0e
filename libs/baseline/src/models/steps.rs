//! B16: steps that never followed each other.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;
use crate::memory::key;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B16",
    version: 1,
    title: "An actor does things in an order that is new",
    why: "Programs do one thing after the other in the same order. Somebody who looks around has an order of his own.",
    next: "Read the last twenty requests of the actor one after the other.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::Execution,
    techniques: &[technique("T1078"), technique("T1609")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How rare a new step must be, by a million.
const RARER_THAN: u32 = 10_000;
/// So many of the last twenty.
const OF_TWENTY: u32 = 10;
const TWENTY: u32 = (1 << 20) - 1;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let request = &look.observation.request;
    if !look.is_machine() || request.resource.is_empty() {
        return None;
    }
    let what = key("step", &[request.verb, request.group, request.resource, request.subresource]);
    let from = look.actor.previous;
    look.actor.previous = what;
    // Who goes on in more ways than can be remembered keeps to no order: of a program that follows many kinds of objects
    // beside each other, any may come after any.
    let has_order = !look.actor.steps.is_full();
    let step = look.actor.steps.see(from.rotate_left(17) ^ what, look.now);
    let before = look.actor.new_steps & TWENTY;
    let is_rare = has_order && step.is_some_and(|it| it.is_rarer_than(RARER_THAN));
    look.actor.new_steps = before << 1 | u32::from(is_rare);
    let number = (look.actor.new_steps & TWENTY).count_ones();
    if !is_rare || number < OF_TWENTY || before.count_ones() >= OF_TWENTY {
        return None;
    }
    let novelty = step?;
    let seen = format!("did {number} of its last 20 steps in an order that is new");
    let usual = format!("on {} occasions it kept to its order", novelty.occasions);
    Some(Anomaly::of(&RULE, seen, usual, novelty.per_million))
}
