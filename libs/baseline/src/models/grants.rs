//! B18: a right that an actor has long had, or has got, is used for the first time.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;
use crate::memory::key;
use crate::observation::{Outcome, Weight};

pub(super) static RULE: Rule = Rule {
    id: "AUD-B18",
    version: 1,
    title: "A right is used that never was",
    why: "Rights lie unused for years until somebody finds them.",
    next: "Ask whether the actor needs that right; take it away if not, and look at who gave it.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::PrivilegeEscalation,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How rare a new grant must be, by a million.
const RARER_THAN: u32 = 20_000;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    let grant = observation.grant.filter(|_| observation.outcome == Outcome::Done)?;
    let novelty = look.actor.grants.see(key("grant", &[grant]), look.now)?;
    let is_dangerous = observation.request.weight() == Weight::Dangerous;
    if !is_dangerous || !novelty.is_rarer_than(RARER_THAN) {
        return None;
    }
    let seen = format!("was allowed to {} by {grant}", observation.request.told());
    let usual = format!("on {} occasions it used other rights", novelty.occasions);
    Some(Anomaly::of(&RULE, seen, usual, novelty.per_million))
}
