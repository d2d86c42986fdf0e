//! The graph of signals: who meets whom, and which components that makes, kept up to date.
//!
//! Owns the components, and which of them changed. Adding a signal merges components, the smaller into
//! the larger. What can take a join away (a signal that goes or whose points change) takes its component
//! apart and joins the members anew. Where points meet is `meetings`'.

mod meetings;

use std::collections::BTreeSet;
use std::time::Duration;

use airside_types::{Id, Timestamp};

use crate::joins::Points;
use crate::table::Table;
use meetings::Meetings;

/// A signal's place in time, which orders signals everywhere.
pub(crate) type Moment = (Timestamp, Id);

/// Names a component while it lasts; reaches no output.
pub(crate) type ComponentId = u64;

#[derive(Debug)]
struct Node {
    time: Timestamp,
    points: Points,
    /// None for a quiet signal.
    component: Option<ComponentId>,
}

/// Signals that are joined, directly or through others.
#[derive(Debug, Default)]
pub(crate) struct Component {
    /// Its signals in the order of time.
    pub(crate) members: BTreeSet<Moment>,
    /// Those about which something changed since the stories were told.
    pub(crate) changed: BTreeSet<Id>,
    /// The ids of the incidents that were told of its members.
    pub(crate) told: BTreeSet<Id>,
}

/// Signals, where they meet, and the components.
#[derive(Debug)]
pub(crate) struct Graph {
    nodes: Table<Id, Node>,
    meetings: Meetings,
    components: Table<ComponentId, Component>,
    next: ComponentId,
    stale: BTreeSet<ComponentId>,
    /// Ids of incidents that were told of components that are no more.
    orphaned: BTreeSet<Id>,
}

impl Graph {
    /// An empty graph. No cause reaches further than `furthest`.
    pub(crate) fn new(clock_skew: Duration, furthest: Duration) -> Self {
        Self {
            nodes: Table::default(),
            meetings: Meetings::new(clock_skew, furthest),
            components: Table::default(),
            next: 0,
            stale: BTreeSet::new(),
            orphaned: BTreeSet::new(),
        }
    }

    /// Adds a loud signal and merges what it joins.
    pub(crate) fn add_loud(&mut self, id: Id, time: Timestamp, points: Points) {
        self.meetings.enter((time, id), &points, true);
        let component = self.found(id, time);
        self.nodes.insert(id, Node { time, points, component: Some(component) });
        self.join(id);
        self.disturb_hosts_around(id);
    }

    /// Adds a quiet signal.
    pub(crate) fn add_quiet(&mut self, id: Id, time: Timestamp, points: Points) {
        self.meetings.enter((time, id), &points, false);
        self.nodes.insert(id, Node { time, points, component: None });
        self.disturb_hosts_around(id);
    }

    /// Takes a signal out, and its component apart.
    pub(crate) fn remove(&mut self, id: Id) {
        self.disturb_hosts_around(id);
        let Some(Node { time, points, component }) = self.nodes.remove(&id) else { return };
        self.meetings.strike((time, id), &points, component.is_some());
        if let Some(component) = component {
            self.take_apart(component);
        }
    }

    /// Whether the signal is in the graph with just these points.
    pub(crate) fn stands(&self, id: Id, points: &Points) -> bool {
        self.nodes.get(&id).is_some_and(|node| node.points == *points)
    }

    /// Marks what is told of a signal as out of date.
    pub(crate) fn disturb(&mut self, id: Id) {
        let Some(component) = self.component_of(id) else { return };
        if let Some(found) = self.components.get_mut(&component) {
            found.changed.insert(id);
            self.stale.insert(component);
        }
    }

    /// The components that changed since the last call, and the incidents told of those that are no
    /// more.
    pub(crate) fn take_stale(&mut self) -> (BTreeSet<ComponentId>, BTreeSet<Id>) {
        (std::mem::take(&mut self.stale), std::mem::take(&mut self.orphaned))
    }

    pub(crate) fn component_mut(&mut self, id: ComponentId) -> Option<&mut Component> {
        self.components.get_mut(&id)
    }

    /// The quiet signals that illustrate a loud one, at most so many before and after for each thing
    /// that they have in common.
    pub(crate) fn guests_of(&self, host: Id, most: usize) -> BTreeSet<Moment> {
        let node = self.nodes.get(&host);
        let guests = |node: &Node| self.meetings.guests_of((node.time, host), &node.points, most);
        node.map(guests).unwrap_or_default()
    }

    fn component_of(&self, id: Id) -> Option<ComponentId> {
        self.nodes.get(&id)?.component
    }

    /// A quiet signal may move from one host to another when a signal comes or goes near them.
    fn disturb_hosts_around(&mut self, id: Id) {
        let Some(node) = self.nodes.get(&id) else { return };
        let hosts = self.meetings.hosts_around(node.time, &node.points);
        self.disturb(id);
        hosts.into_iter().for_each(|host| self.disturb(host));
    }

    /// A component of one.
    fn found(&mut self, id: Id, time: Timestamp) -> ComponentId {
        let component = self.next;
        self.next += 1;
        let members = BTreeSet::from([(time, id)]);
        let changed = BTreeSet::from([id]);
        self.components.insert(component, Component { members, changed, ..Component::default() });
        self.stale.insert(component);
        component
    }

    /// Merges the component of a signal with those of all that it meets.
    fn join(&mut self, id: Id) {
        let Some(node) = self.nodes.get(&id) else { return };
        for other in self.meetings.met_by((node.time, id), &node.points) {
            if let (Some(a), Some(b)) = (self.component_of(id), self.component_of(other)) {
                self.merge(a, b);
            }
        }
    }

    fn merge(&mut self, a: ComponentId, b: ComponentId) {
        let size = |id| self.components.get(&id).map_or(0, |found| found.members.len());
        let (into, from) = if size(a) >= size(b) { (a, b) } else { (b, a) };
        if into == from {
            return;
        }
        let Some(gone) = self.components.remove(&from) else { return };
        self.stale.remove(&from);
        for (_, id) in &gone.members {
            if let Some(node) = self.nodes.get_mut(id) {
                node.component = Some(into);
            }
        }
        if let Some(found) = self.components.get_mut(&into) {
            found.members.extend(gone.members);
            found.changed.extend(gone.changed);
            found.told.extend(gone.told);
        }
        self.stale.insert(into);
    }

    /// Joins the members of a component anew.
    fn take_apart(&mut self, component: ComponentId) {
        let Some(gone) = self.components.remove(&component) else { return };
        self.stale.remove(&component);
        self.orphaned.extend(gone.told);
        let left: Vec<Moment> =
            gone.members.into_iter().filter(|(_, id)| self.nodes.contains_key(id)).collect();
        for (time, id) in &left {
            let alone = self.found(*id, *time);
            if let Some(node) = self.nodes.get_mut(id) {
                node.component = Some(alone);
            }
        }
        left.into_iter().for_each(|(_, id)| self.join(id));
    }
}
