//! The engine against a naive function, over small random clusters in which everything is known: for each
//! packet it looks at all rules of all policies, in no layers and with no third answer.

use proptest::prelude::*;

use super::*;
use crate::graph::Completeness;
use crate::graph::policies::Action;
use crate::object::Object;

const NAMESPACES: [&str; 2] = ["n0", "n1"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Kubernetes,
    Cilium,
    Calico,
    Admin,
    Baseline,
}

/// Whom a rule fits: all pods, or those of a namespace, or those of it with a label.
#[derive(Debug, Clone, Copy)]
struct Peers {
    namespace: Option<usize>,
    label: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
struct ARule {
    action: Action,
    peers: Peers,
    port: Option<u16>,
}

#[derive(Debug, Clone)]
struct APolicy {
    kind: Kind,
    /// Its own, and so its subject's, where it is of a namespace.
    namespace: usize,
    label: Option<u8>,
    direction: Direction,
    rules: Vec<ARule>,
    /// Unique, so that the order is always known.
    order: u16,
}

/// A pod: its namespace and its label.
type APod = (usize, u8);

fn rule() -> impl Strategy<Value = ARule> {
    let action = prop_oneof![Just(Action::Allow), Just(Action::Deny), Just(Action::Pass)];
    let peers = (prop::option::of(0..2_usize), prop::option::of(0..2_u8));
    (action, peers, prop::option::of(1..4_u16)).prop_map(|(action, (namespace, label), port)| {
        let label = label.filter(|_| namespace.is_some());
        ARule { action, peers: Peers { namespace, label }, port }
    })
}

fn policy(kinds: &'static [Kind]) -> impl Strategy<Value = APolicy> {
    let direction = prop_oneof![Just(Direction::Ingress), Just(Direction::Egress)];
    let rules = prop::collection::vec(rule(), 1..4);
    let whole =
        (prop::sample::select(kinds), 0..2_usize, prop::option::of(0..2_u8), direction, rules);
    whole.prop_map(|(kind, namespace, label, direction, mut rules)| {
        for rule in &mut rules {
            match kind {
                Kind::Kubernetes => rule.action = Action::Allow,
                Kind::Cilium if rule.action == Action::Pass => rule.action = Action::Allow,
                _ => {}
            }
        }
        APolicy { kind, namespace, label, direction, rules, order: 0 }
    })
}

fn policies(kinds: &'static [Kind]) -> impl Strategy<Value = Vec<APolicy>> {
    let list = prop::collection::vec(policy(kinds), 0..6);
    list.prop_shuffle().prop_map(|mut list| {
        (0_u16..).zip(&mut list).for_each(|(order, policy)| policy.order = order * 400);
        list
    })
}

/// With one plug-in or the other.
fn any_policies() -> impl Strategy<Value = Vec<APolicy>> {
    use Kind::{Admin, Baseline, Calico, Cilium, Kubernetes};
    const ONE: &[Kind] = &[Kubernetes, Cilium, Admin, Baseline];
    const OTHER: &[Kind] = &[Kubernetes, Calico, Admin, Baseline];
    prop_oneof![policies(ONE), policies(OTHER)]
}

// The naive function.

fn fits(rule: &ARule, (namespace, label): APod, port: u16) -> bool {
    rule.peers.namespace.is_none_or(|it| it == namespace)
        && rule.peers.label.is_none_or(|it| it == label)
        && rule.port.is_none_or(|it| it == port)
}

fn lets(policies: &[APolicy], direction: Direction, own: APod, other: APod, port: u16) -> bool {
    let is_of_cluster = |it: &APolicy| matches!(it.kind, Kind::Admin | Kind::Baseline);
    let applies = |it: &&APolicy| {
        it.direction == direction
            && (is_of_cluster(it) || it.namespace == own.0)
            && it.label.is_none_or(|label| label == own.1)
    };
    let of = |kind: Kind| -> Vec<&APolicy> {
        let mut found: Vec<_> =
            policies.iter().filter(applies).filter(|it| it.kind == kind).collect();
        found.sort_by_key(|it| it.order);
        found
    };
    let first = |policies: &[&APolicy]| {
        let rules = policies.iter().flat_map(|it| &it.rules);
        rules.copied().find(|rule| fits(rule, other, port)).map(|rule| rule.action)
    };
    match first(&of(Kind::Admin)) {
        Some(Action::Allow) => return true,
        Some(Action::Deny) => return false,
        _ => {}
    }
    let (kubernetes, calico) = (of(Kind::Kubernetes), of(Kind::Calico));
    let (early, late): (Vec<_>, Vec<_>) = calico.iter().copied().partition(|it| it.order < 1000);
    let ordered = [early, kubernetes.clone(), late].concat();
    let cilium = of(Kind::Cilium);
    let denies = |it: &&APolicy| {
        it.rules.iter().any(|rule| rule.action == Action::Deny && fits(rule, other, port))
    };
    let allows = |it: &&APolicy| {
        it.rules.iter().any(|rule| rule.action == Action::Allow && fits(rule, other, port))
    };
    if cilium.iter().any(denies) {
        return false;
    }
    if cilium.iter().any(allows) {
        return true;
    }
    match first(&ordered) {
        Some(Action::Allow) => return true,
        Some(Action::Deny) => return false,
        Some(Action::Pass) => {}
        None if !ordered.is_empty() || !cilium.is_empty() => return false,
        None => {}
    }
    first(&of(Kind::Baseline)) != Some(Action::Deny)
}

// The same policies as objects.

fn object(policy: &APolicy, index: usize) -> Value {
    let rules: Vec<Value> = policy.rules.iter().map(|rule| rule_of(policy, rule)).collect();
    let label = policy.label.map(|label| label.to_string());
    let labels = label.map_or_else(|| json!({}), |label| json!({ "matchLabels": { "x": label } }));
    let side = policy.direction.as_str();
    let (version, kind, spec) = match policy.kind {
        Kind::Kubernetes => {
            let types = if policy.direction == Direction::Ingress { "Ingress" } else { "Egress" };
            let spec = json!({ "podSelector": labels, "policyTypes": [types], side: rules });
            ("networking.k8s.io/v1", "NetworkPolicy", spec)
        }
        Kind::Cilium => {
            let of = |action: Action| -> Vec<&Value> {
                let rules = policy.rules.iter().zip(&rules);
                rules.filter(|(rule, _)| rule.action == action).map(|(_, value)| value).collect()
            };
            let (allow, deny) = (of(Action::Allow), of(Action::Deny));
            let spec =
                json!({ "endpointSelector": labels, side: allow, format!("{side}Deny"): deny });
            ("cilium.io/v2", "CiliumNetworkPolicy", spec)
        }
        Kind::Calico => {
            let selector =
                policy.label.map_or_else(|| "all()".to_owned(), |it| format!("x == '{it}'"));
            let spec = json!({ "selector": selector, "order": policy.order, side: rules });
            ("projectcalico.org/v3", "NetworkPolicy", spec)
        }
        Kind::Admin | Kind::Baseline => {
            let tier = if policy.kind == Kind::Admin { "Admin" } else { "Baseline" };
            let subject = json!({ "pods": { "namespaceSelector": {}, "podSelector": labels } });
            let spec = json!({
                "tier": tier, "priority": policy.order, "subject": subject, side: rules,
            });
            ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", spec)
        }
    };
    let metadata = match policy.kind {
        Kind::Admin | Kind::Baseline => json!({ "name": format!("p{index}") }),
        _ => json!({ "name": format!("p{index}"), "namespace": NAMESPACES[policy.namespace] }),
    };
    json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec })
}

