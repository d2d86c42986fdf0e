//! How an identity becomes administrator of the cluster, or gets an identity of the cloud, step by step.
//!
//! A graph of attack edges over bindings, roles, pods and service accounts: each right that can be turned
//! into another identity is an edge (`powers`), and so is a pod from which a break-in leads to its node
//! (`standing`). The shortest ways are found once, backwards from the goal. The edges are those that
//! KubeHound and IceKube know, as far as objects give them.

mod azure;
mod clouds;
mod control_plane;
mod leading;
mod powers;
mod privileged;
mod standing;
mod starters;
mod steps;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::{BTreeMap, VecDeque};

use super::Graph;
use crate::object::Object;
use crate::rbac::names::is_controller;
use crate::rbac::{Bearer, Rule, rules};

pub use clouds::{Cloud, CloudIdentity};
pub(super) use control_plane::keys as control_plane_keys;
pub(super) use leading::may_lead_on;
use powers::{Holding, edges_of};
pub(super) use powers::{is_token, token_secrets};
pub use steps::{Goal, How, Reach, Standing, Step};
pub use ways::{OwnSteps, Ways, Who};

/// The next step of everybody who reaches a goal, on a shortest way.
#[derive(Debug, Default)]
pub(super) struct Escalation<'a> {
    next: BTreeMap<(Goal, Standing<'a>), Step<'a>>,
}

impl<'a> Escalation<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let steps = all_steps(graph);
        let mut into: BTreeMap<Standing<'a>, Vec<&Step<'a>>> = BTreeMap::new();
        for step in &steps {
            into.entry(step.to).or_default().push(step);
        }
        let mut next = BTreeMap::new();
        for goal in Goal::ALL {
            let mut found: BTreeMap<Standing<'a>, Step<'a>> = BTreeMap::new();
            let mut reached: VecDeque<_> = match goal {
                Goal::Administrator => [Standing::Administrator].into(),
                Goal::Cloud => {
                    into.keys().filter(|to| matches!(to, Standing::Cloud(_))).copied().collect()
                }
            };
            while let Some(to) = reached.pop_front() {
                let how_on = |at: &Standing<'a>| found.get(at).map(|step| (step.how, step.to));
                let needs_pod = steps::needs_pod(to, how_on);
                for step in into.get(&to).into_iter().flatten() {
                    let is_way = !(needs_pod && step.how.is_for_api_only());
                    if is_way
                        && step.from != Standing::Administrator
                        && !found.contains_key(&step.from)
                    {
                        found.insert(step.from, **step);
                        reached.push_back(step.from);
                    }
                }
            }
            next.extend(found.into_iter().map(|(from, step)| ((goal, from), step)));
        }
        Self { next }
    }
}

impl<'a> Graph<'a> {
    /// The steps by which somebody reaches a goal, on a shortest way; none where the objects of the input
    /// give no way. An account whose manifest leaves the namespace open is looked for in any.
    pub fn way(&self, goal: Goal, from: Standing<'a>) -> Vec<Step<'a>> {
        let mut standing = from;
        let open = match from {
            // Those of the control plane are in no namespace that a manifest leaves open.
            Standing::Bearer(Bearer::ServiceAccount(None, name)) if !is_controller(name) => {
                Some(name)
            }
            _ => None,
        };
        if let Some(whole) = self.whole {
            return Self::way_of_whole(whole, goal, standing, open);
        }
        let next = &self.escalation.next;
        if let (Some(name), false) = (open, next.contains_key(&(goal, standing))) {
            let of_name = next.keys().filter(|(of, it)| {
                *of == goal
                    && matches!(it, Standing::Bearer(Bearer::ServiceAccount(_, other)) if *other == name)
            });
            standing = of_name.min().map_or(standing, |(_, found)| *found);
        }
        let mut steps = Vec::new();
        while let Some(step) = next.get(&(goal, standing)) {
            steps.push(*step);
            standing = step.to;
        }
        steps
    }
}

impl<'a> Graph<'a> {
    /// The binding by which a service account reads what the pods of its own namespace have logged.
    pub fn binding_that_reads_logs(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<Object<'a>> {
        let grants = self.grants_of_account(namespace, name);
        let mut within = grants.into_iter().filter(|grant| {
            let is_wide = grant.is_cluster_wide();
            (is_wide || grant.namespace() == namespace) && powers::reads_logs(&grant.rule, is_wide)
        });
        within.next().map(|grant| grant.binding)
    }

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
        // What gives a pod of the account gives more than what gives its rights alone.
        steps.sort_by_key(|step| step.how.is_for_api_only());
        steps
    }
}

/// Every step that the input's bindings allow.
fn all_steps<'a>(graph: &Graph<'a>) -> Vec<Step<'a>> {
    let mut steps: Vec<_> =
        graph.bearers_bound().flat_map(|bearer| graph.steps_of(bearer)).collect();
    standing::edges(graph, graph.bearers_bound(), &mut steps);
    steps
}

/// What of the role of a binding may lead on, of a built-in role too that the input lacks.
fn rules_given<'a>(graph: &Graph<'a>, binding: &Object<'a>) -> Vec<Rule<'a>> {
    let Some(role) = graph.role_given(binding) else { return Vec::new() };
    // Most roles aggregate nothing.
    let aggregates = role.fields().contains_key("aggregationRule") || graph.role(binding).is_none();
    if aggregates {
        graph.leading_rules_of(&role)
    } else {
        rules(&role).filter(may_lead_on).collect()
    }
}
