//! What network policies of all kinds say, in one vocabulary: whom a policy is for, and in each direction
//! ordered rules with an action, peers and ports.
//!
//! Each kind has a file that translates it: Kubernetes' own, Cilium's, Calico's, the cluster administrator's.
//! Which are for a pod is `index.rs`'s, in which order they decide `layers.rs`'s, what follows for a
//! connection `reach.rs`'s.

mod admin;
mod blocks;
mod calico;
mod cilium;
mod conditions;
mod holds;
mod index;
mod kubernetes;
mod layers;
mod peers;
mod ports;
use airside_types::FieldPath;

use crate::object::Object;
use crate::value::Map;

use super::{Answer, Graph};
pub(super) use blocks::not_public;
pub use blocks::{Block, is_public};
pub use calico::Expression;
pub use cilium::empty_sections;
pub(super) use conditions::View;
pub use conditions::{Condition, select, selects_any};
pub use holds::Doubt;
pub(super) use holds::Holds;
pub(super) use index::{Held, Index, written};
pub(super) use layers::{End, Layer};
pub use peers::Peer;
pub(super) use peers::{Matching, Party};
pub(super) use ports::{PROTOCOLS, Span, Spans, number, port_named, spans};
pub use ports::{PortMatch, PortNumbers, Ports};

/// The direction of traffic that a network policy restricts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the pod.
    Ingress,
    /// Out of the pod.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// The name, as fields and messages have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// What a rule does with the traffic that it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It gets through.
    Allow,
    /// It is dropped.
    Deny,
    /// The next tier decides.
    Pass,
}

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule<'a> {
    /// What it does.
    pub action: Action,
    /// The other ends that it fits.
    pub peer: Peer<'a>,
    /// What else it asks of the pod that the policy is for (Calico).
    pub own: Option<Peer<'a>>,
    /// The ports that it fits.
    pub ports: Ports<'a>,
    /// Where it stands.
    pub path: FieldPath,
}

/// What a policy says of a direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Side<'a> {
    /// The rules, in their order.
    pub rules: Vec<Rule<'a>>,
    /// Whether what no policy lets through is dropped, for the pods that the policy is for.
    pub isolates: bool,
    /// Where the rules stand, or would stand.
    pub path: FieldPath,
}

/// When a policy is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage<'a> {
    /// Before those of namespaces, the lowest priority first: AdminNetworkPolicy, ClusterNetworkPolicy of the
    /// tier Admin.
    Admin {
        /// Its number; among equals the order is not defined.
        priority: i64,
    },
    /// Kubernetes' own: all together.
    Namespaced,
    /// Cilium's: all together, with Kubernetes' own.
    Cilium,
    /// Calico's: tier by tier, and in a tier the lowest order first.
    Tier {
        /// The tier's name.
        tier: &'a str,
        /// Its place in the tier; none is last.
        order: Option<f64>,
    },
    /// After all others: BaselineAdminNetworkPolicy, ClusterNetworkPolicy of the tier Baseline.
    Baseline {
        /// Its number.
        priority: i64,
    },
}

/// A network policy, or one of the several that an object holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy<'a> {
    /// When it is asked.
    pub stage: Stage<'a>,
    /// The pods that it is for: all conditions hold.
    pub subject: Vec<Condition<'a>>,
    /// Where its selector stands, or would stand.
    pub subject_path: FieldPath,
    /// What it says of traffic into the pods; nothing where it does not restrict that.
    pub ingress: Option<Side<'a>>,
    /// What it says of traffic out of the pods.
    pub egress: Option<Side<'a>>,
}

impl<'a> Policy<'a> {
    /// What it says of a direction.
    pub const fn side(&self, direction: Direction) -> Option<&Side<'a>> {
        match direction {
            Direction::Ingress => self.ingress.as_ref(),
            Direction::Egress => self.egress.as_ref(),
        }
    }
}

/// The API groups and kinds of network policies that are read.
pub const POLICY_KINDS: &[(&str, &str)] = &[
    ("networking.k8s.io", "NetworkPolicy"),
    ("extensions", "NetworkPolicy"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("projectcalico.org", "NetworkPolicy"),
    ("projectcalico.org", "GlobalNetworkPolicy"),
    ("crd.projectcalico.org", "NetworkPolicy"),
    ("crd.projectcalico.org", "GlobalNetworkPolicy"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"),
];

/// The network policies that an object holds: none where it is of another kind, or for hosts only.
pub fn policies<'a>(object: &Object<'a>) -> Vec<Policy<'a>> {
    match (object.group(), object.kind()) {
        ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
            kubernetes::read(object).into_iter().collect()
        }
        ("cilium.io", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy") => {
            cilium::read(object)
        }
        (group, "NetworkPolicy" | "GlobalNetworkPolicy") if calico::GROUPS.contains(&group) => {
            calico::read(object).into_iter().collect()
        }
        ("policy.networking.k8s.io", _) => admin::read(object).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The blocks of the sets of networks that Calico's selectors may mean.
pub(super) fn network_blocks<'g>(graph: &'g Graph<'_>) -> impl Iterator<Item = Block> + 'g {
    calico::network_sets(graph).flat_map(|(_, blocks)| blocks)
}

fn spec<'a>(object: &Object<'a>) -> Option<&'a Map> {
    object.fields().get("spec")?.as_object()
}
