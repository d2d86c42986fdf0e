//! The other ends of connections that a rule fits, and whether one of them is a given end.

use std::net::IpAddr;

use super::super::{Graph, PodNode};
use super::blocks::{Block, hold_internet};
use super::calico;
use super::conditions::{Condition, View};
use super::holds::{Doubt, Holds};
use crate::value::Value;

/// Ends of connections.
#[derive(Debug, Clone, PartialEq)]
pub enum Peer<'a> {
    /// Whatever it is.
    Everyone,
    /// What is outside the cluster.
    Outside,
    /// Every pod and every node.
    Cluster,
    /// Nodes, of which only the labels are told.
    Nodes,
    /// The pods for which all conditions hold.
    Pods(Vec<Condition<'a>>),
    /// The pods and the sets of networks for which all conditions hold (Calico).
    Endpoints(Vec<Condition<'a>>),
    /// What has an address of a block, and of none of the others.
    Block {
        /// The block.
        block: Block,
        /// What is left out of it.
        except: Vec<Block>,
        /// Whether pods and nodes count by their addresses too; for Cilium they do not.
        has_pods: bool,
    },
    /// What domain names resolve to.
    Names(&'a Value),
    /// What only the running cluster or cloud knows.
    Elsewhere,
    /// One of them; nobody where the list is empty.
    AnyOf(Vec<Self>),
    /// All of them at once.
    AllOf(Vec<Self>),
    /// All others.
    Not(Box<Self>),
}

/// The other end of a connection, as the policies of one end see it.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) enum Party<'g, 'a> {
    Pod(&'g PodNode<'a>),
    /// A node that may be another than the pod's own.
    SomeNode,
    Address(IpAddr),
}

impl Peer<'_> {
    /// Nobody.
    pub const NOBODY: Self = Self::AnyOf(Vec::new());

    /// Whether every pod, whatever its namespace and labels, is meant.
    pub fn has_all_pods(&self) -> bool {
        match self {
            Self::Everyone | Self::Cluster => true,
            Self::Pods(conditions) | Self::Endpoints(conditions) => {
                conditions.iter().all(Condition::is_empty)
            }
            Self::Block { block, except, has_pods } => {
                *has_pods && block.is_all() && except.iter().all(|block| block.is_never_a_pods())
            }
            Self::AnyOf(peers) => peers.iter().any(Self::has_all_pods),
            Self::AllOf(peers) => peers.iter().all(Self::has_all_pods),
            Self::Outside | Self::Nodes | Self::Names(_) | Self::Elsewhere | Self::Not(_) => false,
        }
    }

    /// Whether every address outside the cluster, of one family at least, is meant.
    pub fn has_all_outside(&self) -> bool {
        match self {
            Self::Everyone | Self::Outside => true,
            Self::Block { block, except, .. } => block.is_all() && except.is_empty(),
            Self::AnyOf(peers) => peers.iter().any(Self::has_all_outside),
            Self::AllOf(peers) => peers.iter().all(Self::has_all_outside),
            _ => false,
        }
    }

    /// Whether every address of the internet, of one family at least, is meant, whatever else is left out.
    pub fn has_all_internet(&self) -> bool {
        let of_block = |peer: &Self| match peer {
            Self::Block { block, except, .. } if except.iter().all(|it| it.is_private()) => {
                Some(*block)
            }
            _ => None,
        };
        match self {
            Self::Everyone | Self::Outside => true,
            Self::Block { .. } => of_block(self).is_some_and(|block| hold_internet(&[block])),
            Self::AnyOf(peers) => {
                let blocks: Vec<Block> = peers.iter().filter_map(of_block).collect();
                hold_internet(&blocks) || peers.iter().any(Self::has_all_internet)
            }
            Self::AllOf(peers) => peers.iter().all(Self::has_all_internet),
            _ => false,
        }
    }

    /// The blocks that decide, wherever they stand.
    pub(in crate::graph) fn blocks(&self, take: &mut dyn FnMut(Block)) {
        match self {
            Self::Block { block, except, .. } => {
                take(*block);
                except.iter().for_each(|block| take(*block));
            }
            Self::AnyOf(peers) | Self::AllOf(peers) => {
                peers.iter().for_each(|peer| peer.blocks(take));
            }
            Self::Not(peer) => peer.blocks(take),
            _ => {}
        }
    }
}

