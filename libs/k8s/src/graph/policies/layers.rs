//! In which order the policies for a pod decide.
//!
//! Policies lie in layers. In a layer one group of rules is asked after the other; what none decides is
//! dropped where the layer is closed for the pod, and else the next layer's. Behind the last everything gets
//! through. Additive policies (Kubernetes', Cilium's) are one layer of two groups, denials first; each tier of
//! Calico, and each of the cluster administrator's, is a layer, with a group for each policy.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::super::Graph;
use super::calico::{DEFAULT_TIER, Tier, tier};
use super::{Action, Doubt, Held, Holds, Rule, Side, Stage};

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
pub(super) type Found<'g, 'a> = (&'g Held<'a>, &'g Side<'a>, Holds);

/// The administrator's, then those of namespaces together, then the baseline.
pub(super) fn additive<'g, 'a>(graph: &Graph<'a>, found: &[Found<'g, 'a>]) -> Vec<Layer<'g, 'a>> {
    let of = |wanted: fn(&Stage<'_>) -> bool| -> Vec<Found<'g, 'a>> {
        found.iter().filter(|(held, ..)| wanted(&held.policy.stage)).copied().collect()
    };
    let together = of(|stage| matches!(stage, Stage::Namespaced | Stage::Cilium));
    let group = |action| together.iter().map(|it| asked(it, Some(action))).collect();
    let middle = Layer {
        groups: vec![group(Action::Deny), group(Action::Allow)],
        ends: together.iter().filter_map(|it| end(graph, it)).collect(),
    };
    vec![
        by_priority(&of(|stage| matches!(stage, Stage::Admin { .. }))),
        middle,
        by_priority(&of(|stage| matches!(stage, Stage::Baseline { .. }))),
    ]
}

/// The rules of a policy, of one action or all.
fn asked<'g, 'a>((held, side, applies): &Found<'g, 'a>, only: Option<Action>) -> Asked<'g, 'a> {
    let rules = side.rules.iter().filter(|rule| only.is_none_or(|action| rule.action == action));
    Asked { held, rules: rules.collect(), applies: *applies }
}

/// What a policy does with the rest. In a tier that passes it on: nothing.
pub(super) fn end<'g, 'a>(
    graph: &Graph<'a>,
    (held, side, applies): &Found<'g, 'a>,
) -> Option<End<'g, 'a>> {
    let drops = match held.policy.stage {
        Stage::Tier { tier: name, .. } => match tier(graph, name) {
            Some(tier) if tier.passes => return None,
            Some(_) => *applies,
            None => applies.and(Holds::unknown(Doubt::Tier)),
        },
        _ => *applies,
    };
    side.isolates.then_some(End { held, side, drops })
}

/// One group for each priority, the lowest first.
fn by_priority<'g, 'a>(found: &[Found<'g, 'a>]) -> Layer<'g, 'a> {
    let mut groups: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for it in found {
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
pub(super) fn tiers<'g, 'a>(graph: &Graph<'a>, found: &[Found<'g, 'a>]) -> Vec<Layer<'g, 'a>> {
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
        vec![(ADMIN_ORDER, by_priority(&admin)), (BASELINE_ORDER, by_priority(&baseline))];
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
        let ends = policies.iter().filter_map(|it| end(graph, it)).collect();
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
