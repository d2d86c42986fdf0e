//! Points in time: nanoseconds since the Unix epoch, UTC.
//!
//! Nothing here reads a clock. Event time comes from the source; ingest time is stamped once by the
//! service that first sees a record and is data from then on.

use std::fmt;
use std::time::Duration;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

/// Nanoseconds since 1970-01-01T00:00:00Z. Covers the years 1677 to 2262.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The text is no RFC 3339 time, or lies outside the years 1677 to 2262.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no time as RFC 3339 has them, such as 2026-01-31T10:20:30.5Z")]
pub struct ParseTimestampError {
    text: String,
}

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, with any offset and up to nanoseconds.
    pub fn parse_rfc3339(text: &str) -> Result<Self, ParseTimestampError> {
        let error = || ParseTimestampError { text: text.chars().take(40).collect() };
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| error())?;
        i64::try_from(moment.unix_timestamp_nanos()).map(Self).map_err(|_| error())
    }

    /// This moment moved later by a span; stops at the end of the range.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// This moment moved earlier by a span; stops at the start of the range.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// The distance between two moments, whichever comes first.
    pub const fn distance(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.abs_diff(other.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0))
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok());
        match shown {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ns", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_and_falco_write() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T06:33:39.141513Z", 1_795_329_219_141_513_000),
            ("2026-11-22T06:33:19.122223979Z", 1_795_329_199_122_223_979),
            ("2026-11-22T08:33:19+02:00", 1_795_329_199_000_000_000),
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text).unwrap().as_nanos(), nanos, "{text}");
        }
        assert!(Timestamp::parse_rfc3339("yesterday").is_err());
        assert!(Timestamp::parse_rfc3339("9999-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn shows_what_it_read() {
        let text = "2026-11-22T06:33:19.122223979Z";
        assert_eq!(Timestamp::parse_rfc3339(text).unwrap().to_string(), text);
    }
}
