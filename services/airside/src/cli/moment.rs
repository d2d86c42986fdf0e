//! Times as people write them in arguments: a day, a moment, or how long ago it was.

use std::str::FromStr;
use std::time::Duration;

use airside_config::Interval;
use airside_types::Timestamp;

/// A time that somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A moment.
    At(Timestamp),
    /// A day, by its first moment in UTC.
    Day(Timestamp),
    /// So long ago.
    Ago(Duration),
}

/// The last moment of a day, after its first one.
const REST_OF_DAY: Duration = Duration::from_hours(24).saturating_sub(Duration::from_nanos(1));

impl Moment {
    /// Its first moment.
    pub fn begins(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) | Self::Day(moment) => moment,
            Self::Ago(span) => now.minus(span),
        }
    }

    /// Its last moment: a day is meant whole.
    pub fn ends(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Day(first) => first.plus(REST_OF_DAY),
            Self::At(_) | Self::Ago(_) => self.begins(now),
        }
    }
}

/// From when to when something is asked about, of `--since` and `--until`: both moments are part of it.
pub fn span(
    (since, until): (Option<Moment>, Option<Moment>),
    now: Timestamp,
) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
    let since = since.map(|moment| moment.begins(now));
    let until = until.map(|moment| moment.ends(now));
    if let (Some(since), Some(until)) = (since, until) {
        anyhow::ensure!(since <= until, "--since {since} is later than --until {until}");
    }
    Ok((since, until))
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(ago) = text.parse::<Interval>() {
            return Ok(Self::Ago(ago.as_duration()));
        }
        let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")).map(Self::Day);
        Timestamp::parse_rfc3339(text)
            .map(Self::At)
            .or_else(|_| day())
            .map_err(|_| "write it as 2026-11-26, 2026-11-26T08:00:00Z, or how long ago: 2h")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_moments_or_how_long_ago() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let now = at("2026-11-27T12:00:00Z");
        for (text, begins, ends) in [
            ("2026-11-26", "2026-11-26T00:00:00Z", "2026-11-26T23:59:59.999999999Z"),
            ("2026-11-26T08:00:00Z", "2026-11-26T08:00:00Z", "2026-11-26T08:00:00Z"),
            ("2026-11-26T08:00:00+02:00", "2026-11-26T06:00:00Z", "2026-11-26T06:00:00Z"),
            ("2h", "2026-11-27T10:00:00Z", "2026-11-27T10:00:00Z"),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!((moment.begins(now), moment.ends(now)), (at(begins), at(ends)), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "08:00", "-2h"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
