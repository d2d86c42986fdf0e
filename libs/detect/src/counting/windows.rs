//! What is remembered of requests that a rule may make something of together, for each rule and key.

use std::time::Duration;

use airside_types::{Severity, Timestamp};
use serde::{Deserialize, Serialize};

use super::rows::Aged;
use crate::command::cut;

/// What is known for a rule and a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// By time.
    things: Vec<Thing>,
    /// When it was told last, and how bad it was.
    told: Option<(i64, u8)>,
}

/// One of the things that a rule puts together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Thing {
    /// When it was seen last, in nanoseconds since the Unix epoch.
    time: i64,
    /// Which part of the rule it is: the first, or what follows.
    pub(super) part: u8,
    /// How bad the worst is that the request told by itself.
    weight: u8,
    /// What it is, for people.
    pub(super) text: Box<str>,
}

/// The longest text of a thing, in characters.
const MAX_CHARS: usize = 80;
/// The most things of a row. Rules want fewer.
const MAX_THINGS: usize = 64;

impl Thing {
    pub(super) fn new(part: u8, text: &str, time: Timestamp, weight: Severity) -> Self {
        let text = cut(text, MAX_CHARS).into();
        Self { time: time.as_nanos(), part, weight: rank(weight), text }
    }

    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_nanos(self.time)
    }

    /// How bad the worst is that the request told by itself.
    pub(super) fn weight(&self) -> Severity {
        severity(self.weight)
    }
}

fn rank(severity: Severity) -> u8 {
    let at = Severity::ALL.iter().position(|it| *it == severity).unwrap_or_default();
    u8::try_from(at).unwrap_or_default()
}

fn severity(rank: u8) -> Severity {
    Severity::ALL.get(usize::from(rank)).copied().unwrap_or_default()
}

impl Row {
    /// The things, by time.
    pub(super) fn things(&self) -> &[Thing] {
        &self.things
    }

    /// Whether it was told so near to a time that nothing new would be said; how bad it was.
    pub(super) fn told_near(&self, time: Timestamp, again: Duration) -> Option<Severity> {
        let (told, rank) = self.told?;
        let told = Timestamp::from_nanos(told);
        (told.minus(again) <= time && time <= told.plus(again)).then(|| severity(rank))
    }

    /// Adds a thing, or what is known of it now, and forgets what is too old to matter together with anything.
    pub(super) fn add(&mut self, thing: Thing, span: Duration) {
        let mut thing = thing;
        if let Some(at) = self
            .things
            .iter()
            .position(|known| known.part == thing.part && known.text == thing.text)
        {
            let known = self.things.remove(at);
            thing.time = thing.time.max(known.time);
            thing.weight = thing.weight.max(known.weight);
        }
        let at = self.things.partition_point(|known| known <= &thing);
        self.things.insert(at, thing);
        // What comes late may still complete what lies a span before the newest.
        let newest = self.things.last().map_or(Timestamp::EPOCH, Thing::time);
        let oldest = newest.minus(span).minus(span);
        self.things.retain(|known| known.time() >= oldest);
        if self.things.len() > MAX_THINGS {
            self.things.remove(0);
        }
    }

    /// Notes that it was told, and forgets what it was told of.
    pub(super) fn tell(&mut self, time: Timestamp, severity: Severity) {
        self.things.clear();
        self.told = Some((time.as_nanos(), rank(severity)));
    }
}

impl Aged for Row {
    fn last(&self) -> Timestamp {
        let told = self.told.map(|(time, _)| Timestamp::from_nanos(time));
        let seen = self.things.last().map(Thing::time);
        told.max(seen).unwrap_or(Timestamp::EPOCH)
    }
}
