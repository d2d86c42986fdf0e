//! ClusterRoles that take over the rules of others, over several steps, by the resources that the rules name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::escalation::may_lead_on;
use super::links::{ByLabel, pairs};
use super::part::{Key, Place, Read, Selecting, Topic};
use super::{Graph, selects};
use crate::fields::elements;
use crate::object::Object;
use crate::rbac::{GROUP, Rule, built_in, rules};
use crate::value::Value;

/// Steps from one ClusterRole to another that are followed, in all. Clusters have some hundreds; an input
/// with more is made to cost memory, and what goes beyond is not followed.
const STEPS: usize = 200_000;

/// Who takes over what.
#[derive(Debug, Default)]
pub(super) struct Aggregation<'a> {
    /// By the name of the ClusterRole that takes over: those that it selects.
    selected: BTreeMap<&'a str, Vec<usize>>,
    /// Names of ClusterRoles that another one takes over, with the key of the name once it was asked for.
    taken_over: BTreeMap<&'a str, OnceLock<Key>>,
    /// The rules of these by resource as written, with the index of who holds them, in the order of the input.
    by_resource: BTreeMap<&'a str, Vec<(usize, Rule<'a>)>>,
    /// Those of them that may lead to another identity.
    leading: Vec<(usize, Rule<'a>)>,
    /// By the name of the ClusterRole that takes over: all whose rules it has, in order, made when they are first
    /// asked for.
    holders: BTreeMap<&'a str, OnceLock<Vec<usize>>>,
    /// The same of what its rules rest on.
    reads: BTreeMap<&'a str, OnceLock<Vec<Read>>>,
    /// How many more holders are followed, in all.
    left: AtomicUsize,
}

impl<'a> Aggregation<'a> {
    pub(super) fn of(graph: &Graph<'a>) -> Self {
        let mut found = Self::default();
        let mut by_label = ByLabel::default();
        for index in graph.indices(GROUP, "ClusterRole") {
            let labels = graph.objects.get(*index).and_then(Object::labels);
            pairs(labels).for_each(|label| by_label.add(label, *index));
        }
        let mut left = STEPS;
        for role in graph.held_of_kind(GROUP, "ClusterRole") {
            let selectors = selectors(role);
            if selectors.is_empty() {
                continue;
            }
            let selected: Vec<usize> =
                selected(graph, role, selectors, &by_label).take(left).collect();
            left -= selected.len();
            let taken_over = selected.iter().filter_map(|index| graph.objects.get(*index));
            found.taken_over.extend(taken_over.map(|role| (role.name(), OnceLock::new())));
            found.selected.insert(role.name(), selected);
        }
        for (name, labels) in built_in::aggregating().filter(|(name, _)| lacks(graph, name)) {
            let labelled = labels.iter().flat_map(|label| by_label.get((label, "true"))).copied();
            let selected: BTreeSet<usize> = labelled.take(left).collect();
            left -= selected.len();
            found.selected.insert(name, selected.into_iter().collect());
        }
        found.add_rules(graph);
        found.holders = found.selected.keys().map(|name| (*name, OnceLock::new())).collect();
        found.reads = found.selected.keys().map(|name| (*name, OnceLock::new())).collect();
        found.left = AtomicUsize::new(STEPS);
        found
    }

    fn add_rules(&mut self, graph: &Graph<'a>) {
        let holders: BTreeSet<usize> = self.selected.values().flatten().copied().collect();
        for index in holders {
            for rule in graph.objects.get(index).into_iter().flat_map(rules) {
                if may_lead_on(&rule) {
                    self.leading.push((index, rule));
                }
                for (_, resource) in rule.list("resources") {
                    self.by_resource.entry(resource).or_default().push((index, rule));
                }
            }
        }
    }

