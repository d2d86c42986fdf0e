//! The state of correlation rules: what was seen, by rule, cluster and group.
//!
//! An event is held until events that are older can no longer arrive ([`Limits::lateness`]), and then taken in in the
//! order of event time. So what fires is a function of the set of events, and an event that comes twice counts once.

use std::collections::BTreeMap;
use std::time::Duration;

use airside_detect::Intake;
use airside_detect::audit::{Event, own};
use airside_types::{Id, NamedValue, Record, Timestamp};
use rsigma_eval::Event as _;

use super::definition::Definition;
use super::window::{Sighting, Window};
use crate::set::{Match, RuleSet, shown};
use crate::view::View;

/// What bounds the memory of correlation rules, for each rule and cluster.
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

/// The state of all correlation rules.
#[derive(Debug)]
pub struct Correlating {
    pub(super) limits: Limits,
    /// By rule, tenant and cluster.
    pub(super) streams: BTreeMap<StreamKey, Stream>,
    pub(super) late: u64,
    pub(super) forgotten: u64,
}

/// A correlation rule's key, and the tenant and cluster.
pub(super) type StreamKey = (Id, Id);
/// Time, event and group.
pub(super) type HeldKey = (Timestamp, Id, Id);

/// What one rule knows of one cluster.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) newest: Timestamp,
    /// Everything up to here was taken in.
    pub(super) settled: Option<Timestamp>,
    pub(super) held: BTreeMap<HeldKey, Held>,
    pub(super) groups: BTreeMap<Id, Window>,
    /// Events and values counted in all groups.
    pub(super) counted: usize,
}

/// An event that waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) rules: Vec<usize>,
    pub(super) value: Option<Id>,
    /// What is told if the rule fires on it.
    pub(super) record: Box<Record>,
}

impl Correlating {
    /// Nothing seen yet.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, streams: BTreeMap::new(), late: 0, forgotten: 0 }
    }

    /// Takes an event in. Returns what rules that stand alone find in it, and what correlation rules fire on now.
    pub fn observe(
        &mut self,
        rules: &RuleSet,
        event: &Event<'_>,
        intake: &Intake<'_>,
    ) -> Vec<Record> {
        let view = View::new(event);
        let matches = rules.matches(&view);
        if matches.is_empty() {
            return Vec::new();
        }
        let mut records = rules.told(&matches, &view, intake);
        for definition in rules.correlations() {
            records.extend(self.take(definition, &matches, &view, intake));
        }
        records
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

    /// How many events came too late to be counted.
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// How many groups were forgotten while they still counted.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn settle_all(&mut self, rules: &RuleSet, until: Timestamp) -> Vec<Record> {
        let mut fired = Vec::new();
        for definition in rules.correlations() {
            let of_rule = (definition.key, Id::default())..=(definition.key, LAST_ID);
            for (_, stream) in self.streams.range_mut(of_rule) {
                self.forgotten += stream.settle(definition, until, &self.limits, &mut fired);
            }
        }
        fired
    }

    fn take(
        &mut self,
        definition: &Definition,
        matches: &[Match],
        view: &View<'_>,
        intake: &Intake<'_>,
    ) -> Vec<Record> {
        let groups = by_group(definition, matches, view);
        if groups.is_empty() {
            return Vec::new();
        }
        let event = view.event();
        let (id, time) = (own::event_id(event, intake), own::moment(event, intake));
        let cluster = Id::builder("sigma-cluster")
            .text(intake.tenant.as_str())
            .text(intake.cluster.as_str())
            .finish();
        let stream = self.streams.entry((definition.key, cluster)).or_default();
        if stream.settled.is_some_and(|settled| time <= settled) {
            self.late += 1;
            return Vec::new();
        }
        for (group, (rules, values)) in groups {
            let value = value_id(definition, view);
            let record = || Box::new(own::record(&definition.info, event, intake, values));
            let key = (time, id, group);
            stream.held.entry(key).or_insert_with(|| Held { rules, value, record: record() });
        }
        stream.newest = stream.newest.max(time);
        let mut fired = Vec::new();
        let settled = stream.newest.minus(self.limits.lateness);
        self.forgotten += stream.settle(definition, settled, &self.limits, &mut fired);
        fired
    }
}

const LAST_ID: Id = Id::from_bytes([u8::MAX; 16]);

impl Stream {
    /// Takes in what is held up to a time; the number of groups that had to be forgotten.
    fn settle(
        &mut self,
        rule: &Definition,
        until: Timestamp,
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
            let Held { rules, value, record } = held;
            let window = self.groups.entry(group).or_default();
            let before = window.latest.len();
            if window.take(&Sighting { time, event, rules, value }, rule) {
                fired.push(*record);
            }
            self.counted = (self.counted + window.latest.len()).saturating_sub(before);
            forgotten += self.forget(rule, time, limits);
        }
        self.settled = self.settled.max(Some(until));
        forgotten
    }

    /// Keeps within the limits; the number of groups forgotten that still counted.
    fn forget(&mut self, rule: &Definition, time: Timestamp, limits: &Limits) -> u64 {
        let is_within =
            |it: &Self| it.groups.len() <= limits.groups && it.counted <= limits.counted;
        if is_within(self) {
            return 0;
        }
        // What has seen nothing for the whole span starts anew anyway.
        let from = time.minus(rule.span);
        self.groups.retain(|_, window| window.last >= from);
        self.counted = self.groups.values().map(|window| window.latest.len()).sum();
        let mut forgotten = 0;
        while !is_within(self) {
            let idle = self.groups.iter().min_by_key(|(id, window)| (window.last, **id));
            let Some(id) = idle.map(|(id, _)| *id) else { break };
            if let Some(window) = self.groups.remove(&id) {
                self.counted = self.counted.saturating_sub(window.latest.len());
                forgotten += 1;
            }
        }
        forgotten
    }
}

type Groups = BTreeMap<Id, (Vec<usize>, Vec<NamedValue>)>;

/// The places of the rules that found an event, by the group in which they did, with the group's values.
fn by_group(definition: &Definition, matches: &[Match], view: &View<'_>) -> Groups {
    let mut groups = Groups::new();
    for (place, rule) in definition.rules.iter().enumerate() {
        if !matches.iter().any(|found| found.rule == *rule) {
            continue;
        }
        let mut id = Id::builder("sigma-group");
        let mut values = vec![named("correlation", definition.words.clone())];
        for field in &definition.group_by {
            let value = view.get_field(field.of_rule(place)).map(|it| it.to_json());
            id = id.optional(value.as_ref().map(ToString::to_string).as_deref());
            values.extend(value.map(|value| shown(field.of_rule(place), &value, view.event())));
        }
        groups.entry(id.finish()).or_insert((Vec::new(), values)).0.push(place);
    }
    groups
}

fn named(name: &str, value: String) -> NamedValue {
    NamedValue { name: name.to_owned(), value }
}

/// The value that is counted; none where the event lacks a part of it.
fn value_id(definition: &Definition, view: &View<'_>) -> Option<Id> {
    let fields = definition.counted();
    let mut id = Id::builder("sigma-value");
    for field in fields {
        id = id.text(&view.get_field(field).filter(|it| !it.is_null())?.to_json().to_string());
    }
    (!fields.is_empty()).then(|| id.finish())
}
