//! Reads audit events out of whatever carries them: JSON lines, an `EventList`, cloud envelopes.
//!
//! One bad record does not lose the others: each event is handed on, or the reason why it is none. The
//! elements of a list are decoded where they stand, one at a time, so memory is bounded by the input's own
//! size. What is cut is handed on as far as it goes ([`truncated`](super::event::Content::truncated)). Text that is
//! not UTF-8 is read with U+FFFD in its place, so that it costs only the words that it stands in.
//!
//! This file holds the ways in and what single values become; `list` holds lists, whole and broken ones,
//! `envelope` tells the clouds' envelopes apart, `packed` unpacks base64 and gzip, `gke` and `aks` hold what
//! is no Kubernetes event in form.

use std::ops::ControlFlow;

use super::event::Event;
use super::known::{Known, Look};
use crate::json::Cursor;

mod aks;
mod envelope;
mod gke;
mod list;
mod packed;

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
    /// The record carries something packed that cannot be unpacked.
    #[error(
        "what this envelope carries cannot be unpacked: {reason}; send it as the cloud's service does"
    )]
    Packed {
        /// What is wrong with it.
        reason: String,
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

/// Who takes what an input holds, and says how far it is read.
pub trait Taker {
    /// Takes what was found; a break ends the reading.
    fn take(&mut self, item: Item<'_, '_>) -> ControlFlow<()>;

    /// Asked before something is unpacked, or copied as a whole. A break ends the reading.
    fn unpacks(&mut self, room: Room) -> ControlFlow<()>;
}

/// How many bytes lie in memory beside the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// At a time.
    pub at_a_time: usize,
    /// One after the other: what was unpacked so far, with what is now.
    pub in_all: usize,
}

/// Takes everything.
struct Everything<'c>(&'c mut dyn FnMut(Item<'_, '_>));

impl Taker for Everything<'_> {
    fn take(&mut self, item: Item<'_, '_>) -> ControlFlow<()> {
        (self.0)(item);
        ControlFlow::Continue(())
    }

    fn unpacks(&mut self, _room: Room) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Reads an input as a whole: JSON lines, or one document over several lines.
pub fn input(bytes: &[u8], each: &mut dyn FnMut(Item<'_, '_>)) {
    whole_input(None, bytes, each);
}

/// The same, where what is known of events that came before need not be read again.
pub fn input_among(known: &Known, bytes: &[u8], each: &mut dyn FnMut(Item<'_, '_>)) {
    whole_input(Some(known), bytes, each);
}

fn whole_input(known: Option<&Known>, bytes: &[u8], each: &mut dyn FnMut(Item<'_, '_>)) {
    let mut everything = Everything(each);
    let mut reader = Reader::new(known, &mut everything);
    if is_spread(bytes) == Some(true) {
        reader.record(1, bytes);
    } else {
        lines(bytes).for_each(|(number, line)| reader.record(number, line));
    }
}

/// Whether an input is one document over several lines and not JSON lines, by how it begins; none where its first
/// line is not all of it, and the second one is missing.
pub fn is_spread(beginning: &[u8]) -> Option<bool> {
    let mut first_two = lines(beginning).take(2).map(|(_, line)| line);
    let (first, second) = (first_two.next()?, first_two.next());
    if !check(first).is_err_and(|error| error.is_eof()) {
        return Some(false);
    }
    second.map(|second| check(second).is_err())
}

/// Reads one line of JSON lines, or the body of one request.
pub fn record(line: u32, bytes: &[u8], each: &mut dyn FnMut(Item<'_, '_>)) {
    record_for(None, &mut Everything(each), line, bytes);
}

/// The same, where what is known of events that came before need not be read again.
pub fn record_among(known: &Known, line: u32, bytes: &[u8], each: &mut dyn FnMut(Item<'_, '_>)) {
    record_for(Some(known), &mut Everything(each), line, bytes);
}

/// The same, as far as its taker wants it.
pub fn record_for(known: Option<&Known>, taker: &mut dyn Taker, line: u32, bytes: &[u8]) {
    Reader::new(known, taker).record(line, bytes);
}

/// The lines that hold something, with their numbers from 1.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    without_mark(bytes)
        .split(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(line, number)| (number, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty())
}

/// Without the byte order mark that some programs write before UTF-8.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn check(line: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).map(|_| ())
}

/// What CloudWatch writes at the end of a message that it has cut.
const CUT: &str = "[Truncated...]";

struct Reader<'c> {
    taker: &'c mut dyn Taker,
    /// What is known of events that came before.
    known: Option<&'c Known>,
    /// The taker wants no more.
    is_over: bool,
    /// The line that is read.
    line: u32,
    /// How many events and letters lists held so far.
    contained: u32,
    /// How many lists surround what is read.
    lists: u32,
    /// How many envelopes surround what is read.
    envelopes: u32,
    /// How many bytes were unpacked of the record.
    unpacked: usize,
    /// How many bytes lie beside the input now.
    beside: usize,
    /// What the record around an event knows of its addresses, as JSON.
    enrichment: Option<String>,
}

