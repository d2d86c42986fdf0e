//! Checks on where policies let pods connect to: the cloud's metadata service, and DNS, without which few
//! connections begin.

use std::net::{IpAddr, Ipv4Addr};

use airside_k8s::Value;
use airside_k8s::graph::policies::{
    Action, Direction, POLICY_KINDS, Peer, Policy, Rule, policies, select,
};
use airside_k8s::graph::{Answer, Port};
use airside_types::Severity;
use airside_types::attack::technique;

use crate::catalogue::exposure::labels_path;
use crate::check::{Category, Check, Judge};
use crate::evaluate::Report;
use crate::subject::{Pod, Whole};

/// Where clouds tell a machine about itself, its credentials included.
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

/// The checks of this family.
pub(crate) static CHECKS: &[Check] = &[
    Check {
        id: "policy-lets-out-to-metadata-service",
        title: "Network policy lets pods reach the cloud's metadata service",
        why: "At 169.254.169.254 clouds give the node's credentials to whoever asks from it: a hole that makes a pod fetch an address is then a hole into the cloud's account.",
        fix: "Leave 169.254.169.254/32 out of the block (except), or list the networks that the pods need.",
        severity: Severity::Low,
        category: Category::Network,
        techniques: &[technique("T1552.005")],
        controls: &[],
        equivalents: &[],
        judge: Judge::Object(POLICY_KINDS, metadata),
        fails: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]
    ports: [{port: 80}, {port: 53, protocol: UDP}]
",
        passes: r"apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 169.254.169.254/32]}}]
    ports: [{port: 80}, {port: 53, protocol: UDP}]
",
    },
    Check {
        id: "egress-without-dns",
        title: "Pod may connect to others and not look up their names",
        why: "Policies list what the pod may connect to, and no rule lets it ask DNS: connections to names of Services and of the outside fail before they begin.",
        fix: "Let the pods out to the cluster's DNS on port 53, UDP and TCP.",
        severity: Severity::Low,
        category: Category::Reliability,
        techniques: &[],
        controls: &[],
        equivalents: &[],
        judge: Judge::Pod(without_dns),
        fails: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  egress: [{to: [{podSelector: {}}], ports: [{port: 5432}]}]
",
        passes: r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  egress:
  - {to: [{podSelector: {}}], ports: [{port: 5432}]}
  - {to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}
",
    },
];

/// Pods of a policy that are asked whether they reach the service: policies make no difference among most.
const PODS: usize = 32;

fn metadata(object: &Whole<'_>, report: &mut Report<'_>) {
    for policy in policies(object.object) {
        let Some(side) = policy.side(Direction::Egress) else { continue };
        // A rule that takes it away stands before: in Cilium's policies denials always do.
        let mut found =
            side.rules.iter().filter(|it| it.ports.may_hold(80, "TCP") && names(&it.peer));
        let Some(rule) = found.next().filter(|it| it.action == Action::Allow && !is_open(it))
        else {
            continue;
        };
        if object.graph.is_single_object() {
            return report.undecided("other policies may keep the pods from the metadata service");
        }
        if lets_out(object, &policy) {
            let what = shown(rule);
            report.fail(rule.path.clone(), format!("{what} holds 169.254.169.254, on port 80"));
        }
    }
}

/// Whether one of the policy's pods gets there after all policies. Without pods in the input the policy
/// speaks for itself.
fn lets_out(object: &Whole<'_>, policy: &Policy<'_>) -> bool {
    let port = Some(Port { number: 80, protocol: "TCP" });
    let mut pods = select(object.graph, &policy.subject).take(PODS).peekable();
    let has_none = pods.peek().is_none();
    let gets_there = |pod| object.graph.reach_address(pod, METADATA, port).answer == Answer::Yes;
    has_none || pods.any(|(pod, _)| gets_there(pod))
}

/// Whether a rule lets out to everywhere, which is told by itself.
fn is_open(rule: &Rule<'_>) -> bool {
    let has_all = match &rule.peer {
        Peer::AnyOf(peers) => peers.contains(&Peer::Everyone),
        peer => *peer == Peer::Everyone,
    };
    has_all && rule.ports.is_all()
}

fn names(peer: &Peer<'_>) -> bool {
    match peer {
        Peer::Everyone | Peer::Outside => true,
        Peer::Block { block, except, .. } => {
            block.contains(METADATA) && !except.iter().any(|block| block.contains(METADATA))
        }
        Peer::AnyOf(peers) => peers.iter().any(names),
        Peer::AllOf(peers) => peers.iter().all(names),
        Peer::Not(peer) => !names(peer),
        Peer::Cluster
        | Peer::Nodes
        | Peer::Pods(_)
        | Peer::Endpoints(_)
        | Peer::Names(_)
        | Peer::Elsewhere => false,
    }
}

fn shown(rule: &Rule<'_>) -> &'static str {
    match rule.peer {
        Peer::Everyone => "a rule without peers",
        _ => "what the rule lets the pods connect to",
    }
}

/// Where DNS servers listen: at 53, and behind their Service in some distributions elsewhere.
const DNS: [u16; 4] = [53, 1053, 5353, 8053];

fn without_dns(pod: &Pod<'_>, report: &mut Report<'_>) {
    if pod.field("hostNetwork") == Some(&Value::Bool(true)) {
        return;
    }
    if pod.graph.is_single_object() {
        return report.undecided("network policies are other objects");
    }
    let namespace = pod.object.namespace();
    if pod.graph.isolates(Direction::Egress, namespace, pod.spec) != Answer::Yes {
        return;
    }
    let rules = pod.graph.policy_rules(Direction::Egress, namespace, pod.spec);
    let rules: Vec<_> = rules.filter(|(_, rule)| rule.action == Action::Allow).collect();
    let is_dns = |rule: &Rule<'_>| {
        DNS.iter()
            .any(|port| ["UDP", "TCP"].iter().any(|protocol| rule.ports.may_hold(*port, protocol)))
    };
    if rules.iter().any(|(_, rule)| is_dns(rule)) {
        return;
    }
    if let Some((policy, _)) = rules.iter().find(|(_, rule)| is_named(&rule.peer)) {
        let message = format!("{policy} lets the pod out, and no policy on port 53");
        report.fail(labels_path(pod), message);
    }
}

/// Whether others are most likely called by their names: nobody writes down the addresses of pods.
fn is_named(peer: &Peer<'_>) -> bool {
    match peer {
        Peer::Everyone | Peer::Outside | Peer::Pods(_) | Peer::Endpoints(_) | Peer::Names(_) => {
            true
        }
        Peer::Block { .. } => peer.has_all_outside(),
        Peer::AnyOf(peers) | Peer::AllOf(peers) => peers.iter().any(is_named),
        Peer::Cluster | Peer::Nodes | Peer::Elsewhere | Peer::Not(_) => false,
    }
}
