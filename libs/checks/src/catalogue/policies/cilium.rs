//! Checks on where Cilium's policies differ from what Kubernetes' own would mean.

use airside_k8s::graph::policies::{Direction, Peer, empty_sections, policies};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::Whole;

const POLICIES: &[(&str, &str)] =
    &[("cilium.io", "CiliumNetworkPolicy"), ("cilium.io", "CiliumClusterwideNetworkPolicy")];

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "cilium-empty-list-closes-nothing",
        title: "Empty list of rules in a Cilium policy closes nothing",
        why: "In a NetworkPolicy an empty list lets nobody through; for Cilium it is the same as no list, so the direction that it was meant to close stays open.",
        fix: "Write a list with one empty rule, `[{}]`, which lets nobody through, or set enableDefaultDeny for the direction.",
        severity: Severity::Medium,
        category: Category::Network,
        techniques: &[technique("T1046"), technique("T1210")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICIES, empty_lists),
        fails: r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {}
  ingress: []
",
        passes: r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {}
  ingress: [{}]
",
    },
    Check {
        id: "cilium-names-without-dns-rule",
        title: "Cilium policy allows names that Cilium never sees looked up",
        why: "Cilium learns the addresses of names from pods' DNS answers, and only from those that a rule with `rules: dns` sends through its proxy. Without one toFQDNs lets nothing through.",
        fix: "Add an egress rule to the cluster's DNS on port 53 with `rules: {dns: [{matchPattern: '*'}]}` for the same pods.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICIES, names_without_dns),
        fails: r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {}
  egress:
  - toFQDNs: [{matchName: api.example.com}]
  - toEntities: [cluster]
    toPorts: [{ports: [{port: '53'}]}]
",
        passes: r"apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {}
  egress:
  - toFQDNs: [{matchName: api.example.com}]
  - toEntities: [cluster]
    toPorts: [{ports: [{port: '53'}], rules: {dns: [{matchPattern: '*'}]}}]
",
    },
];

fn empty_lists(policy: &Whole<'_>, report: &mut Report<'_>) {
    for path in empty_sections(policy.object) {
        report.fail(path, "an empty list is the same as none: it closes nothing".to_owned());
    }
}

fn names_without_dns(policy: &Whole<'_>, report: &mut Report<'_>) {
    let graph = policy.graph;
    for one in policies(policy.object) {
        let Some(side) = one.side(Direction::Egress) else { continue };
        let Some(rule) = side.rules.iter().find(|rule| has_names(&rule.peer)) else { continue };
        if graph.is_single_object() {
            return report.undecided("another policy may send DNS through Cilium's proxy");
        }
        let is_namespaced = policy.object.kind() == "CiliumNetworkPolicy";
        let namespace = policy.object.namespace().filter(|_| is_namespaced);
        if !graph.sees_dns(namespace) {
            let message = "no rule lets Cilium see which addresses the names have";
            report.fail(rule.path.key("toFQDNs"), message.to_owned());
        }
    }
}

fn has_names(peer: &Peer<'_>) -> bool {
    match peer {
        Peer::Names(_) => true,
        Peer::AnyOf(peers) | Peer::AllOf(peers) => peers.iter().any(has_names),
        _ => false,
    }
}
