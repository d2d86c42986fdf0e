//! The state of correlation rules for one cluster: what was seen, by rule and group.
//!
//! An event is held until events that are older can no longer arrive ([`Limits::lateness`]), and then taken in in the
//! order of event time. So what fires is a function of the set of events, and an event that comes twice counts once.
//! What a rule counts of an event is `candidate.rs`'s; how the state is kept is `rows.rs`'s.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_detect::Intake;
use airside_detect::audit::{Event, own};
use airside_types::{CorrelationCandidate, Id, Record, Timestamp};

use super::definition::Definition;
use super::rows::Part;
use super::window::{Sighting, Window};
use crate::set::RuleSet;
use crate::told::weight_of;

/// What bounds the memory of correlation rules in a cluster, for each rule.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How much later than newer events an event may arrive; for so long a firing waits. What comes later still is not
    /// counted. Default: a minute, twice as long as an API server gathers a batch.
    pub lateness: Duration,
    /// The most events that wait for older ones; fewer where what is told of them is long. Beyond it the oldest wait no
    /// longer. Default: 20,000.
    pub held: usize,
    /// The most groups. Beyond it those that have seen nothing for longest are forgotten. Default: 10,000.
    pub groups: usize,
    /// The most events, values and rules that are remembered in all groups together; beyond it as for groups. Default:
    /// 200,000.
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

/// How many groups an event that waits weighs at least: it has what is told if a rule fires on it.
const HELD_WEIGHT: usize = 10;
/// So many bytes of what is told weigh as much as a group.
const BYTES_OF_GROUP: usize = 160;

/// Time, event and group.
pub(super) type HeldKey = (Timestamp, Id, Id);

/// What one rule has seen.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) newest: Timestamp,
    /// Everything up to here was taken in.
    pub(super) settled: Option<Timestamp>,
    held: BTreeMap<HeldKey, Held>,
    /// What all of these weigh.
    held_weight: usize,
    groups: BTreeMap<Id, Window>,
    /// The groups by their last sighting: who is forgotten first need not be looked for.
    idle: BTreeSet<(Timestamp, Id)>,
    /// Events, values and rules that are remembered in all groups.
    counted: usize,
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

impl Held {
    /// How many groups it weighs.
    fn weight(&self) -> usize {
        HELD_WEIGHT.max(weight_of(&self.record) / BYTES_OF_GROUP)
    }
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
        let Some(definition) = rules.correlation(rule) else { return fired };
        let stream = self.streams.entry(rule).or_default();
        if stream.settled.is_some_and(|settled| time <= settled) {
            self.late += 1;
            return fired;
        }
        let rules = places.into_iter().filter_map(|place| usize::try_from(place).ok());
        stream.hold((time, event, group), Held { rules: rules.collect(), value, record });
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

    /// How much is remembered: groups, what is counted in them, and ten or more for each event that waits, which is so much
    /// larger, the more the longer what is told of it.
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
        self.held_weight + self.groups.len() + self.counted
    }

    /// An event that waits.
    pub(super) fn held(&self, key: &HeldKey) -> Option<&Held> {
        self.held.get(key)
    }

    /// What a group has seen.
    pub(super) fn group(&self, id: Id) -> Option<&Window> {
        self.groups.get(&id)
    }

    /// Lets an event wait, unless it does already.
    pub(super) fn hold(&mut self, key: HeldKey, held: Held) {
        if let Entry::Vacant(place) = self.held.entry(key) {
            self.held_weight += held.weight();
            place.insert(held);
        }
    }

    /// The event that has waited for longest; it waits no more.
    fn release(&mut self) -> Option<(HeldKey, Held)> {
        let (key, held) = self.held.pop_first()?;
        self.held_weight = self.held_weight.saturating_sub(held.weight());
        Some((key, held))
    }

    /// Remembers what a group has seen.
    pub(super) fn put(&mut self, id: Id, window: Window) {
        self.drop_group(id);
        self.counted += window.size();
        self.idle.insert((window.last, id));
        self.groups.insert(id, window);
    }

    /// What a group has seen, which is then no longer remembered; nothing of a new one.
    fn drop_group(&mut self, id: Id) -> Option<Window> {
        let window = self.groups.remove(&id)?;
        self.idle.remove(&(window.last, id));
        self.counted = self.counted.saturating_sub(window.size());
        Some(window)
    }

    /// Forgets a quarter of what waits or of the groups, whichever are more; how many that were.
    fn give_up(&mut self, is_kept: bool) -> u64 {
        let gone = if self.held_weight > self.groups.len() + self.counted {
            let some = self.held.len().div_ceil(4);
            for _ in 0..some {
                let Some(((time, event, group), _)) = self.release() else { break };
                self.note(is_kept, Part::Held(time, event, group));
            }
            some
        } else {
            let some = self.groups.len().div_ceil(4);
            let oldest: Vec<Id> = self.idle.iter().take(some).map(|(_, id)| *id).collect();
            for id in oldest {
                self.drop_group(id);
                self.note(is_kept, Part::Group(id));
            }
            some
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
        let most = limits.held.saturating_mul(HELD_WEIGHT);
        while let Some(((time, _, _), _)) = self.held.first_key_value() {
            if *time > until && self.held_weight <= most {
                break;
            }
            let Some(((time, event, group), held)) = self.release() else { break };
            self.settled = self.settled.max(Some(time));
            self.note(is_kept, Part::Held(time, event, group));
            self.note(is_kept, Part::Group(group));
            let Held { rules, value, record } = held;
            let mut window = self.drop_group(group).unwrap_or_default();
            if window.take(&Sighting { time, event, rules, value }, rule) {
                fired.push(*record);
            }
            self.put(group, window);
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

    /// Keeps within the limits; the number of groups forgotten that still counted. Each group goes once, and those that stay
    /// are not looked at.
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
        let mut forgotten = 0;
        while let Some((last, id)) = self.idle.first().copied() {
            let is_over = last < from;
            if !is_over && is_within(self) {
                break;
            }
            self.drop_group(id);
            self.note(is_kept, Part::Group(id));
            forgotten += u64::from(!is_over);
        }
        forgotten
    }
}
