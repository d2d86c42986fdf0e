//! The fields of an event, read one by one where they stand.

use std::borrow::Cow;

use super::{Content, Event, ObjectReference, ResponseStatus, User};
use crate::json::Cursor;

impl<'a> Event<'a> {
    /// Reads the event at which the cursor is. Where the text breaks off, the cursor says so, and the event
    /// has what came before.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut event = Self::default();
        event.fill(cursor);
        event
    }

    /// Fills an empty event: events are big, and this one stays where it is. So do its parts, each of which forgets what it
    /// had where its key comes again.
    pub(crate) fn fill(&mut self, cursor: &mut Cursor<'a>) {
        if !cursor.object() {
            return;
        }
        let Self { audit_id, request_received, stage_reached, content, .. } = self;
        let content = content.insert(Content::default());
        while let Some(key) = cursor.key() {
            // Lengths tell most keys apart.
            match (key.len(), &*key) {
                (7, "auditID") => *audit_id = cursor.text(),
                (5, "stage") => content.stage = cursor.text(),
                (5, "level") => content.level = cursor.text(),
                (10, "requestURI") => content.request_uri = cursor.text(),
                (4, "verb") => content.verb = cursor.text(),
                (4, "user") => content.user.fill(cursor),
                (16, "impersonatedUser") => {
                    let is_object = cursor.peek() == Some(b'{');
                    let mut user = User::default();
                    user.fill(cursor);
                    content.impersonated_user = is_object.then(|| Box::new(user));
                }
                (9, "sourceIPs") => content.source_ips = texts(cursor),
                (9, "userAgent") => content.user_agent = cursor.text(),
                (9, "objectRef") => {
                    let is_object = cursor.peek() == Some(b'{');
                    if is_object {
                        let target = content.object_ref.insert(ObjectReference::default());
                        target.fill(cursor);
                        // Some platforms write an empty one where there is none.
                        if target.is_empty() {
                            content.object_ref = None;
                        }
                    } else {
                        cursor.skip();
                        content.object_ref = None;
                    }
                }
                (14, "responseStatus") => content.response_status.fill(cursor),
                (13, "requestObject") => content.request_object = cursor.raw(),
                (14, "responseObject") => content.response_object = cursor.raw(),
                (12, "p_enrichment") => content.enrichment = cursor.raw(),
                (22, "authenticationMetadata") => {
                    content.impersonation_constraint = impersonation_constraint(cursor);
                }
                (24, "requestReceivedTimestamp") => *request_received = cursor.text(),
                // v1beta1 has `timestamp`, the time of the stage.
                (14, "stageTimestamp") | (9, "timestamp") => *stage_reached = cursor.text(),
                (11, "annotations") => {
                    content.annotations.fill(cursor);
                    content.truncated |= content.annotations.truncated;
                }
                _ => cursor.skip(),
            }
        }
    }
}

impl<'a> User<'a> {
    fn fill(&mut self, cursor: &mut Cursor<'a>) {
        *self = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "username" => self.username = cursor.text(),
                    "uid" => self.uid = cursor.text(),
                    "groups" => self.groups = texts(cursor),
                    "extra" => self.extra.fill(cursor),
                    _ => cursor.skip(),
                }
            }
        }
    }
}

impl<'a> ObjectReference<'a> {
    fn fill(&mut self, cursor: &mut Cursor<'a>) {
        *self = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "resource" => self.resource = cursor.text(),
                    "namespace" => self.namespace = cursor.text(),
                    "name" => self.name = cursor.text(),
                    "uid" => self.uid = cursor.text(),
                    "apiGroup" => self.api_group = cursor.text(),
                    "subresource" => self.subresource = cursor.text(),
                    _ => cursor.skip(),
                }
            }
        }
    }
}

impl<'a> ResponseStatus<'a> {
    fn fill(&mut self, cursor: &mut Cursor<'a>) {
        *self = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "code" => self.code = code(&cursor.text()),
                    "status" => self.status = cursor.text(),
                    "reason" => self.reason = cursor.text(),
                    "message" => self.message = cursor.text(),
                    _ => cursor.skip(),
                }
            }
        }
    }
}

/// What of the authentication's metadata is wanted.
fn impersonation_constraint<'a>(cursor: &mut Cursor<'a>) -> Cow<'a, str> {
    let mut constraint = Cow::default();
    if cursor.object() {
        while let Some(key) = cursor.key() {
            if key == "impersonationConstraint" {
                constraint = cursor.text();
            } else {
                cursor.skip();
            }
        }
    }
    constraint
}

/// An HTTP code, written as a number or as text. Admission webhooks choose codes freely: one that is too
/// big for the field is kept as the biggest.
fn code(text: &str) -> Option<u16> {
    let code: u64 = text.parse().ok()?;
    Some(u16::try_from(code).unwrap_or(u16::MAX))
}

/// A list of texts; `null` reads as empty, and a single text as a list of one.
pub(super) fn texts<'a>(cursor: &mut Cursor<'a>) -> Vec<Cow<'a, str>> {
    let mut texts = Vec::new();
    if cursor.peek() == Some(b'"') {
        texts.push(cursor.text());
    } else if cursor.list() {
        while cursor.element() {
            texts.push(cursor.text());
        }
    }
    texts
}
