//! A graph over a part of the objects that answers as the graph of all of them would.
//!
//! Each query tells the owner of all objects ([`Whole`]) what its answer rests on, as [`Read`]s. What it
//! looks at must be in the part; whether there is anything of a sort at all, and who becomes administrator,
//! the owner knows. So the owner learns which objects a part must hold, and which changes can alter an
//! answer. What an object has to say to such reads is `written`'s.

mod key;
mod written;

use std::fmt;

use super::{Goal, Graph, MeshSettings, Referent, Standing, Step};
use crate::object::Object;
use crate::value::{Map, Value};
use crate::workload::pod_specs;

pub use key::{Key, Word};
pub(super) use key::{Place, Topic, own_places, places_seen};
pub use written::{Written, written};

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// All objects with one of these keys, as they are. The part must hold them.
    All(Vec<Key>),
    /// Objects that have a key of each of these lists: those of one list, whichever, are all that count.
    /// The part must hold them.
    Selected(Vec<Vec<Key>>),
    /// Whether there are such: of their changes it is told, but the part need not hold them.
    AnySelected(Vec<Vec<Key>>),
    /// What the owner of all objects knows about these keys.
    Fact(Vec<Key>),
}

/// The owner of all objects, of which a graph holds a part.
pub trait Whole: fmt::Debug {
    /// Takes note of what an answer rests on.
    fn note(&self, read: Read);

    /// Whether any object has one of these keys.
    fn has_any(&self, keys: &[Key]) -> bool;

    /// Whether another object than one mentions a name, where that one does it itself or does not.
    fn mentions_beside(&self, name: Word, itself: bool) -> bool;

    /// Whether any object that has a key of each of these lists is such.
    fn has_selected(&self, lists: &[Vec<Key>], is_such: &dyn Fn(&Object<'_>) -> bool) -> bool;

    /// The objects that have a key of each of these lists, and perhaps others, in the order of all objects.
    fn selected(&self, lists: &[Vec<Key>]) -> Vec<Object<'_>>;

    /// What the configuration of the mesh comes to.
    fn mesh_settings(&self) -> &MeshSettings;

    /// The next step on the way to a goal.
    fn next_step(&self, goal: Goal, standing: Standing<'_>) -> Option<Step<'_>>;

    /// The first account of a name, in whatever namespace, from which a way leads to a goal.
    fn first_account(&self, goal: Goal, name: &str) -> Option<Standing<'_>>;
}

impl<'a> Graph<'a> {
    /// The graph of some of the objects of a whole, in the order that they have there.
    pub fn of_part(objects: &[Object<'a>], whole: &'a dyn Whole) -> Self {
        Self::built(objects, super::Completeness::WholeInput, Some(whole))
    }

    /// Notes objects that are looked at.
    pub(super) fn note_all(&self, keys: impl FnOnce() -> Vec<Key>) {
        if let Some(whole) = self.whole {
            whole.note(Read::All(keys()));
        }
    }

    /// Notes objects that are looked at, of which each has a key of all lists.
    pub(super) fn note_selected(&self, lists: impl FnOnce() -> Vec<Vec<Key>>) {
        if let Some(whole) = self.whole {
            whole.note(Read::Selected(lists()));
        }
    }

    /// Whether there is anything of one of these keys.
    pub(super) fn has_any(
        &self,
        keys: impl FnOnce() -> Vec<Key>,
        own: impl FnOnce() -> bool,
    ) -> bool {
        let Some(whole) = self.whole else { return own() };
        let keys = keys();
        whole.note(Read::Fact(keys.clone()));
        whole.has_any(&keys)
    }

    /// Whether there is any object among those of these lists that is such.
    pub(super) fn has_selected(
        &self,
        lists: impl FnOnce() -> Vec<Vec<Key>>,
        is_such: &dyn Fn(&Object<'_>) -> bool,
        own: impl FnOnce() -> bool,
    ) -> bool {
        let Some(whole) = self.whole else { return own() };
        let lists = lists();
        whole.note(Read::AnySelected(lists.clone()));
        whole.has_selected(&lists, is_such)
    }

    /// Whether another object than one mentions its name.
    pub(super) fn mentioned_beside(&self, object: &Object<'a>, own: impl FnOnce() -> bool) -> bool {
        let Some(whole) = self.whole else { return own() };
        let name = Word::of(object.name());
        whole.note(Read::Fact(vec![name.key()]));
        whole.mentions_beside(name, super::references::mentions(object, object.name()))
    }

    /// The steps from a standing to a goal, as the whole knows them.
    pub(super) fn way_of_whole(
        whole: &'a dyn Whole,
        goal: Goal,
        standing: Standing<'a>,
        open_account: Option<&str>,
    ) -> Vec<Step<'a>> {
        let mut standing = standing;
        let mut steps = Vec::new();
        whole.note(Read::Fact(vec![Key::standing(goal, &standing)]));
        if let (Some(name), None) = (open_account, whole.next_step(goal, standing)) {
            whole.note(Read::Fact(vec![Key::way_of_account(goal, name)]));
            standing = whole.first_account(goal, name).unwrap_or(standing);
        }
        loop {
            whole.note(Read::Fact(vec![Key::standing(goal, &standing)]));
            let Some(step) = whole.next_step(goal, standing) else { return steps };
            standing = step.to;
            steps.push(step);
        }
    }
}

/// The labels of the pods that an object starts. A Pod whose manifest has no specification starts none, but
/// a mesh selects it.
pub(super) fn labels_of_pods<'o>(object: &Object<'o>, is_of_mesh: bool) -> Vec<Option<&'o Map>> {
    let mut found: Vec<_> = pod_specs(object).iter().map(|spec| spec.labels()).collect();
    if is_of_mesh && super::mesh::is_bare(object) {
        found.push(object.labels());
    }
    found
}

/// The keys under which the pods of a place are found that bear labels: for each label those of its pods,
/// and those of all pods of the place where no label is asked for.
pub(super) fn pods_bearing(namespace: Option<&str>, wanted: Option<&Map>) -> Vec<Vec<Key>> {
    bearing(namespace, super::links::pairs(wanted).map(|label| vec![label]))
}

/// The same of a label selector.
pub(super) fn pods_selected(namespace: Option<&str>, selector: &Value) -> Vec<Vec<Key>> {
    bearing(namespace, super::selector::asked(selector).into_iter())
}

/// The same of lists of labels, of each of which the pods bear one.
pub(super) fn bearing<'l>(
    namespace: Option<&str>,
    wanted: impl Iterator<Item = Vec<(&'l str, &'l str)>>,
) -> Vec<Vec<Key>> {
    let places = places_seen(namespace);
    let of_label = |(name, value): (&str, &str)| -> Vec<Key> {
        places.iter().map(|place| Key::of(Topic::PodLabel, *place, &[name, value])).collect()
    };
    let of_list = |labels: Vec<(&str, &str)>| labels.into_iter().flat_map(of_label).collect();
    let mut lists: Vec<Vec<Key>> = wanted.map(of_list).collect();
    if lists.is_empty() {
        lists.push(places.iter().map(|place| Key::of(Topic::Pods, *place, &[])).collect());
    }
    lists
}

/// What selects by labels: pods, or ClusterRoles that one takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selecting {
    Service,
    NetworkPolicy,
    DisruptionBudget,
    ClusterRole,
}

