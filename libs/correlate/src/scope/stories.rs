//! The incidents as they were last told, under all their ids.
//!
//! Owns telling again what changed and only that, and what becomes of ids: an id of an incident that
//! became part of another leads there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_types::{Cluster, Id, Incident, Tenant, Timestamp};

use crate::engine::Change;
use crate::graph::{Graph, Moment};
use crate::index::{Askers, Asking, Index, Topic};
use crate::settings::Settings;
use crate::signal::Signal;
use crate::story::{Case, alias_of};
use crate::table::Table;

/// What a story is told from.
pub(super) struct Told<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) cluster: &'a Cluster,
    pub(super) settings: &'a Settings,
    pub(super) signals: &'a Table<Id, Arc<Signal>>,
    pub(super) index: &'a Index,
}

/// The signals of an incident in short, to see whether they are still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    last: Moment,
    count: usize,
    ids: u128,
}

#[derive(Debug)]
struct Story {
    incident: Arc<Incident>,
    /// Its first signal.
    first: Id,
    fingerprint: Fingerprint,
}

/// The incidents of a scope.
#[derive(Debug, Default)]
pub(super) struct Stories {
    by_id: BTreeMap<Id, Story>,
    /// Every id of every incident, with the id under which it is now.
    aliases: Table<Id, Id>,
    askers: Askers,
}

impl Stories {
    pub(super) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.by_id.values().map(|story| &*story.incident)
    }

    pub(super) fn resolve(&self, id: Id) -> Option<&Incident> {
        Some(&*self.by_id.get(self.aliases.get(&id)?)?.incident)
    }

    /// The first signals of the incidents that rest on answers about these topics.
    pub(super) fn resting_on(&self, topics: &BTreeSet<Topic>) -> Vec<Id> {
        let askers = self.askers.of(topics);
        askers.iter().filter_map(|id| self.by_id.get(id)).map(|story| story.first).collect()
    }

    /// The first signals of the incidents that overlap one of the intervals.
    pub(super) fn overlapping(&self, intervals: &[(Timestamp, Timestamp)]) -> Vec<Id> {
        if intervals.is_empty() {
            return Vec::new();
        }
        let touched = |incident: &Incident| {
            let touches = |(from, until): &(Timestamp, Timestamp)| {
                *from <= incident.last_seen && *until >= incident.first_seen
            };
            intervals.iter().any(touches)
        };
        let stories = self.by_id.values().filter(|story| touched(&story.incident));
        stories.map(|story| story.first).collect()
    }

    /// Tells anew what changed in the graph.
    pub(super) fn settle(&mut self, graph: &mut Graph, told: &Told<'_>) -> Vec<Change> {
        let (stale, mut retired) = graph.take_stale();
        let mut current: BTreeSet<Id> = BTreeSet::new();
        let mut fresh: Vec<Story> = Vec::new();
        for id in stale {
            let Some(component) = graph.component_mut(id) else { continue };
            let changed = std::mem::take(&mut component.changed);
            let slices = slices(&component.members, told.settings.caps.signals);
            let ids = slices.iter().filter_map(|slice| Some(alias_of(slice.first()?.1))).collect();
            retired.extend(std::mem::replace(&mut component.told, ids));
            for slice in slices {
                let Some((_, first)) = slice.first().copied() else { continue };
                let id = alias_of(first);
                current.insert(id);
                let fingerprint = fingerprint(&slice);
                let same = self.by_id.get(&id).is_some_and(|old| old.fingerprint == fingerprint);
                if same && !slice.iter().any(|(_, member)| changed.contains(member)) {
                    continue;
                }
                if let Some((incident, topics)) = tell(graph, told, &slice) {
                    self.askers.note(id, topics);
                    fresh.push(Story { incident: Arc::new(incident), first, fingerprint });
                }
            }
        }
        retired.retain(|id| !current.contains(id));
        self.publish(fresh, &retired)
    }

    fn publish(&mut self, fresh: Vec<Story>, retired: &BTreeSet<Id>) -> Vec<Change> {
        let gone: Vec<Story> = retired.iter().filter_map(|id| self.by_id.remove(id)).collect();
        for story in &gone {
            self.askers.forget(story.incident.id);
            self.forget_aliases(&story.incident);
        }
        let mut changes = BTreeMap::new();
        for story in &fresh {
            let id = story.incident.id;
            let old = self.by_id.get(&id).map(|old| Arc::clone(&old.incident));
            if let Some(old) = old.as_deref().filter(|old| old.aliases != story.incident.aliases) {
                self.forget_aliases(old);
            }
            if old.is_none_or(|old| old.content_hash != story.incident.content_hash) {
                changes.insert(id, Change::Revised(Arc::clone(&story.incident)));
            }
        }
        for story in fresh {
            let id = story.incident.id;
            self.aliases.extend(story.incident.aliases.iter().map(|alias| (*alias, id)));
            self.by_id.insert(id, story);
        }
        let ended = gone.into_iter().map(|story| self.end_of(&story.incident));
        let ended: Vec<Change> = ended.collect();
        changes.into_values().chain(ended).collect()
    }

    /// Takes back the ids that lead to an incident; an id that already leads elsewhere stays.
    fn forget_aliases(&mut self, incident: &Incident) {
        for alias in &incident.aliases {
            if self.aliases.get(alias) == Some(&incident.id) {
                self.aliases.remove(alias);
            }
        }
    }

    /// What became of an incident whose id is no longer the current one of any.
    fn end_of(&self, incident: &Incident) -> Change {
        let (tenant, old) = (incident.tenant.clone(), incident.id);
        let now = std::iter::once(&old).chain(&incident.aliases);
        match now.filter_map(|alias| self.aliases.get(alias)).next() {
            Some(into) => Change::Merged { tenant, old, into: *into },
            None => Change::Withdrawn { tenant, id: old },
        }
    }
}

/// Cuts a component that is too large into sibling incidents, along time.
pub(crate) fn slices(members: &BTreeSet<Moment>, most: usize) -> Vec<Vec<Moment>> {
    let ordered: Vec<Moment> = members.iter().copied().collect();
    ordered.chunks(most.max(1)).map(<[Moment]>::to_vec).collect()
}

fn fingerprint(slice: &[Moment]) -> Fingerprint {
    let ids = slice.iter().map(|(_, id)| u128::from_be_bytes(*id.as_bytes()));
    Fingerprint {
        last: slice.last().copied().unwrap_or_default(),
        count: slice.len(),
        ids: ids.fold(0, |all, id| all ^ id),
    }
}

fn tell(graph: &Graph, told: &Told<'_>, slice: &[Moment]) -> Option<(Incident, Vec<Topic>)> {
    let most = told.settings.caps.illustrations;
    let guests: BTreeSet<Moment> =
        slice.iter().flat_map(|(_, host)| graph.guests_of(*host, most)).collect();
    let signal = |moment: &Moment| told.signals.get(&moment.1).cloned();
    let asking = Asking::new(told.index);
    let signals = slice.iter().filter_map(signal).collect();
    let guests = guests.iter().filter_map(signal).collect();
    let whose = (told.tenant, told.cluster);
    let case = Case::new(whose, signals, guests, &asking, told.settings);
    let incident = case.tell()?;
    Some((incident, asking.into_topics()))
}
