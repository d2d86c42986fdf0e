//! Whether one thing can connect to another: what all NetworkPolicies together let through.
//!
//! The answer is yes, no or not known, with the reasons. It is not known where it rests on what the input
//! does not hold (labels of a namespace, addresses of pods) or on policies of a kind that is not read.

mod peers;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use super::isolation::{Direction, restricts};
use super::{Graph, PodNode, same_namespace, selects};
use crate::fields::{elements, list};
use crate::object::Object;

/// What connects.
#[derive(Debug, Clone, Copy)]
pub enum Source<'g, 'a> {
    /// A pod.
    Pod(&'g PodNode<'a>),
    /// Something outside the cluster, at a public address.
    Internet,
    /// The node on which the target runs: its kubelet, and pods on the node's network.
    Node,
}

/// The port that is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port<'p> {
    /// Its number.
    pub number: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'p str,
}

/// Whether something is so; not known where the input does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// No.
    No,
    /// The input does not tell.
    Unknown,
    /// Yes.
    Yes,
}

/// Whether a connection is let through, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachability {
    /// The answer.
    pub answer: Answer,
    /// The reasons, in the order of the way.
    pub reasons: Vec<String>,
}

impl Answer {
    /// Yes only where both are; no where one is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Yes where one is; no only where both are.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<bool> for Answer {
    fn from(is_so: bool) -> Self {
        if is_so { Self::Yes } else { Self::No }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "not known",
        })
    }
}

impl<'a> Graph<'a> {
    /// Whether a source can connect to a pod, on a port or on any.
    pub fn reach(
        &self,
        source: Source<'_, 'a>,
        target: &PodNode<'a>,
        port: Option<Port<'_>>,
    ) -> Reachability {
        let mut reasons = Vec::new();
        let leaves = match source {
            Source::Pod(pod) => self.leaves(pod, target, port, &mut reasons),
            Source::Internet | Source::Node => Answer::Yes,
        };
        let enters = self.enters(source, target, port, &mut reasons);
        Reachability { answer: leaves.and(enters), reasons }
    }

    fn leaves(
        &self,
        source: &PodNode<'a>,
        target: &PodNode<'a>,
        port: Option<Port<'_>>,
        reasons: &mut Vec<String>,
    ) -> Answer {
        if is_on_node_network(source) {
            reasons.push(
                "the source is on its node's network, where no policy restricts it".to_owned(),
            );
            return Answer::Yes;
        }
        let asked = Asked { graph: self, other: Other::Pod(target), target, port };
        self.direction(Direction::Egress, source, &asked, reasons)
    }

    fn enters(
        &self,
        source: Source<'_, 'a>,
        target: &PodNode<'a>,
        port: Option<Port<'_>>,
        reasons: &mut Vec<String>,
    ) -> Answer {
        if is_on_node_network(target) {
            reasons.push(
                "the target is on its node's network, where no policy protects it".to_owned(),
            );
            return Answer::Yes;
        }
        let other = match source {
            Source::Node => {
                reasons.push("a node always reaches the pods that run on it".to_owned());
                return Answer::Yes;
            }
            Source::Pod(pod) if is_on_node_network(pod) => Other::SomeNode,
            Source::Pod(pod) => Other::Pod(pod),
            Source::Internet => Other::Internet,
        };
        let asked = Asked { graph: self, other, target, port };
        let answer = self.direction(Direction::Ingress, target, &asked, reasons);
        if matches!(other, Other::SomeNode) && answer == Answer::No {
            reasons.push("from the target's own node it gets through all the same".to_owned());
            return Answer::Unknown;
        }
        answer
    }

    /// What the policies that select a pod say to a connection in a direction.
    fn direction(
        &self,
        direction: Direction,
        selected: &PodNode<'a>,
        asked: &Asked<'_, 'a>,
        reasons: &mut Vec<String>,
    ) -> Answer {
        let namespace = self.owner(selected).and_then(Object::namespace);
        let (word, of) = match direction {
            Direction::Ingress => ("ingress", "target"),
            Direction::Egress => ("egress", "source"),
        };
        let policies: Vec<_> =
            self.policies(direction, namespace, selected.spec.labels()).collect();
        let mut answer = Answer::from(policies.is_empty());
        if policies.is_empty() {
            reasons.push(format!("no NetworkPolicy for {word} selects the {of}"));
        }
        for policy in &policies {
            let lets = asked.policy(direction, policy);
            answer = answer.or(lets);
            reasons.push(match lets {
                Answer::Yes => format!("{policy} lets {word} through"),
                Answer::No => format!("{policy} has no {word} rule that lets it through"),
                Answer::Unknown => {
                    format!(
                        "whether {policy} lets {word} through rests on what the input does not hold"
                    )
                }
            });
        }
        if self.has_unread_policy(namespace) && answer != Answer::Unknown {
            reasons.push(format!("policies of a kind that is not read may decide {word} as well"));
            return Answer::Unknown;
        }
        answer
    }

    /// The NetworkPolicies that isolate pods with these labels in a direction.
    fn policies<'g>(
        &'g self,
        direction: Direction,
        namespace: Option<&'g str>,
        labels: Option<&'g Map<String, Value>>,
    ) -> impl Iterator<Item = &'g Object<'a>> {
        self.of_kind("networking.k8s.io", "NetworkPolicy").filter(move |policy| {
            let spec = policy.fields().get("spec");
            let selector = spec.and_then(|spec| spec.get("podSelector"));
            same_namespace(policy.namespace(), namespace)
                && restricts(spec, direction)
                && selector.is_some_and(|selector| selects(selector, labels))
        })
    }
}

/// The other end of a connection, as the policies of one end see it.
#[derive(Debug, Clone, Copy)]
enum Other<'g, 'a> {
    Pod(&'g PodNode<'a>),
    /// A node that may be another than the pod's own.
    SomeNode,
    Internet,
}

/// A connection that policies are asked about.
struct Asked<'g, 'a> {
    graph: &'g Graph<'a>,
    other: Other<'g, 'a>,
    target: &'g PodNode<'a>,
    port: Option<Port<'g>>,
}

impl Asked<'_, '_> {
    fn policy(&self, direction: Direction, policy: &Object<'_>) -> Answer {
        let (rules, peers) = match direction {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        };
        let spec = policy.fields().get("spec");
        let rules = elements(spec.and_then(|spec| spec.get(rules)));
        rules.iter().filter_map(Value::as_object).fold(Answer::No, |answer, rule| {
            let through =
                self.peers(policy, list(rule, peers)).and(self.ports(list(rule, "ports")));
            answer.or(through)
        })
    }
}

fn is_on_node_network(pod: &PodNode<'_>) -> bool {
    pod.spec.field("hostNetwork") == Some(&Value::Bool(true))
}
