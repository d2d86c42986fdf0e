//! Which of several candidates was seen nearest to a moment; how many distinct things were counted.
//!
//! Both can take back what they took in, so that they are a function of what is in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use airside_types::{EntityKey, Timestamp};

use crate::keyed::Keyed;

/// Candidates for one role (the pods that bore a name, the pods that had an address), each with the
/// moments at which it was seen in it.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    seen: BTreeMap<EntityKey, Candidate>,
}

#[derive(Debug, Default)]
struct Candidate {
    times: BTreeMap<Timestamp, u32>,
    /// The forms under which it was named, such as a uid with and without a namespace.
    forms: BTreeMap<Arc<Keyed>, u32>,
}

impl Sightings {
    /// Notes or takes back a sighting. Returns whether the candidates or their forms changed.
    pub(crate) fn turn(&mut self, entity: &Arc<Keyed>, time: Timestamp, seen: bool) -> bool {
        let candidate = self.seen.entry(entity.key()).or_default();
        let before = candidate.form().cloned();
        step(&mut candidate.times, time, seen);
        step(&mut candidate.forms, Arc::clone(entity), seen);
        let changed = candidate.form() != before.as_ref();
        if candidate.times.is_empty() {
            self.seen.remove(&entity.key());
        }
        changed
    }

    /// How many candidates there are.
    pub(crate) fn candidates(&self) -> usize {
        self.seen.len()
    }

    /// The candidate that was seen nearest to a moment; of two as near, the one with the lower key.
    pub(crate) fn nearest(&self, moment: Timestamp) -> Option<Arc<Keyed>> {
        let distance = |candidate: &Candidate| {
            let before = candidate.times.range(..=moment).next_back();
            let after = candidate.times.range(moment..).next();
            before.into_iter().chain(after).map(|(time, _)| time.distance(moment)).min()
        };
        let nearest = self.seen.iter().min_by_key(|(key, seen)| (distance(seen), **key))?;
        nearest.1.form().cloned()
    }

    /// The candidates that were seen between two moments.
    pub(crate) fn between(&self, from: Timestamp, until: Timestamp) -> Vec<Arc<Keyed>> {
        let within = |candidate: &&Candidate| {
            from <= until && candidate.times.range(from..=until).next().is_some()
        };
        self.seen.values().filter(within).filter_map(|seen| seen.form().cloned()).collect()
    }
}

impl Candidate {
    /// The fullest form: one with a name stands after one without.
    fn form(&self) -> Option<&Arc<Keyed>> {
        self.forms.last_key_value().map(|(form, _)| form)
    }
}

/// Distinct things, each with how often it was counted.
#[derive(Debug)]
pub(crate) struct Tally<T> {
    counts: BTreeMap<T, u32>,
    before: usize,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), before: 0 }
    }
}

impl<T: Ord> Tally<T> {
    /// Counts a thing once more or once less.
    pub(crate) fn turn(&mut self, thing: T, more: bool) {
        self.before = self.counts.len();
        step(&mut self.counts, thing, more);
    }

    /// How many distinct things there are.
    pub(crate) fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Whether the last turn went over a bound, in either direction.
    pub(crate) fn crossed(&self, bound: usize) -> bool {
        (self.before > bound) != (self.counts.len() > bound)
    }
}

/// Counts a thing once more or once less; what is counted zero times is not in it.
pub(super) fn step<T: Ord>(counts: &mut BTreeMap<T, u32>, thing: T, more: bool) {
    if more {
        *counts.entry(thing).or_default() += 1;
    } else if let Some(count) = counts.get_mut(&thing) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&thing);
        }
    }
}
