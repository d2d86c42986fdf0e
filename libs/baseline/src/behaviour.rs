//! The fold: an observation meets what is known of its actor, its class and its cluster.

mod actors;
mod snapshot;
mod spell;
#[cfg(test)]
mod tests;

use std::ops::Range;

use airside_types::{Fact, Timestamp};

pub(crate) use actors::{
    ActorMemory, Breadth, Failures, Issue, Rhythm, Shared, Use, minute, network,
};
pub use snapshot::{Changed, StateKey};
pub(crate) use spell::{Feature, OfClass, Spell, Spells, Told};

use crate::anomaly::Anomaly;
use crate::memory::{Hour, Kept, Key, hour, key};
use crate::models;
use crate::observation::{Class, Observation};

/// What bounds the memory of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most actors that are remembered.
    pub actors: usize,
    /// The most credentials, addresses, pods and Secrets, each.
    pub things: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { actors: 20_000, things: 20_000 }
    }
}

/// What is usual in one cluster.
#[derive(Debug)]
pub struct ClusterBehaviour {
    limits: Limits,
    actors: Kept<Key, ActorMemory>,
    shared: Shared,
}

/// What a model looks at, and where it remembers.
pub(crate) struct Look<'l, 'o> {
    pub(crate) observation: &'l Observation<'o>,
    pub(crate) actor: &'l mut ActorMemory,
    pub(crate) shared: &'l mut Shared,
    pub(crate) limits: Limits,
    pub(crate) now: Hour,
}

/// What is rare about an observation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rare {
    /// What is worth telling.
    pub told: Vec<Anomaly>,
    /// What says nothing new: its actor has raised as many of the same model within the hour as are told.
    pub beyond: Vec<Anomaly>,
}

/// How many anomalies of one model an actor may raise within an hour. What is beyond says nothing new.
const PER_HOUR: u8 = 5;

impl ClusterBehaviour {
    /// Nothing known yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, actors: Kept::default(), shared: Shared::default() }
    }

    /// Takes an observation in, and tells what is rare about it.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Vec<Anomaly> {
        self.observe_all(observation).told
    }

    /// Takes an observation in, and tells all that is rare about it, also what says nothing new.
    pub fn observe_all(&mut self, observation: &Observation<'_>) -> Rare {
        let now = hour(observation.time);
        let whose = key("actor", &[observation.actor.name]);
        if self.actors.get(&whose).is_none() {
            self.make_room();
        }
        let make = || ActorMemory::new(observation.actor.class, now);
        let actor = self.actors.entry(whose, usize::MAX, make);
        let mut look =
            Look { observation, actor, shared: &mut self.shared, limits: self.limits, now };
        let found = models::look(&mut look).into_iter();
        let (told, beyond) =
            found.partition(|anomaly| look.actor.may_tell(anomaly.rule, now, PER_HOUR));
        look.actor.last = look.actor.last.max(now);
        Rare { told, beyond }
    }

    /// Takes in what is known of entities: where pods run, by which addresses, and when they end.
    pub fn know(&mut self, fact: &Fact) {
        self.shared.know(fact, self.limits.things);
    }

    /// Takes in that so many events of the cluster arrived at a time, whatever is to be said of them.
    pub fn heard(&mut self, time: Timestamp, events: u64) {
        models::heard(&mut self.shared, time, events);
    }

    /// Since when nothing arrived that would have arrived.
    pub fn silent_since(&self) -> Timestamp {
        Timestamp::from_nanos(self.shared.pace.since())
    }

    /// From when until when the time is worth looking at, if nothing arrives: not once the silence was told, and of a
    /// cluster of which too little was heard only for an hour, by which a pause is told from nobody's looking.
    pub fn awaits_silence(&self) -> Range<Timestamp> {
        models::awaits_silence(&self.shared)
    }

    /// Takes in that it is so late, which somebody looks at every minute or so: a log that falls silent is told once.
    /// Silence while nobody looked is none.
    pub fn elapsed(&mut self, now: Timestamp) -> Option<Anomaly> {
        models::silence(&mut self.shared, now)
    }

    /// How many actors are remembered.
    pub fn actors(&self) -> usize {
        self.actors.len()
    }

    /// Gives up a tenth of the actors when there are too many.
    fn make_room(&mut self) {
        if self.actors.len() >= self.limits.actors {
            self.give_up();
        }
    }

    /// Gives up a tenth of the actors: those seen on the fewest occasions, the longest ago first. Who makes many up
    /// pushes out what he made up.
    pub fn give_up(&mut self) {
        let mut all: Vec<_> =
            self.actors.iter().map(|(key, actor)| (actor.occasions(), actor.last, *key)).collect();
        all.sort_unstable();
        let most = all.len() / 10 + 1;
        for (_, _, key) in all.into_iter().take(most) {
            self.actors.remove(&key);
        }
    }
}

impl Look<'_, '_> {
    /// What is known of the actor's class.
    pub(crate) fn class(&mut self) -> &mut actors::ClassMemory {
        self.shared.classes.entry(self.observation.actor.class).or_default()
    }

    /// Whether the actor is a machine: one that has habits.
    pub(crate) fn is_machine(&self) -> bool {
        !matches!(self.observation.actor.class, Class::Person | Class::Anonymous)
    }
}
