//! Headers and payloads as NATS messages.

use airside_ports::Headers;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;

const MESSAGE: &str = "airside-msg";
const TRACE_PARENT: &str = "traceparent";
/// The server drops what the message's subject had before.
const ROLLUP_SUBJECT: &str = "sub";
/// What NATS adds around headers: a version line, a separator, line ends, and the header of a message that replaces.
const FRAME_BYTES: usize = 32 + 20;
/// What a server keeps of a message beside its subject, headers and payload: lengths, number, time and checksum.
const RECORD_BYTES: usize = 34;

/// A message in the place of all that its subject has.
pub(super) fn replacing(headers: &Headers, payload: Bytes) -> PublishMessage {
    publish(headers, payload).header(async_nats::header::NATS_ROLLUP, ROLLUP_SUBJECT)
}

/// A message to publish. A header that cannot be one, because it breaks the line, is left out.
pub(super) fn publish(headers: &Headers, payload: Bytes) -> PublishMessage {
    let mut map = HeaderMap::new();
    let given = [(MESSAGE, Some(&headers.message)), (TRACE_PARENT, headers.trace_parent.as_ref())];
    for (name, value) in given {
        match value.map(|value| value.parse::<HeaderValue>()) {
            Some(Ok(value)) => map.insert(name, value),
            Some(Err(_)) => {
                tracing::warn!(header = name, "header has a line break and is left out")
            }
            None => {}
        }
    }
    PublishMessage::build().headers(map).payload(payload)
}

/// The size of a message as the server's bound counts it, at most.
pub(super) fn wire_bytes(headers: &Headers, payload: &Bytes) -> usize {
    let trace_parent =
        headers.trace_parent.as_ref().map_or(0, |text| TRACE_PARENT.len() + text.len());
    FRAME_BYTES + MESSAGE.len() + headers.message.len() + trace_parent + payload.len()
}

/// What a message of this size on the wire counts towards the bound of its stream, at most.
pub(super) fn stored_bytes(subject: &str, wire_bytes: usize) -> u64 {
    u64::try_from(RECORD_BYTES + subject.len() + wire_bytes).unwrap_or(u64::MAX)
}

/// The headers of a message that came.
pub(super) fn headers(map: Option<&HeaderMap>) -> Headers {
    let text = |name| map.and_then(|map| map.get(name)).map(|value| value.as_str().to_owned());
    Headers { message: text(MESSAGE).unwrap_or_default(), trace_parent: text(TRACE_PARENT) }
}
