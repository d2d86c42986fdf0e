//! Falco's notices about itself: system calls that it could not look at.

use std::time::Duration;

use airside_types::{Gap, Source, Timestamp};

use super::Alert;

/// Falco counts drops over this time before it tells.
const INTERVAL: Duration = Duration::from_secs(1);

/// The gap that a notice tells of; none for other notices about itself.
pub(super) fn gap(alert: &Alert) -> Option<Gap> {
    let is_drop = alert.rule == "Falco internal: syscall event drop";
    let until = alert.time().filter(|_| is_drop)?;
    // Old versions write the number as text; templates may leave only the sentence.
    let in_sentence = || {
        let words = alert.output.as_deref()?.split_whitespace();
        words.into_iter().find_map(|word| word.parse::<u64>().ok())
    };
    let counted = alert.number("n_drops").and_then(|drops| u64::try_from(drops).ok());
    Some(Gap {
        source: Source::Falco,
        origin: alert.hostname.clone().unwrap_or_default(),
        from: until.minus(INTERVAL).max(Timestamp::EPOCH),
        until,
        lost: counted.or_else(in_sentence),
        reason: "Falco could not keep up with system calls and dropped some".to_owned(),
    })
}
