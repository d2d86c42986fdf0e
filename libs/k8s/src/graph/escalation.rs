//! How an identity becomes administrator of the cluster, step by step.
//!
//! A graph of attack edges over bindings and roles: each right that can be turned into another identity
//! is an edge (`powers`), and the shortest ways to the administrator are found once, backwards from him.
//! The edges are those that KubeHound and IceKube know, as far as authorisation alone gives them.

mod powers;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::Graph;
use crate::object::Object;
use crate::rbac::{Bearer, role_of, rules};

pub(super) use powers::is_token;
use powers::{Holding, edges_of};
pub use ways::{OwnSteps, Ways, Who};

/// Where somebody stands on the way to the administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing<'a> {
    /// A user, everybody of a group, or a service account.
    Bearer(Bearer<'a>),
    /// Any service account of a place.
    AccountsOf(Reach<'a>),
    /// The service accounts of the pods that run in a place.
    PodsOf(Reach<'a>),
    /// Who may do everything in the cluster.
    Administrator,
}

/// How far a right reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach<'a> {
    /// The whole cluster.
    Cluster,
    /// A namespace; none where the manifest leaves it to the one who applies it.
    Namespace(Option<&'a str>),
}

impl fmt::Display for Reach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("the cluster"),
            Self::Namespace(Some(namespace)) => write!(f, "namespace {namespace}"),
            Self::Namespace(None) => f.write_str("the same namespace"),
        }
    }
}

/// One step towards the administrator.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Who takes it.
    pub from: Standing<'a>,
    /// How.
    pub how: How,
    /// What he is then.
    pub to: Standing<'a>,
    /// The binding that lets him, where it is a right that does.
    pub binding: Option<Object<'a>>,
}

/// How a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A binding gives every right.
    HasAllRights,
    /// He creates or changes pods, or what starts pods, that run with the account.
    StartsPods,
    /// He runs commands in pods and takes their token.
    EntersPods,
    /// He reads the account's token from its Secret.
    ReadsToken,
    /// He has a token issued.
    RequestsToken,
    /// He acts as somebody else.
    Impersonates,
    /// He gives himself any role.
    Binds,
    /// He adds rights to a role.
    Escalates,
    /// He reaches the kubelets through the API server.
    ProxiesToNodes,
    /// He has a certificate signed for any user.
    SignsCertificates,
    /// He changes what others create, by a webhook of his own.
    ChangesRequests,
    /// The account is in the group.
    BelongsTo,
    /// It is one of those.
    Is,
    /// Controllers of the control plane run with accounts of kube-system, which may do everything.
    TakesController,
}

impl How {
    /// The step as a verb, with who he is then as object.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::HasAllRights => "may do everything, as",
            Self::StartsPods => "starts pods that run as",
            Self::EntersPods => "runs commands in pods, and takes the token of",
            Self::ReadsToken => "reads the token Secret of",
            Self::RequestsToken => "requests a token of",
            Self::Impersonates => "impersonates",
            Self::Binds => "binds any role to itself, and is",
            Self::Escalates => "adds rights to a role, and is",
            Self::ProxiesToNodes => {
                "reaches the kubelets through nodes/proxy, and takes the token of"
            }
            Self::SignsCertificates => "has a certificate signed as",
            Self::ChangesRequests => "changes new pods by a webhook, and takes the token of",
            Self::BelongsTo => "belongs to",
            Self::Is => "such as",
            Self::TakesController => "takes the account of a controller, and is",
        }
    }
}

impl fmt::Display for Standing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer(Bearer::User(name)) => write!(f, "user {name}"),
            Self::Bearer(Bearer::Group(name)) => write!(f, "group {name}"),
            Self::Bearer(Bearer::ServiceAccount(Some(namespace), name)) => {
                write!(f, "service account {namespace}/{name}")
            }
            Self::Bearer(Bearer::ServiceAccount(None, name)) => write!(f, "service account {name}"),
            Self::AccountsOf(reach) => write!(f, "any service account of {reach}"),
            Self::PodsOf(reach) => write!(f, "any pod of {reach}"),
            Self::Administrator => f.write_str("administrator of the cluster"),
        }
    }
}

