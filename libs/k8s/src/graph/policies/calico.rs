//! Calico's NetworkPolicy and GlobalNetworkPolicy, its tiers and its sets of networks.
//!
//! Policies that are for hosts alone (`preDNAT`, `doNotTrack`) are not read; staged ones decide nothing.

mod expression;

use airside_types::FieldPath;

use super::conditions::View;
use super::ports::numbers;
use super::{
    Action, Block, Condition, Direction, Peer, Policy, PortMatch, PortNumbers, Ports, Rule, Side,
    Stage, spec,
};
use crate::fields::{elements, field, list, maps, text, texts};
use crate::graph::Graph;
use crate::object::Object;
use crate::value::{Map, Value};

pub use expression::Expression;

/// Where Calico's API server and its custom resources have the same kinds.
pub(super) const GROUPS: [&str; 2] = ["projectcalico.org", "crd.projectcalico.org"];

/// The tier of policies that name none, and of Kubernetes' own.
pub(super) const DEFAULT_TIER: &str = "default";

pub(super) fn read<'a>(object: &Object<'a>) -> Option<Policy<'a>> {
    let spec = spec(object)?;
    let is_for_hosts = |name: &str| field(spec, name).and_then(Value::as_bool) == Some(true);
    if is_for_hosts("preDNAT") || is_for_hosts("doNotTrack") {
        return None;
    }
    let own = own_namespace(object);
    let expressed = [
        expression(spec, "selector").map(|it| it.map(Condition::Labels)),
        expression(spec, "namespaceSelector").map(|it| it.map(Condition::Namespace)),
        expression(spec, "serviceAccountSelector").map(|it| it.map(Condition::AccountLabels)),
    ];
    // What cannot be read Calico refuses.
    let expressed: Option<Vec<_>> = expressed.into_iter().flatten().collect();
    let side = |direction| restricts(spec, direction).then(|| side(object, spec, direction));
    Some(Policy {
        stage: Stage::Tier {
            tier: text(spec, "tier").unwrap_or(DEFAULT_TIER),
            order: spec.get("order").and_then(Value::as_f64),
        },
        subject: own.into_iter().chain(expressed?).collect(),
        subject_path: FieldPath::of(&["spec", "selector"]),
        ingress: side(Direction::Ingress),
        egress: side(Direction::Egress),
    })
}

fn own_namespace<'a>(object: &Object<'a>) -> Option<Condition<'a>> {
    (object.kind() == "NetworkPolicy").then(|| Condition::InNamespace(object.namespace()))
}

/// An expression of a field: nothing where there is none, nothing within where it cannot be read.
fn expression<'a>(fields: &'a Map, name: &str) -> Option<Option<Expression<'a>>> {
    text(fields, name).map(|text| Expression::parse(text).ok())
}

/// Whether a policy restricts a direction: `types` says so, or the rules that it has; ingress where it has
/// none.
fn restricts(spec: &Map, direction: Direction) -> bool {
    let has = |direction: Direction| !list(spec, direction.as_str()).is_empty();
    match spec.get("types").and_then(Value::as_array).filter(|types| !types.is_empty()) {
        Some(types) => types
            .iter()
            .filter_map(Value::as_str)
            .any(|given| given.eq_ignore_ascii_case(direction.as_str())),
        None => match direction {
            Direction::Egress => has(Direction::Egress),
            Direction::Ingress => has(Direction::Ingress) || !has(Direction::Egress),
        },
    }
}

fn side<'a>(object: &Object<'a>, spec: &'a Map, direction: Direction) -> Side<'a> {
    let path = FieldPath::of(&["spec", direction.as_str()]);
    let rules = maps(spec, direction.as_str())
        .filter_map(|(index, rule)| one(object, rule, direction, path.index(index)));
    Side { rules: rules.collect(), isolates: true, path: path.clone() }
}

fn one<'a>(
    object: &Object<'a>,
    rule: &'a Map,
    direction: Direction,
    path: FieldPath,
) -> Option<Rule<'a>> {
    let action = match text(rule, "action")?.to_ascii_lowercase().as_str() {
        "allow" => Action::Allow,
        "deny" => Action::Deny,
        "pass" | "next-tier" => Action::Pass,
        // Log, which decides nothing.
        _ => return None,
    };
    let of = |name: &str| field(rule, name).and_then(Value::as_object);
    let (source, destination) = (of("source"), of("destination"));
    let (other, own) = match direction {
        Direction::Ingress => (source, destination),
        Direction::Egress => (destination, source),
    };
    let peer = |end: Option<&'a Map>| end.map_or(Peer::Everyone, |end| entity(object, end));
    let own = Some(peer(own)).filter(|own| *own != Peer::Everyone);
    Some(Rule { action, peer: peer(other), own, ports: ports(rule, source, destination), path })
}

/// One end of a rule: everything that it asks for holds.
fn entity<'a>(object: &Object<'a>, end: &'a Map) -> Peer<'a> {
    let blocks = |name: &str| -> Vec<Peer<'a>> {
        let blocks = texts(end, name).filter_map(|(_, block)| Block::parse(block));
        blocks.map(|block| Peer::Block { block, except: Vec::new(), has_pods: true }).collect()
    };
    let mut all = Vec::new();
    if !list(end, "nets").is_empty() {
        all.push(Peer::AnyOf(blocks("nets")));
    }
    if !list(end, "notNets").is_empty() {
        all.push(Peer::Not(Box::new(Peer::AnyOf(blocks("notNets")))));
    }
    match selectors(object, end) {
        Some(conditions) if conditions.is_empty() => {}
        Some(conditions) => all.push(Peer::Endpoints(conditions)),
        None => return Peer::NOBODY,
    }
    match expression(end, "notSelector") {
        Some(Some(selector)) => {
            all.push(Peer::Not(Box::new(Peer::Endpoints(vec![Condition::Labels(selector)]))));
        }
        Some(None) => return Peer::NOBODY,
        None => {}
    }
    if let Some(names) = field(end, "domains") {
        all.push(Peer::Names(names));
    }
    if field(end, "services").is_some() {
        all.push(Peer::Elsewhere);
    }
    if all.is_empty() { Peer::Everyone } else { Peer::AllOf(all) }
}

