//! B25: a log that falls silent.

use std::ops::Range;

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use airside_types::Timestamp;

use super::TELLING;
use crate::anomaly::Anomaly;
use crate::behaviour::Shared;

pub(super) static RULE: Rule = Rule {
    id: "AUD-B25",
    version: 1,
    title: "The audit log has fallen silent",
    why: "An API server is never silent: its own components ask all the time. Either it is down, or its log no longer comes here.",
    next: "Look whether the API server runs, whether its audit policy or webhook was changed, and by whom.",
    severity: Severity::Medium,
    confidence: TELLING,
    tactic: Tactic::DefenseEvasion,
    techniques: &[technique("T1562.008")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

const MINUTE: i64 = 60_000_000_000;
/// How many events must have come.
const KNOWN: u64 = 10_000;
/// Shorter pauses are never told.
const AT_LEAST: i64 = 5 * MINUTE;
/// How much longer than the longest pause so far.
const TIMES: i64 = 5;
/// Who did not look at the clock for so long was away, and does not know what there would have been to hear.
const AWAY: i64 = 3 * MINUTE;
/// For how long a pause of a cluster is looked at of which less than [`KNOWN`] events came.
const UNKNOWN_FOR: i64 = 60 * MINUTE;

/// Takes note that so many events were heard at a time.
pub(crate) fn heard(shared: &mut Shared, time: Timestamp, events: u64) {
    shared.pace_changed = true;
    let pace = &mut shared.pace;
    let time = time.as_nanos();
    // Whoever was away heard nothing, which is no pause. An hour of looking at a cluster that is not known yet is enough
    // to say that nobody was.
    let was_looked_at =
        pace.events < KNOWN && pace.looked.saturating_sub(pace.last) >= UNKNOWN_FOR - AWAY;
    let is_away = time.saturating_sub(pace.last.max(pace.looked)) > AWAY && !was_looked_at;
    if pace.events > 0 && !pace.is_told && !is_away {
        pace.longest = pace.longest.max(time.saturating_sub(pace.since()));
    }
    pace.last = pace.last.max(time);
    pace.events = pace.events.saturating_add(events);
    pace.is_told = false;
}

/// Between which times looking may lead to something.
pub(crate) fn awaits(shared: &Shared) -> Range<Timestamp> {
    let pace = &shared.pace;
    let since = pace.since();
    let until = match (pace.is_told, pace.events >= KNOWN) {
        (true, _) => since,
        (false, true) => i64::MAX,
        (false, false) => since.saturating_add(UNKNOWN_FOR),
    };
    Timestamp::from_nanos(since)..Timestamp::from_nanos(until)
}

/// What the time says that has passed without anything being heard. It is asked every minute or so.
pub(crate) fn look(shared: &mut Shared, now: Timestamp) -> Option<Anomaly> {
    shared.pace_changed = true;
    let pace = &mut shared.pace;
    let now = now.as_nanos();
    if now.saturating_sub(pace.last.max(pace.looked)) > AWAY {
        pace.listening = now;
    }
    pace.looked = pace.looked.max(now);
    let pause = now.saturating_sub(pace.since());
    let is_long = pause > AT_LEAST.max(TIMES.saturating_mul(pace.longest));
    if pace.events < KNOWN || pace.is_told || !is_long {
        return None;
    }
    pace.is_told = true;
    let seen = format!("has told nothing for {} minutes", pause / MINUTE);
    let usual = format!(
        "in {} events the longest pause was {} seconds",
        pace.events,
        pace.longest / 1_000_000_000
    );
    Some(Anomaly::of(&RULE, seen, usual, 1))
}
