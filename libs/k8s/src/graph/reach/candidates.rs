//! The ports and addresses that stand for all others: rules tell apart only what their numbers and blocks
//! tell apart, so one of each stretch between them is enough.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::evaluate::Ruling;
use super::{Graph, Port};
use crate::graph::exposure::Clients;
use crate::graph::policies::{Layer, PROTOCOLS, is_public, network_blocks, not_public};

/// Candidates that are looked at; what lies beyond leaves the answer open.
const CANDIDATES: usize = 1_024;

/// A port that no service is known for: it stands for those that no rule names.
const ANY_PORT: u16 = 1;

/// The ports to ask for, and whether they are all that differ.
pub(super) fn ports(rulings: &[Ruling<'_, '_>]) -> (Vec<Port<'static>>, bool) {
    let mut numbers: BTreeSet<(&'static str, u16)> = BTreeSet::new();
    let spans = rulings.iter().flat_map(Ruling::spans);
    for (protocol, from, to) in spans {
        numbers.insert((protocol, *from));
        numbers.extend(to.checked_add(1).map(|behind| (*protocol, behind)));
        if numbers.len() > CANDIDATES {
            break;
        }
    }
    let are_all = numbers.len() <= CANDIDATES;
    let ports = PROTOCOLS.iter().flat_map(|protocol| {
        let named = numbers.iter().filter(move |(of, number)| of == protocol && *number > ANY_PORT);
        let numbers = std::iter::once(ANY_PORT).chain(named.map(|(_, number)| *number));
        numbers.map(|number| Port { number, protocol })
    });
    (ports.collect(), are_all)
}

/// Addresses that nobody's rules name for themselves.
const SOMEWHERE: [&str; 2] = ["1.0.0.1", "2606:4700:4700::1001"];

/// The public addresses of clients to ask for, and whether they are all that differ.
pub(super) fn addresses(
    graph: &Graph<'_>,
    stacks: &[Vec<Layer<'_, '_>>],
    clients: &Clients,
) -> (Vec<IpAddr>, bool) {
    let mut found: BTreeSet<IpAddr> = BTreeSet::new();
    let rules = stacks.iter().flatten().flat_map(|layer| layer.groups.iter().flatten());
    for rule in rules.flat_map(|asked| &asked.rules) {
        if found.len() > CANDIDATES {
            break;
        }
        rule.peer.blocks(&mut |block| found.extend(block.bounds()));
    }
    for block in network_blocks(graph) {
        if found.len() > CANDIDATES {
            break;
        }
        found.extend(block.bounds());
    }
    if let Clients::Listed(blocks) = clients {
        found.extend(blocks.iter().take(CANDIDATES).flat_map(|block| block.bounds()));
    }
    let are_all = found.len() <= CANDIDATES;
    found.extend(not_public().flat_map(|block| block.bounds().collect::<Vec<_>>()));
    let somewhere = SOMEWHERE.iter().filter_map(|address| address.parse().ok());
    let public = found.into_iter().filter(|address| is_public(*address));
    let all = somewhere.chain(public).filter(|address| clients.have(*address));
    (all.collect(), are_all)
}
