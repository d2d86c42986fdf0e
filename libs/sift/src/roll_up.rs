//! Repeats: detections that say the same again are counted in the one that said it first.
//!
//! The same is: the same rule at the same severity, about the same entities in the same parts, for the same values. So
//! nothing is hidden that differs in anything but its moment. It is told a few times before it is only counted: other
//! sources may have seen each of those moments. What controllers make because somebody asked for it is counted in what
//! was told of that request by the same rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_detect::audit;
use airside_types::{Detection, Id, Payload, Record, Repeats, Timestamp};

use crate::{Change, Limits};

/// The detections that stand for others.
#[derive(Debug, Default)]
pub(crate) struct RollUps {
    open: BTreeMap<Id, Rolled>,
    /// The same by age.
    by_age: BTreeSet<(Timestamp, Id)>,
    changed: BTreeSet<Id>,
}

/// A detection that stands for others, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rolled {
    /// The detection, the last one that was told.
    pub record: Arc<Record>,
    /// When the first one was seen.
    pub opened: Timestamp,
    /// How often it was told.
    pub told: u32,
    /// How often it was seen, as often as it was told at least.
    pub count: u64,
    /// How many of them controllers did, to carry it out.
    pub carried_out: u64,
    /// When it was seen last.
    pub last: Timestamp,
    /// The count that was published last.
    pub published: u64,
}

/// What becomes of a detection.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is told.
    Told(Record),
    /// Another stands for it, which is told again with the new count now and then.
    RolledUp { record: Record, stands: Option<Box<Record>> },
}

/// How often the same is told before it is only counted.
const OFTEN: u32 = 5;

impl RollUps {
    /// Takes a detection in, about a request that others may carry out: then what is told of it stands for what it says
    /// of them.
    pub(crate) fn take(&mut self, record: Record, asked: Option<Id>, limits: &Limits) -> Standing {
        let Payload::Detection(detection) = &record.payload else { return Standing::Told(record) };
        let (key, time) = (key(detection), record.event_time);
        let of_cascade = asked.map(|asked| key_of_cascade(asked, detection));
        let rolled = self.open.get_mut(&key).filter(|it| is_near(it, time, limits));
        let (told, standing) = match rolled {
            None => {
                let told = Arc::new(record.clone());
                self.open(key, Arc::clone(&told));
                (told, Standing::Told(record))
            }
            Some(rolled) => {
                self.changed.insert(key);
                let standing = rolled.repeat(record);
                (Arc::clone(&rolled.record), standing)
            }
        };
        if let Some(key) = of_cascade {
            self.open(key, told);
        }
        standing
    }

    /// Takes in a detection about somebody who carries a request out; none where none stands for it that weighs as
    /// much.
    pub(crate) fn carried_out(
        &mut self,
        asked: Id,
        record: &Record,
        limits: &Limits,
    ) -> Option<Option<Box<Record>>> {
        let Payload::Detection(detection) = &record.payload else { return None };
        let (key, time) = (key_of_cascade(asked, detection), record.event_time);
        let rolled = self.open.get_mut(&key).filter(|it| is_near(it, time, limits))?;
        let stands = matches!(&rolled.record.payload, Payload::Detection(told) if told.severity >= detection.severity);
        if !stands {
            return None;
        }
        rolled.count += 1;
        rolled.carried_out += 1;
        rolled.last = rolled.last.max(time);
        self.changed.insert(key);
        Some(rolled.count.is_power_of_two().then(|| Box::new(rolled.publish())))
    }

    fn open(&mut self, key: Id, record: Arc<Record>) {
        let time = record.event_time;
        if let Some(before) = self.open.remove(&key) {
            self.by_age.remove(&(before.opened, key));
        }
        self.by_age.insert((time, key));
        let (opened, last) = (time, time);
        let rolled =
            Rolled { record, opened, told: 1, count: 1, carried_out: 0, last, published: 1 };
        self.open.insert(key, rolled);
        self.changed.insert(key);
    }

