//! Durations and moments, and their parts. Zones are UTC or an offset such as `+02:00`: there is no table
//! of zones here, and what rests on one is not evaluated.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::super::Failure;
use super::super::value::Value;
use super::{Call, Function, Outcome, member};

pub(super) const FUNCTIONS: &[Function] = &[
    member("getFullYear", (1, 2), "int", |call, _| moment(call, |at| i64::from(at.year()))),
    member("getMonth", (1, 2), "int", |call, _| {
        moment(call, |at| i64::from(u8::from(at.month())) - 1)
    }),
    member("getDate", (1, 2), "int", |call, _| moment(call, |at| i64::from(at.day()))),
    member("getDayOfMonth", (1, 2), "int", |call, _| moment(call, |at| i64::from(at.day()) - 1)),
    member("getDayOfWeek", (1, 2), "int", |call, _| {
        moment(call, |at| i64::from(at.weekday().number_days_from_sunday()))
    }),
    member("getDayOfYear", (1, 2), "int", |call, _| moment(call, |at| i64::from(at.ordinal()) - 1)),
    member("getHours", (1, 2), "int", |call, _| {
        either(call, Duration::whole_hours, |at| i64::from(at.hour()))
    }),
    member("getMinutes", (1, 2), "int", |call, _| {
        either(call, Duration::whole_minutes, |at| i64::from(at.minute()))
    }),
    member("getSeconds", (1, 2), "int", |call, _| {
        either(call, Duration::whole_seconds, |at| i64::from(at.second()))
    }),
    member("getMilliseconds", (1, 2), "int", |call, _| {
        let of_span = |span: Duration| i64::from(span.subsec_milliseconds());
        either(call, of_span, |at| i64::from(at.millisecond()))
    }),
];

fn moment<'a>(call: Call<'_, 'a>, part: fn(OffsetDateTime) -> i64) -> Outcome<'a> {
    let Some(Value::Timestamp(at)) = call.arguments.first() else { return Ok(None) };
    let offset = match (call.arguments.get(1), call.text(1)) {
        (None, _) => UtcOffset::UTC,
        (Some(_), Some(zone)) => offset(zone)?,
        (Some(_), None) => return Ok(None),
    };
    let at = at.checked_to_offset(offset);
    let at = at.ok_or_else(|| Failure::Error("the time is out of range".to_owned()))?;
    Ok(Some(Value::Int(part(at))))
}

fn either<'a>(
    call: Call<'_, 'a>,
    of_span: fn(Duration) -> i64,
    of_moment: fn(OffsetDateTime) -> i64,
) -> Outcome<'a> {
    match call.arguments {
        [Value::Duration(span)] => Ok(Some(Value::Int(of_span(*span)))),
        _ => moment(call, of_moment),
    }
}

/// `UTC`, `+02:00`, `-05:30`.
fn offset(zone: &str) -> Result<UtcOffset, Failure> {
    if matches!(zone, "" | "UTC" | "Z") {
        return Ok(UtcOffset::UTC);
    }
    let unknown = || Failure::Unknown(format!("the time zone `{zone}` is not known here"));
    let (hours, minutes) = zone.split_once(':').ok_or_else(unknown)?;
    let is_negative = hours.starts_with('-');
    let hours: i8 = hours.parse().map_err(|_| unknown())?;
    let minutes: i8 = minutes.parse().map_err(|_| unknown())?;
    UtcOffset::from_hms(hours, if is_negative { -minutes } else { minutes }, 0)
        .map_err(|_| Failure::Error(format!("`{zone}` is no offset of a time zone")))
}

/// A moment by RFC 3339.
pub(in super::super) fn timestamp(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// A moment as RFC 3339 in UTC.
pub(super) fn timestamp_text(at: OffsetDateTime) -> Result<String, Failure> {
    let wrong = || Failure::Error("the time cannot be written".to_owned());
    at.checked_to_offset(UtcOffset::UTC).ok_or_else(wrong)?.format(&Rfc3339).map_err(|_| wrong())
}

/// A duration as Go writes it: `1h30m`, `1.5s`, `-300ms`.
pub(in super::super) fn duration(text: &str) -> Option<Duration> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut nanoseconds: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|it: char| !(it.is_ascii_digit() || it == '.'))?;
        let (number, after) = rest.split_at_checked(end)?;
        let end = after.find(|it: char| it.is_ascii_digit() || it == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        nanoseconds = nanoseconds.checked_add(scaled(number, unit)?)?;
        rest = after;
    }
    let signed = i64::try_from(if is_negative { -nanoseconds } else { nanoseconds }).ok()?;
    Some(Duration::nanoseconds(signed))
}

/// A decimal number times a unit, cut below the nanosecond.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 18 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits = fraction.get(..fraction.len().min(15)).unwrap_or_default();
    let part: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let scale = 10_i128.checked_pow(u32::try_from(digits.len()).ok()?)?;
    whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)?.checked_div(scale)?)
}

/// A duration in seconds, as conversion to a text gives it: `90s`, `1.5s`.
pub(super) fn duration_text(span: Duration) -> String {
    let nanoseconds = span.whole_nanoseconds();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let (seconds, fraction) = (size / 1_000_000_000, size % 1_000_000_000);
    if fraction == 0 {
        return format!("{sign}{seconds}s");
    }
    let digits = format!("{fraction:09}");
    format!("{sign}{seconds}.{}s", digits.trim_end_matches('0'))
}
