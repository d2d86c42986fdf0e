//! Lists of events: element by element where they stand, and what is left of a list that is broken.

use std::borrow::Cow;

use super::envelope::Form;
use super::{Reader, Unreadable, why_refused};
use crate::audit::event::Event;
use crate::json::{Break, Cursor};
use crate::split::split_once;

/// Keys under which documents have lists: an `EventList`, CloudWatch, Event Hub and Firehose, Kinesis.
pub(super) const LISTS: [&str; 4] = ["items", CLOUD_WATCH, "records", "Records"];

/// The list whose elements have their event as text.
const CLOUD_WATCH: &str = "logEvents";

/// Keys that may come before the list. An event begins with the first two of them, and then has another.
const BEFORE_LISTS: [&str; 11] = [
    "kind",
    "apiVersion",
    "metadata",
    "messageType",
    "owner",
    "logGroup",
    "logStream",
    "subscriptionFilters",
    "requestId",
    "timestamp",
    "invocationId",
];

/// Whether the value at the cursor is a list, or a document with one.
pub(super) fn is_document(cursor: &Cursor<'_>) -> bool {
    let mut cursor = cursor.clone();
    if cursor.peek() == Some(b'[') {
        return true;
    }
    if !cursor.object() {
        return false;
    }
    while let Some(key) = cursor.key() {
        if LISTS.contains(&&*key) {
            return cursor.peek() == Some(b'[');
        }
        if !BEFORE_LISTS.contains(&&*key) {
            return false;
        }
        cursor.skip();
    }
    false
}

/// How the values begin of which the one at a byte is one: up to its first colon, such as `{"level":`.
pub(super) fn signature(text: &str, start: usize) -> &str {
    const LONGEST: usize = 64;
    let value = text.get(start..).unwrap_or_default();
    match split_once(value, b':') {
        Some((key, _)) if key.len() < LONGEST && key.starts_with('{') && key.ends_with('"') => {
            value.get(..=key.len()).unwrap_or_default()
        }
        _ => "",
    }
}