/// The next step of everybody who can become administrator, on a shortest way.
#[derive(Debug, Default)]
pub(super) struct Escalation<'a> {
    next: BTreeMap<Standing<'a>, Step<'a>>,
}

impl<'a> Escalation<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let steps = all_steps(graph);
        let mut into: BTreeMap<Standing<'a>, Vec<&Step<'a>>> = BTreeMap::new();
        for step in &steps {
            into.entry(step.to).or_default().push(step);
        }
        let mut next = BTreeMap::new();
        let mut reached = VecDeque::from([Standing::Administrator]);
        while let Some(standing) = reached.pop_front() {
            for step in into.remove(&standing).unwrap_or_default() {
                if step.from != Standing::Administrator && !next.contains_key(&step.from) {
                    next.insert(step.from, *step);
                    reached.push_back(step.from);
                }
            }
        }
        Self { next }
    }
}

impl<'a> Graph<'a> {
    /// The steps by which a bearer becomes administrator of the cluster, on a shortest way; none where the
    /// bindings of the input give no way. An account whose manifest leaves the namespace open is looked
    /// for in any.
    pub fn way_to_administrator(&self, bearer: Bearer<'a>) -> Vec<Step<'a>> {
        let mut standing = Standing::Bearer(bearer);
        if let Some(whole) = self.whole {
            let open = match bearer {
                Bearer::ServiceAccount(None, name) => Some(name),
                _ => None,
            };
            return Self::way_of_whole(whole, standing, open);
        }
        let next = &self.escalation.next;
        if let (Bearer::ServiceAccount(None, name), false) = (bearer, next.contains_key(&standing))
        {
            let of_name = next.keys().filter(|it| {
                matches!(it, Standing::Bearer(Bearer::ServiceAccount(_, other)) if *other == name)
            });
            standing = of_name.min().copied().unwrap_or(standing);
        }
        let mut steps = Vec::new();
        while let Some(step) = next.get(&standing) {
            steps.push(*step);
            standing = step.to;
        }
        steps
    }
}

impl<'a> Graph<'a> {
    /// The steps that the rights of a bearer's own allow, in order.
    pub fn steps_of(&self, bearer: Bearer<'a>) -> Vec<Step<'a>> {
        let mut holding = Holding::default();
        for binding in self.bindings_of_bearer(bearer) {
            let reach = match binding.kind() {
                "RoleBinding" => Reach::Namespace(binding.namespace()),
                _ => Reach::Cluster,
            };
            holding.add(binding, reach, rules_given(self, binding));
        }
        let mut steps = Vec::new();
        edges_of(self, bearer, &holding, &mut steps);
        steps
    }
}

/// Every step that the input's bindings allow.
fn all_steps<'a>(graph: &Graph<'a>) -> Vec<Step<'a>> {
    let mut steps: Vec<_> =
        graph.bearers_bound().flat_map(|bearer| graph.steps_of(bearer)).collect();
    powers::standing_edges(graph, graph.bearers_bound(), &mut steps);
    steps
}

/// What the role of a binding allows: its rules, or what is known of a built-in role that the input lacks.
fn rules_given<'a>(graph: &Graph<'a>, binding: &Object<'a>) -> powers::Given<'a> {
    if let Some(role) = graph.role(binding) {
        // Most roles aggregate nothing.
        let aggregates = role.fields().contains_key("aggregationRule");
        let rules = if aggregates {
            graph.rules_of(role).into_iter().map(|(_, rule)| rule).collect()
        } else {
            rules(role).collect()
        };
        return powers::Given::Rules(rules);
    }
    match role_of(binding) {
        Some(("ClusterRole", "cluster-admin")) => powers::Given::Everything,
        Some(("ClusterRole", "admin" | "edit")) => powers::Given::Editing,
        _ => powers::Given::Rules(Vec::new()),
    }
}
