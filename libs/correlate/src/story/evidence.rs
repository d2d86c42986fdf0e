//! What an incident rests on, bounded: the most severe signals stay, the others are counted.

use std::sync::Arc;

use airside_types::{Evidence, ScoreTerm};

use super::Case;
use crate::signal::Signal;

/// The evidence in the order of time, and a term of no points that counts what is not listed.
pub(super) fn evidence(case: &Case<'_>) -> (Vec<Evidence>, Option<ScoreTerm>) {
    let mut chosen: Vec<&Arc<Signal>> = case.signals.iter().chain(&case.guests).collect();
    let all = chosen.len();
    let most = case.settings.caps.evidence;
    if all > most {
        // The first and the most severe tell the story; repetitions come last.
        chosen
            .sort_by_key(|signal| (std::cmp::Reverse(signal.severity), signal.time(), signal.id()));
        chosen.truncate(most);
    }
    chosen.sort_by_key(|signal| (signal.time(), signal.id()));
    let left_out = (all > most).then(|| ScoreTerm {
        reason: format!("{} more signals belong to this incident and are not listed", all - most),
        points: 0,
    });
    (chosen.into_iter().map(|signal| piece(signal)).collect(), left_out)
}

fn piece(signal: &Signal) -> Evidence {
    Evidence {
        record: signal.id(),
        source: signal.record.source,
        phase: signal.phase,
        time: signal.time(),
        rule: signal.rule(),
        summary: signal.summary(),
        severity: signal.severity,
        native_id: signal.native_id().to_owned(),
        origin: signal.origin().cloned(),
        event: signal.event(),
        repeats: signal.repeats(),
    }
}