    /// The ClusterRoles whose rules one takes over, in order.
    fn holders(&self, graph: &Graph<'a>, name: &str) -> &[usize] {
        let Some(holders) = self.holders.get(name) else { return &[] };
        holders.get_or_init(|| {
            let left = self.left.load(Ordering::Relaxed);
            let all = self.all_of(graph, name, left);
            self.left.store(left.saturating_sub(all.len()), Ordering::Relaxed);
            all.into_iter().collect()
        })
    }

    /// The ClusterRoles that one takes over, and those that these take over, up to a number.
    fn all_of(&self, graph: &Graph<'a>, name: &str, most: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<&str> = vec![name];
        while let Some(next) = waiting.pop() {
            for index in self.selected.get(next).into_iter().flatten() {
                let Some(other) = graph.objects.get(*index) else { continue };
                if found.len() < most && other.name() != name && found.insert(*index) {
                    waiting.push(other.name());
                }
            }
        }
        found
    }
}

/// Whether the input lacks a ClusterRole, so that a built-in one is as Kubernetes makes it.
fn lacks(graph: &Graph<'_>, name: &str) -> bool {
    !graph.held_of_kind(GROUP, "ClusterRole").any(|role| role.name() == name)
}

/// The labels by which a built-in ClusterRole takes over others.
fn labels_of_built_in(name: &str) -> impl Iterator<Item = Key> {
    let labels = built_in::aggregating().filter(move |(built_in, _)| *built_in == name);
    let labels = labels.flat_map(|(_, labels)| labels);
    labels.map(|label| Key::of(Topic::RoleLabel, Place::Anywhere, &[label, "true"]))
}

/// The indices of the ClusterRoles that the selectors of one select.
fn selected<'g, 'a>(
    graph: &'g Graph<'a>,
    role: &'g Object<'a>,
    selectors: &'a [Value],
    by_label: &ByLabel<'_>,
) -> impl Iterator<Item = usize> + use<'g, 'a> {
    let mut candidates: Vec<usize> = Vec::new();
    for selector in selectors {
        let wanted = selector.get("matchLabels").and_then(Value::as_object);
        candidates.extend(match by_label.rarest(wanted) {
            Some(label) => by_label.get(label),
            None => graph.indices(GROUP, "ClusterRole"),
        });
    }
    candidates.sort_unstable();
    candidates.dedup();
    candidates.into_iter().filter(move |index| {
        graph.objects.get(*index).is_some_and(|other| {
            other.name() != role.name()
                && selectors.iter().any(|selector| selects(selector, other.labels()))
        })
    })
}

fn key_of_name(name: &str) -> Key {
    Key::of(Topic::Named, Place::Anywhere, &[GROUP, "ClusterRole", name])
}

/// The ClusterRoles that a selector selects.
fn roles_selected(selector: &Value) -> Read {
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let of = |(name, value): (&str, &str)| {
        vec![Key::of(Topic::RoleLabel, Place::Anywhere, &[name, value])]
    };
    let mut lists: Vec<_> = pairs(wanted).map(of).collect();
    if lists.is_empty() {
        lists.push(Key::seen(Topic::Kind, None, &[GROUP, "ClusterRole"]));
    }
    Read::Selected(lists)
}

/// The selectors of the ClusterRoles that a ClusterRole takes over.
pub(super) fn selectors<'a>(role: &Object<'a>) -> &'a [Value] {
    let aggregation = role.fields().get("aggregationRule");
    elements(aggregation.and_then(|rule| rule.get("clusterRoleSelectors")))
}

impl<'a> Graph<'a> {
    /// Whether another ClusterRole of the input takes over a ClusterRole's rules.
    pub fn is_aggregated(&self, role: &Object<'a>) -> bool {
        if self.whole.is_some() {
            self.note_all(|| vec![key_of_name(role.name())]);
            let named = self.held_of_kind(GROUP, "ClusterRole");
            for named in named.filter(|it| it.name() == role.name()) {
                self.note_all(|| Selecting::ClusterRole.keys(None, named.labels()));
            }
        }
        self.aggregation.taken_over.contains_key(role.name())
    }

