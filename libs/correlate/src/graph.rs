//! The graph of signals: who meets whom, and which components that makes, kept up to date.
//!
//! Owns the tables in which points meet, the components, and which of them changed. Adding a signal
//! merges components, the smaller into the larger. What can take a join away (a signal that goes or
//! whose points change) takes its component apart and joins the members anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_types::{Id, Timestamp};

use crate::joins::{Attachment, Common, Point, Points, Side};
use crate::table::Table;

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
    clock_skew: Duration,
    /// The furthest that a cause may reach.
    furthest: Duration,
    nodes: Table<Id, Node>,
    both: Table<Common, BTreeSet<Moment>>,
    causes: Table<Common, BTreeMap<Moment, Duration>>,
    effects: Table<Common, BTreeSet<Moment>>,
    hosts: Table<Common, BTreeSet<Moment>>,
    guests: Table<Common, BTreeSet<Moment>>,
    components: Table<ComponentId, Component>,
    next: ComponentId,
    stale: BTreeSet<ComponentId>,
    /// Ids of incidents that were told of components that are no more.
    orphaned: BTreeSet<Id>,
}

const FIRST: Id = Id::from_bytes([0; 16]);
const LAST: Id = Id::from_bytes([0xff; 16]);

impl Graph {
    pub(crate) fn new(clock_skew: Duration, furthest: Duration) -> Self {
        Self {
            clock_skew,
            furthest,
            nodes: Table::default(),
            both: Table::default(),
            causes: Table::default(),
            effects: Table::default(),
            hosts: Table::default(),
            guests: Table::default(),
            components: Table::default(),
            next: 0,
            stale: BTreeSet::new(),
            orphaned: BTreeSet::new(),
        }
    }

    /// Adds a loud signal and merges what it joins.
    pub(crate) fn add_loud(&mut self, id: Id, time: Timestamp, points: Points) {
        self.enter(id, time, &points, true);
        let component = self.found(id, time);
        self.nodes.insert(id, Node { time, points, component: Some(component) });
        self.join(id);
        self.disturb_hosts_around(id);
    }

    /// Adds a quiet signal.
    pub(crate) fn add_quiet(&mut self, id: Id, time: Timestamp, points: Points) {
        self.enter(id, time, &points, false);
        self.nodes.insert(id, Node { time, points, component: None });
        self.disturb_hosts_around(id);
    }

