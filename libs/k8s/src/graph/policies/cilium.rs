//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy: denials win, what one policy lets through gets
//! through, and a direction that a policy speaks of is closed for the rest.
//!
//! An empty list of rules is the same as none, unlike in Kubernetes' own kind; a rule without peers and ports
//! (`ingress: [{}]`) lets nobody through. Policies with a `nodeSelector` are for hosts and not read.

use airside_types::FieldPath;

use super::super::selector::Label;
use super::conditions::View;
use super::ports::{number, numbers};
use super::{
    Action, Block, Condition, Direction, Peer, Policy, PortMatch, PortNumbers, Ports, Rule, Side,
    Stage,
};
use crate::fields::{down, elements, field, list, maps, text, texts};
use crate::object::Object;
use crate::value::{Map, Value};

const NAMESPACE: &str = "io.kubernetes.pod.namespace";
const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";
const ACCOUNT: &str = "io.cilium.k8s.policy.serviceaccount";
const CLUSTER: &str = "io.cilium.k8s.policy.cluster";
const RESERVED: &str = "reserved:";

pub(super) fn read<'a>(object: &Object<'a>) -> Vec<Policy<'a>> {
    let fields = object.fields();
    let single = fields.get("spec").and_then(Value::as_object);
    let single = single.map(|spec| (FieldPath::of(&["spec"]), spec));
    let several =
        maps(fields, "specs").map(|(index, spec)| (FieldPath::of(&["specs"]).index(index), spec));
    let found = single.into_iter().chain(several);
    found.filter_map(|(path, spec)| one(object, &path, spec)).collect()
}

fn one<'a>(object: &Object<'a>, path: &FieldPath, spec: &'a Map) -> Option<Policy<'a>> {
    let selector = field(spec, "endpointSelector")?;
    // Cilium refuses a policy that says nothing at all.
    const SECTIONS: [&str; 4] = ["ingress", "ingressDeny", "egress", "egressDeny"];
    if SECTIONS.iter().all(|section| list(spec, section).is_empty()) {
        return None;
    }
    let own = is_namespaced(object).then(|| Condition::InNamespace(object.namespace()));
    Some(Policy {
        stage: Stage::Cilium,
        subject: own.into_iter().chain([Condition::Cilium(selector)]).collect(),
        subject_path: path.key("endpointSelector"),
        ingress: side(object, path, spec, Direction::Ingress),
        egress: side(object, path, spec, Direction::Egress),
    })
}

fn is_namespaced(object: &Object<'_>) -> bool {
    object.kind() == "CiliumNetworkPolicy"
}

fn side<'a>(
    object: &Object<'a>,
    path: &FieldPath,
    spec: &'a Map,
    direction: Direction,
) -> Option<Side<'a>> {
    let (allow, deny) = match direction {
        Direction::Ingress => ("ingress", "ingressDeny"),
        Direction::Egress => ("egress", "egressDeny"),
    };
    let rules = |name: &str, action| {
        let (path, rules) = (path.key(name), maps(spec, name));
        rules.filter_map(move |(index, rule)| {
            Some(Rule {
                action,
                peer: peer(object, rule, direction)?,
                own: None,
                ports: ports(rule),
                path: path.index(index),
            })
        })
    };
    let says = !list(spec, allow).is_empty() || !list(spec, deny).is_empty();
    let switch = field(spec, "enableDefaultDeny").and_then(|it| it.get(direction.as_str()));
    let isolates = switch.and_then(Value::as_bool).unwrap_or(says);
    (says || isolates).then(|| Side {
        rules: rules(deny, Action::Deny).chain(rules(allow, Action::Allow)).collect(),
        isolates,
        path: path.key(if list(spec, allow).is_empty() && says { deny } else { allow }),
    })
}

