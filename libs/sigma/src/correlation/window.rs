//! What one group has seen within the span: as little as decides.
//!
//! Sightings come in the order of event time, so that what has gone by is never needed again.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Id, Timestamp};

use super::definition::{Asks, Definition};

/// One event, as a group sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) time: Timestamp,
    pub(crate) event: Id,
    /// The places of the rules that found it.
    pub(crate) rules: Vec<usize>,
    /// The value that is counted, where the event has it.
    pub(crate) value: Option<Id>,
}

/// The state of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// Different events or values, each with the last time it was seen: never more than decide.
    pub(crate) latest: BTreeMap<Id, Timestamp>,
    /// The same by time.
    order: BTreeSet<(Timestamp, Id)>,
    /// By the places of rules: when an event was last found, or when the latest run up to this rule began.
    pub(crate) rules: BTreeMap<usize, Timestamp>,
    /// When it last fired.
    pub(crate) fired: Option<Timestamp>,
    /// The last sighting.
    pub(crate) last: Timestamp,
}

impl Window {
    /// The state as it was kept.
    pub(crate) fn of(
        latest: BTreeMap<Id, Timestamp>,
        rules: BTreeMap<usize, Timestamp>,
        fired: Option<Timestamp>,
        last: Timestamp,
    ) -> Self {
        let order = latest.iter().map(|(id, time)| (*time, *id)).collect();
        Self { latest, order, rules, fired, last }
    }

    /// How much it remembers.
    pub(crate) fn size(&self) -> usize {
        self.latest.len() + self.rules.len()
    }

    /// Takes a sighting in. Whether the rule fires on it: its condition holds within the span that ends with it, and
    /// it has not fired for as long.
    pub(crate) fn take(&mut self, seen: &Sighting, rule: &Definition) -> bool {
        self.last = seen.time;
        let from = seen.time.minus(rule.span);
        let holds = match &rule.asks {
            Asks::Events(bounds) => {
                self.count(seen.event, seen.time, from, bounds.enough());
                bounds.hold(self.order.len())
            }
            Asks::Values(_, bounds) => {
                let Some(value) = seen.value else { return false };
                self.count(value, seen.time, from, bounds.enough());
                bounds.hold(self.order.len())
            }
            Asks::Rules(together) => {
                self.rules.extend(seen.rules.iter().map(|place| (*place, seen.time)));
                let is_there = |place| self.rules.get(&place).is_some_and(|time| *time >= from);
                match together {
                    Some(together) => together.holds(&is_there),
                    None => (0..rule.rules.len()).all(is_there),
                }
            }
            Asks::InOrder => self.runs(seen, rule.rules.len()).is_some_and(|began| began >= from),
        };
        let fires = holds && self.fired.is_none_or(|fired| fired < from);
        if fires {
            self.fired = Some(seen.time);
        }
        fires
    }

    fn count(&mut self, thing: Id, time: Timestamp, from: Timestamp, enough: usize) {
        if let Some(before) = self.latest.insert(thing, time) {
            self.order.remove(&(before, thing));
        }
        self.order.insert((time, thing));
        while self.order.len() > enough
            || self.order.first().is_some_and(|(oldest, _)| *oldest < from)
        {
            let Some((_, gone)) = self.order.pop_first() else { return };
            self.latest.remove(&gone);
        }
    }

    /// Continues the runs through the rules in their order; where the event completes one, when the latest of them
    /// began. An event is one step of a run at most.
    fn runs(&mut self, seen: &Sighting, count: usize) -> Option<Timestamp> {
        let mut places = seen.rules.clone();
        places.sort_unstable_by(|left, right| right.cmp(left));
        let mut completed = None;
        for place in places {
            let began = match place.checked_sub(1) {
                None => Some(seen.time),
                Some(before) => self.rules.get(&before).copied(),
            };
            let Some(began) = began else { continue };
            let kept = self.rules.entry(place).or_insert(began);
            *kept = began.max(*kept);
            if place + 1 == count {
                completed = Some(began);
            }
        }
        completed
    }
}