fn rule_of(policy: &APolicy, rule: &ARule) -> Value {
    let is_ingress = policy.direction == Direction::Ingress;
    let peers = if is_ingress { "from" } else { "to" };
    let namespace = rule.peers.namespace.map(|it| NAMESPACES[it]);
    let namespaces = namespace.map_or_else(
        || json!({}),
        |name| json!({ "matchLabels": { "kubernetes.io/metadata.name": name } }),
    );
    let label = rule.peers.label.map(|label| label.to_string());
    let pods = label.as_ref().map_or_else(|| json!({}), |it| json!({ "matchLabels": { "x": it } }));
    match policy.kind {
        Kind::Kubernetes => {
            let peer = json!({ "namespaceSelector": namespaces, "podSelector": pods });
            let ports = rule.port.map(|port| json!({ "port": port }));
            json!({ peers: [peer], "ports": ports.into_iter().collect::<Vec<_>>() })
        }
        Kind::Cilium => {
            let mut wanted = json!({ "matchExpressions": [
                { "key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists" },
            ] });
            if let Some(name) = namespace {
                wanted["matchLabels"]["io.kubernetes.pod.namespace"] = json!(name);
            }
            if let Some(label) = &label {
                wanted["matchLabels"]["any:x"] = json!(label);
            }
            let ports = rule
                .port
                .map(|port| json!({ "ports": [{ "port": port.to_string(), "protocol": "TCP" }] }));
            let ports: Vec<_> = ports.into_iter().collect();
            json!({ format!("{peers}Endpoints"): [wanted], "toPorts": ports })
        }
        Kind::Calico => {
            let end = if is_ingress { "source" } else { "destination" };
            let name = namespace.map(|it| format!("projectcalico.org/name == '{it}'"));
            let mut ends = json!({});
            ends[end]["namespaceSelector"] = json!(name.unwrap_or_else(|| "all()".to_owned()));
            if let Some(label) = &label {
                ends[end]["selector"] = json!(format!("x == '{label}'"));
            }
            if let Some(port) = rule.port {
                ends["protocol"] = json!("TCP");
                ends["destination"]["ports"] = json!([port]);
            }
            ends["action"] = json!(format!("{:?}", rule.action));
            ends
        }
        Kind::Admin | Kind::Baseline => {
            let action = match rule.action {
                Action::Allow => "Accept".to_owned(),
                other => format!("{other:?}"),
            };
            let pods = json!({ "namespaceSelector": namespaces, "podSelector": pods });
            let protocols =
                rule.port.map(|it| json!({ "tcp": { "destinationPort": { "number": it } } }));
            json!({
                "action": action, peers: [{ "pods": pods }],
                "protocols": protocols.into_iter().collect::<Vec<_>>(),
            })
        }
    }
}