    /// The rules of a role with the role that holds them: its own, and those of the ClusterRoles that it
    /// aggregates, and these in turn.
    pub fn rules_of(&self, role: &Object<'a>) -> Vec<(Object<'a>, Rule<'a>)> {
        self.note_taken_over(role);
        let mut found: Vec<_> = rules(role).map(|rule| (*role, rule)).collect();
        let others = self.holders_taken_over(role).iter();
        for other in others.filter_map(|index| self.objects.get(*index)) {
            found.extend(rules(other).map(|rule| (*other, rule)));
        }
        found
    }

    /// Those of the rules of a role that may lead to another identity.
    pub(super) fn leading_rules_of(&self, role: &Object<'a>) -> Vec<Rule<'a>> {
        self.note_taken_over(role);
        let holders = self.holders_taken_over(role);
        let taken_over = self.aggregation.leading.iter();
        let taken_over = taken_over.filter(|(index, _)| holders.binary_search(index).is_ok());
        let own = rules(role).filter(may_lead_on);
        own.chain(taken_over.map(|(_, rule)| *rule)).collect()
    }

    fn holders_taken_over(&self, role: &Object<'a>) -> &[usize] {
        let is_wide = role.kind() == "ClusterRole";
        if is_wide { self.aggregation.holders(self, role.name()) } else { &[] }
    }

    /// Notes the ClusterRoles whose rules a role has, and those that decide which these are.
    fn note_taken_over(&self, role: &Object<'a>) {
        let Some(whole) = self.whole.filter(|_| role.kind() == "ClusterRole") else { return };
        match self.aggregation.reads.get(role.name()) {
            // Most take over nothing.
            None => whole.note(Read::All(vec![key_of_name(role.name())])),
            Some(reads) => {
                let reads = reads.get_or_init(|| self.reads_taking_over(role.name()));
                reads.iter().for_each(|read| whole.note(read.clone()));
            }
        }
    }

    /// What the rules of a ClusterRole rest on that takes over others.
    fn reads_taking_over(&self, name: &str) -> Vec<Read> {
        let (mut keys, mut reads) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        let mut waiting = vec![name];
        while let Some(name) = waiting.pop() {
            if !seen.insert(name) {
                continue;
            }
            let key = self.aggregation.taken_over.get(name);
            let key = key.map(|key| *key.get_or_init(|| key_of_name(name)));
            keys.push(key.unwrap_or_else(|| key_of_name(name)));
            let Some(taken_over) = self.aggregation.selected.get(name) else { continue };
            if lacks(self, name) {
                keys.extend(labels_of_built_in(name));
            }
            let named = self.held_of_kind(GROUP, "ClusterRole").filter(|it| it.name() == name);
            reads.extend(named.flat_map(selectors).map(roles_selected));
            let taken_over = taken_over.iter().filter_map(|at| self.objects.get(*at));
            waiting.extend(taken_over.map(Object::name));
        }
        reads.push(Read::All(keys));
        reads
    }

    /// Those of the rules of a role that name a resource: by itself, as a subresource of whatever (`*/exec`)
    /// or by `*`. What they name may be of another API group.
    pub fn rules_naming(&self, role: &Object<'a>, resource: &str) -> Vec<(Object<'a>, Rule<'a>)> {
        self.note_taken_over(role);
        let any = resource.split_once('/').map(|(_, below)| format!("*/{below}"));
        let mut names = vec![resource, "*"];
        names.extend(any.as_deref());
        names.dedup();
        let mut found: Vec<_> = rules(role)
            .filter(|rule| rule.has("resources", &names))
            .map(|rule| (*role, rule))
            .collect();
        let holders = self.holders_taken_over(role);
        if holders.is_empty() {
            return found;
        }
        for name in names {
            let named = self.aggregation.by_resource.get(name).into_iter().flatten();
            let held = named.filter(|(index, _)| holders.binary_search(index).is_ok());
            found.extend(held.filter_map(|(at, rule)| Some((*self.objects.get(*at)?, *rule))));
        }
        found
    }
}
