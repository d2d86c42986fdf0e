//! The state of correlation rules as it is kept and taken up again.

use std::collections::BTreeMap;

use airside_types::{Id, Record, Timestamp};
use serde::{Deserialize, Serialize};

use super::state::{Correlating, Held, Limits, Stream};
use super::window::Window;
use crate::set::RuleSet;

/// The state, ready to be stored.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What was seen, as JSON. Its form may change between versions: [`Correlating::restore`] then starts anew.
    pub seen: Vec<u8>,
    /// What is told if rules fire on the events that wait, in the order that `seen` has.
    pub held: Vec<Record>,
}

/// The form; raised when it changes.
const FORM: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    form: u32,
    late: u64,
    forgotten: u64,
    streams: Vec<KeptStream>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptStream {
    rule: String,
    cluster: String,
    newest: i64,
    settled: Option<i64>,
    held: Vec<KeptHeld>,
    groups: Vec<KeptGroup>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptHeld {
    time: i64,
    event: String,
    group: String,
    rules: Vec<usize>,
    value: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptGroup {
    id: String,
    latest: Vec<(String, i64)>,
    rules: Vec<(usize, i64)>,
    fired: Option<i64>,
    last: i64,
}

impl Correlating {
    /// The state as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let mut held = Vec::new();
        let streams = self.streams.iter().map(|((rule, cluster), stream)| KeptStream {
            rule: rule.to_string(),
            cluster: cluster.to_string(),
            newest: stream.newest.as_nanos(),
            settled: stream.settled.map(Timestamp::as_nanos),
            held: stream
                .held
                .iter()
                .map(|((time, event, group), it)| {
                    held.push((*it.record).clone());
                    KeptHeld {
                        time: time.as_nanos(),
                        event: event.to_string(),
                        group: group.to_string(),
                        rules: it.rules.clone(),
                        value: it.value.map(|value| value.to_string()),
                    }
                })
                .collect(),
            groups: stream.groups.iter().map(|(id, window)| kept_group(*id, window)).collect(),
        });
        let streams = streams.collect();
        let kept = Kept { form: FORM, late: self.late, forgotten: self.forgotten, streams };
        // Numbers and texts only: there is nothing that JSON cannot write.
        Snapshot { seen: serde_json::to_vec(&kept).unwrap_or_default(), held }
    }

    /// Takes a state up again, as far as it is of these rules: a rule that now means something else starts anew, and so
    /// does everything where the state cannot be read.
    pub fn restore(snapshot: Snapshot, rules: &RuleSet, limits: Limits) -> Self {
        let mut state = Self::new(limits);
        let kept = serde_json::from_slice::<Kept>(&snapshot.seen).ok();
        let Some(kept) = kept.filter(|kept| kept.form == FORM) else { return state };
        (state.late, state.forgotten) = (kept.late, kept.forgotten);
        let mut records = snapshot.held.into_iter();
        for stream in kept.streams {
            let records: Vec<Record> = records.by_ref().take(stream.held.len()).collect();
            let (Ok(rule), Ok(cluster)) = (stream.rule.parse(), stream.cluster.parse()) else {
                continue;
            };
            if !rules.correlations().iter().any(|it| it.key == rule) {
                continue;
            }
            if let Some(stream) = stream.taken_up(records) {
                state.streams.insert((rule, cluster), stream);
            }
        }
        state
    }
}

impl KeptStream {
    fn taken_up(self, records: Vec<Record>) -> Option<Stream> {
        let mut stream = Stream {
            newest: Timestamp::from_nanos(self.newest),
            settled: self.settled.map(Timestamp::from_nanos),
            ..Stream::default()
        };
        for (it, record) in self.held.into_iter().zip(records) {
            let key =
                (Timestamp::from_nanos(it.time), it.event.parse().ok()?, it.group.parse().ok()?);
            let value = it.value.map(|value| value.parse()).transpose().ok()?;
            let held = Held { rules: it.rules, value, record: Box::new(record) };
            stream.held.insert(key, held);
        }
        for group in self.groups {
            let (id, window) = group.taken_up()?;
            stream.counted += window.latest.len();
            stream.groups.insert(id, window);
        }
        Some(stream)
    }
}

fn kept_group(id: Id, window: &Window) -> KeptGroup {
    KeptGroup {
        id: id.to_string(),
        latest: window.latest.iter().map(|(id, time)| (id.to_string(), time.as_nanos())).collect(),
        rules: window.rules.iter().map(|(place, time)| (*place, time.as_nanos())).collect(),
        fired: window.fired.map(Timestamp::as_nanos),
        last: window.last.as_nanos(),
    }
}

impl KeptGroup {
    fn taken_up(self) -> Option<(Id, Window)> {
        let mut latest = BTreeMap::new();
        for (id, time) in self.latest {
            latest.insert(id.parse().ok()?, Timestamp::from_nanos(time));
        }
        let rules =
            self.rules.into_iter().map(|(place, time)| (place, Timestamp::from_nanos(time)));
        let fired = self.fired.map(Timestamp::from_nanos);
        let window = Window::of(latest, rules.collect(), fired, Timestamp::from_nanos(self.last));
        Some((self.id.parse().ok()?, window))
    }
}
