//! The policies of a graph, so that those for a pod are found by its namespace and labels.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Graph;
use super::super::part::{Key, Place, Selecting, Topic, own_places};
use super::cilium;
use super::layers::{Found, Layer, additive, end, tiers};
use super::{Condition, Direction, Holds, POLICY_KINDS, Policy, Rule, Stage, View, policies};
use crate::object::Object;
use crate::workload::PodSpec;

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
    /// Those of the whole cluster, and those whose manifest leaves the namespace open: by a label that they
    /// ask for, and those that ask for none by its value.
    by_label: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    others: Vec<usize>,
    has_cilium: bool,
    has_calico: bool,
    /// The namespaces whose pods' DNS goes through Cilium's proxy, none for all.
    seen_dns: BTreeSet<Option<&'a str>>,
}

impl<'a> Index<'a> {
    pub(in crate::graph) fn of(graph: &Graph<'a>) -> Self {
        let mut index = Self::default();
        for (group, kind) in POLICY_KINDS {
            for object in graph.indices(group, kind) {
                let Some(value) = graph.objects.get(*object) else { continue };
                if value.group() == "cilium.io" && cilium::sees_dns(value) {
                    index.seen_dns.insert(value.namespace().filter(|_| !is_of_cluster(value)));
                }
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
        let label = policy.subject.iter().flat_map(Condition::labels).next();
        let place = match (value.namespace().filter(|_| !is_of_cluster(value)), label) {
            (Some(namespace), _) => self.by_namespace.entry(namespace).or_default(),
            (None, Some(label)) => self.by_label.entry(label).or_default(),
            (None, None) => &mut self.others,
        };
        place.push(self.held.len());
        self.held.push(Held { object, name: value.name(), policy });
    }

    /// The policies that speak of a direction and are, or may be, for a pod.
    pub(in crate::graph) fn applying<'g>(
        &'g self,
        direction: Direction,
        view: View<'g, 'a>,
    ) -> impl Iterator<Item = Found<'g, 'a>> {
        note(&view);
        let mut candidates = self.candidates(&view);
        // In the order of the input.
        candidates.sort_unstable();
        let candidates = candidates.into_iter();
        candidates.filter_map(|index| self.held.get(index)).filter_map(move |held| {
            let side = held.policy.side(direction)?;
            let applies = view.meets(&held.policy.subject);
            (applies != Holds::NO).then_some((held, side, applies))
        })
    }

    fn candidates(&self, view: &View<'_, 'a>) -> Vec<usize> {
        let own = view.namespace.map(|it| self.by_namespace.get(it).map(Vec::as_slice));
        let mut candidates = match own {
            Some(own) => own.unwrap_or_default().to_vec(),
            None => self.by_namespace.values().flatten().copied().collect(),
        };
        candidates.extend(&self.others);
        let labels = view.labels.into_iter().flatten().filter(|_| !self.by_label.is_empty());
        let labels = labels.filter_map(|(name, value)| Some((name, value.as_str()?)));
        candidates.extend(labels.filter_map(|label| self.by_label.get(&label)).flatten());
        candidates
    }

    /// Whether what no policy lets through is dropped for a pod.
    pub(in crate::graph) fn drops(&self, direction: Direction, view: View<'_, 'a>) -> Holds {
        let mut drops = Holds::NO;
        for found in self.applying(direction, view) {
            let closes = end(view.graph, &found).map_or(Holds::NO, |end| end.drops);
            let denies = if found.1.denies_all() { found.2 } else { Holds::NO };
            drops = drops.or(closes).or(denies);
            if drops == Holds::YES {
                break;
            }
        }
        drops
    }

    /// The layers for a pod. Several stacks where it is not known which plug-in runs: each decides alone.
    pub(in crate::graph) fn stacks<'g>(
        &'g self,
        direction: Direction,
        view: View<'g, 'a>,
    ) -> Vec<Vec<Layer<'g, 'a>>> {
        let found: Vec<_> = self.applying(direction, view).collect();
        let mut stacks = Vec::new();
        let has_calico = view.graph.has_any(|| vec![calicos()], || self.has_calico);
        if !has_calico || view.graph.has_any(|| vec![ciliums()], || self.has_cilium) {
            stacks.push(additive(view.graph, &found));
        }
        if has_calico {
            stacks.push(tiers(view.graph, &found));
        }
        stacks
    }
}

impl<'a> Graph<'a> {
    /// The rules for a direction of all policies that are, or may be, for a pod, with the policies.
    pub fn policy_rules<'g>(
        &'g self,
        direction: Direction,
        namespace: Option<&'g str>,
        pod: &'g PodSpec<'a>,
    ) -> impl Iterator<Item = (&'g Object<'a>, &'g Rule<'a>)> {
        let found = self.policies.applying(direction, View::of(self, namespace, pod));
        found.flat_map(|(held, side, _)| {
            let policy = self.objects.get(held.object);
            policy.into_iter().flat_map(|policy| side.rules.iter().map(move |rule| (policy, rule)))
        })
    }

    /// Whether Cilium sees what names pods of a namespace look up. What leaves its namespace open may be
    /// meant for any.
    pub fn sees_dns(&self, namespace: Option<&str>) -> bool {
        self.note_all(|| Key::seen(Topic::OtherPolicy, namespace, &[]));
        let seen = &self.policies.seen_dns;
        seen.contains(&None)
            || seen.contains(&namespace)
            || (namespace.is_none() && !seen.is_empty())
    }
}

/// Notes the policies that may be for a pod. What they ask for besides (labels of namespaces, tiers, sets of
/// networks) is noted where it is looked up.
fn note(view: &View<'_, '_>) {
    view.graph.note_all(|| {
        let mut keys = Selecting::NetworkPolicy.keys(view.namespace, view.labels);
        keys.extend(Key::seen(Topic::OtherPolicy, view.namespace, &[]));
        keys
    });
}

/// The key under which policies of Calico count.
fn calicos() -> Key {
    Key::of(Topic::PolicyOfPlugin, Place::Anywhere, &["calico"])
}

/// The key under which policies of Cilium count.
fn ciliums() -> Key {
    Key::of(Topic::PolicyOfPlugin, Place::Anywhere, &["cilium"])
}

/// The keys of a policy of another kind than Kubernetes' own: under which it is found, and under which it
/// counts.
pub(in crate::graph) fn written(object: &Object<'_>) -> (Vec<Key>, Vec<Key>) {
    let is_own = matches!(object.group(), "networking.k8s.io" | "extensions");
    if is_own || !POLICY_KINDS.contains(&(object.group(), object.kind())) {
        return (Vec::new(), Vec::new());
    }
    let places = own_places(object.namespace().filter(|_| !is_of_cluster(object)));
    let found = places.map(|place| Key::of(Topic::OtherPolicy, place, &[]));
    let stages = policies(object).into_iter().map(|policy| policy.stage);
    let counted = stages.filter_map(|stage| match stage {
        Stage::Cilium => Some(ciliums()),
        Stage::Tier { .. } => Some(calicos()),
        _ => None,
    });
    (found.to_vec(), counted.collect())
}

fn is_of_cluster(policy: &Object<'_>) -> bool {
    !matches!(policy.kind(), "NetworkPolicy" | "CiliumNetworkPolicy")
}
