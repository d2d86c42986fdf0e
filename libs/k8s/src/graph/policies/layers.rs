//! Which policies are for a pod, and in which order they decide.
//!
//! Policies lie in layers. In a layer one group of rules is asked after the other; what none decides is
//! dropped where the layer is closed for the pod, and else the next layer's. Behind the last everything gets
//! through. Additive policies (Kubernetes', Cilium's) are one layer of two groups, denials first; each tier of
//! Calico, and each of the cluster administrator's, is a layer, with a group for each policy.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::super::Graph;
use super::calico::{DEFAULT_TIER, Tier, tier};
use super::{
    Action, Direction, Doubt, Holds, POLICY_KINDS, Policy, Rule, Side, Stage, View, policies,
};
use crate::object::Object;

/// A policy with its object.
#[derive(Debug)]
pub(in crate::graph) struct Held<'a> {
    pub(in crate::graph) object: usize,
    pub(in crate::graph) name: &'a str,
    pub(in crate::graph) policy: Policy<'a>,
}

/// The policies of a graph, by namespace.
#[derive(Debug, Default)]
pub(in crate::graph) struct Index<'a> {
    held: Vec<Held<'a>>,
    by_namespace: BTreeMap<&'a str, Vec<usize>>,
    /// Those of the whole cluster, and those whose manifest leaves the namespace open.
    anywhere: Vec<usize>,
    has_cilium: bool,
    has_calico: bool,
}

/// Rules of one policy that are asked in their order.
#[derive(Debug)]
pub(in crate::graph) struct Asked<'g, 'a> {
    pub(in crate::graph) held: &'g Held<'a>,
    pub(in crate::graph) rules: Vec<&'g Rule<'a>>,
    /// Whether the policy is for the pod.
    pub(in crate::graph) applies: Holds,
}

/// What happens to what no rule of a layer decides.
#[derive(Debug)]
pub(in crate::graph) struct End<'g, 'a> {
    pub(in crate::graph) held: &'g Held<'a>,
    pub(in crate::graph) side: &'g Side<'a>,
    /// Whether the policy drops it.
    pub(in crate::graph) drops: Holds,
}

/// Rules that are asked before those of the next layer.
#[derive(Debug, Default)]
pub(in crate::graph) struct Layer<'g, 'a> {
    /// Groups in their order. Between the policies of a group there is none.
    pub(in crate::graph) groups: Vec<Vec<Asked<'g, 'a>>>,
    pub(in crate::graph) ends: Vec<End<'g, 'a>>,
}

/// A policy that is, or may be, for a pod.
type Found<'g, 'a> = (&'g Held<'a>, &'g Side<'a>, Holds);

impl<'a> Index<'a> {
    pub(in crate::graph) fn of(graph: &Graph<'a>) -> Self {
        let mut index = Self::default();
        for (group, kind) in POLICY_KINDS {
            for object in graph.indices(group, kind) {
                let Some(value) = graph.objects.get(*object) else { continue };
                for policy in policies(value) {
                    index.add(*object, value, policy);
                }
            }
        }
        index
    }

    fn add(&mut self, object: usize, value: &Object<'a>, policy: Policy<'a>) {
        self.has_cilium |= policy.stage == Stage::Cilium;
        self.has_calico |= matches!(policy.stage, Stage::Tier { .. });
        match value.namespace().filter(|_| !is_of_cluster(value)) {
            Some(namespace) => {
                self.by_namespace.entry(namespace).or_default().push(self.held.len())
            }
            None => self.anywhere.push(self.held.len()),
        }
        self.held.push(Held { object, name: value.name(), policy });
    }

    /// The policies that speak of a direction and are, or may be, for a pod.
    pub(in crate::graph) fn applying<'g>(
        &'g self,
        direction: Direction,
        view: View<'g, 'a>,
    ) -> impl Iterator<Item = Found<'g, 'a>> {
        let own = view.namespace.map(|it| self.by_namespace.get(it).map(Vec::as_slice));
        let (own, all) = match own {
            Some(own) => (own.unwrap_or_default(), None),
            None => ([].as_slice(), Some(self.by_namespace.values().flatten())),
        };
        let candidates = own.iter().chain(all.into_iter().flatten()).chain(&self.anywhere);
        candidates.filter_map(|index| self.held.get(*index)).filter_map(move |held| {
            let side = held.policy.side(direction)?;
            let applies = view.meets(&held.policy.subject);
            (applies != Holds::NO).then_some((held, side, applies))
        })
    }

    /// The layers for a pod. Several stacks where it is not known which plug-in runs: each decides alone.
    pub(in crate::graph) fn stacks<'g>(
        &'g self,
        direction: Direction,
        view: View<'g, 'a>,
    ) -> Vec<Vec<Layer<'g, 'a>>> {
        let found: Vec<_> = self.applying(direction, view).collect();
        let mut stacks = Vec::new();
        if self.has_cilium || !self.has_calico {
            stacks.push(additive(&found));
        }
        if self.has_calico {
            stacks.push(tiers(view.graph, &found));
        }
        stacks
    }
}

