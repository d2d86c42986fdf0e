//! The semantics of NetworkPolicies, as a table of small clusters.

mod admin;
mod calico;
mod cilium;
mod oracle;
mod outside;
mod together;
mod world;

use super::*;
use crate::graph::Completeness;
use crate::json;
use crate::object::Object;
use crate::value::Value;

fn pod(namespace: Option<&str>, app: &str, more: &Value) -> Value {
    let mut spec = json!({
        "containers": [{
            "name": "c", "image": "c", "ports": [{ "name": "web", "containerPort": 8080 }],
        }],
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": app, "namespace": namespace, "labels": { "app": app } }, "spec": spec,
    })
}

fn policy(namespace: &str, app: &str, spec: &Value) -> Value {
    let mut whole = json!({ "podSelector": { "matchLabels": { "app": app } } });
    for (key, value) in spec.as_object().unwrap() {
        whole[key] = value.clone();
    }
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": format!("for-{app}"), "namespace": namespace }, "spec": whole,
    })
}

fn namespace(name: &str, labels: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } })
}

/// Whether `web` of the namespace shop reaches `db` of the namespace data on a port.
fn answer(more: &[Value], port: Option<u16>) -> Answer {
    let mut values =
        vec![pod(Some("shop"), "web", &json!({})), pod(Some("data"), "db", &json!({}))];
    values.extend_from_slice(more);
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let port = port.map(|number| Port { number, protocol: "TCP" });
    graph.reach(Source::Pod(&graph.pods()[0]), &graph.pods()[1], port).answer
}

#[test]
fn a_pod_reaches_itself_and_of_a_template_nobody_knows_which_pod_it_is() {
    let closed = policy("shop", "web", &json!({ "policyTypes": ["Ingress", "Egress"] }));
    let lone = pod(Some("shop"), "web", &json!({}));
    let template = json!({ "metadata": lone["metadata"], "spec": lone["spec"] });
    let several = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": lone["metadata"],
        "spec": { "replicas": 2, "template": template },
    });
    for (value, expected) in [(lone, Answer::Yes), (several, Answer::No)] {
        let objects = [&value, &closed].map(|value| Object::new(value).unwrap());
        let graph = Graph::new(&objects, Completeness::WholeInput);
        let itself = &graph.pods()[0];
        assert_eq!(graph.reach(Source::Pod(itself), itself, None).answer, expected, "{value}");
    }
}

#[test]
fn policies_let_through_what_one_of_their_rules_names() {
    use Answer::{No, Unknown, Yes};
    let by_name = json!({ "matchLabels": { "kubernetes.io/metadata.name": "shop" } });
    let by_team = json!({ "matchLabels": { "team": "a" } });
    let web = json!({ "matchLabels": { "app": "web" } });
    let ingress = |rules: Value| policy("data", "db", &json!({ "ingress": rules }));
    let egress = |rules: Value| {
        policy("shop", "web", &json!({ "policyTypes": ["Egress"], "egress": rules }))
    };
    for (name, policies, expected) in [
        ("no policy", vec![], Yes),
        ("a policy for another pod", vec![policy("data", "cache", &json!({ "ingress": [] }))], Yes),
        (
            "a policy of another namespace",
            vec![policy("shop", "db", &json!({ "ingress": [] }))],
            Yes,
        ),
        ("nothing may enter", vec![ingress(json!([]))], No),
        ("all may enter", vec![ingress(json!([{}]))], Yes),
        (
            "pods of its own namespace",
            vec![ingress(json!([{ "from": [{ "podSelector": {} }] }]))],
            No,
        ),
        ("all namespaces", vec![ingress(json!([{ "from": [{ "namespaceSelector": {} }] }]))], Yes),
        ("by name", vec![ingress(json!([{ "from": [{ "namespaceSelector": by_name }] }]))], Yes),
        (
            "by label",
            vec![ingress(json!([{ "from": [{ "namespaceSelector": by_team }] }]))],
            Unknown,
        ),
        (
            "by a label that it bears",
            vec![
                namespace("shop", &json!({ "team": "a" })),
                ingress(
                    json!([{ "from": [{ "namespaceSelector": by_team, "podSelector": web }] }]),
                ),
            ],
            Yes,
        ),
        (
            "by a label that it does not bear",
            vec![
                namespace("shop", &json!({ "team": "b" })),
                ingress(json!([{ "from": [{ "namespaceSelector": by_team }] }])),
            ],
            No,
        ),
        (
            "another pod of it",
            vec![ingress(json!([{ "from": [{
                "namespaceSelector": by_name, "podSelector": { "matchLabels": { "app": "job" } },
            }] }]))],
            No,
        ),
        ("two policies add up", vec![ingress(json!([])), ingress(json!([{}]))], Yes),
        (
            "an address block",
            vec![ingress(json!([{ "from": [{ "ipBlock": { "cidr": "10.0.0.0/8" } }] }]))],
            Unknown,
        ),
        (
            "all addresses",
            vec![ingress(json!([{ "from": [{ "ipBlock": { "cidr": "0.0.0.0/0" } }] }]))],
            Yes,
        ),
        ("nothing may leave", vec![egress(json!([]))], No),
        ("it may leave, and not enter", vec![egress(json!([{}])), ingress(json!([]))], No),
        (
            "egress rules say nothing of ingress",
            vec![policy("data", "db", &json!({ "policyTypes": ["Egress"] }))],
            Yes,
        ),
        (
            "a policy of a kind that is not read",
            vec![json!({
                "apiVersion": "crd.antrea.io/v1beta1", "kind": "NetworkPolicy",
                "metadata": { "name": "c", "namespace": "data" }, "spec": {},
            })],
            Unknown,
        ),
    ] {
        assert_eq!(answer(&policies, None), expected, "{name}");
    }
}

