//! Durations as Go writes them (`1h30m0s`); a bare number is in seconds.

/// The whole seconds of a duration; none where it is not one.
pub(super) fn seconds(text: &str) -> Option<u64> {
    if let Ok(bare) = text.parse() {
        return Some(bare);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, unit_on) = rest.split_at_checked(end)?;
        let end = unit_on.find(|letter: char| letter.is_ascii_digit()).unwrap_or(unit_on.len());
        let (unit, after) = unit_on.split_at_checked(end)?;
        total += number.parse::<f64>().ok()? * seconds_of(unit)?;
        rest = after;
    }
    // Rounded up: what is not zero must not become it. `as` saturates.
    Some(total.ceil() as u64)
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "ns" | "us" | "µs" => Some(1e-9),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("1h30m0s", Some(5400)),
            ("0s", Some(0)),
            ("0", Some(0)),
            ("90", Some(90)),
            ("1.5m", Some(90)),
            ("100ms", Some(1)),
            ("5", Some(5)),
            ("5x", None),
            ("-1s", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
