//! The cluster administrator's policies (SIG Network's network-policy-api): AdminNetworkPolicy,
//! BaselineAdminNetworkPolicy, and ClusterNetworkPolicy, which followed them.
//!
//! A peer of a field that is not known is read as the specification asks: no traffic for a rule that allows,
//! all traffic for one that denies or passes on, which then denies.

use airside_types::FieldPath;

use super::ports::{NOTHING, number};
use super::{
    Action, Block, Condition, Direction, Peer, Policy, PortMatch, PortNumbers, Ports, Rule, Side,
    Stage, spec,
};
use crate::fields::{field, list, maps, text, texts};
use crate::object::Object;
use crate::value::{Map, Value};

pub(super) fn read<'a>(object: &Object<'a>) -> Option<Policy<'a>> {
    let spec = spec(object)?;
    let priority = spec.get("priority").and_then(Value::as_i64).unwrap_or_default();
    let stage = match (object.kind(), text(spec, "tier")) {
        ("AdminNetworkPolicy", _) | ("ClusterNetworkPolicy", Some("Admin")) => {
            Stage::Admin { priority }
        }
        ("BaselineAdminNetworkPolicy", _) | ("ClusterNetworkPolicy", Some("Baseline")) => {
            Stage::Baseline { priority }
        }
        _ => return None,
    };
    let subject = field(spec, "subject").and_then(Value::as_object)?;
    Some(Policy {
        stage,
        subject: pods(subject)?,
        subject_path: FieldPath::of(&["spec", "subject"]),
        ingress: side(spec, Direction::Ingress),
        egress: side(spec, Direction::Egress),
    })
}

/// The pods of namespaces, or some of them.
fn pods(given: &Map) -> Option<Vec<Condition<'_>>> {
    if let Some(namespaces) = field(given, "namespaces") {
        return Some(vec![Condition::NamespaceLabels(namespaces)]);
    }
    let pods = field(given, "pods")?.as_object()?;
    let namespaces = field(pods, "namespaceSelector").map(Condition::NamespaceLabels);
    let own = field(pods, "podSelector").map(Condition::PodLabels);
    Some(namespaces.into_iter().chain(own).collect())
}

fn side(spec: &Map, direction: Direction) -> Option<Side<'_>> {
    let path = FieldPath::of(&["spec", direction.as_str()]);
    let rules = maps(spec, direction.as_str());
    let rules: Vec<_> =
        rules.filter_map(|(index, rule)| one(rule, direction, path.index(index))).collect();
    (!rules.is_empty()).then_some(Side { rules, isolates: false, path })
}

fn one(rule: &Map, direction: Direction, path: FieldPath) -> Option<Rule<'_>> {
    let action = match text(rule, "action")? {
        "Allow" | "Accept" => Action::Allow,
        "Deny" => Action::Deny,
        "Pass" => Action::Pass,
        _ => return None,
    };
    let given = match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let peers: Option<Vec<_>> = maps(rule, given).map(|(_, it)| peer(it)).collect();
    let (action, peer) = match (peers, action) {
        (Some(peers), action) => (action, Peer::AnyOf(peers)),
        (None, Action::Allow) => (Action::Allow, Peer::NOBODY),
        (None, Action::Deny | Action::Pass) => (Action::Deny, Peer::Everyone),
    };
    Some(Rule { action, peer, own: None, ports: ports(rule), path })
}

fn peer(peer: &Map) -> Option<Peer<'_>> {
    if let Some(pods) = pods(peer) {
        return Some(Peer::Pods(pods));
    }
    if field(peer, "nodes").is_some() {
        return Some(Peer::Nodes);
    }
    if field(peer, "networks").is_some() {
        let blocks = texts(peer, "networks").filter_map(|(_, block)| Block::parse(block));
        let blocks = blocks.map(|block| Peer::Block { block, except: Vec::new(), has_pods: true });
        return Some(Peer::AnyOf(blocks.collect()));
    }
    field(peer, "domainNames").map(Peer::Names)
}

fn ports(rule: &Map) -> Ports<'_> {
    if !list(rule, "ports").is_empty() {
        return Ports::of(maps(rule, "ports").map(|(_, given)| port(given)).collect());
    }
    if !list(rule, "protocols").is_empty() {
        return Ports::of(maps(rule, "protocols").map(|(_, given)| protocol(given)).collect());
    }
    Ports::all()
}

/// A port as AdminNetworkPolicy writes it.
fn port(given: &Map) -> PortMatch<'_> {
    let of = |name: &str| field(given, name).and_then(Value::as_object);
    if let Some(port) = of("portNumber") {
        let numbers = number(port, "port").map_or(NOTHING, |it| PortNumbers::Between(it, it));
        return PortMatch { protocol: Some(text(port, "protocol").unwrap_or("TCP")), numbers };
    }
    if let Some(port) = of("portRange") {
        let protocol = Some(text(port, "protocol").unwrap_or("TCP"));
        return PortMatch { protocol, numbers: range(port) };
    }
    let numbers = text(given, "namedPort").map_or(NOTHING, PortNumbers::Named);
    PortMatch { protocol: None, numbers }
}

/// A protocol with its port as ClusterNetworkPolicy writes it.
fn protocol(given: &Map) -> PortMatch<'_> {
    for (name, protocol) in [("tcp", "TCP"), ("udp", "UDP"), ("sctp", "SCTP")] {
        let Some(of) = field(given, name).and_then(Value::as_object) else { continue };
        let port = field(of, "destinationPort").and_then(Value::as_object);
        let numbers = port.map_or(PortNumbers::Any, |port| match number(port, "number") {
            Some(number) => PortNumbers::Between(number, number),
            None => field(port, "range").and_then(Value::as_object).map_or(NOTHING, range),
        });
        return PortMatch { protocol: Some(protocol), numbers };
    }
    let numbers = text(given, "destinationNamedPort").map_or(NOTHING, PortNumbers::Named);
    PortMatch { protocol: None, numbers }
}

fn range<'a>(range: &Map) -> PortNumbers<'a> {
    let bounds = number(range, "start").zip(number(range, "end"));
    bounds.map_or(NOTHING, |(start, end)| PortNumbers::Between(start, end))
}