impl Condition<'_> {
    /// Whether it holds for all pods.
    pub fn is_empty(&self) -> bool {
        let is_empty_map = |value: &Value| value.as_object().is_some_and(|map| map.is_empty());
        match self {
            Self::NamespaceLabels(selector)
            | Self::PodLabels(selector)
            | Self::Cilium(selector) => is_empty_map(selector),
            Self::Labels(expression) | Self::Namespace(expression) => expression.is_all(),
            Self::InNamespace(_) | Self::Accounts(_) | Self::AccountLabels(_) => false,
        }
    }
}

/// Asks whether peers are an end.
pub(in crate::graph) struct Matching<'g, 'a> {
    pub(in crate::graph) graph: &'g Graph<'a>,
    pub(in crate::graph) party: Party<'g, 'a>,
}

impl Matching<'_, '_> {
    pub(in crate::graph) fn is(&self, peer: &Peer<'_>) -> Holds {
        match peer {
            Peer::Everyone => Holds::YES,
            Peer::Outside => matches!(self.party, Party::Address(_)).into(),
            Peer::Cluster => (!matches!(self.party, Party::Address(_))).into(),
            Peer::Nodes => match self.party {
                Party::SomeNode => Holds::unknown(Doubt::Nodes),
                Party::Pod(_) | Party::Address(_) => Holds::NO,
            },
            Peer::Pods(conditions) => match self.party {
                Party::Pod(pod) => View::of_pod(self.graph, pod).meets(conditions),
                Party::SomeNode | Party::Address(_) => Holds::NO,
            },
            Peer::Endpoints(conditions) => self.endpoint(conditions),
            Peer::Block { block, except, has_pods } => self.block(*block, except, *has_pods),
            Peer::Names(_) => match self.party {
                Party::Address(_) => Holds::unknown(Doubt::Names),
                Party::Pod(_) | Party::SomeNode => Holds::NO,
            },
            Peer::Elsewhere => Holds::unknown(Doubt::Elsewhere),
            Peer::AnyOf(peers) => {
                peers.iter().fold(Holds::NO, |holds, peer| holds.or(self.is(peer)))
            }
            Peer::AllOf(peers) => {
                peers.iter().fold(Holds::YES, |holds, peer| holds.and(self.is(peer)))
            }
            Peer::Not(peer) => self.is(peer).not(),
        }
    }

    /// Calico's selectors also select sets of networks, and nodes that have an endpoint of their own.
    fn endpoint(&self, conditions: &[Condition<'_>]) -> Holds {
        let own = match self.party {
            Party::Pod(pod) => View::of_pod(self.graph, pod).meets(conditions),
            Party::SomeNode => Holds::unknown(Doubt::Nodes),
            Party::Address(_) => Holds::NO,
        };
        calico::network_sets(self.graph).fold(own, |holds, (view, blocks)| {
            let is_meant = view.meets(conditions);
            let lies = blocks.fold(Holds::NO, |lies, block| lies.or(self.block(block, &[], true)));
            holds.or(is_meant.and(lies))
        })
    }

    /// Pods' addresses are not in manifests: a block holds them for sure only where it holds all.
    fn block(&self, block: Block, except: &[Block], has_pods: bool) -> Holds {
        match self.party {
            Party::Address(address) => {
                (block.contains(address) && !except.iter().any(|it| it.contains(address))).into()
            }
            Party::Pod(_) | Party::SomeNode if !has_pods || block.is_never_a_pods() => Holds::NO,
            Party::Pod(_) | Party::SomeNode => {
                if block.is_all() && except.iter().all(|block| block.is_never_a_pods()) {
                    Holds::YES
                } else {
                    Holds::unknown(Doubt::Addresses)
                }
            }
        }
    }
}
