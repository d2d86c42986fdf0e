//! The ledger: what was not told, by reason and rule.

use std::collections::BTreeMap;

use airside_types::{Detection, Payload, Quiet, Reason, Record, Suppression, Timestamp};

use crate::Change;

/// Counts what was not told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lines: BTreeMap<Reason, BTreeMap<String, Line>>,
    /// The lines that have changed, each once.
    changed: Vec<(Reason, String)>,
}

#[derive(Debug)]
struct Line {
    suppression: Suppression,
    is_changed: bool,
}

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

    /// An anomaly that is not told, since others of its model stand for it: its record is made for the first alone.
    pub(crate) fn anomaly(
        &mut self,
        rule: &str,
        time: Timestamp,
        record: impl FnOnce() -> Option<Record>,
    ) {
        let message = |record: Record| match record.payload {
            Payload::Detection(detection) => Some(detection.message),
            _ => None,
        };
        let example = || record().and_then(message).unwrap_or_default();
        self.add((Reason::RolledUp, rule), 1, (time, time), example);
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
        let of_reason = self.lines.entry(reason).or_default();
        let Some(line) = of_reason.get_mut(rule) else {
            let (rule, count) = (rule.to_owned(), number);
            let suppression =
                Suppression { reason, rule: rule.clone(), count, first, last, example: example() };
            of_reason.insert(rule.clone(), Line { suppression, is_changed: true });
            self.changed.push((reason, rule));
            return;
        };
        let suppression = &mut line.suppression;
        suppression.count = suppression.count.saturating_add(number);
        suppression.first = suppression.first.min(first);
        suppression.last = suppression.last.max(last);
        if !std::mem::replace(&mut line.is_changed, true) {
            self.changed.push((reason, rule.to_owned()));
        }
    }

    /// All lines, by reason and rule.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Suppression> {
        self.lines.values().flat_map(BTreeMap::values).map(|line| &line.suppression)
    }

    /// The lines that have changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed
            .filter_map(|(reason, rule)| {
                let line = self.lines.get_mut(&reason)?.get_mut(&rule)?;
                line.is_changed = false;
                Some(Change::Ledger(line.suppression.clone()))
            })
            .collect()
    }

    /// Takes a line back.
    pub(crate) fn restore(&mut self, line: Suppression) {
        let (reason, rule) = (line.reason, line.rule.clone());
        let line = Line { suppression: line, is_changed: false };
        self.lines.entry(reason).or_default().insert(rule, line);
    }
}