impl<'c> Reader<'c> {
    fn new(known: Option<&'c Known>, taker: &'c mut dyn Taker) -> Self {
        Self {
            taker,
            known,
            is_over: false,
            line: 0,
            contained: 0,
            lists: 0,
            envelopes: 0,
            unpacked: 0,
            beside: 0,
            enrichment: None,
        }
    }

    /// Tells what was found: each event with what the record around it knows of its addresses.
    fn tell(&mut self, text: &str, event: Result<&Event<'_>, &Unreadable>) {
        if self.is_over {
            return;
        }
        let line = if self.lists == 0 {
            self.line
        } else {
            self.contained = self.contained.saturating_add(1);
            self.contained
        };
        let enriched = match (event, &self.enrichment) {
            (Ok(event), Some(known)) if event.enrichment.is_none() => {
                let enrichment = Cursor::new(known).raw();
                let mut event = event.clone();
                event.content_mut().enrichment = enrichment;
                Some(event)
            }
            _ => None,
        };
        let event = enriched.as_ref().map_or(event, Ok);
        let told = self.taker.take(Item { line, bytes: text.as_bytes(), event });
        self.is_over = told.is_break();
    }

    fn refuse(&mut self, text: &str, why: &Unreadable) {
        self.tell(text, Err(why));
    }

    /// One record: events, or something that carries events.
    fn record(&mut self, line: u32, bytes: &[u8]) {
        self.line = line;
        self.unpacked = 0;
        self.bytes(without_mark(bytes));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => self.values(text),
            // Quotes and brackets stay what they are, as no broken letter takes one along. One byte becomes three at most.
            Err(_) => self.beside(bytes.len().saturating_mul(3), |reader| {
                reader.values(&String::from_utf8_lossy(bytes));
            }),
        }
    }

    /// Reads something that takes so many bytes beside the input, where there is room for it.
    fn beside(&mut self, bytes: usize, read: impl FnOnce(&mut Self)) {
        let before = self.beside;
        self.beside = before.saturating_add(bytes);
        let room = Room { at_a_time: self.beside, in_all: self.unpacked };
        self.is_over = self.is_over || self.taker.unpacks(room).is_break();
        if !self.is_over {
            read(self);
        }
        self.beside = before;
    }

    /// Values one after the other: Firehose puts them so, without a line break.
    fn values(&mut self, text: &str) {
        let mut cursor = Cursor::new(text);
        // More is space here than to JSON: a form feed alone would be skipped as what stands between values.
        if text.trim_ascii().is_empty() {
            return self.refuse(text, &Unreadable::NotJson { reason: "it is empty".to_owned() });
        }
        while !self.is_over && cursor.peek().is_some() {
            let start = cursor.at();
            if list::is_document(&cursor) {
                self.document(&mut cursor);
            } else {
                self.value(&mut cursor);
            }
            if cursor.broken().is_some() {
                return self.salvage((text, ""), start, start + 1, list::signature(text, start));
            }
        }
    }

    /// One value, which is told if it is whole. Plain events are by far the most, so they are tried first.
    fn value(&mut self, cursor: &mut Cursor<'_>) {
        let start = cursor.at();
        let look = self.look(cursor);
        if let Look::Known(recalled) = &look {
            cursor.go_to(start + recalled.bytes());
            return self.tell(cursor.since(start), Ok(&recalled.event()));
        }
        let mut event = Event::default();
        event.fill(cursor);
        if cursor.broken().is_some() {
            return;
        }
        let text = cursor.since(start);
        if event.is_event() {
            if let (Look::Unknown(unknown), Some(known)) = (&look, self.known) {
                event.known_text = known.texts.note(unknown, text, &event);
            }
            self.tell(text, Ok(&event));
        } else {
            self.envelope(text);
        }
    }

    /// What is known of the text of the event at the cursor. What is known of its addresses beside is no part of that.
    fn look<'t>(&self, cursor: &Cursor<'t>) -> Look<'t> {
        let known = self.known.filter(|_| self.enrichment.is_none());
        let text = cursor.whole().get(cursor.at()..).unwrap_or_default();
        known.map_or(Look::NotKept, |known| known.texts.look(text))
    }

    /// An event that an envelope carries as text, perhaps cut by the envelope's limit.
    fn message(&mut self, text: &str) {
        let mut cursor = Cursor::new(text);
        self.value(&mut cursor);
        if cursor.broken().is_some() {
            self.broken(text);
        } else if let Some(rest) = cursor.rest() {
            self.refuse(rest, &why_refused(rest));
        }
    }

    /// A value that is broken: what comes before a cut is told, other things are refused.
    fn broken(&mut self, text: &str) {
        let text = text.trim_end();
        let whole = text.strip_suffix(CUT).unwrap_or(text);
        match Event::recover(whole) {
            Some(event) => self.tell(text, Ok(&event)),
            None => self.refuse(text, &why_refused(text)),
        }
    }
}

/// What is wrong with a text that is no event.
fn why_refused(text: &str) -> Unreadable {
    match check(text.as_bytes()) {
        Err(error) => Unreadable::NotJson { reason: error.to_string() },
        Ok(()) => Unreadable::NotAnEvent { reason: NO_EVENT.to_owned() },
    }
}

const NO_EVENT: &str = "it has neither verb nor user, nor a known envelope";

#[cfg(test)]
mod tests;