const PODS: [APod; 4] = [(0, 0), (0, 1), (1, 0), (1, 1)];

/// The answers for each pair of pods and each port, the last of which is any.
fn answers(policies: &[Value]) -> Vec<(APod, APod, Option<u16>, Answer)> {
    let named = |name: &str| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let mut values: Vec<Value> = NAMESPACES.map(named).into();
    values.extend(PODS.map(|(namespace, label)| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "spec": { "containers": [{ "name": "c" }] },
            "metadata": {
                "name": format!("pod{label}"), "namespace": NAMESPACES[namespace],
                "labels": { "x": label.to_string() },
            },
        })
    }));
    values.extend_from_slice(policies);
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let mut answers = Vec::new();
    for (source, from) in graph.pods().iter().zip(PODS) {
        for (target, to) in graph.pods().iter().zip(PODS) {
            for number in [Some(1), Some(2), Some(3), Some(4), None] {
                let port = number.map(|number| Port { number, protocol: "TCP" });
                let answer = graph.reach(Source::Pod(source), target, port).answer;
                answers.push((from, to, number, answer));
            }
        }
    }
    answers
}

fn objects(policies: &[APolicy]) -> Vec<Value> {
    policies.iter().enumerate().map(|(index, policy)| object(policy, index)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_engine_equals_a_naive_function_for_every_packet(policies in any_policies()) {
        let through = |from, to, port| {
            let out = lets(&policies, Direction::Egress, from, to, port);
            from == to || out && lets(&policies, Direction::Ingress, to, from, port)
        };
        for (from, to, port, answer) in answers(&objects(&policies)) {
            // No rule names the fourth port, and none a port of another protocol: that is as good.
            let expected = match port {
                Some(port) => through(from, to, port),
                None => (1..=4).any(|port| through(from, to, port)),
            };
            prop_assert_eq!(answer, Answer::from(expected), "{:?} → {:?} on {:?}", from, to, port);
        }
    }

    #[test]
    fn the_order_of_policies_in_the_input_changes_nothing(
        (one, other) in any_policies().prop_flat_map(|policies| {
            let values = objects(&policies);
            (Just(values.clone()), Just(values).prop_shuffle())
        })
    ) {
        prop_assert_eq!(answers(&one), answers(&other));
    }

    #[test]
    fn a_denial_more_opens_nothing(
        policies in any_policies(),
        mut denial in policy(&[Kind::Admin, Kind::Baseline, Kind::Cilium, Kind::Calico]),
        order in 0..2_500_u16,
    ) {
        let of_other_plug_in = match denial.kind {
            Kind::Cilium => Kind::Calico,
            _ => Kind::Cilium,
        };
        let is_alone = !policies.iter().any(|it| it.kind == of_other_plug_in);
        prop_assume!(is_alone || matches!(denial.kind, Kind::Admin | Kind::Baseline));
        denial.order = order;
        denial.rules.iter_mut().for_each(|rule| rule.action = Action::Deny);
        let mut values = objects(&policies);
        let before = answers(&values);
        values.push(object(&denial, values.len()));
        for (before, after) in before.iter().zip(answers(&values)) {
            prop_assert!(after.3 <= before.3, "{:?} became {:?}", before, after);
        }
    }
}
