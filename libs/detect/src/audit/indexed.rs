//! What the raw record of an event is found by, beside the fields that the event has.

use std::net::IpAddr;

use airside_types::{Id, Timestamp};

use super::request::Request;
use crate::intake::Intake;

/// What an event is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexed {
    /// The identity that its detections name.
    pub id: Id,
    /// When the request was received, as the event says.
    pub time: Option<Timestamp>,
    /// The address of the client, as far as it is certain.
    pub address: Option<IpAddr>,
}

/// What an event is found by, whatever its stage.
pub fn indexed(request: &Request<'_>, intake: &Intake<'_>) -> Indexed {
    Indexed { id: request.id(intake), time: request.time(), address: request.source_address() }
}