/// What an end asks of labels. In a namespaced policy it is the policy's own namespace that is meant, unless
/// others are asked for. Nothing where an expression cannot be read.
fn selectors<'a>(object: &Object<'a>, end: &'a Map) -> Option<Vec<Condition<'a>>> {
    let mut conditions = Vec::new();
    if let Some(selector) = expression(end, "selector") {
        conditions.push(Condition::Labels(selector?));
    }
    if let Some(accounts) = field(end, "serviceAccounts").and_then(Value::as_object) {
        let names: Vec<_> = texts(accounts, "names").map(|(_, name)| name).collect();
        if !names.is_empty() {
            conditions.push(Condition::Accounts(names));
        }
        if let Some(selector) = expression(accounts, "selector") {
            conditions.push(Condition::AccountLabels(selector?));
        }
    }
    match expression(end, "namespaceSelector") {
        Some(namespaces) => conditions.push(Condition::Namespace(namespaces?)),
        None if !conditions.is_empty() => conditions.extend(own_namespace(object)),
        None => {}
    }
    Some(conditions)
}

fn ports<'a>(rule: &'a Map, source: Option<&'a Map>, destination: Option<&'a Map>) -> Ports<'a> {
    let protocol = field(rule, "protocol").map(protocol);
    let of = |name: &str| -> Vec<PortMatch<'a>> {
        let given = elements(destination.and_then(|end| end.get(name)));
        given.iter().map(|port| PortMatch { protocol, numbers: range(port) }).collect()
    };
    let has = |name: &str| !elements(destination.and_then(|end| end.get(name))).is_empty();
    let listed = match (has("ports"), protocol) {
        (true, _) => Some(of("ports")),
        (false, Some(_)) => Some(vec![PortMatch { protocol, numbers: PortNumbers::Any }]),
        (false, None) => None,
    };
    let not = field(rule, "notProtocol").map(self::protocol);
    let not = not.map(|it| PortMatch { protocol: Some(it), numbers: PortNumbers::Any });
    let asks_for_source = ["ports", "notPorts"]
        .iter()
        .any(|name| !elements(source.and_then(|end| end.get(name))).is_empty());
    Ports { listed, except: of("notPorts").into_iter().chain(not).collect(), asks_for_source }
}

/// A protocol by its name or number.
fn protocol(value: &Value) -> &str {
    match (value.as_str(), value.as_u64()) {
        (Some(name), _) if name.eq_ignore_ascii_case("tcp") => "TCP",
        (Some(name), _) if name.eq_ignore_ascii_case("udp") => "UDP",
        (Some(name), _) if name.eq_ignore_ascii_case("sctp") => "SCTP",
        (Some(name), _) => name,
        (None, Some(6)) => "TCP",
        (None, Some(17)) => "UDP",
        (None, Some(132)) => "SCTP",
        _ => "",
    }
}

/// A port: a number, a name, or two numbers with a colon.
fn range(port: &Value) -> PortNumbers<'_> {
    let bounds = port.as_str().and_then(|text| text.split_once(':'));
    let bounds = bounds.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    bounds.map_or_else(|| numbers(port), |(from, to)| PortNumbers::Between(from, to))
}

/// The sets of networks, as conditions see them, with their blocks.
pub(super) fn network_sets<'g, 'a>(
    graph: &'g Graph<'a>,
) -> impl Iterator<Item = (View<'g, 'a>, impl Iterator<Item = Block> + 'g)> + 'g {
    const KINDS: [(&str, bool); 2] = [("NetworkSet", false), ("GlobalNetworkSet", true)];
    let kinds = KINDS.iter().flat_map(|kind| GROUPS.iter().map(move |group| (group, kind)));
    kinds.flat_map(move |(group, (kind, is_global))| {
        graph.of_kind(group, kind).map(move |set| {
            let (namespace, labels) = (set.namespace(), set.labels());
            let view = View { graph, namespace, is_global: *is_global, labels, spec: None };
            let nets = set.fields().get("spec").and_then(|spec| spec.get("nets"));
            let nets = elements(nets).iter().filter_map(Value::as_str);
            (view, nets.filter_map(Block::parse))
        })
    })
}

/// A tier: its order (the last without), and whether what none of its policies decides is passed on.
pub(super) struct Tier {
    pub(super) order: Option<f64>,
    pub(super) passes: bool,
}

/// A tier of a name; nothing where the input does not hold it. The one of policies that name none is always
/// there.
pub(super) fn tier(graph: &Graph<'_>, name: &str) -> Option<Tier> {
    let found = GROUPS.iter().find_map(|group| graph.find(group, "Tier", None, name));
    if name == DEFAULT_TIER {
        return Some(Tier { order: Some(1_000_000.0), passes: false });
    }
    let spec = spec(found?);
    let action = spec.and_then(|spec| text(spec, "defaultAction"));
    Some(Tier {
        order: spec.and_then(|spec| spec.get("order")).and_then(Value::as_f64),
        passes: action.is_some_and(|action| action.eq_ignore_ascii_case("pass")),
    })
}
