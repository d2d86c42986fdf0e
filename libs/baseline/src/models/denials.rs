//! B04: refused one new thing after the other.
//!
//! A sequential test as of scanners (Jung et al. 2004): each new thing that is refused speaks for somebody who tries
//! out, each new thing that is allowed against. What was refused before is a habit and says nothing. Without a credential
//! it is the rule AUD-R04 that tells, and from the internet AUD-R06, each by the address.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use super::first_seen::Deed;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;
use crate::memory::key;
use crate::observation::{Class, Outcome};

pub(super) static RULE: Rule = Rule {
    id: "AUD-B04",
    version: 1,
    title: "An actor is refused one thing after the other",
    why: "Programs ask for what they may have. Who tries out what a credential may do is told no again and again.",
    next: "Look at what was allowed between the refusals, and at who holds the credential.",
    severity: Severity::Medium,
    confidence: RARE,
    tactic: Tactic::Discovery,
    techniques: &[technique("T1613"), technique("T1069.003")],
    equivalents: &["elastic:Kubernetes Potential Endpoint Permission Enumeration Attempt Detected"],
    source: Source::Audit,
    examples: None,
};

/// How many more new things refused than allowed.
const THRESHOLD: i16 = 6;
/// On how many occasions an actor must have been seen to be known.
const KNOWN: u32 = 20;

pub(super) fn look(look: &mut Look<'_, '_>, deed: Deed) -> Option<Anomaly> {
    let observation = look.observation;
    if observation.actor.class == Class::Anonymous {
        return None;
    }
    if deed.of_actor.is_some() {
        look.actor.doubts = look.actor.doubts.saturating_sub(1).max(0);
    }
    if observation.outcome != Outcome::Refused {
        return None;
    }
    let request = &observation.request;
    let parts =
        [request.verb, request.group, request.resource, request.subresource, request.namespace];
    look.actor.refused.see(key("refused", &parts), look.now)?;
    look.actor.doubts = look.actor.doubts.saturating_add(1);
    if look.actor.doubts != THRESHOLD {
        return None;
    }
    let (seen, allowed) = (look.actor.refused.len(), look.actor.occasions());
    let usual = format!("of {allowed} occasions on which it was allowed something, few were new");
    let seen = format!("was refused {seen} different things, {} the last", request.told());
    // By each new refusal four times as likely to be one who tries out.
    let rarity = 1_000_000 / 4_u32.pow(THRESHOLD.unsigned_abs().into());
    // Components that start ask before they may; of others that are not known yet little can be said.
    let is_known = look.actor.deeds.novelty(look.now).occasions >= KNOWN;
    if !is_known && observation.actor.class == Class::Component {
        return None;
    }
    let is_telling = is_known && look.is_machine();
    let severity = if is_telling { Severity::Medium } else { Severity::Low };
    Some(Anomaly::of(&RULE, seen, usual, rarity).at(severity))
}