impl Reader<'_> {
    /// A document with a list, or a bare list.
    pub(super) fn document(&mut self, cursor: &mut Cursor<'_>) {
        let start = cursor.at();
        if cursor.peek() == Some(b'[') {
            self.list(cursor, "items");
            return;
        }
        let mut is_control = false;
        if !cursor.object() {
            return;
        }
        while let Some(key) = cursor.key() {
            if key == "messageType" {
                is_control = cursor.text() == "CONTROL_MESSAGE";
            } else if !is_control && LISTS.contains(&&*key) && cursor.peek() == Some(b'[') {
                if !self.list(cursor, &key) {
                    return;
                }
            } else {
                cursor.skip();
            }
        }
        if is_control && cursor.broken().is_none() {
            let what = "CloudWatch control messages".to_owned();
            self.refuse(cursor.since(start), &Unreadable::OtherLog { what });
        }
    }

    /// The elements of the list at the cursor; whether it is whole and wanted. One that is broken is salvaged, and the
    /// cursor is at the end of the text then.
    fn list(&mut self, cursor: &mut Cursor<'_>, key: &str) -> bool {
        self.lists += 1;
        let text = cursor.whole();
        let mut how_they_begin = "";
        let (mut broken_at, mut last) = (None, cursor.at());
        cursor.list();
        while cursor.element() {
            cursor.peek();
            let start = cursor.at();
            last = start;
            if is_torn(cursor) {
                cursor.fail();
            } else {
                self.element(cursor, key);
            }
            if self.is_over {
                cursor.go_to(text.len());
                self.lists -= 1;
                return false;
            }
            if cursor.broken().is_some() {
                broken_at = Some((start, start + 1));
                break;
            }
            if how_they_begin.is_empty() {
                how_they_begin = signature(text, start);
            }
        }
        let is_whole = cursor.broken().is_none();
        if !is_whole {
            let is_closed = text.trim_end().ends_with("]}");
            let (start, from) = broken_at.unwrap_or_else(|| match cursor.broken() {
                // A bracket that the last element left open took its siblings along.
                Some(Break::Cut) if is_closed => (cursor.at(), last + 1),
                _ => (cursor.at(), cursor.at()),
            });
            self.salvage((text, key), start, from, how_they_begin);
            cursor.go_to(text.len());
        }
        self.lists -= 1;
        is_whole
    }

    /// An element of the list of this name.
    fn element(&mut self, cursor: &mut Cursor<'_>, key: &str) {
        if key == CLOUD_WATCH {
            self.log_event(cursor);
        } else {
            self.value(cursor);
        }
    }

    /// An element of CloudWatch's, which has the event as text.
    fn log_event(&mut self, cursor: &mut Cursor<'_>) {
        let start = cursor.at();
        let mut message = None;
        if cursor.object() {
            while let Some(key) = cursor.key() {
                if key == "message" {
                    message = Some(match cursor.peek() {
                        Some(b'{') => cursor.raw().map_or(Cow::Borrowed(""), |it| it.get().into()),
                        _ => cursor.text(),
                    });
                } else {
                    cursor.skip();
                }
            }
        }
        match message {
            _ if cursor.broken().is_some() => {}
            Some(message) => self.message(&message),
            None => {
                let reason = format!("an element of `{CLOUD_WATCH}` without `message`");
                self.refuse(cursor.since(start), &Unreadable::NotAnEvent { reason });
            }
        }
    }

    /// What can be told apart of a text that is broken from a value on: the events, or what carries them in the list of
    /// this name, that begin as its siblings do, from a byte on. What lies between them is a letter each.
    pub(super) fn salvage(
        &mut self,
        (text, key): (&str, &str),
        start: usize,
        mut from: usize,
        how_they_begin: &str,
    ) {
        let mut unread = start;
        let how_they_begin = match how_they_begin {
            "" => usual_signature(text.get(from..).unwrap_or_default()),
            known => known,
        };
        // Each attempt may go to the end of the text, and who breaks it may place many of them.
        let mut effort = text.len().saturating_mul(MOST_EFFORT);
        while !self.is_over && effort > 0 {
            let Some(here) = next_piece(text, from, how_they_begin) else { break };
            let mut cursor = Cursor::new(text.get(here..).unwrap_or_default());
            let event = Event::read(&mut cursor);
            let is_event = event.is_event();
            let is_whole = cursor.broken().is_none();
            if is_whole && (is_event || carries_an_event(cursor.since(0), key)) {
                self.left_over(text.get(unread..here).unwrap_or_default());
                if is_event {
                    self.tell(cursor.since(0), Ok(&event));
                } else {
                    self.element(&mut Cursor::new(cursor.since(0)), key);
                }
                // What lies within an event is not one of its siblings.
                from = here + cursor.at();
                unread = from;
            } else {
                effort = effort.saturating_sub(cursor.at());
                from = here + 1;
            }
        }
        self.end(text, text.get(unread..).unwrap_or_default(), unread == start);
    }

    fn left_over(&mut self, piece: &str) {
        let piece = piece.trim_matches(is_between);
        if !piece.is_empty() {
            self.broken(piece);
        }
    }

    /// What a broken text ends with. A list that does not end is no whole document, whether or not an
    /// event that is cut can be told.
    fn end(&mut self, text: &str, piece: &str, is_all: bool) {
        if self.is_over {
            return;
        }
        let is_cut = self.lists > 0 && !text.trim_end().ends_with([']', '}']);
        let is_nothing = piece.chars().all(|it| is_between(it) || matches!(it, ']' | '}'));
        if !is_cut {
            if !is_nothing {
                self.left_over(piece);
            } else if is_all && !piece.trim_ascii().is_empty() {
                // Brackets and commas alone are still something that somebody sent.
                self.refuse(piece, &why_refused(piece));
            }
            return;
        }
        if let Some(event) = Event::recover(piece.trim_matches(is_between)) {
            self.tell(piece, Ok(&event));
        }
        let (events, reason) = (self.contained, Break::Cut.to_string());
        self.refuse(piece, &Unreadable::BrokenDocument { events, reason });
    }
}

/// Whether a whole value that is no event has one within, as an element of the list of this name.
fn carries_an_event(text: &str, key: &str) -> bool {
    if key != CLOUD_WATCH {
        return Form::of(text).carries_an_event();
    }
    let mut cursor = Cursor::new(text);
    let mut has_message = false;
    if cursor.object() {
        while let Some(key) = cursor.key() {
            has_message |= key == "message";
            cursor.skip();
        }
    }
    has_message
}

/// Whether an element that is no object is none at all: a lone quote takes its neighbour along.
fn is_torn(cursor: &mut Cursor<'_>) -> bool {
    if cursor.peek() == Some(b'{') {
        return false;
    }
    let mut cursor = cursor.clone();
    cursor.skip();
    !matches!(cursor.peek(), Some(b',' | b']'))
}

/// How many times over the length of a broken text its salvage may read in vain.
const MOST_EFFORT: usize = 16;

/// How the events after a broken first one begin: as the API server writes them to a webhook, or to a log.
fn usual_signature(text: &str) -> &'static str {
    const USUAL: [&str; 3] = ["{\"level\":", "{\"kind\":\"Event\"", "{\"auditID\":"];
    let places = USUAL.iter().filter_map(|begin| Some((text.find(begin)?, *begin)));
    places.min().map_or("", |(_, begin)| begin)
}

/// Where the next value begins that begins as its siblings do.
fn next_piece(text: &str, from: usize, how_they_begin: &str) -> Option<usize> {
    let rest = text.get(from..).filter(|_| !how_they_begin.is_empty())?;
    rest.find(how_they_begin).map(|at| from + at)
}

/// What stands between the values of a list.
fn is_between(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == ','
}