/// The peers of a rule. None for a rule that names nobody: without peers it is for everybody only if it names
/// ports.
fn peer<'a>(object: &Object<'a>, rule: &'a Map, direction: Direction) -> Option<Peer<'a>> {
    let from = match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let named = |what: &str| field(rule, &format!("{from}{what}"));
    let mut peers = Vec::new();
    let selectors = elements(named("Endpoints")).iter();
    peers.extend(selectors.map(|selector| endpoints(object, selector)));
    peers.extend(elements(named("Entities")).iter().filter_map(Value::as_str).map(entity));
    let blocks = elements(named("CIDR")).iter().filter_map(Value::as_str);
    peers.extend(blocks.filter_map(Block::parse).map(|block| outside(block, Vec::new())));
    peers.extend(elements(named("CIDRSet")).iter().filter_map(Value::as_object).map(cidr_set));
    peers.extend(elements(named("Nodes")).iter().map(|_| Peer::Nodes));
    peers.extend(elements(named("FQDNs")).iter().map(Peer::Names));
    let unresolved = elements(named("Services")).iter().chain(elements(named("Groups")));
    peers.extend(unresolved.map(|_| Peer::Elsewhere));
    const LISTS: [&str; 8] =
        ["Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes", "FQDNs", "Services", "Groups"];
    let asks = LISTS.iter().any(|list| named(list).is_some());
    let has_ports = !list(rule, "toPorts").is_empty() || !list(rule, "icmps").is_empty();
    let peer = match (asks, has_ports) {
        (true, _) => Peer::AnyOf(peers),
        (false, true) => Peer::Everyone,
        (false, false) => return None,
    };
    // What a rule requires holds for every rule that selects the same pods: more than can be told here.
    Some(match named("Requires") {
        Some(_) => Peer::AllOf(vec![peer, Peer::Elsewhere]),
        None => peer,
    })
}

/// A selector of a namespaced policy that asks for no namespace is for its own.
fn endpoints<'a>(object: &Object<'a>, selector: &'a Value) -> Peer<'a> {
    if let Some(entities) = reserved(selector) {
        return Peer::AnyOf(entities.map(entity).collect());
    }
    let asks = |prefix: &str| keys(selector).any(|key| bare(key).starts_with(prefix));
    let is_own = is_namespaced(object) && !asks(NAMESPACE) && !asks(NAMESPACE_LABELS);
    let own = is_own.then(|| Condition::InNamespace(object.namespace()));
    Peer::Pods(own.into_iter().chain([Condition::Cilium(selector)]).collect())
}

/// The entities that a selector of reserved labels means.
fn reserved(selector: &Value) -> Option<impl Iterator<Item = &str>> {
    let labels = selector.get("matchLabels")?.as_object()?;
    let is_reserved = keys(selector).all(|key| key.starts_with(RESERVED));
    let entities = labels.keys().filter_map(|key| key.strip_prefix(RESERVED));
    (is_reserved && labels.len() == 1).then_some(entities)
}

fn keys(selector: &Value) -> impl Iterator<Item = &str> {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = elements(selector.get("matchExpressions"));
    let expressed = expressions.iter().filter_map(|one| one.get("key").and_then(Value::as_str));
    labels.into_iter().flat_map(Map::keys).chain(expressed)
}

fn bare(key: &str) -> &str {
    key.strip_prefix("k8s:").or_else(|| key.strip_prefix("any:")).unwrap_or(key)
}

/// A label of a pod as Cilium's selectors name it.
pub(super) fn label<'g>(view: &View<'g, '_>, key: &str) -> Label<'g> {
    let key = bare(key);
    if let Some(name) = key.strip_prefix(NAMESPACE_LABELS) {
        return view.namespace_label(name);
    }
    match key {
        NAMESPACE => view.namespace.map_or(Label::Unknown, Label::Value),
        ACCOUNT => view.account().map_or(Label::Absent, Label::Value),
        CLUSTER => Label::Unknown,
        // Pods have none of another origin, such as `reserved:host`.
        _ if key.contains(':') => Label::Absent,
        _ => Label::of(view.labels, key),
    }
}

