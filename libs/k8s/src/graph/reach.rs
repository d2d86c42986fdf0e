//! Whether one thing can connect to another: what all network policies together let through.
//!
//! The answer is yes, no or not known, with the reasons. It is not known where it rests on what the input
//! does not hold: labels of a namespace, addresses of pods.

mod candidates;
mod evaluate;
mod outside;
mod reasons;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use super::exposure::Clients;
use super::policies::{Direction, Doubt, Party, View};
use super::{Graph, PodNode};
use crate::value::Value;

use candidates::{addresses, ports};
use evaluate::{Ruling, Verdict};
pub use reasons::Reason;

/// What connects.
#[derive(Debug, Clone, Copy)]
pub enum Source<'g, 'a> {
    /// A pod.
    Pod(&'g PodNode<'a>),
    /// Something outside the cluster, at a public address, as far as policies go; whether a way leads in is
    /// [`Graph::reach_from_outside`]'s.
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
    pub reasons: Vec<Reason>,
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

impl fmt::Display for Port<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
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
        match source {
            Source::Node => {
                Reachability::of(Answer::Yes, "a node always reaches the pods that run on it")
            }
            Source::Internet if is_on_node_network(target) => {
                Reachability::of(Answer::Yes, TARGET_ON_NODE)
            }
            Source::Internet => self.by_internet(target, port, &Clients::Anyone),
            Source::Pod(pod) if self.is_same_pod(pod, target) => {
                Reachability::of(Answer::Yes, "a pod always reaches itself, whatever policies say")
            }
            Source::Pod(pod) => self.between(pod, target, port),
        }
    }

    /// Whether a pod can connect to an address outside the cluster, on a port or on any.
    pub fn reach_address(
        &self,
        source: &PodNode<'a>,
        address: IpAddr,
        port: Option<Port<'_>>,
    ) -> Reachability {
        if is_on_node_network(source) {
            return Reachability::of(Answer::Yes, SOURCE_ON_NODE);
        }
        let party = Party::Address(address);
        let egress = self.ruling(Direction::Egress, source, party, None);
        best(&[egress], port)
    }

    /// Whether two are one pod. Of one template there may be several pods.
    fn is_same_pod(&self, one: &PodNode<'a>, other: &PodNode<'a>) -> bool {
        let is_pod = self.owner(one).is_some_and(|it| (it.group(), it.kind()) == ("", "Pod"));
        is_pod && one.owner == other.owner
    }

    fn between(
        &self,
        source: &PodNode<'a>,
        target: &PodNode<'a>,
        port: Option<Port<'_>>,
    ) -> Reachability {
        let mut rulings = Vec::new();
        let mut known = Vec::new();
        let seen = |pod| if is_on_node_network(pod) { Party::SomeNode } else { Party::Pod(pod) };
        if is_on_node_network(source) {
            known.push(Reason::new(SOURCE_ON_NODE));
        } else {
            rulings.push(self.ruling(Direction::Egress, source, seen(target), Some(target)));
        }
        if is_on_node_network(target) {
            known.push(Reason::new(TARGET_ON_NODE));
        } else {
            rulings.push(self.ruling(Direction::Ingress, target, seen(source), Some(target)));
        }
        let mut reached = best(&rulings, port);
        known.append(&mut reached.reasons);
        reached.reasons = known;
        if is_on_node_network(source) && reached.answer == Answer::No {
            reached.answer = Answer::Unknown;
            let reason = "from the target's own node it gets through all the same";
            reached.reasons.push(Reason::new(reason));
        }
        reached
    }

    /// From some public address at least, of those that these clients have.
    fn by_internet(
        &self,
        target: &PodNode<'a>,
        port: Option<Port<'_>>,
        clients: &Clients,
    ) -> Reachability {
        let view = View::of_pod(self, target);
        let stacks = self.policies.stacks(Direction::Ingress, view);
        let (addresses, are_all) = addresses(self, &stacks, clients);
        let mut reached: Option<Reachability> = None;
        for address in addresses {
            let party = Party::Address(address);
            let ruling = self.ruling(Direction::Ingress, target, party, Some(target));
            let from_here = best(&[ruling], port);
            if reached.as_ref().is_none_or(|reached| from_here.answer > reached.answer) {
                reached = Some(from_here);
            }
            if reached.as_ref().is_some_and(|reached| reached.answer == Answer::Yes) {
                break;
            }
        }
        let mut reached =
            reached.unwrap_or(Reachability { answer: Answer::No, reasons: Vec::new() });
        if !are_all && reached.answer == Answer::No {
            reached.answer = Answer::Unknown;
            reached.reasons.push(Reason::doubt(Direction::Ingress, Doubt::TooMany));
        }
        reached
    }

    fn ruling<'g>(
        &'g self,
        direction: Direction,
        selected: &'g PodNode<'a>,
        other: Party<'g, 'a>,
        target: Option<&PodNode<'a>>,
    ) -> Ruling<'g, 'a> {
        Ruling::new(self, direction, selected, other, target)
    }
}

const SOURCE_ON_NODE: &str = "the source is on its node's network, where no policy restricts it";
const TARGET_ON_NODE: &str = "the target is on its node's network, where no policy protects it";

/// The answer for the port that gets through best: each direction has to let the same one through.
fn best(rulings: &[Ruling<'_, '_>], port: Option<Port<'_>>) -> Reachability {
    let (ports, are_all) = match port {
        Some(port) => (vec![port], true),
        None => ports(rulings),
    };
    let mut best: Option<Reachability> = None;
    for candidate in ports {
        let verdicts: Vec<Verdict> =
            rulings.iter().map(|it| it.on(candidate, port.is_none())).collect();
        let answer = verdicts.iter().fold(Answer::Yes, |answer, it| answer.and(it.answer));
        if best.as_ref().is_none_or(|best| answer > best.answer) {
            let reasons = verdicts.into_iter().flat_map(|verdict| verdict.reasons).collect();
            best = Some(Reachability { answer, reasons });
        }
        if answer == Answer::Yes {
            break;
        }
    }
    let mut best = best.unwrap_or(Reachability { answer: Answer::Yes, reasons: Vec::new() });
    if !are_all && best.answer == Answer::No {
        best.answer = Answer::Unknown;
        best.reasons.push(Reason::doubt(Direction::Ingress, Doubt::TooMany));
    }
    best
}

impl Reachability {
    fn of(answer: Answer, reason: &str) -> Self {
        Self { answer, reasons: vec![Reason::new(reason)] }
    }
}

fn is_on_node_network(pod: &PodNode<'_>) -> bool {
    pod.spec.field("hostNetwork") == Some(&Value::Bool(true))
}