impl Selecting {
    /// The keys of what selects in a place what has these labels.
    pub(super) fn keys(self, namespace: Option<&str>, labels: Option<&Map>) -> Vec<Key> {
        let mut keys = Vec::new();
        for place in places_seen(namespace) {
            keys.push(Key::of(Topic::SelectsAny, place, &[self.word()]));
            keys.extend(
                super::links::pairs(labels).map(|(name, value)| {
                    Key::of(Topic::Selects, place, &[self.word(), name, value])
                }),
            );
        }
        keys
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::NetworkPolicy => "policy",
            Self::DisruptionBudget => "budget",
            Self::ClusterRole => "role",
        }
    }
}

impl Key {
    /// A topic in each of the places that a namespace may mean.
    pub(super) fn seen(topic: Topic, namespace: Option<&str>, parts: &[&str]) -> Vec<Self> {
        places_seen(namespace).into_iter().map(|place| Self::of(topic, place, parts)).collect()
    }

    /// Where somebody stands on his way to a goal.
    pub fn standing(goal: Goal, standing: &Standing<'_>) -> Self {
        Self::of(Topic::Standing, Place::Anywhere, &[&format!("{goal:?} {standing:?}")])
    }

    /// The way of an account of a name, in whatever namespace, to a goal.
    pub fn way_of_account(goal: Goal, name: &str) -> Self {
        Self::of(Topic::WayOfAccount, Place::Anywhere, &[&format!("{goal:?}"), name])
    }

    /// A namespace of a name.
    pub fn namespace(name: &str) -> Self {
        Self::of(Topic::Named, Place::Anywhere, &["", "Namespace", name])
    }

    /// A bearer that bindings name.
    pub fn bearer(bearer: &crate::rbac::Bearer<'_>) -> Self {
        Self::of(Topic::Bearer, Place::Anywhere, &[&format!("{bearer:?}")])
    }

    /// The readers of all Secrets or ConfigMaps, by the namespace that their account is in.
    pub fn readers(to: Referent, namespace: Option<&str>) -> [Self; 2] {
        own_places(namespace).map(|place| Self::of(Topic::Reader, place, &[to.kind()]))
    }
}
