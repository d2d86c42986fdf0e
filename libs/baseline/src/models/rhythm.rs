//! B21: a person whose requests come like a clock's.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::{Look, Rhythm};
use crate::memory::key;
use crate::observation::Class;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B21",
    version: 1,
    title: "A person's account asks like a clock",
    why: "People ask when they want to know. A program that uses their account asks by the clock.",
    next: "Look for the program on the machine that the address is of, and give it an account of its own or end it.",
    severity: Severity::Info,
    confidence: RARE,
    tactic: Tactic::CommandAndControl,
    techniques: &[technique("T1071")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How many requests are alike at least.
const KNOWN: u32 = 40;
/// How much of the interval they may be off.
const OFF: f32 = 0.05;
/// Shorter intervals are those of a watch or a page, longer ones are not waited for. In seconds.
const INTERVALS: std::ops::RangeInclusive<f32> = 5.0..=3700.0;
/// How many kinds of requests are followed.
const FOLLOWED: usize = 8;

pub(super) fn look(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let (observation, request) = (look.observation, &look.observation.request);
    if observation.actor.class != Class::Person || request.resource.is_empty() {
        return None;
    }
    let what = key("rhythm", &[request.verb, request.resource, request.namespace, request.name]);
    let time = observation.time.as_nanos();
    let rhythms = &mut look.actor.rhythms;
    if !rhythms.contains_key(&what) && rhythms.len() >= FOLLOWED {
        let oldest = rhythms.iter().min_by_key(|(_, it)| it.last).map(|(key, _)| *key);
        oldest.and_then(|key| rhythms.remove(&key));
    }
    let rhythm = rhythms.entry(what).or_default();
    let is_new = beat(rhythm, time)?;
    let seen = format!("asks to {} every {:.0} seconds", request.told(), is_new);
    let usual = format!("{KNOWN} requests in a row were less than {:.0} % off", OFF * 100.0);
    Some(Anomaly::of(&RULE, seen, usual, 10_000))
}

/// Takes in a request; tells the interval once it has become one.
fn beat(rhythm: &mut Rhythm, time: i64) -> Option<f32> {
    let interval = time.saturating_sub(rhythm.last) as f32 / 1e9;
    let is_first = rhythm.last == 0;
    rhythm.last = rhythm.last.max(time);
    if is_first {
        return None;
    }
    let off = (interval - rhythm.interval).abs();
    if rhythm.number == 0 || off > 0.5 * rhythm.interval {
        *rhythm = Rhythm { last: rhythm.last, interval, deviation: 0.0, number: 1 };
        return None;
    }
    rhythm.number = rhythm.number.saturating_add(1);
    let share = 1.0 / rhythm.number.min(KNOWN) as f32;
    rhythm.interval += share * (interval - rhythm.interval);
    rhythm.deviation += share * (off - rhythm.deviation);
    let is_steady =
        rhythm.deviation <= OFF * rhythm.interval && INTERVALS.contains(&rhythm.interval);
    (rhythm.number == KNOWN && is_steady).then_some(rhythm.interval)
}
