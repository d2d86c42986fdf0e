//! B07: Secrets that an actor has never read, the more telling the fewer others read them.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use super::breadth::widened;
use crate::anomaly::{Anomaly, highest_of};
use crate::behaviour::{Look, minute};
use crate::memory::{Seen, key};
use crate::observation::Class;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B07",
    version: 1,
    title: "A Secret is read by somebody who never read it",
    why: "A Secret has its few readers. A new one among them has found it, or was led to it.",
    next: "Ask whether the actor has to do with that Secret; if not, renew what is in it and look at how the actor came by the right.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::CredentialAccess,
    techniques: &[technique("T1552.007")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// On how many occasions a Secret must have been read.
const KNOWN: u32 = 24;
/// How rare a new reader must be, by a million.
const RARER_THAN: u32 = 60_000;
/// So many different Secrets within ten minutes are many.
const AT_LEAST: u32 = 5;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    if !observation.reads_secret() {
        return None;
    }
    let request = &observation.request;
    let secret = key("secret", &[request.namespace, request.name]);
    let most = look.limits.things;
    let readers = look.shared.readers.entry(secret, most, || Seen::new(8));
    // Which kubelet reads it follows from where the pods are placed.
    let is_node = observation.actor.class == Class::Node;
    let reader = if is_node { "" } else { observation.actor.name };
    let reader = readers.see(key("reader", &[reader]), look.now);
    let window = minute(observation.time) / 10;
    if let Some((number, surge)) = widened(&mut look.actor.secrets, secret, window, AT_LEAST) {
        let seen = format!("read {number} different Secrets within ten minutes");
        let usual = format!("in {} such times it read {} at most", surge.windows, surge.highest);
        let anomaly = Anomaly::of(&RULE, seen, usual, highest_of(surge.windows));
        return Some(anomaly.at(Severity::Medium));
    }
    let reader = reader.filter(|it| it.occasions >= KNOWN && it.is_rarer_than(RARER_THAN))?;
    let seen = format!("read Secret {}/{} for the first time", request.namespace, request.name);
    let usual = format!("on {} occasions others read it", reader.occasions);
    Some(Anomaly::of(&RULE, seen, usual, reader.per_million))
}
