//! The semantics of Cilium's policies.

use super::world::{Question, expect, reached};
use super::*;

use Answer::{No, Unknown, Yes};
use Question::{FromInternet, ToAddress, ToDb};

fn for_db(spec: &str) -> String {
    named("db", "data", &format!("{{endpointSelector: {{matchLabels: {{app: db}}}}, {spec}}}"))
}

fn for_web(spec: &str) -> String {
    named("web", "shop", &format!("{{endpointSelector: {{matchLabels: {{app: web}}}}, {spec}}}"))
}

fn named(name: &str, namespace: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

fn clusterwide(spec: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\n\
         metadata: {{name: all}}\nspec: {spec}\n"
    )
}

#[test]
fn a_direction_is_closed_by_a_rule_and_not_by_an_empty_list() {
    let any = ToDb(None);
    expect(&[
        ("an empty rule lets nobody in", for_db("ingress: [{}]"), any, No),
        ("an empty list says nothing", for_db("ingress: []"), any, Yes),
        ("no section says nothing", for_db("description: x"), any, Yes),
        ("denials close too", for_db("ingressDeny: [{fromEntities: [host]}]"), any, No),
        (
            "unless they are told not to",
            for_db("enableDefaultDeny: {ingress: false}, ingressDeny: [{fromEntities: [host]}]"),
            any,
            Yes,
        ),
        (
            "a policy may close what it does not speak of",
            for_db("enableDefaultDeny: {ingress: true}, egress: [{toEntities: [all]}]"),
            any,
            No,
        ),
        ("egress does not close ingress", for_db("egress: [{}]"), any, Yes),
        ("the source's egress counts", for_web("egress: [{}]"), any, No),
        (
            "policies of hosts are not for pods",
            clusterwide("{nodeSelector: {}, ingress: [{}]}"),
            any,
            Yes,
        ),
        (
            "several in one object",
            named("several", "data", "{}").replace(
                "spec: {}",
                "specs: [{endpointSelector: {}, ingress: [{}]}, \
                 {endpointSelector: {}, ingress: [{fromEntities: [cluster]}]}]",
            ),
            any,
            Yes,
        ),
    ]);
}

#[test]
fn peers_are_selectors_entities_and_blocks() {
    let from = |peers: &str| for_db(&format!("ingress: [{{{peers}}}]"));
    let labels = |labels: &str| from(&format!("fromEndpoints: [{{matchLabels: {{{labels}}}}}]"));
    let any = ToDb(None);
    expect(&[
        ("a selector is of the own namespace", labels("app: web"), any, No),
        ("an empty one too", from("fromEndpoints: [{}]"), any, No),
        ("an empty list is nobody", from("fromEndpoints: []"), any, No),
        (
            "of another by name",
            labels("'k8s:app': web, 'k8s:io.kubernetes.pod.namespace': shop"),
            any,
            Yes,
        ),
        (
            "of another by label",
            labels("'any:app': web, 'k8s:io.cilium.k8s.namespace.labels.team': a"),
            any,
            Yes,
        ),
        ("not by another label", labels("io.cilium.k8s.namespace.labels.team: b"), any, No),
        (
            "by account",
            labels(
                "io.kubernetes.pod.namespace: shop, io.cilium.k8s.policy.serviceaccount: seller",
            ),
            any,
            Yes,
        ),
        (
            "of any namespace",
            from(
                "fromEndpoints: [{matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: Exists}]}]",
            ),
            any,
            Yes,
        ),
        (
            "for the whole cluster a selector is of all namespaces",
            clusterwide(
                "{endpointSelector: {}, ingress: [{fromEndpoints: [{}]}], egress: [{toEntities: [all]}]}",
            ),
            any,
            Yes,
        ),
        ("the cluster", from("fromEntities: [cluster]"), any, Yes),
        ("the world is not in the cluster", from("fromEntities: [world]"), any, No),
        ("the world", from("fromEntities: [world]"), FromInternet, Yes),
        ("by reserved label", labels("'reserved:world': ''"), FromInternet, Yes),
        ("the cluster is not the world", from("fromEntities: [cluster]"), FromInternet, No),
        ("a host is no pod", from("fromEntities: [host, remote-node, kube-apiserver]"), any, No),
        ("addresses do not mean pods", from("fromCIDR: [0.0.0.0/0]"), any, No),
        ("but the world", from("fromCIDR: [8.0.0.0/8]"), FromInternet, Yes),
        ("private ones do not", from("fromCIDR: [10.0.0.0/8]"), FromInternet, No),
        (
            "nor what is left out",
            from("fromCIDRSet: [{cidr: 8.0.0.0/8, except: [8.0.0.0/9, 8.128.0.0/9]}]"),
            FromInternet,
            No,
        ),
        ("names are not pods", for_web("egress: [{toFQDNs: [{matchName: a.example}]}]"), any, No),
        (
            "what names mean is not known",
            for_web("egress: [{toFQDNs: [{matchName: a.example}]}]"),
            ToAddress("8.8.8.8"),
            Unknown,
        ),
        (
            "nor is where Services lead to",
            for_web("egress: [{toServices: [{k8sService: {serviceName: db, namespace: data}}]}]"),
            any,
            Unknown,
        ),
        (
            "link-local addresses are in the world",
            for_web("egress: [{toEntities: [world]}]"),
            ToAddress("169.254.169.254"),
            Yes,
        ),
        (
            "unless they are left out",
            for_web("egress: [{toCIDRSet: [{cidr: 0.0.0.0/0, except: [169.254.169.254/32]}]}]"),
            ToAddress("169.254.169.254"),
            No,
        ),
    ]);
}

