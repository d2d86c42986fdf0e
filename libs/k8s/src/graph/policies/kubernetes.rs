//! Kubernetes' own NetworkPolicy: what one of the policies lets through gets through, the rest does not.

use airside_types::FieldPath;

use super::ports::{NOTHING, numbers};
use super::{
    Action, Block, Condition, Direction, Peer, Policy, PortMatch, PortNumbers, Ports, Rule, Side,
    Stage, spec,
};
use crate::fields::{elements, field, list, maps, text, texts};
use crate::object::Object;
use crate::value::{Map, Value};

pub(super) fn read<'a>(object: &Object<'a>) -> Option<Policy<'a>> {
    let spec = spec(object)?;
    let selector = spec.get("podSelector")?;
    let side = |direction| restricts(spec, direction).then(|| side(object, spec, direction));
    Some(Policy {
        stage: Stage::Namespaced,
        subject: vec![Condition::InNamespace(object.namespace()), Condition::PodLabels(selector)],
        subject_path: FieldPath::of(&["spec", "podSelector"]),
        ingress: side(Direction::Ingress),
        egress: side(Direction::Egress),
    })
}

/// Whether a policy restricts a direction: `policyTypes` says so, or, where it lists none, ingress always and
/// egress when there is an egress rule.
fn restricts(spec: &Map, direction: Direction) -> bool {
    let listed = |name| elements(spec.get(name));
    let types = listed("policyTypes");
    match direction {
        _ if !types.is_empty() => {
            types.iter().filter_map(Value::as_str).any(|given| match direction {
                Direction::Ingress => given == "Ingress",
                Direction::Egress => given == "Egress",
            })
        }
        Direction::Ingress => true,
        Direction::Egress => !listed("egress").is_empty(),
    }
}

fn side<'a>(object: &Object<'a>, spec: &'a Map, direction: Direction) -> Side<'a> {
    let path = FieldPath::of(&["spec", direction.as_str()]);
    let peers = match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let rules = maps(spec, direction.as_str()).map(|(index, rule)| Rule {
        action: Action::Allow,
        peer: peer(object, rule, peers),
        own: None,
        ports: ports(rule),
        path: path.index(index),
    });
    Side { rules: rules.collect(), isolates: true, path }
}

/// A rule without peers is for all.
fn peer<'a>(object: &Object<'a>, rule: &'a Map, name: &str) -> Peer<'a> {
    if list(rule, name).is_empty() {
        return Peer::Everyone;
    }
    Peer::AnyOf(maps(rule, name).map(|(_, peer)| one(object, peer)).collect())
}

fn one<'a>(object: &Object<'a>, peer: &'a Map) -> Peer<'a> {
    if let Some(given) = field(peer, "ipBlock").and_then(Value::as_object) {
        let block = text(given, "cidr").and_then(Block::parse);
        let except = texts(given, "except").filter_map(|(_, block)| Block::parse(block)).collect();
        return block.map_or(Peer::NOBODY, |block| Peer::Block { block, except, has_pods: true });
    }
    let namespace = match field(peer, "namespaceSelector") {
        Some(selector) => Condition::NamespaceLabels(selector),
        None => Condition::InNamespace(object.namespace()),
    };
    let pods = field(peer, "podSelector").map(Condition::PodLabels);
    Peer::Pods(std::iter::once(namespace).chain(pods).collect())
}

/// A rule without ports is for all.
fn ports(rule: &Map) -> Ports<'_> {
    if list(rule, "ports").is_empty() {
        return Ports::all();
    }
    let ports = maps(rule, "ports").map(|(_, port)| PortMatch {
        protocol: Some(text(port, "protocol").unwrap_or("TCP")),
        numbers: match (field(port, "port").map(numbers), field(port, "endPort")) {
            (None, _) => PortNumbers::Any,
            (Some(PortNumbers::Between(from, to)), Some(end)) if from <= to => {
                let end = end.as_u64().and_then(|end| u16::try_from(end).ok());
                end.map_or(NOTHING, |end| PortNumbers::Between(from, end))
            }
            (Some(numbers), _) => numbers,
        },
    });
    Ports::of(ports.collect())
}
