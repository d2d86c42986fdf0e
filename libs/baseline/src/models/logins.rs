//! B05: failed authentication, again and again from one address.
//!
//! A cumulative sum (Page 1954): each failure adds one, each success takes off a half, and a day forgets. It is the leaky
//! bucket of row R05 as well, which has no rule of its own beside it: both would tell the same of the same address.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use super::sources::is_public;
use crate::anomaly::Anomaly;
use crate::behaviour::{Failures, Look};
use crate::observation::Outcome;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B05",
    version: 1,
    title: "Failed logins from one address",
    why: "A client that lost its credential fails at once and for good; somebody who guesses tries one after the other.",
    next: "Look at which names and paths were tried, and whether one of them succeeded from that address later.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::CredentialAccess,
    techniques: &[technique("T1110")],
    equivalents: &["crowdsec:crowdsecurity/k8s-audit-api-server-bruteforce"],
    source: Source::Audit,
    examples: None,
};

/// How many failures more than successes count twice.
const THRESHOLD: f32 = 15.0;
const PER_SUCCESS: f32 = 0.5;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let address = look.observation.address?;
    let has_failed = look.observation.outcome == Outcome::Unauthenticated;
    if !has_failed && look.shared.failures.get(&address).is_none() {
        return None;
    }
    let most = look.limits.things;
    let failures = look.shared.failures.entry(address, most, Failures::default);
    if look.now >= failures.last + 24 {
        *failures = Failures { told: failures.told, ..Failures::default() };
    }
    failures.last = look.now;
    if !has_failed {
        failures.score = (failures.score - PER_SUCCESS).max(0.0);
        return None;
    }
    failures.score += 1.0;
    failures.number = failures.number.saturating_add(1);
    // Once a day: who fails for good says nothing new by going on.
    if failures.score < THRESHOLD || (failures.told > 0 && look.now < failures.told + 24) {
        return None;
    }
    failures.told = look.now;
    let seen = format!("failed to log in {} times from {address}", failures.number);
    let usual = "whoever has a credential fails once, if at all".to_owned();
    let severity = if is_public(address) { Severity::Medium } else { Severity::Low };
    Some(Anomaly::of(&RULE, seen, usual, 1000).at(severity))
}
