//! The clouds' envelopes around events, told apart by their keys.
//!
//! CloudWatch's own form comes packed from Lambda, Kinesis and Firehose, Google's from Pub/Sub; Azure's
//! diagnostic records have the event as text or as an object.

use std::borrow::Cow;

use super::list::LISTS;
use super::packed::{MOST_UNPACKED, NotUnpacked, Unpacking};
use super::{NO_EVENT, Reader, Room, Unreadable, aks, gke, packed, why_refused};
use crate::audit::event::Event;
use crate::json::{Cursor, RawJson};

/// How many envelopes may lie in each other.
const MOST_ENVELOPES: u32 = 4;

/// What tells an envelope's form apart.
#[derive(Debug, Default)]
pub(super) struct Form<'a> {
    /// Google's log entry.
    proto_payload: Option<RawJson<'a>>,
    /// Azure's diagnostic record.
    properties: Option<RawJson<'a>>,
    category: Cow<'a, str>,
    enrichment: Option<RawJson<'a>>,
    /// Packed data: of Lambda, Kinesis, Pub/Sub, and of Firehose, which has it without a name around it.
    data: Option<Cow<'a, str>>,
    /// A row of Azure's own table.
    is_row: bool,
    /// A list that comes after keys which nobody knows.
    has_list: bool,
}

impl<'a> Form<'a> {
    /// What the keys of a value say; nothing of one that is no object.
    pub(super) fn of(text: &'a str) -> Self {
        let mut form = Self::default();
        let mut cursor = Cursor::new(text);
        if !cursor.object() {
            return form;
        }
        while let Some(key) = cursor.key() {
            match &*key {
                "protoPayload" => form.proto_payload = cursor.raw(),
                "properties" => form.properties = cursor.raw(),
                "category" => form.category = cursor.text(),
                "p_enrichment" => form.enrichment = cursor.raw(),
                "data" => form.data = Some(cursor.text()),
                "awslogs" | "kinesis" | "message" => form.data = data(&mut cursor).or(form.data),
                list if LISTS.contains(&list) => {
                    form.has_list = cursor.peek() == Some(b'[');
                    cursor.skip();
                }
                "AuditId" => {
                    form.is_row = true;
                    cursor.skip();
                }
                _ => cursor.skip(),
            }
        }
        form
    }
}

impl Form<'_> {
    /// Whether it is the form of an envelope around one event, or around what is packed.
    pub(super) fn carries_an_event(&self) -> bool {
        let is_around = self.proto_payload.is_some() || self.properties.is_some();
        is_around || self.data.is_some() || self.is_row
    }
}

/// The `data` of the object at the cursor.
fn data<'a>(cursor: &mut Cursor<'a>) -> Option<Cow<'a, str>> {
    let mut data = None;
    if cursor.object() {
        while let Some(key) = cursor.key() {
            if key == "data" {
                data = Some(cursor.text());
            } else {
                cursor.skip();
            }
        }
    }
    data
}

impl Reader<'_> {
    /// Something whole that is no event itself: what it carries.
    pub(super) fn envelope(&mut self, text: &str) {
        let form = Form::of(text);
        if self.envelopes == MOST_ENVELOPES {
            let reason = "too many envelopes lie in each other".to_owned();
            return self.refuse(text, &Unreadable::NotAnEvent { reason });
        }
        self.envelopes += 1;
        if form.proto_payload.is_some() {
            match gke::LogEntry::read(text) {
                Ok(entry) => self.tell(text, Ok(&entry.event())),
                Err(why) => self.refuse(text, &why),
            }
        } else if form.is_row {
            self.row(text);
        } else if form.has_list {
            let mut cursor = Cursor::new(text);
            self.document(&mut cursor);
            if cursor.broken().is_some() {
                self.refuse(text, &why_refused(text));
            }
        } else if let Some(properties) = form.properties {
            self.enrichment = form.enrichment.map(|known| known.get().to_owned());
            self.azure(properties.get(), &form.category);
            self.enrichment = None;
        } else if let Some(data) = form.data {
            self.packed(text, &data);
        } else {
            self.refuse(text, &Unreadable::NotAnEvent { reason: NO_EVENT.to_owned() });
        }
        self.envelopes -= 1;
    }

    /// What an envelope has packed.
    fn packed(&mut self, text: &str, data: &str) {
        let (beside, unpacked, taker) = (self.beside, self.unpacked, &mut *self.taker);
        let mut room = |Unpacking { memory, plain }: Unpacking| {
            let at_a_time = beside.saturating_add(memory);
            taker.unpacks(Room { at_a_time, in_all: unpacked.saturating_add(plain) })
        };
        match packed::unpack(data, MOST_UNPACKED.saturating_sub(unpacked), &mut room) {
            Ok(bytes) => {
                self.unpacked = unpacked.saturating_add(bytes.len());
                self.beside(bytes.capacity(), |reader| reader.bytes(&bytes));
            }
            Err(NotUnpacked::Broken { reason, bytes }) => {
                self.unpacked = unpacked.saturating_add(bytes);
                self.refuse(text, &Unreadable::Packed { reason });
            }
            Err(NotUnpacked::NoRoom) => self.is_over = true,
        }
    }

    /// A row of Azure's own table.
    fn row(&mut self, text: &str) {
        let row = aks::renamed(text);
        let mut cursor = Cursor::new(&row.event);
        let mut event = Event::read(&mut cursor);
        event.content_mut().truncated |= row.is_cut || cursor.broken().is_some();
        if event.is_event() {
            self.tell(text, Ok(&event));
        } else {
            self.refuse(text, &Unreadable::NotAnEvent { reason: NO_EVENT.to_owned() });
        }
    }

    /// An Azure diagnostic record: the event as text or as an object.
    fn azure(&mut self, properties: &str, category: &str) {
        let mut cursor = Cursor::new(properties);
        let is_audit = category.is_empty() || category.starts_with("kube-audit");
        if is_audit && cursor.object() {
            while let Some(key) = cursor.key() {
                if key != "log" {
                    cursor.skip();
                    continue;
                }
                let log = match cursor.peek() {
                    Some(b'"') => cursor.text(),
                    _ => cursor.raw().map_or(Cow::Borrowed(""), |log| Cow::Borrowed(log.get())),
                };
                return match &*log {
                    "" => self.refuse(properties, &why_refused(properties)),
                    log => self.message(log),
                };
            }
        }
        let what = if category.is_empty() { "Azure" } else { category }.to_owned();
        self.refuse(properties, &Unreadable::OtherLog { what });
    }
}
