//! Setting input aside: kept on the dead-letter stream with the reason, and counted.

use std::sync::Arc;

use airside_ports::{Entry, Headers, Log, LogError, Partition, Stream};
use airside_telemetry::Metrics;
use airside_telemetry::metrics::Counter;
use airside_types::DeadLetter;
use airside_wire::MessageType;
use airside_wire::dead_letter::encode_dead_letter;

/// Where one service puts what it cannot understand.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    service: &'static str,
    log: Arc<dyn Log>,
    counter: Counter,
}

impl DeadLetters {
    /// The dead letters of a service.
    pub fn new(service: &'static str, log: Arc<dyn Log>, metrics: &Metrics) -> Self {
        let counter = metrics
            .counter_by(
                "airside_dead_letters_total",
                "Inputs that could not be understood or applied, by service",
                &["service"],
            )
            .with(&[service]);
        Self { service, log, counter }
    }

    /// The service that sets aside.
    pub const fn service(&self) -> &'static str {
        self.service
    }

    /// Keeps and counts letters. They are durable when this returns.
    pub async fn set_aside(&self, letters: &[DeadLetter]) -> Result<(), LogError> {
        if letters.is_empty() {
            return Ok(());
        }
        let entries = letters.iter().filter_map(entry_of).collect();
        unless_full(self.log.append(Stream::DeadLetters, entries).await)?;
        self.counted(letters);
        Ok(())
    }

    /// Counts letters that somebody else has made durable.
    pub fn counted(&self, letters: &[DeadLetter]) {
        for letter in letters {
            self.counter.inc();
            tracing::warn!(
                service = self.service,
                origin = letter.origin,
                reason = letter.reason,
                bytes = letter.bytes,
                "input was set aside"
            );
        }
    }
}

/// What appending letters gave. Where there is no room for them they are let go: they are counted, and logged with their
/// reason, and what can be understood does not wait for what cannot.
pub(crate) fn unless_full<T>(appended: Result<T, LogError>) -> Result<(), LogError> {
    match appended {
        Err(error @ LogError::Full { .. }) => {
            tracing::error!(error = %error, "dead letters are counted and not kept");
            Ok(())
        }
        appended => appended.map(drop),
    }
}

/// The entry that keeps a letter. A letter is bounded when it is made, so it always fits; one that does not
/// is still counted and logged.
pub fn entry_of(letter: &DeadLetter) -> Option<Entry> {
    let payload = encode_dead_letter(letter)
        .inspect_err(|error| tracing::error!(error = %error, "a dead letter cannot be kept"))
        .ok()?;
    Some(Entry {
        partition: Partition(0),
        headers: Headers {
            message: MessageType::DeadLetter.as_str().to_owned(),
            trace_parent: airside_telemetry::trace::parent_of_current(),
        },
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_without_room_hold_nothing_up_and_other_failures_do() {
        let full = LogError::Full { stream: Stream::DeadLetters, limit_bytes: 1 };
        assert!(unless_full::<()>(Err(full)).is_ok());
        assert!(unless_full::<()>(Err(LogError::Closed)).is_err());
    }
}
