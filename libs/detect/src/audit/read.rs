//! Reads audit events out of whatever carries them: JSON lines, an `EventList`, cloud envelopes.
//!
//! One bad record does not lose the others: each event is handed on, or the reason why it is none. Only
//! one record is decoded at a time, so memory is bounded by the input's own size.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::Event;

mod document;
mod gke;

/// What was found at a line.
#[derive(Debug)]
pub struct Item<'e, 'a> {
    /// The line of the input, from 1; for events that one line or document contains (an `EventList`,
    /// CloudWatch or Event Hub records), the event's number, from 1.
    pub line: u32,
    /// The bytes that were read as this event, without what carried them.
    pub bytes: &'e [u8],
    /// The event, or why there is none.
    pub event: Result<&'e Event<'a>, &'e Unreadable>,
}

/// Why a record is no audit event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The record is no JSON.
    #[error("this is no JSON: {reason}; each line must be one whole JSON value")]
    NotJson {
        /// What the parser found, and where.
        reason: String,
    },
    /// The record is JSON, and no audit event.
    #[error("this is no audit event: {reason}")]
    NotAnEvent {
        /// What is missing or wrong.
        reason: String,
    },
    /// The record carries other logs than audit events.
    #[error("this record of {what} carries no Kubernetes audit event; export audit logs only")]
    OtherLog {
        /// What it carries.
        what: String,
    },
    /// The input ends in the middle of a document.
    #[error("the document breaks off after {events} events: {reason}; send it again as a whole")]
    BrokenDocument {
        /// How many events came before.
        events: u32,
        /// What the parser found, and where.
        reason: String,
    },
}

/// Reads an input as a whole: JSON lines, or one document over several lines.
pub fn input(bytes: &[u8], each: &mut dyn FnMut(Item<'_, '_>)) {
    let mut reader = Reader { each, contained: 0 };
    let Some(first) = lines(bytes).next() else { return };
    let goes_on = matches!(check(first.1), Err(error) if error.is_eof());
    let second = lines(bytes).nth(1);
    if goes_on && second.is_some_and(|(_, line)| check(line).is_err()) {
        reader.record(1, bytes);
    } else {
        lines(bytes).for_each(|(number, line)| reader.record(number, line));
    }
}

/// Reads one line of JSON lines, or the body of one request.
pub fn record(line: u32, bytes: &[u8], each: &mut dyn FnMut(Item<'_, '_>)) {
    Reader { each, contained: 0 }.record(line, bytes);
}

/// The lines that hold something, with their numbers from 1.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    bytes
        .split(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(line, number)| (number, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
}

fn check(line: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).map(|_| ())
}

/// What CloudWatch writes at the end of a message that it has cut.
const CUT: &str = "[Truncated...]";

struct Reader<'c> {
    each: &'c mut dyn FnMut(Item<'_, '_>),
    /// How many events containers held so far.
    contained: u32,
}

/// What tells a record's form apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Form<'a> {
    #[serde(borrow)]
    items: Option<&'a RawValue>,
    #[serde(borrow)]
    log_events: Option<&'a RawValue>,
    #[serde(borrow)]
    records: Option<&'a RawValue>,
    #[serde(borrow)]
    proto_payload: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow, rename = "p_enrichment")]
    enrichment: Option<&'a RawValue>,
    message_type: Option<String>,
    category: Option<String>,
}

