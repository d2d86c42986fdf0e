//! Times at which something is authorised: days of the week, hours of the day in a time zone, up to a day.

use airside_types::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

/// The times of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    pub(super) zone: TimeZone,
    /// From and to, both included; from Sunday to Monday goes over the end of the week.
    pub(super) days: Vec<(Weekday, Weekday)>,
    /// From, and to which it no longer holds; from the evening to the morning goes over midnight.
    pub(super) hours: Option<(Time, Time)>,
    /// The last day.
    pub(super) until: Option<Date>,
}

impl When {
    /// Whether a moment is one of them.
    pub(super) fn holds(&self, moment: Timestamp) -> bool {
        let Some(local) = self.local(moment) else { return false };
        if self.until.is_some_and(|until| local.date() > until) {
            return false;
        }
        let Some((from, to)) = self.hours else { return self.is_day(local.weekday()) };
        let time = local.time();
        if from <= to {
            return self.is_day(local.weekday()) && from <= time && time < to;
        }
        // What began in the evening belongs to the day on which it began.
        let began = if time < to { local.weekday().previous() } else { local.weekday() };
        self.is_day(began) && (time >= from || time < to)
    }

    /// The last day, where it is over.
    pub(super) fn over_since(&self, now: Timestamp) -> Option<Date> {
        let today = self.local(now)?.date();
        self.until.filter(|until| today > *until)
    }

    fn local(&self, moment: Timestamp) -> Option<DateTime> {
        let moment = jiff::Timestamp::from_nanosecond(moment.as_nanos().into()).ok()?;
        Some(self.zone.to_datetime(moment))
    }

    fn is_day(&self, day: Weekday) -> bool {
        let number = |day: Weekday| day.to_monday_zero_offset();
        self.days.is_empty()
            || self.days.iter().any(|(from, to)| {
                let (from, to, day) = (number(*from), number(*to), number(day));
                if from <= to { from <= day && day <= to } else { from <= day || day <= to }
            })
    }
}

/// The zone of a name of the tz database, or of an offset such as `+02:00`.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let offset = |text: &str| {
        let (sign, text) = match text.split_at_checked(1)? {
            ("+", text) => (1, text),
            ("-", text) => (-1, text),
            _ => return None,
        };
        let (hours, minutes) = text.split_once(':')?;
        let minutes = hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?;
        jiff::tz::Offset::from_seconds(sign * minutes * 60).ok()
    };
    match name {
        "UTC" => Some(TimeZone::UTC),
        name => offset(name).map(TimeZone::fixed).or_else(|| TimeZone::get(name).ok()),
    }
}

/// A day of the week by its first three letters.
pub(super) fn weekday(name: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("mon", Weekday::Monday),
        ("tue", Weekday::Tuesday),
        ("wed", Weekday::Wednesday),
        ("thu", Weekday::Thursday),
        ("fri", Weekday::Friday),
        ("sat", Weekday::Saturday),
        ("sun", Weekday::Sunday),
    ];
    let name = name.trim().to_ascii_lowercase();
    DAYS.iter().find(|(short, _)| name == *short).map(|(_, day)| *day)
}
