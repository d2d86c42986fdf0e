//! The state of correlation rules for one cluster: what was seen, by rule and group.
//!
//! An event is held until events that are older can no longer arrive ([`Limits::lateness`]), and then taken in in the
//! order of event time. So what fires is a function of the set of events, and an event that comes twice counts once.
//! What a rule counts of an event is `candidate.rs`'s; how the state is kept is `rows.rs`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_detect::Intake;
use airside_detect::audit::{Event, own};
use airside_types::{CorrelationCandidate, Id, Record, Timestamp};

use super::definition::Definition;
use super::rows::Part;
use super::window::{Sighting, Window};
use crate::set::RuleSet;

/// What bounds the memory of correlation rules in a cluster, for each rule.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How much later than newer events an event may arrive; for so long a firing waits. What comes later still is not
    /// counted. Default: a minute, twice as long as an API server gathers a batch.
    pub lateness: Duration,
    /// The most events that wait for older ones. Beyond it the oldest wait no longer. Default: 20,000.
    pub held: usize,
    /// The most groups. Beyond it those that have seen nothing for longest are forgotten. Default: 10,000.
    pub groups: usize,
    /// The most events or values that are counted in all groups together; beyond it as for groups. Default: 200,000.
    pub counted: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lateness: Duration::from_mins(1), held: 20_000, groups: 10_000, counted: 200_000 }
    }
}

/// The state of all correlation rules in one cluster.
#[derive(Debug)]
pub struct Correlating {
    pub(super) limits: Limits,
    /// By what the rule means.
    pub(super) streams: BTreeMap<Id, Stream>,
    pub(super) late: u64,
    pub(super) forgotten: u64,
    /// Whether somebody keeps the state, so that it is noted what changes.
    pub(super) is_kept: bool,
}

/// How many groups an event that waits weighs: it has what is told if a rule fires on it.
const HELD_WEIGHT: usize = 10;

/// Time, event and group.
pub(super) type HeldKey = (Timestamp, Id, Id);

/// What one rule has seen.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) newest: Timestamp,
    /// Everything up to here was taken in.
    pub(super) settled: Option<Timestamp>,
    pub(super) held: BTreeMap<HeldKey, Held>,
    pub(super) groups: BTreeMap<Id, Window>,
    /// Events and values counted in all groups.
    pub(super) counted: usize,
    /// What has changed since it was kept.
    pub(super) changed: BTreeSet<Part>,
}

/// An event that waits.
#[derive(Debug)]
pub(super) struct Held {
    /// The rules that found it, by their places.
    pub(super) rules: Vec<usize>,
    pub(super) value: Option<Id>,
    /// What is told if the rule fires on it.
    pub(super) record: Box<Record>,
}

impl Correlating {
    /// Nothing seen yet, and nobody keeps it.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, streams: BTreeMap::new(), late: 0, forgotten: 0, is_kept: false }
    }

    /// Takes an event in. Returns what rules that stand alone find in it, and what correlation rules fire on now.
    pub fn observe(
        &mut self,
        rules: &RuleSet,
        event: &Event<'_>,
        intake: &Intake<'_>,
    ) -> Vec<Record> {
        let found = rules.judge(event, intake);
        if found.candidates.is_empty() {
            return found.records;
        }
        let (mut records, id) = (found.records, own::event_id(event, intake));
        for candidate in found.candidates {
            records.extend(self.count(rules, id, candidate));
        }
        records
    }

    /// Takes in an event that a rule counts. Returns what the rule fires on now.
    pub fn count(
        &mut self,
        rules: &RuleSet,
        event: Id,
        candidate: CorrelationCandidate,
    ) -> Vec<Record> {
        let mut fired = Vec::new();
        let CorrelationCandidate { rule, group, value, places, time, record } = candidate;
        // Whoever judged the event may have had other rules: with what they mean the key changes.
        let Some(definition) = rules.correlations().iter().find(|it| it.key == rule) else {
            return fired;
        };
        let stream = self.streams.entry(rule).or_default();
        if stream.settled.is_some_and(|settled| time <= settled) {
            self.late += 1;
            return fired;
        }
        let rules = places.into_iter().filter_map(|place| usize::try_from(place).ok());
        let held = || Held { rules: rules.collect(), value, record };
        stream.held.entry((time, event, group)).or_insert_with(held);
        stream.note(self.is_kept, Part::Held(time, event, group));
        stream.newest = stream.newest.max(time);
        let settled = stream.newest.minus(self.limits.lateness);
        let settling = (definition, settled, self.is_kept);
        self.forgotten += stream.settle(settling, &self.limits, &mut fired);
        fired
    }

    /// Events older than this, less [`Limits::lateness`], will not arrive any more: what waited for them fires.
    pub fn advance(&mut self, rules: &RuleSet, to: Timestamp) -> Vec<Record> {
        let settled = to.minus(self.limits.lateness);
        self.settle_all(rules, settled)
    }

    /// No event will arrive any more.
    pub fn finish(&mut self, rules: &RuleSet) -> Vec<Record> {
        self.settle_all(rules, Timestamp::from_nanos(i64::MAX))
    }

    /// How much is remembered: groups, what is counted in them, and ten for each event that waits, which is so much larger.
    pub fn size(&self) -> usize {
        self.streams.values().map(Stream::size).sum()
    }

    /// Forgets a quarter of what the rule remembers that remembers most: the events that have waited for longest, which are
    /// not counted then, or the groups that have seen nothing for longest.
    pub fn give_up(&mut self) {
        let largest = self.streams.values_mut().max_by_key(|stream| stream.size());
        self.forgotten += largest.map_or(0, |stream| stream.give_up(self.is_kept));
    }

    /// How many events came too late to be counted.
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// How many groups, and events that waited, were forgotten while they still counted.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn settle_all(&mut self, rules: &RuleSet, until: Timestamp) -> Vec<Record> {
        let mut fired = Vec::new();
        for definition in rules.correlations() {
            if let Some(stream) = self.streams.get_mut(&definition.key) {
                let settling = (definition, until, self.is_kept);
                self.forgotten += stream.settle(settling, &self.limits, &mut fired);
            }
        }
        fired
    }
}