/// The label of a pod that a key means; none where it means something else.
pub(super) fn own_label(key: &str) -> Option<&str> {
    let key = bare(key);
    let is_other = key.starts_with("io.cilium.k8s.") || key == NAMESPACE || key.contains(':');
    (!is_other).then_some(key)
}

fn entity<'a>(name: &str) -> Peer<'a> {
    match name {
        "all" => Peer::Everyone,
        "world" | "world-ipv4" | "world-ipv6" => Peer::Outside,
        "cluster" => Peer::Cluster,
        "host" | "remote-node" | "kube-apiserver" => Peer::Nodes,
        // Pods that Cilium does not run yet or at all, its health probes and its own ingress.
        _ => Peer::NOBODY,
    }
}

/// Pods and nodes have identities and are not looked at by their addresses.
const fn outside<'a>(block: Block, except: Vec<Block>) -> Peer<'a> {
    Peer::Block { block, except, has_pods: false }
}

fn cidr_set(set: &Map) -> Peer<'_> {
    let except = texts(set, "except").filter_map(|(_, block)| Block::parse(block)).collect();
    match text(set, "cidr").and_then(Block::parse) {
        Some(block) => outside(block, except),
        // A group of blocks is another object.
        None => Peer::AllOf(vec![Peer::Outside, Peer::Elsewhere]),
    }
}

/// Rules on requests (L7) narrow what is said on a port that is reached.
fn ports(rule: &Map) -> Ports<'_> {
    if !list(rule, "icmps").is_empty() {
        return Ports::of(Vec::new());
    }
    let given = list(rule, "toPorts");
    if given.is_empty() {
        return Ports::all();
    }
    let listed = given.iter().flat_map(|given| elements(given.get("ports")));
    Ports::of(listed.filter_map(Value::as_object).map(port).collect())
}

fn port(port: &Map) -> PortMatch<'_> {
    let protocol = text(port, "protocol").filter(|protocol| *protocol != "ANY");
    let numbers = match (field(port, "port").map(numbers), number(port, "endPort")) {
        // Zero is every port.
        (None | Some(PortNumbers::Between(0, 0)), _) => PortNumbers::Any,
        (Some(PortNumbers::Between(from, _)), Some(end)) if end > 0 => {
            PortNumbers::Between(from, end)
        }
        (Some(numbers), _) => numbers,
    };
    PortMatch { protocol, numbers }
}

/// Whether a policy sends pods' DNS through Cilium's proxy, which is how names in rules become addresses.
pub(super) fn sees_dns(object: &Object<'_>) -> bool {
    let fields = object.fields();
    let specs = fields.get("spec").into_iter().chain(list(fields, "specs"));
    let egress = specs.flat_map(|spec| elements(spec.get("egress")));
    let ports = egress.flat_map(|rule| elements(rule.get("toPorts")));
    ports.into_iter().any(|ports| down(ports, &["rules", "dns"]).is_some())
}

/// The sections of a policy that are empty lists: its author may think that they close a direction.
pub fn empty_sections(object: &Object<'_>) -> Vec<FieldPath> {
    let is_empty = |spec: &Value, name: &str| {
        spec.get(name).and_then(Value::as_array).is_some_and(<[_]>::is_empty)
    };
    let closes = |spec: &Value, name: &str| {
        down(spec, &["enableDefaultDeny", name]).and_then(Value::as_bool) == Some(true)
            || !elements(spec.get(format!("{name}Deny").as_str())).is_empty()
    };
    let fields = object.fields();
    let single = fields.get("spec").map(|spec| (FieldPath::of(&["spec"]), spec));
    let several = list(fields, "specs").iter().enumerate();
    let several = several.map(|(index, spec)| (FieldPath::of(&["specs"]).index(index), spec));
    let sections = single.into_iter().chain(several).flat_map(|(path, spec)| {
        let names = Direction::ALL.iter().map(|direction| direction.as_str());
        names
            .filter(|name| is_empty(spec, name) && !closes(spec, name))
            .map(|name| path.key(name))
            .collect::<Vec<_>>()
    });
    sections.collect()
}
