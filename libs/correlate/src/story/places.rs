//! Where requests came from: addresses that are not where their identity should be.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use airside_types::{Entity, Relation};

use super::Case;
use crate::keyed::Keyed;

/// A bound credential that was used from an address that is not its pod's: the pod and the address.
///
/// Asks for what is known of the pod's addresses; where nothing is known, nothing is said. Where the
/// address is a node's, the network may have put it in place of the pod's.
pub(super) fn credentials_abroad(case: &Case<'_>) -> BTreeSet<[Arc<Keyed>; 2]> {
    let mut abroad = BTreeSet::new();
    for signal in &case.signals {
        let Some(address) = &signal.parties.address else { continue };
        if signal.parties.account().is_none() || is_loopback(address) {
            continue;
        }
        let Some(pod) = case.pod_of(signal) else { continue };
        let at_home = case.known.related(pod.key(), Relation::HasAddress);
        let holder = case.known.holder_of(address.key(), signal.time());
        let is_node = holder.is_some_and(|holder| holder.kind() == "Node");
        if !at_home.is_empty() && at_home.iter().all(|home| home.key() != address.key()) && !is_node
        {
            abroad.insert([Arc::clone(pod), Arc::clone(address)]);
        }
    }
    abroad
}

/// A user who acts from a public address here, and from an internal one at about the same time: the
/// user, the public and the internal address.
pub(super) fn users_in_two_places(case: &Case<'_>) -> BTreeSet<[Arc<Keyed>; 3]> {
    let mut twice = BTreeSet::new();
    for signal in &case.signals {
        let Some(here) = signal.parties.address.as_ref().filter(|here| is_public(here)) else {
            continue;
        };
        let span = case.settings.spans.two_places;
        let (from, until) = (signal.time().minus(span), signal.time().plus(span));
        for user in signal.parties.users() {
            let places = case.known.places_of(user.name_key(), from, until);
            let elsewhere =
                places.into_iter().find(|place| place.key() != here.key() && !is_public(place));
            if let Some(elsewhere) = elsewhere {
                twice.insert([Arc::clone(user), Arc::clone(here), elsewhere]);
            }
        }
    }
    twice
}

fn ip(address: &Entity) -> Option<IpAddr> {
    address.name().parse().ok()
}

fn is_loopback(address: &Entity) -> bool {
    ip(address).is_some_and(|ip| ip.is_loopback())
}

/// Not of a range that only private networks use (RFC 1918, RFC 6598, RFC 4193, link-local, loopback).
fn is_public(address: &Entity) -> bool {
    match ip(address) {
        Some(IpAddr::V4(ip)) => {
            let carrier_grade = ip.octets().first() == Some(&100) && (ip.octets()[1] & 0xc0) == 64;
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || carrier_grade)
        }
        Some(IpAddr::V6(ip)) => {
            let local = ip.is_unique_local() || ip.is_unicast_link_local();
            !(local || ip.is_loopback())
        }
        None => false,
    }
}