#[test]
fn denials_win_and_ports_narrow() {
    let all = "fromEntities: [all]";
    let port = |rule: &str| for_db(&format!("ingress: [{{{all}, toPorts: [{rule}]}}]"));
    expect(&[
        (
            "one policy denies",
            for_db(&format!("ingress: [{{{all}}}], ingressDeny: [{{{all}}}]")),
            ToDb(None),
            No,
        ),
        (
            "denials do not depend on order",
            for_db("ingressDeny: [{fromEntities: [cluster]}]")
                + &for_db(&format!("ingress: [{{{all}}}]")),
            ToDb(None),
            No,
        ),
        (
            "one port is denied",
            for_db(&format!(
                "ingress: [{{{all}}}], ingressDeny: [{{{all}, toPorts: [{{ports: [{{port: '22'}}]}}]}}]"
            )),
            ToDb(Some(22)),
            No,
        ),
        (
            "and the others are not",
            for_db(&format!(
                "ingress: [{{{all}}}], ingressDeny: [{{{all}, toPorts: [{{ports: [{{port: '22'}}]}}]}}]"
            )),
            ToDb(None),
            Yes,
        ),
        (
            "a number in a text",
            port("{ports: [{port: '5432', protocol: TCP}]}"),
            ToDb(Some(5432)),
            Yes,
        ),
        ("another number", port("{ports: [{port: '5432', protocol: TCP}]}"), ToDb(Some(80)), No),
        ("any protocol", port("{ports: [{port: '5432', protocol: ANY}]}"), ToDb(Some(5432)), Yes),
        (
            "another protocol",
            port("{ports: [{port: '5432', protocol: UDP}]}"),
            ToDb(Some(5432)),
            No,
        ),
        ("a range", port("{ports: [{port: '5000', endPort: 6000}]}"), ToDb(Some(5432)), Yes),
        ("a name", port("{ports: [{port: pg}]}"), ToDb(Some(5432)), Yes),
        ("zero is every port", port("{ports: [{port: '0', protocol: TCP}]}"), ToDb(Some(80)), Yes),
        (
            "rules on requests narrow what is said on the port",
            port("{ports: [{port: '80'}], rules: {http: [{method: GET}]}}"),
            ToDb(Some(80)),
            Yes,
        ),
        (
            "ports without peers are for all",
            for_db("ingress: [{toPorts: [{ports: [{port: '80'}]}]}]"),
            ToDb(Some(80)),
            Yes,
        ),
        (
            "ICMP has no ports",
            for_db("ingress: [{icmps: [{fields: [{type: 8}]}]}]"),
            ToDb(None),
            No,
        ),
    ]);
}

#[test]
fn the_reason_is_the_rule_and_where_it_stands() {
    let policy = for_db("ingress: [{fromEntities: [all], toPorts: [{ports: [{port: '80'}]}]}]");
    let reached = reached(&policy, ToDb(None));
    let shown: Vec<_> = reached
        .reasons
        .iter()
        .map(|reason| match &reason.place {
            Some((_, field)) => format!("{reason} ({field})"),
            None => reason.to_string(),
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    no NetworkPolicy for egress selects the source
    CiliumNetworkPolicy data/db lets ingress through on TCP 80 (spec.ingress[0])
    ");
}
