//! The fields of an event, read one by one where they stand.

use std::borrow::Cow;

use super::{Annotations, Event, Extra, ObjectReference, ResponseStatus, User};
use crate::json::Cursor;

impl<'a> Event<'a> {
    /// Reads the event at which the cursor is. Where the text breaks off, the cursor says so, and the event
    /// has what came before.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut event = Self::default();
        event.fill(cursor);
        event
    }

    /// Fills an empty event: events are big, and this one stays where it is.
    pub(crate) fn fill(&mut self, cursor: &mut Cursor<'a>) {
        let event = self;
        if !cursor.object() {
            return;
        }
        while let Some(key) = cursor.key() {
            // Lengths tell most keys apart.
            match (key.len(), &*key) {
                (7, "auditID") => event.audit_id = cursor.text(),
                (5, "stage") => event.stage = cursor.text(),
                (5, "level") => event.level = cursor.text(),
                (10, "requestURI") => event.request_uri = cursor.text(),
                (4, "verb") => event.verb = cursor.text(),
                (4, "user") => event.user = User::read(cursor),
                (16, "impersonatedUser") => {
                    let is_object = cursor.peek() == Some(b'{');
                    let user = User::read(cursor);
                    event.impersonated_user = is_object.then_some(user);
                }
                (9, "sourceIPs") => event.source_ips = texts(cursor),
                (9, "userAgent") => event.user_agent = cursor.text(),
                (9, "objectRef") => {
                    let is_object = cursor.peek() == Some(b'{');
                    let reference = ObjectReference::read(cursor);
                    event.object_ref = is_object.then_some(reference);
                }
                (14, "responseStatus") => event.response_status = ResponseStatus::read(cursor),
                (13, "requestObject") => event.request_object = cursor.raw(),
                (14, "responseObject") => event.response_object = cursor.raw(),
                (12, "p_enrichment") => event.enrichment = cursor.raw(),
                (22, "authenticationMetadata") => {
                    event.impersonation_constraint = impersonation_constraint(cursor);
                }
                (24, "requestReceivedTimestamp") => event.request_received = cursor.text(),
                // v1beta1 has `timestamp`, the time of the stage.
                (14, "stageTimestamp") | (9, "timestamp") => event.stage_reached = cursor.text(),
                (11, "annotations") => {
                    event.annotations = Annotations::read(cursor);
                    event.truncated |= event.annotations.truncated;
                }
                _ => cursor.skip(),
            }
        }
    }
}

impl<'a> User<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut user = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "username" => user.username = cursor.text(),
                    "uid" => user.uid = cursor.text(),
                    "groups" => user.groups = texts(cursor),
                    "extra" => user.extra = Extra::read(cursor),
                    _ => cursor.skip(),
                }
            }
        }
        user
    }
}

impl<'a> ObjectReference<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut reference = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "resource" => reference.resource = cursor.text(),
                    "namespace" => reference.namespace = cursor.text(),
                    "name" => reference.name = cursor.text(),
                    "uid" => reference.uid = cursor.text(),
                    "apiGroup" => reference.api_group = cursor.text(),
                    "subresource" => reference.subresource = cursor.text(),
                    _ => cursor.skip(),
                }
            }
        }
        reference
    }
}

impl<'a> ResponseStatus<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Self {
        let mut status = Self::default();
        if cursor.object() {
            while let Some(key) = cursor.key() {
                match &*key {
                    "code" => status.code = code(&cursor.text()),
                    "status" => status.status = cursor.text(),
                    "reason" => status.reason = cursor.text(),
                    "message" => status.message = cursor.text(),
                    _ => cursor.skip(),
                }
            }
        }
        status
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