#[test]
fn ports_are_numbers_ranges_and_names() {
    let ports =
        |ports: Value| vec![policy("data", "db", &json!({ "ingress": [{ "ports": ports }] }))];
    for (rule, port, expected) in [
        (json!([{ "port": 8080 }]), Some(8080), Answer::Yes),
        (json!([{ "port": 8080 }]), Some(9090), Answer::No),
        (json!([{ "port": 8080 }]), None, Answer::Yes),
        (json!([{ "port": 8000, "endPort": 9000 }]), Some(8080), Answer::Yes),
        (json!([{ "port": "web" }]), Some(8080), Answer::Yes),
        (json!([{ "port": "web" }]), Some(80), Answer::No),
        (json!([{ "port": "metrics" }]), Some(8080), Answer::No),
        (json!([{ "protocol": "UDP" }]), Some(8080), Answer::No),
        (json!([{ "protocol": "TCP" }]), Some(8080), Answer::Yes),
    ] {
        assert_eq!(answer(&ports(rule.clone()), port), expected, "{rule} {port:?}");
    }
}

#[test]
fn nodes_and_the_internet_are_told_apart() {
    let closed = policy("data", "db", &json!({ "ingress": [] }));
    let block = |cidr: &str| {
        policy("data", "db", &json!({ "ingress": [{ "from": [{ "ipBlock": { "cidr": cidr } }] }] }))
    };
    for (policies, from, expected) in [
        (vec![closed.clone()], Source::Node, Answer::Yes),
        (vec![closed], Source::Internet, Answer::No),
        (vec![], Source::Internet, Answer::Yes),
        (vec![block("10.0.0.0/8")], Source::Internet, Answer::No),
        (vec![block("0.0.0.0/0")], Source::Internet, Answer::Yes),
        (vec![block("8.8.8.0/24")], Source::Internet, Answer::Yes),
    ] {
        let mut values = vec![pod(Some("data"), "db", &json!({}))];
        values.extend_from_slice(&policies);
        let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
        let graph = Graph::new(&objects, Completeness::WholeInput);
        let reached = graph.reach(from, &graph.pods()[0], None);
        assert_eq!(reached.answer, expected, "{from:?} {policies:?}");
    }
}

#[test]
fn the_answer_says_why() {
    let values = [
        pod(Some("shop"), "web", &json!({})),
        pod(Some("data"), "db", &json!({})),
        pod(Some("shop"), "agent", &json!({ "hostNetwork": true })),
        policy("data", "db", &json!({ "ingress": [{ "from": [{ "podSelector": {} }] }] })),
    ];
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let pods = graph.pods();
    let told = |from: usize, to: usize| {
        let reached = graph.reach(Source::Pod(&pods[from]), &pods[to], None);
        format!(
            "{}: {}",
            reached.answer,
            reached.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        )
    };
    insta::assert_snapshot!(told(0, 1), @"no: no NetworkPolicy for egress selects the source; NetworkPolicy data/for-db has no ingress rule that lets it through");
    insta::assert_snapshot!(told(1, 0), @"yes: no NetworkPolicy for egress selects the source; no NetworkPolicy for ingress selects the target");
    insta::assert_snapshot!(told(2, 1), @"not known: the source is on its node's network, where no policy restricts it; NetworkPolicy data/for-db has no ingress rule that lets it through; from the target's own node it gets through all the same");
}
