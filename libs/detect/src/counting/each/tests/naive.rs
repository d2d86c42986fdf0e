//! Counting each by its definition: after each observation all windows around it are looked at, with all their things.
//!
//! What it costs grows with the square of what lies around an observation, so only tests have it.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Id, Payload, Record, Timestamp};

use super::super::{COUNTED, Counted, Limits, actor, firing};

/// The state of the rules, written for the reader alone.
pub(super) struct Naive {
    limits: Limits,
    newest: Timestamp,
    actors: BTreeMap<Id, Sightings>,
}

/// Of each observation its thing, and the record until it has fired.
type Sightings = BTreeMap<(Timestamp, Id), (String, Option<Record>)>;

impl Naive {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, newest: Timestamp::EPOCH, actors: BTreeMap::new() }
    }

    pub(super) fn observe(&mut self, record: &Record) -> Vec<Record> {
        let Payload::Detection(detection) = &record.payload else { return Vec::new() };
        let mut fired = Vec::new();
        for counted in COUNTED {
            if let Some(thing) = (counted.thing)(detection) {
                let of = actor(counted, record, detection);
                fired.extend(self.count(counted, of, thing, record));
            }
        }
        fired
    }

    fn count(&mut self, counted: &Counted, of: Id, thing: String, record: &Record) -> Vec<Record> {
        let time = record.event_time;
        self.newest = self.newest.max(time);
        let oldest = self.newest.minus(self.limits.horizon);
        if time < oldest {
            return Vec::new();
        }
        let sightings = self.actors.entry(of).or_default();
        let key = (time, record.id);
        if sightings.contains_key(&key) {
            return Vec::new();
        }
        sightings.insert(key, (thing, Some(record.clone())));
        while sightings.len() > self.limits.per_actor
            || sightings.first_key_value().is_some_and(|((time, _), _)| *time < oldest)
        {
            sightings.pop_first();
        }
        let fired = fire(counted, sightings, time);
        self.forget_old(oldest);
        self.forget_idle_actors();
        fired
    }

    /// All observations of all actors.
    pub(super) fn keys(&self) -> BTreeSet<(Timestamp, Id, Id)> {
        let of = |(actor, sightings): (&Id, &Sightings)| {
            let keys = sightings.keys().map(|(time, record)| (*time, *record, *actor));
            keys.collect::<Vec<_>>()
        };
        self.actors.iter().flat_map(of).collect()
    }

    fn forget_old(&mut self, oldest: Timestamp) {
        let all = self.keys();
        let beyond = all.len().saturating_sub(self.limits.counted);
        for (at, (time, record, actor)) in all.into_iter().enumerate() {
            if at < beyond || time < oldest {
                self.actors.get_mut(&actor).unwrap().remove(&(time, record));
            }
        }
        self.actors.retain(|_, sightings| !sightings.is_empty());
    }

    fn forget_idle_actors(&mut self) {
        let last = |sightings: &Sightings| sightings.last_key_value().map(|((time, _), _)| *time);
        while self.actors.len() > self.limits.actors {
            let idle = self.actors.iter().min_by_key(|(id, sightings)| (last(sightings), **id));
            let idle = *idle.unwrap().0;
            self.actors.remove(&idle);
        }
    }
}

/// Fires for all observations that lie in a full window together with one made at `time`. A window that
/// is full stays full when it is moved up to its first observation, so only those windows are looked at.
fn fire(counted: &Counted, sightings: &mut Sightings, time: Timestamp) -> Vec<Record> {
    let near = (time.minus(counted.span), Id::default())
        ..=(time.plus(counted.span), Id::from_bytes([u8::MAX; 16]));
    let around: Vec<_> =
        sightings.range(near).map(|(key, (thing, _))| (*key, thing.as_str())).collect();
    let mut full = BTreeSet::new();
    for (start, ((from, _), _)) in around.iter().enumerate() {
        let until = from.plus(counted.span);
        let window = around.iter().skip(start).take_while(|((at, _), _)| *at <= until);
        let things: BTreeSet<&str> = window.clone().map(|(_, thing)| *thing).collect();
        if *from <= time && things.len() >= counted.at_least {
            full.extend(window.map(|(key, _)| *key));
        }
    }
    full.iter()
        .filter_map(|key| sightings.get_mut(key)?.1.take())
        .filter_map(|observation| firing(counted, observation))
        .collect()
}
