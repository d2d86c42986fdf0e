//! B02: an actor that comes from a network from which it never came.

use std::net::IpAddr;

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::{Look, network};
use crate::memory::{Novelty, key};
use crate::observation::Class;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B02",
    version: 1,
    title: "An actor comes from a network that is new for it",
    why: "A stolen credential is used from where the thief is.",
    next: "Ask whose network that is; look at what the credential did from there, and revoke it if nobody knows.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::InitialAccess,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How rare something new must be, by a million.
const RARER_THAN: u32 = 40_000;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    let address = observation.address.filter(|it| !it.is_loopback())?;
    if observation.actor.class == Class::Anonymous {
        return None;
    }
    let now = look.now;
    // From the widest to the narrowest: a pod that starts again in a known network is not new.
    let side = key("side", &[if is_public(address) { "public" } else { "private" }]);
    let side = look.actor.places.see(side, now);
    let wide = look.actor.places.see(network(address, 16), now);
    look.actor.places.see(network(address, 24), now);
    // What is not rare enough to be told by itself counts beside other things.
    look.actor.spells.now.is_elsewhere |= wide.is_some();
    let of_class = look.class().places.see(network(address, 16), now);
    let (novelty, severity) = judged(look, address, side, wide, of_class.is_some())?;
    let seen = format!("came from {address} for the first time");
    let usual = format!("on {} occasions it came from other networks", novelty.occasions);
    Some(Anomaly::of(&RULE, seen, usual, novelty.per_million).at(severity))
}

fn judged(
    look: &Look<'_, '_>,
    address: IpAddr,
    side: Option<Novelty>,
    wide: Option<Novelty>,
    is_new_for_class: bool,
) -> Option<(Novelty, Severity)> {
    let is_rare = |it: &Novelty| it.is_rarer_than(RARER_THAN);
    if let Some(novelty) = side.filter(is_rare)
        && is_public(address)
    {
        let severity = if look.is_machine() { Severity::Medium } else { Severity::Low };
        return Some((novelty, severity));
    }
    let novelty = wide.filter(is_rare)?;
    let severity = match (is_public(address), is_new_for_class, look.is_machine()) {
        (true, true, true) => Severity::Medium,
        (true, true, false) | (true, false, true) => Severity::Low,
        _ => Severity::Info,
    };
    Some((novelty, severity))
}

/// Whether an address is one of the internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || is_shared)
        }
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            let is_local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
            !(is_local || address.is_loopback() || address.is_unspecified())
        }
    }
}
