//! B08 and B12: one credential, or one person, in two places at a time.
//!
//! A credential that moves is at one place, then at another. One that is at the first again has been copied.

use std::net::IpAddr;

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::TELLING;
use super::sources::is_public;
use crate::anomaly::Anomaly;
use crate::behaviour::{Look, Use, network};
use crate::memory::key;
use crate::observation::Class;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B08",
    version: 1,
    title: "One credential is used from two places",
    why: "A credential lies with one program on one machine. Used from two networks in turn it has been copied.",
    next: "Find out which of the two places is the right one, revoke the credential, and look at what the other did with it.",
    severity: Severity::High,
    confidence: TELLING,
    tactic: Tactic::CredentialAccess,
    techniques: &[technique("T1528"), technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};
pub(super) static TRAVEL: Rule = Rule {
    id: "AUD-B12",
    version: 1,
    title: "A person comes from two networks of the internet in turn",
    why: "Nobody is in two places within a quarter of an hour, unless by a proxy.",
    next: "Ask the person; look at what was done from the place that is not theirs.",
    severity: Severity::Medium,
    confidence: TELLING,
    tactic: Tactic::InitialAccess,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How close together two uses are at a time.
const AT_A_TIME: i64 = 15 * 60 * 1_000_000_000;
/// How many places are remembered.
const PLACES: usize = 4;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    let address = observation.address.filter(|it| !it.is_loopback())?;
    // What the API server does not tell by its credential is told by its name.
    let (rule, whose) = match (observation.credential, observation.actor.class) {
        (Some(credential), Class::Person | Class::Account) => {
            (&RULE, key("credential", &[credential]))
        }
        (None, Class::Person) => (&TRAVEL, key("person", &[observation.actor.name])),
        _ => return None,
    };
    let now = Use {
        address,
        tool: key("tool", &[observation.client.tool]),
        since: observation.time.as_nanos(),
        last: observation.time.as_nanos(),
    };
    let uses = look.shared.credentials.entry(whose, look.limits.things, Vec::new);
    let other = returned(uses, now);
    remember(uses, now);
    let other = other?;
    let both_public = is_public(address) && is_public(other.address);
    let is_far = is_public(address) != is_public(other.address) || both_public;
    // Within a private network addresses are given anew, and connections go through gateways.
    if !is_far || (rule.id == TRAVEL.id && !both_public) {
        return None;
    }
    let seen = format!("came from {address}, and from {} in between", other.address);
    let usual = "a credential that moves does not come back within a quarter of an hour".to_owned();
    let severity = if other.tool == now.tool { Severity::Medium } else { rule.severity };
    Some(Anomaly::of(rule, seen, usual, 1000).at(severity))
}

/// The use elsewhere in between, where a place is used again; told of the place that was used later: whose credential
/// it is was there first. Told once for each pair of places.
fn returned(uses: &[Use], now: Use) -> Option<Use> {
    let is_here = |it: &Use| network(it.address, 16) == network(now.address, 16);
    let here = uses.iter().find(|it| is_here(it))?;
    let is_recent = |it: &&Use| now.last.saturating_sub(it.last) <= AT_A_TIME;
    let elsewhere = uses.iter().filter(|it| !is_here(it)).max_by_key(|it| it.last)?;
    let is_between = here.last < elsewhere.last;
    let is_later = here.since >= elsewhere.since;
    (is_between && is_later && is_recent(&here) && is_recent(&elsewhere)).then_some(*elsewhere)
}

fn remember(uses: &mut Vec<Use>, now: Use) {
    let is_here = |it: &&Use| network(it.address, 16) == network(now.address, 16);
    let since = uses.iter().find(is_here).map_or(now.since, |it| it.since);
    uses.retain(|it| network(it.address, 16) != network(now.address, 16));
    if uses.len() >= PLACES {
        uses.remove(0);
    }
    uses.push(Use { since, ..now });
}

/// Whether two addresses are of one network of 16 bits, or 32 of IPv6.
pub(super) fn is_near(one: IpAddr, other: IpAddr) -> bool {
    network(one, 16) == network(other, 16)
}