    /// Takes a signal out, and its component apart.
    pub(crate) fn remove(&mut self, id: Id) {
        let Some(node) = self.nodes.get(&id) else { return };
        let (time, points, component) = (node.time, node.points.clone(), node.component);
        self.disturb_hosts_around(id);
        self.strike(id, time, &points, component.is_some());
        self.nodes.remove(&id);
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
        let Some(component) = self.nodes.get(&id).and_then(|node| node.component) else { return };
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

    /// The quiet signals that illustrate this loud one: for each thing that they have in common, those
    /// to which no other loud signal is nearer, at most so many before and after.
    pub(crate) fn guests_of(&self, host: Id, most: usize) -> BTreeSet<Moment> {
        let mut found = BTreeSet::new();
        let Some(node) = self.nodes.get(&host) else { return found };
        let here = (node.time, host);
        for Attachment { common, reach } in &node.points.attachments {
            let Some(guests) = self.guests.get(common) else { continue };
            let (from, until) = ((node.time.minus(*reach), FIRST), (node.time.plus(*reach), LAST));
            let before = guests.range(from..=here).rev().take(most);
            let around = before.chain(guests.range(here..=until).take(most));
            found.extend(around.filter(|guest| self.host_of(common, guest.0) == Some(host)));
        }
        found
    }

    /// The loud signal that is nearest to a moment; of several as near, the one with the lowest id.
    fn host_of(&self, common: &Common, time: Timestamp) -> Option<Id> {
        let hosts = self.hosts.get(common)?;
        let before = hosts.range(..=(time, LAST)).next_back();
        let before = before.and_then(|(moment, _)| hosts.range((*moment, FIRST)..).next());
        let after = hosts.range((time, FIRST)..).next();
        let nearest = before.into_iter().chain(after);
        nearest.min_by_key(|(moment, host)| (moment.distance(time), *host)).map(|(_, host)| *host)
    }

    /// A quiet signal may move from one host to another when a signal comes or goes near them.
    fn disturb_hosts_around(&mut self, id: Id) {
        let Some(node) = self.nodes.get(&id) else { return };
        let mut hosts = BTreeSet::from([id]);
        for Attachment { common, .. } in &node.points.attachments {
            let Some(around) = self.hosts.get(common) else { continue };
            let before = around.range(..(node.time, FIRST)).next_back();
            let at = around.range((node.time, FIRST)..=(node.time, LAST));
            let after = around.range((node.time, LAST)..).next();
            hosts.extend(before.into_iter().chain(at).chain(after).map(|(_, host)| *host));
        }
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
        for other in self.met_by(id) {
            let component = |id| self.nodes.get(&id).and_then(|node: &Node| node.component);
            if let (Some(a), Some(b)) = (component(id), component(other)) {
                self.merge(a, b);
            }
        }
    }

    /// The signals that a signal meets; of a row of signals that meet like with like, the neighbours
    /// stand for the others.
    fn met_by(&self, id: Id) -> BTreeSet<Id> {
        let mut met = BTreeSet::new();
        let Some(node) = self.nodes.get(&id) else { return met };
        for point in &node.points.joins {
            match point.side {
                Side::Both => self.neighbours(point, (node.time, id), &mut met),
                Side::Cause => self.effects_of(point, node.time, &mut met),
                Side::Effect => self.causes_of(point, node.time, &mut met),
            }
        }
        met.remove(&id);
        met
    }

    fn neighbours(&self, point: &Point, here: Moment, met: &mut BTreeSet<Id>) {
        let Some(row) = self.both.get(&point.common) else { return };
        let before = row.range(..here).next_back();
        let after = row.range(here..).find(|moment| **moment != here);
        let near = |moment: &&Moment| moment.0.distance(here.0) <= point.reach;
        met.extend(before.into_iter().chain(after).filter(near).map(|(_, id)| *id));
    }

    fn effects_of(&self, cause: &Point, time: Timestamp, met: &mut BTreeSet<Id>) {
        let Some(effects) = self.effects.get(&cause.common) else { return };
        let from = (time.minus(self.clock_skew), FIRST);
        let until = (time.plus(cause.reach), LAST);
        met.extend(effects.range(from..=until).map(|(_, id)| *id));
    }

    fn causes_of(&self, effect: &Point, time: Timestamp, met: &mut BTreeSet<Id>) {
        let Some(causes) = self.causes.get(&effect.common) else { return };
        let from = (time.minus(self.furthest), FIRST);
        let until = (time.plus(self.clock_skew), LAST);
        let reaching =
            causes.range(from..=until).filter(|((at, _), reach)| at.plus(**reach) >= time);
        met.extend(reaching.map(|((_, id), _)| *id));
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

    fn enter(&mut self, id: Id, time: Timestamp, points: &Points, loud: bool) {
        let here = (time, id);
        for point in points.joins.iter().filter(|_| loud) {
            match point.side {
                Side::Both => _ = self.both.entry(point.common).or_default().insert(here),
                Side::Effect => _ = self.effects.entry(point.common).or_default().insert(here),
                Side::Cause => {
                    let reach =
                        self.causes.entry(point.common).or_default().entry(here).or_default();
                    *reach = point.reach.max(*reach);
                }
            }
        }
        let table = if loud { &mut self.hosts } else { &mut self.guests };
        for Attachment { common, .. } in &points.attachments {
            table.entry(*common).or_default().insert(here);
        }
    }

    fn strike(&mut self, id: Id, time: Timestamp, points: &Points, loud: bool) {
        let here = (time, id);
        for point in points.joins.iter().filter(|_| loud) {
            match point.side {
                Side::Both => strike_out(&mut self.both, point.common, here),
                Side::Effect => strike_out(&mut self.effects, point.common, here),
                Side::Cause => {
                    if let Some(causes) = self.causes.get_mut(&point.common) {
                        causes.remove(&here);
                        if causes.is_empty() {
                            self.causes.remove(&point.common);
                        }
                    }
                }
            }
        }
        let table = if loud { &mut self.hosts } else { &mut self.guests };
        points.attachments.iter().for_each(|it| strike_out(table, it.common, here));
    }
}

fn strike_out(table: &mut Table<Common, BTreeSet<Moment>>, key: Common, here: Moment) {
    if let Some(row) = table.get_mut(&key) {
        row.remove(&here);
        if row.is_empty() {
            table.remove(&key);
        }
    }
}
