//! Where a finding's line comes from, and who vouches for a boarding pass.

use airside_types::{Attestation, ChartValue, SourceLine};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The line that was rendered, and the values that it takes.
pub(super) fn source_line(line: &SourceLine) -> Value {
    let value = |value: &ChartValue| {
        let place = value.place.as_ref();
        json!({
            "key": value.key,
            "path": place.map(|place| place.path.as_ref()),
            "line": place.map(|place| place.line),
        })
    };
    json!({
        "path": line.place.path, "line": line.place.line,
        "values": line.values.iter().map(value).collect::<Vec<_>>(),
    })
}

/// The DSSE envelope, as other tools verify it.
pub(crate) fn envelope(attestation: &Attestation) -> Value {
    json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": STANDARD.encode(&attestation.statement),
        "signatures": [{
            "keyid": attestation.key, "sig": STANDARD.encode(&attestation.signature),
        }],
    })
}
