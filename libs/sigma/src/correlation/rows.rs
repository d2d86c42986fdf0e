//! The state of correlation rules as it is kept and taken back: a row for each part of it.

use std::collections::BTreeMap;

use airside_types::{Id, Record, Timestamp};
use serde::{Deserialize, Serialize};

use super::state::{Correlating, Held, Limits, Stream};
use super::window::Window;
use crate::set::RuleSet;

/// A part of what a rule has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// How far it has come.
    Stream,
    /// An event that waits: its time, itself, and the group.
    Held(Timestamp, Id, Id),
    /// A group.
    Group(Id),
}

/// A part of the state as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was seen, as JSON.
    pub seen: Vec<u8>,
    /// Of an event that waits, what is told if a rule fires on it.
    pub record: Option<Box<Record>>,
}

/// A part of the state that has changed: what it is now, or none when it is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which part. It begins with what the rule means: a rule that now means something else has other rows.
    pub key: Vec<u8>,
    /// What it is now.
    pub row: Option<Row>,
}

/// What became of a row that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It is part of the state.
    Yes,
    /// No rule means that any more, or the row is none of this version: it can be removed.
    Obsolete,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptStream {
    newest: i64,
    settled: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptHeld {
    rules: Vec<usize>,
    value: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptGroup {
    latest: Vec<(String, i64)>,
    rules: Vec<(usize, i64)>,
    fired: Option<i64>,
    last: i64,
}

impl Correlating {
    /// Nothing seen yet; [`Self::take_changes`] tells what is to be kept.
    pub const fn kept(limits: Limits) -> Self {
        let mut state = Self::new(limits);
        state.is_kept = true;
        state
    }

    /// What has changed since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (rule, stream) in &mut self.streams {
            for part in std::mem::take(&mut stream.changed) {
                changes.push(Change { key: part.key(*rule), row: stream.row(part) });
            }
        }
        changes
    }

    /// Takes a row back as it was kept under a key.
    pub fn restore(&mut self, rules: &RuleSet, key: &[u8], row: Row) -> TakenBack {
        let Some((rule, part)) = Part::of_key(key) else { return TakenBack::Obsolete };
        if rules.correlation(rule).is_none() {
            return TakenBack::Obsolete;
        }
        let stream = self.streams.entry(rule).or_default();
        stream.restore(part, row).map_or(TakenBack::Obsolete, |()| TakenBack::Yes)
    }
}

impl Part {
    fn key(self, rule: Id) -> Vec<u8> {
        let mut key = rule.as_bytes().to_vec();
        match self {
            Self::Stream => key.push(b's'),
            Self::Held(time, event, group) => {
                key.push(b'h');
                key.extend_from_slice(&time.as_nanos().to_be_bytes());
                key.extend_from_slice(event.as_bytes());
                key.extend_from_slice(group.as_bytes());
            }
            Self::Group(group) => {
                key.push(b'g');
                key.extend_from_slice(group.as_bytes());
            }
        }
        key
    }

    fn of_key(key: &[u8]) -> Option<(Id, Self)> {
        let (rule, rest) = key.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let part = match kind {
            b's' if rest.is_empty() => Self::Stream,
            b'h' => {
                let (time, rest) = rest.split_first_chunk()?;
                let (event, group) = rest.split_first_chunk()?;
                let time = Timestamp::from_nanos(i64::from_be_bytes(*time));
                Self::Held(time, Id::from_bytes(*event), Id::from_bytes(group.try_into().ok()?))
            }
            b'g' => Self::Group(Id::from_bytes(rest.try_into().ok()?)),
            _ => return None,
        };
        Some((Id::from_bytes(*rule), part))
    }
}

impl Stream {
    /// What a part is now.
    fn row(&self, part: Part) -> Option<Row> {
        let (seen, record) = match part {
            Part::Stream => {
                let settled = self.settled.map(Timestamp::as_nanos);
                let kept = KeptStream { newest: self.newest.as_nanos(), settled };
                (serde_json::to_vec(&kept), None)
            }
            Part::Held(time, event, group) => {
                let held = self.held(&(time, event, group))?;
                let value = held.value.map(|value| value.to_string());
                let kept = KeptHeld { rules: held.rules.clone(), value };
                (serde_json::to_vec(&kept), Some(held.record.clone()))
            }
            Part::Group(group) => (serde_json::to_vec(&kept_group(self.group(group)?)), None),
        };
        // Numbers and texts only: there is nothing that JSON cannot write.
        Some(Row { seen: seen.unwrap_or_default(), record })
    }

    fn restore(&mut self, part: Part, row: Row) -> Option<()> {
        match part {
            Part::Stream => {
                let kept: KeptStream = serde_json::from_slice(&row.seen).ok()?;
                self.newest = Timestamp::from_nanos(kept.newest);
                self.settled = kept.settled.map(Timestamp::from_nanos);
            }
            Part::Held(time, event, group) => {
                let kept: KeptHeld = serde_json::from_slice(&row.seen).ok()?;
                let value = kept.value.map(|value| value.parse()).transpose().ok()?;
                let held = Held { rules: kept.rules, value, record: row.record? };
                self.hold((time, event, group), held);
            }
            Part::Group(group) => {
                let kept: KeptGroup = serde_json::from_slice(&row.seen).ok()?;
                self.put(group, kept.taken_back()?);
            }
        }
        Some(())
    }
}

fn kept_group(window: &Window) -> KeptGroup {
    KeptGroup {
        latest: window.latest.iter().map(|(id, time)| (id.to_string(), time.as_nanos())).collect(),
        rules: window.rules.iter().map(|(place, time)| (*place, time.as_nanos())).collect(),
        fired: window.fired.map(Timestamp::as_nanos),
        last: window.last.as_nanos(),
    }
}

impl KeptGroup {
    fn taken_back(self) -> Option<Window> {
        let mut latest = BTreeMap::new();
        for (id, time) in self.latest {
            latest.insert(id.parse().ok()?, Timestamp::from_nanos(time));
        }
        let rules =
            self.rules.into_iter().map(|(place, time)| (place, Timestamp::from_nanos(time)));
        let fired = self.fired.map(Timestamp::from_nanos);
        Some(Window::of(latest, rules.collect(), fired, Timestamp::from_nanos(self.last)))
    }
}
