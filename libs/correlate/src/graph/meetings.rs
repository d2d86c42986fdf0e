//! The tables in which the points of signals meet.
//!
//! Owns entering, striking out and looking around; what meetings make of signals is the graph's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_types::{Id, Timestamp};

use super::Moment;
use crate::joins::{Attachment, Common, Point, Points, Side};
use crate::table::Table;

const FIRST: Id = Id::from_bytes([0; 16]);
const LAST: Id = Id::from_bytes([0xff; 16]);

/// What loud signals have in common with each other, and quiet ones with loud ones.
#[derive(Debug)]
pub(super) struct Meetings {
    clock_skew: Duration,
    /// The furthest that a cause may reach.
    furthest: Duration,
    both: Table<Common, BTreeSet<Moment>>,
    causes: Table<Common, BTreeMap<Moment, Duration>>,
    effects: Table<Common, BTreeSet<Moment>>,
    hosts: Table<Common, BTreeSet<Moment>>,
    guests: Table<Common, BTreeSet<Moment>>,
}

impl Meetings {
    pub(super) fn new(clock_skew: Duration, furthest: Duration) -> Self {
        Self {
            clock_skew,
            furthest,
            both: Table::default(),
            causes: Table::default(),
            effects: Table::default(),
            hosts: Table::default(),
            guests: Table::default(),
        }
    }

    /// Enters the points of a signal.
    pub(super) fn enter(&mut self, here: Moment, points: &Points, loud: bool) {
        for point in points.joins.iter().filter(|_| loud) {
            match point.side {
                Side::Both => _ = self.both.entry(point.common).or_default().insert(here),
                Side::Effect => _ = self.effects.entry(point.common).or_default().insert(here),
                Side::Cause => {
                    let causes = self.causes.entry(point.common).or_default();
                    let reach = causes.entry(here).or_default();
                    *reach = point.reach.max(*reach);
                }
            }
        }
        let table = if loud { &mut self.hosts } else { &mut self.guests };
        for Attachment { common, .. } in &points.attachments {
            table.entry(*common).or_default().insert(here);
        }
    }

    /// Strikes the points of a signal out.
    pub(super) fn strike(&mut self, here: Moment, points: &Points, loud: bool) {
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

    /// The signals that a loud signal meets; of a row of signals that meet like with like, the
    /// neighbours stand for the others.
    pub(super) fn met_by(&self, here: Moment, points: &Points) -> BTreeSet<Id> {
        let mut met = BTreeSet::new();
        for point in &points.joins {
            match point.side {
                Side::Both => self.neighbours(point, here, &mut met),
                Side::Cause => self.effects_of(point, here.0, &mut met),
                Side::Effect => self.causes_of(point, here.0, &mut met),
            }
        }
        met.remove(&here.1);
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
        let around = causes.range(from..=until);
        let reaching = around.filter(|((at, _), reach)| at.plus(**reach) >= time);
        met.extend(reaching.map(|((_, id), _)| *id));
    }

    /// The quiet signals that illustrate a loud one: for each thing that they have in common, those to
    /// which no other loud signal is nearer, at most so many before and after.
    pub(super) fn guests_of(&self, here: Moment, points: &Points, most: usize) -> BTreeSet<Moment> {
        let mut found = BTreeSet::new();
        for Attachment { common, reach } in &points.attachments {
            let Some(guests) = self.guests.get(common) else { continue };
            let (from, until) = ((here.0.minus(*reach), FIRST), (here.0.plus(*reach), LAST));
            let before = guests.range(from..=here).rev().take(most);
            let around = before.chain(guests.range(here..=until).take(most));
            found.extend(around.filter(|guest| self.host_of(common, guest.0) == Some(here.1)));
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

    /// The loud signals on both sides of a moment: those whose guests may be others when a signal
    /// comes or goes there.
    pub(super) fn hosts_around(&self, time: Timestamp, points: &Points) -> BTreeSet<Id> {
        let mut hosts = BTreeSet::new();
        for Attachment { common, .. } in &points.attachments {
            let Some(around) = self.hosts.get(common) else { continue };
            let before = around.range(..(time, FIRST)).next_back();
            let at = around.range((time, FIRST)..=(time, LAST));
            let after = around.range((time, LAST)..).next();
            hosts.extend(before.into_iter().chain(at).chain(after).map(|(_, host)| *host));
        }
        hosts
    }
}

fn strike_out(table: &mut Table<Common, BTreeSet<Moment>>, common: Common, here: Moment) {
    if let Some(row) = table.get_mut(&common) {
        row.remove(&here);
        if row.is_empty() {
            table.remove(&common);
        }
    }
}