impl Reader<'_> {
    fn tell(&mut self, line: u32, text: &str, event: Result<&Event<'_>, &Unreadable>) {
        (self.each)(Item { line, bytes: text.as_bytes(), event });
    }

    fn refuse(&mut self, line: u32, text: &str, why: &Unreadable) {
        self.tell(line, text, Err(why));
    }

    /// One record: an event, or something that carries events.
    fn record(&mut self, line: u32, bytes: &[u8]) {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let why = Unreadable::NotJson { reason: error.to_string() };
                return (self.each)(Item { line, bytes, event: Err(&why) });
            }
        };
        // Firehose puts objects one after the other without a line break.
        let mut found = false;
        for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            match value {
                Ok(value) => self.value(line, value.get()),
                Err(error) => return self.broken(line, text, &error),
            }
            found = true;
        }
        if !found {
            self.refuse(line, text, &Unreadable::NotJson { reason: "it is empty".to_owned() });
        }
    }

    /// One whole JSON value. Plain events are by far the most, so they are tried first.
    fn value(&mut self, line: u32, text: &str) {
        let why = match Event::parse(text) {
            Ok(event) if event.is_event() => return self.tell(line, text, Ok(&event)),
            Ok(_) => "it has neither verb nor user, nor a known envelope".to_owned(),
            Err(error) => error.to_string(),
        };
        if text.starts_with('[') {
            return self.list(text);
        }
        let form = serde_json::from_str::<Form<'_>>(text).unwrap_or_default();
        if !self.envelope(line, text, &form) {
            self.refuse(line, text, &Unreadable::NotAnEvent { reason: why });
        }
    }

    /// Something that carries events; `false` if it is nothing of that kind.
    fn envelope(&mut self, line: u32, text: &str, form: &Form<'_>) -> bool {
        if let Some(payload) = form.proto_payload {
            match gke::LogEntry::parse(text, payload) {
                Ok(entry) => self.tell(line, text, Ok(&entry.event())),
                Err(why) => self.refuse(line, text, &why),
            }
        } else if form.message_type.as_deref() == Some("CONTROL_MESSAGE") {
            let what = "CloudWatch control messages".to_owned();
            self.refuse(line, text, &Unreadable::OtherLog { what });
        } else if let Some(list) = form.items.or(form.records).or(form.log_events) {
            self.list(list.get());
        } else if let Some(properties) = form.properties {
            self.azure(line, properties.get(), form);
        } else {
            return false;
        }
        true
    }

    /// The elements of an `EventList`, of Event Hub records or of CloudWatch log events.
    fn list(&mut self, text: &str) {
        let end = document::elements(text, &mut |element| {
            self.contained = self.contained.saturating_add(1);
            self.element(self.contained, element);
        });
        if let Err(error) = end {
            let reason = error.to_string();
            let number = self.contained.saturating_add(1);
            self.refuse(
                number,
                text,
                &Unreadable::BrokenDocument { events: self.contained, reason },
            );
        }
    }

    fn element(&mut self, number: u32, text: &str) {
        #[derive(Deserialize)]
        struct LogEvent {
            message: String,
        }
        match serde_json::from_str::<LogEvent>(text) {
            // CloudWatch has the event as text.
            Ok(log) => self.message(number, &log.message, None),
            Err(_) => self.value(number, text),
        }
    }

    /// An Azure diagnostic record: the event as text or as an object.
    fn azure(&mut self, line: u32, properties: &str, form: &Form<'_>) {
        let category = form.category.as_deref().unwrap_or_default();
        #[derive(Deserialize)]
        struct Properties<'a> {
            #[serde(borrow)]
            log: &'a RawValue,
        }
        let log = match serde_json::from_str::<Properties<'_>>(properties) {
            Ok(properties) if category.is_empty() || category.starts_with("kube-audit") => {
                properties.log.get()
            }
            _ => {
                let what = if category.is_empty() { "Azure" } else { category };
                let why = Unreadable::OtherLog { what: what.to_owned() };
                return self.refuse(line, properties, &why);
            }
        };
        match serde_json::from_str::<String>(log) {
            Ok(message) => self.message(line, &message, form.enrichment),
            Err(_) => self.value(line, log),
        }
    }

    /// An event that an envelope carries as text, perhaps cut by the envelope's limit.
    fn message(&mut self, line: u32, text: &str, enrichment: Option<&RawValue>) {
        match Event::parse(text) {
            Ok(event) if event.is_event() => {
                let enrichment = event.enrichment.or(enrichment);
                self.tell(line, text, Ok(&Event { enrichment, ..event }));
            }
            Ok(_) => {
                let reason = "the envelope's text has neither verb nor user".to_owned();
                self.refuse(line, text, &Unreadable::NotAnEvent { reason });
            }
            Err(error) => self.broken(line, text, &error),
        }
    }

    /// Something that breaks off: half a list gives its first events, an event that CloudWatch has cut
    /// what came before the cut.
    fn broken(&mut self, line: u32, text: &str, error: &serde_json::Error) {
        if error.is_eof() && document::has_items(text) {
            return self.half_list(text, error);
        }
        match Event::recover(text).filter(|_| text.trim_end().ends_with(CUT)) {
            Some(event) => self.tell(line, text, Ok(&event)),
            None => self.refuse(line, text, &Unreadable::NotJson { reason: error.to_string() }),
        }
    }

    fn half_list(&mut self, text: &str, error: &serde_json::Error) {
        document::items(text, &mut |element| {
            self.contained = self.contained.saturating_add(1);
            self.element(self.contained, element);
        });
        let (events, reason) = (self.contained, error.to_string());
        self.refuse(events.saturating_add(1), text, &Unreadable::BrokenDocument { events, reason });
    }
}

#[cfg(test)]
mod tests;