impl Stream {
    fn note(&mut self, is_kept: bool, part: Part) {
        if is_kept {
            self.changed.insert(part);
            self.changed.insert(Part::Stream);
        }
    }

    fn size(&self) -> usize {
        self.held.len() * HELD_WEIGHT + self.groups.len() + self.counted
    }

    /// Forgets a quarter of what waits or of the groups, whichever are more; how many that were.
    fn give_up(&mut self, is_kept: bool) -> u64 {
        let gone = if self.held.len() * HELD_WEIGHT > self.groups.len() + self.counted {
            let some = self.held.len().div_ceil(4);
            let oldest: Vec<_> = self.held.keys().take(some).copied().collect();
            for key @ (time, event, group) in &oldest {
                self.held.remove(key);
                self.note(is_kept, Part::Held(*time, *event, *group));
            }
            oldest.len()
        } else {
            let mut idle: Vec<_> = self.groups.iter().map(|(id, it)| (it.last, *id)).collect();
            idle.sort_unstable();
            idle.truncate(self.groups.len().div_ceil(4));
            for (_, id) in &idle {
                self.groups.remove(id);
                self.note(is_kept, Part::Group(*id));
            }
            self.counted = self.groups.values().map(|window| window.latest.len()).sum();
            idle.len()
        };
        u64::try_from(gone).unwrap_or(u64::MAX)
    }

    /// Takes in what is held up to a time; the number of groups that had to be forgotten.
    fn settle(
        &mut self,
        (rule, until, is_kept): (&Definition, Timestamp, bool),
        limits: &Limits,
        fired: &mut Vec<Record>,
    ) -> u64 {
        let mut forgotten = 0;
        while let Some(((time, _, _), _)) = self.held.first_key_value() {
            if *time > until && self.held.len() <= limits.held {
                break;
            }
            let Some(((time, event, group), held)) = self.held.pop_first() else { break };
            self.settled = self.settled.max(Some(time));
            self.note(is_kept, Part::Held(time, event, group));
            self.note(is_kept, Part::Group(group));
            let Held { rules, value, record } = held;
            let window = self.groups.entry(group).or_default();
            let before = window.latest.len();
            if window.take(&Sighting { time, event, rules, value }, rule) {
                fired.push(*record);
            }
            self.counted = (self.counted + window.latest.len()).saturating_sub(before);
            forgotten += self.forget((rule, time, is_kept), limits);
        }
        if self.settled < Some(until) {
            self.settled = Some(until);
            // Whoever takes the state over counts nothing that was too late here.
            if is_kept {
                self.changed.insert(Part::Stream);
            }
        }
        forgotten
    }

    /// Keeps within the limits; the number of groups forgotten that still counted.
    fn forget(
        &mut self,
        (rule, time, is_kept): (&Definition, Timestamp, bool),
        limits: &Limits,
    ) -> u64 {
        let is_within =
            |it: &Self| it.groups.len() <= limits.groups && it.counted <= limits.counted;
        if is_within(self) {
            return 0;
        }
        // What has seen nothing for the whole span starts anew anyway.
        let from = time.minus(rule.span);
        let idle = self.groups.iter().filter(|(_, window)| window.last < from);
        for id in idle.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.groups.remove(&id);
            self.note(is_kept, Part::Group(id));
        }
        self.counted = self.groups.values().map(|window| window.latest.len()).sum();
        let mut forgotten = 0;
        while !is_within(self) {
            let idle = self.groups.iter().min_by_key(|(id, window)| (window.last, **id));
            let Some(id) = idle.map(|(id, _)| *id) else { break };
            self.note(is_kept, Part::Group(id));
            if let Some(window) = self.groups.remove(&id) {
                self.counted = self.counted.saturating_sub(window.latest.len());
                forgotten += 1;
            }
        }
        forgotten
    }
}
