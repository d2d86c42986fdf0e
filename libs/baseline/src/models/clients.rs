//! B13: an actor that uses a tool which it never used.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;
use crate::memory::key;
use crate::observation::Class;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B13",
    version: 1,
    title: "An actor uses a tool that is new for it",
    why: "A program is one program. Its account in the hands of another tool is in the hands of somebody else.",
    next: "Ask whether the program was replaced; else look at what the new tool did, and from where.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::InitialAccess,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How rare a new tool must be, by a million.
const RARER_THAN: u32 = 40_000;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    let client = &observation.client;
    if client.tool.is_empty() || observation.actor.class == Class::Anonymous {
        return None;
    }
    let tool = key("tool", &[client.tool]);
    let now = look.now;
    let novelty = look.actor.tools.see(tool, now);
    look.class().tools.see(tool, now);
    let version = key("version", &[client.tool, client.version]);
    if novelty.is_none() && !client.is_by_hand && look.actor.version != version {
        if look.actor.version != 0 {
            // Another version of a program does other things: that is no surprise.
            look.actor.deeds.doubt();
            look.actor.steps.doubt();
            look.actor.grants.doubt();
            look.actor.spells.doubt();
        }
        look.actor.version = version;
    }
    let novelty = novelty.filter(|it| it.is_rarer_than(RARER_THAN))?;
    let severity = match (look.is_machine(), client.is_by_hand) {
        (true, true) => Severity::Medium,
        (true, false) => Severity::Low,
        (false, _) => Severity::Info,
    };
    let seen = format!("used {} for the first time", client.tool);
    let usual = format!("on {} occasions it used other tools", novelty.occasions);
    Some(Anomaly::of(&RULE, seen, usual, novelty.per_million).at(severity))
}
