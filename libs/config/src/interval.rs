//! Spans of time as people write them: `250ms`, `10s`, `1h30m`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use airside_types::redact::redact;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// How long something may take, or how often it happens. Settings write whole numbers with units, the
/// largest first: `d`, `h`, `m`, `s`, `ms`, `us`, `ns`. At most 584 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Interval {
    nanos: u64,
}

/// Units, each with its nanoseconds, the largest first.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Interval {
    /// So many milliseconds.
    pub const fn from_millis(count: u32) -> Self {
        Self { nanos: count as u64 * 1_000_000 }
    }

    /// So many seconds.
    pub const fn from_secs(count: u32) -> Self {
        Self { nanos: count as u64 * 1_000_000_000 }
    }

    /// So many days.
    pub const fn from_days(count: u16) -> Self {
        Self { nanos: count as u64 * 86_400_000_000_000 }
    }

    /// As the standard library has it.
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}

impl From<Interval> for Duration {
    fn from(interval: Interval) -> Self {
        interval.as_duration()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.nanos;
        for (unit, nanos) in UNITS {
            if rest >= nanos {
                write!(f, "{}{unit}", rest / nanos)?;
                rest %= nanos;
            }
        }
        Ok(())
    }
}

/// The text is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no span of time: write whole numbers with units, such as `250ms`, `10s` or `7d`"
)]
pub struct ParseIntervalError {
    text: String,
}

impl FromStr for Interval {
    type Err = ParseIntervalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseIntervalError { text: redact(text).chars().take(40).collect() };
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(error());
        }
        let mut total = 0_u64;
        let mut smaller_than = u64::MAX;
        while !rest.is_empty() {
            let (count, behind) = split_while(rest, |c| c.is_ascii_digit());
            let (unit, behind) = split_while(behind, |c| c.is_ascii_alphabetic());
            let count: u64 = count.parse().map_err(|_| error())?;
            let (_, nanos) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
            let nanos = Some(nanos).filter(|nanos| *nanos < smaller_than).ok_or_else(error)?;
            total = count
                .checked_mul(nanos)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(error)?;
            smaller_than = nanos;
            rest = behind;
        }
        Ok(Self { nanos: total })
    }
}

/// The longest beginning whose characters all pass, and what is behind it.
fn split_while(text: &str, passes: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !passes(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntervalVisitor)
    }
}

struct IntervalVisitor;

impl Visitor<'_> for IntervalVisitor {
    type Value = Interval;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span of time with its unit, such as \"10s\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Interval, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, span) in [
            ("0s", Duration::ZERO),
            ("250ms", Duration::from_millis(250)),
            ("10s", Duration::from_secs(10)),
            (" 5m ", Duration::from_secs(300)),
            ("1h30m", Duration::from_secs(5400)),
            ("7d", Duration::from_secs(604_800)),
            ("1s500us", Duration::from_micros(1_000_500)),
        ] {
            assert_eq!(text.parse::<Interval>().unwrap().as_duration(), span, "{text}");
        }
    }

    #[test]
    fn refuses_what_has_no_unit_or_could_be_misread() {
        for text in
            ["", "10", "s", "-1s", "1.5s", "10 s", "10S", "1m1h", "1s1s", "1w", "600000d", "1s,"]
        {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
        let error = serde_json::from_str::<Interval>("10").unwrap_err().to_string();
        assert!(error.contains("with its unit"), "{error}");
    }

    proptest! {
        #[test]
        fn a_span_survives_its_text(nanos: u64) {
            let interval = Interval { nanos };
            let json = serde_json::to_string(&interval).unwrap();
            prop_assert_eq!(serde_json::from_str::<Interval>(&json).unwrap(), interval);
        }
    }
}
