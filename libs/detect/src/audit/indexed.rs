//! What the raw record of an event is found by, beside the fields that the event has.

use std::net::IpAddr;

use airside_types::{Id, Timestamp};

use super::event::Event;
use super::{event_id, request::Request};
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
pub fn indexed(event: &Event<'_>, intake: &Intake<'_>) -> Indexed {
    let request = Request::new(event, intake.profile);
    Indexed {
        id: event_id(&request, intake),
        time: request.time(),
        address: request.source_address(),
    }
}