    /// Ends those that began too long before a time, or are too many. Returns what was not published of them.
    pub(crate) fn close(&mut self, now: Timestamp, limits: &Limits) -> Vec<Record> {
        let oldest = now.minus(limits.roll_up);
        let mut closed = Vec::new();
        while let Some((opened, key)) = self.by_age.first().copied() {
            if opened >= oldest && self.by_age.len() <= limits.rolled {
                break;
            }
            self.by_age.pop_first();
            self.changed.insert(key);
            closed.extend(self.open.remove(&key).and_then(Rolled::close));
        }
        closed
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Ends a tenth of them, the oldest first. Returns what was not published of them.
    pub(crate) fn give_up(&mut self) -> Vec<Record> {
        let most = self.by_age.len() / 10 + 1;
        let mut closed = Vec::new();
        for (_, key) in std::iter::from_fn(|| self.by_age.pop_first()).take(most) {
            self.changed.insert(key);
            closed.extend(self.open.remove(&key).and_then(Rolled::close));
        }
        closed
    }

    /// Ends all.
    pub(crate) fn finish(&mut self) -> Vec<Record> {
        self.by_age.clear();
        self.changed.extend(self.open.keys());
        std::mem::take(&mut self.open).into_values().filter_map(Rolled::close).collect()
    }

    /// The rows that have changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed.map(|key| Change::Rolled(key, self.open.get(&key).cloned().map(Box::new))).collect()
    }

    /// Takes a row back.
    pub(crate) fn restore(&mut self, key: Id, rolled: Rolled) {
        self.by_age.insert((rolled.opened, key));
        self.open.insert(key, rolled);
    }
}

impl Rolled {
    /// Takes in one that says the same.
    fn repeat(&mut self, record: Record) -> Standing {
        self.count += 1;
        self.last = self.last.max(record.event_time);
        if self.told < OFTEN {
            // Those that were told need not be counted in the next one.
            self.told += 1;
            (self.count, self.published) = (1, 1);
            self.record = Arc::new(record.clone());
            return Standing::Told(record);
        }
        let stands = self.count.is_power_of_two().then(|| Box::new(self.publish()));
        Standing::RolledUp { record, stands }
    }

    /// The detection with what it counts by now.
    fn publish(&mut self) -> Record {
        self.published = self.count;
        let mut record = Record::clone(&self.record);
        if let Payload::Detection(detection) = &mut record.payload {
            detection.repeats =
                Some(Repeats { count: self.count, last: self.last, carried_out: self.carried_out });
        }
        record
    }

    fn close(mut self) -> Option<Record> {
        (self.count > self.published).then(|| self.publish())
    }
}

/// Whether a detection at a time is one of those for which this one stands.
fn is_near(rolled: &Rolled, time: Timestamp, limits: &Limits) -> bool {
    let opened = rolled.opened;
    opened.minus(limits.roll_up) <= time && time <= opened.plus(limits.roll_up)
}

/// What is said of a request and of those who carry it out: rules that stand for the same checks say the same, one of
/// a workload and one of its pods.
fn key_of_cascade(asked: Id, detection: &Detection) -> Id {
    Id::builder("roll-up/cascade").id(asked).text(audit::said_by(&detection.rule)).finish()
}

/// What a detection says, whenever it says it.
fn key(detection: &Detection) -> Id {
    let key = Id::builder("roll-up")
        .text(&detection.rule)
        .number(detection.rule_version.into())
        .text(detection.severity.as_str())
        .number(i64::try_from(detection.links.len()).unwrap_or(i64::MAX));
    let key = detection
        .links
        .iter()
        .fold(key, |key, link| link.entity.identify(key.text(link.role.as_str())));
    let values = detection.values.iter();
    values.fold(key, |key, value| key.text(&value.name).text(&value.value)).finish()
}
