//! The ledger: what was not told, by reason and rule.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Detection, Quiet, Reason, Suppression, Timestamp};

use crate::Change;

/// Counts what was not told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lines: BTreeMap<Key, Suppression>,
    changed: BTreeSet<Key>,
}

type Key = (Reason, String);

impl Ledger {
    /// Events that are only counted.
    pub(crate) fn quiet(&mut self, quiet: &Quiet, number: u64) {
        let of = (Reason::Quiet(quiet.kind), "");
        self.add(of, number, (quiet.first, quiet.last), String::new);
    }

    /// An event that came before.
    pub(crate) fn seen_before(&mut self, time: Timestamp, example: impl FnOnce() -> String) {
        self.add((Reason::SeenBefore, ""), 1, (time, time), example);
    }

    /// A detection that is not told, or as what alarms nobody.
    pub(crate) fn detection(&mut self, reason: Reason, time: Timestamp, detection: &Detection) {
        self.add((reason, &detection.rule), 1, (time, time), || detection.message.clone());
    }

    fn add(
        &mut self,
        (reason, rule): (Reason, &str),
        number: u64,
        (first, last): (Timestamp, Timestamp),
        example: impl FnOnce() -> String,
    ) {
        if number == 0 {
            return;
        }
        let key = (reason, rule.to_owned());
        let line = self.lines.entry(key.clone()).or_insert_with(|| Suppression {
            reason,
            rule: rule.to_owned(),
            count: 0,
            first,
            last,
            example: example(),
        });
        line.count = line.count.saturating_add(number);
        line.first = line.first.min(first);
        line.last = line.last.max(last);
        self.changed.insert(key);
    }

    /// All lines, by reason and rule.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Suppression> {
        self.lines.values()
    }

    /// The lines that have changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .iter()
            .filter_map(|key| self.lines.get(key))
            .map(|line| Change::Ledger(line.clone()))
            .collect()
    }

    /// Takes a line back.
    pub(crate) fn restore(&mut self, line: Suppression) {
        self.lines.insert((line.reason, line.rule.clone()), line);
    }
}