fn is_of_cluster(policy: &Object<'_>) -> bool {
    !matches!(policy.kind(), "NetworkPolicy" | "CiliumNetworkPolicy")
}

/// The administrator's, then those of namespaces together, then the baseline.
fn additive<'g, 'a>(found: &[Found<'g, 'a>]) -> Vec<Layer<'g, 'a>> {
    let of = |wanted: fn(&Stage<'_>) -> bool| -> Vec<Found<'g, 'a>> {
        found.iter().filter(|(held, ..)| wanted(&held.policy.stage)).copied().collect()
    };
    let together = of(|stage| matches!(stage, Stage::Namespaced | Stage::Cilium));
    let group = |action| together.iter().map(|it| asked(it, Some(action))).collect();
    let middle = Layer {
        groups: vec![group(Action::Deny), group(Action::Allow)],
        ends: together.iter().filter_map(end).collect(),
    };
    vec![
        by_priority(of(|stage| matches!(stage, Stage::Admin { .. }))),
        middle,
        by_priority(of(|stage| matches!(stage, Stage::Baseline { .. }))),
    ]
}

/// The rules of a policy, of one action or all.
fn asked<'g, 'a>((held, side, applies): &Found<'g, 'a>, only: Option<Action>) -> Asked<'g, 'a> {
    let rules = side.rules.iter().filter(|rule| only.is_none_or(|action| rule.action == action));
    Asked { held, rules: rules.collect(), applies: *applies }
}

fn end<'g, 'a>((held, side, applies): &Found<'g, 'a>) -> Option<End<'g, 'a>> {
    side.isolates.then_some(End { held, side, drops: *applies })
}

/// One group for each priority, the lowest first.
fn by_priority<'g, 'a>(found: Vec<Found<'g, 'a>>) -> Layer<'g, 'a> {
    let mut groups: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for it in &found {
        if let Stage::Admin { priority } | Stage::Baseline { priority } = it.0.policy.stage {
            groups.entry(priority).or_default().push(asked(it, None));
        }
    }
    Layer { groups: groups.into_values().collect(), ends: Vec::new() }
}

/// Where Calico puts the policies of the administrator and of Kubernetes.
const ADMIN_ORDER: f64 = 1_000.0;
const BASELINE_ORDER: f64 = 10_000_000.0;
const NETWORK_POLICY_ORDER: f64 = 1_000.0;

/// Calico's tiers, with the policies of other kinds where it puts them.
fn tiers<'g, 'a>(graph: &Graph<'a>, found: &[Found<'g, 'a>]) -> Vec<Layer<'g, 'a>> {
    let mut by_tier: BTreeMap<&str, Vec<Found<'g, 'a>>> = BTreeMap::new();
    let (mut admin, mut baseline) = (Vec::new(), Vec::new());
    for it in found {
        match it.0.policy.stage {
            Stage::Admin { .. } => admin.push(*it),
            Stage::Baseline { .. } => baseline.push(*it),
            Stage::Tier { tier, .. } => by_tier.entry(tier).or_default().push(*it),
            Stage::Namespaced => by_tier.entry(DEFAULT_TIER).or_default().push(*it),
            // Another plug-in's.
            Stage::Cilium => {}
        }
    }
    let mut layers =
        vec![(ADMIN_ORDER, by_priority(admin)), (BASELINE_ORDER, by_priority(baseline))];
    for (name, mut policies) in by_tier {
        policies.sort_by(in_tier);
        // One that the input does not hold may stand anywhere: it is asked first, and may be passed over.
        let missing = Tier { order: Some(f64::NEG_INFINITY), passes: false };
        let (tier, is_known) = tier(graph, name).map_or((missing, false), |tier| (tier, true));
        if !is_known {
            for it in &mut policies {
                it.2 = it.2.and(Holds::unknown(Doubt::Tier));
            }
        }
        let ends = policies.iter().filter(|_| !tier.passes).filter_map(end).collect();
        let groups = policies.iter().map(|it| vec![asked(it, None)]).collect();
        layers.push((tier.order.unwrap_or(f64::INFINITY), Layer { groups, ends }));
    }
    layers.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    layers.into_iter().map(|(_, layer)| layer).collect()
}

/// The lowest order first, those without one last; among equals by name.
fn in_tier(left: &Found<'_, '_>, right: &Found<'_, '_>) -> Ordering {
    let order = |it: &Found<'_, '_>| match it.0.policy.stage {
        Stage::Tier { order, .. } => order.unwrap_or(f64::INFINITY),
        _ => NETWORK_POLICY_ORDER,
    };
    order(left).total_cmp(&order(right)).then_with(|| left.0.name.cmp(right.0.name))
}
