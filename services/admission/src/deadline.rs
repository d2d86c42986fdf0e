//! The caller's deadline, from the query `?timeout=` that API servers send.

use std::time::Duration;

/// What is kept back of the caller's deadline for the way of the answer.
const MARGIN: Duration = Duration::from_millis(100);

/// How long an answer may take: the caller's time-out less a margin, or the own bound, whichever is shorter.
pub(crate) fn budget(query: Option<&str>, own: Duration) -> Duration {
    let callers = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("timeout="))
        .and_then(parse)
        .map(|timeout| timeout.saturating_sub(MARGIN));
    callers.map_or(own, |callers| callers.min(own))
}

/// A Go duration of one or several numbers with units, such as `10s`, `1m30s` or `1.5s`.
fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = number.parse::<f64>().ok()? * seconds;
        total = total.checked_add(Duration::try_from_secs_f64(part).ok()?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_of_both_deadlines_counts() {
        let own = Duration::from_secs(5);
        for (query, millis) in [
            (None, 5000),
            (Some("timeout=10s"), 5000),
            (Some("timeout=2s"), 1900),
            (Some("a=b&timeout=1.5s"), 1400),
            (Some("timeout=1m30s"), 5000),
            (Some("timeout=50ms"), 0),
            (Some("timeout=soon"), 5000),
            (Some("timeout="), 5000),
            (Some("timeout=-3s"), 5000),
        ] {
            assert_eq!(budget(query, own), Duration::from_millis(millis), "{query:?}");
        }
    }
}
