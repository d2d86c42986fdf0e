//! Where findings and boarding passes come from, and by which rules the passes were given.

use airside_types::{
    AcceptedFinding, Attestation, ChartValue, Origin, Rendering, Rules, SourceLine,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The line that was rendered, and the values that it takes.
pub(super) fn source_line(line: &SourceLine) -> Value {
    let value = |value: &ChartValue| {
        let place = value.place.as_ref();
        json!({
            "key": value.key,
            "path": place.map(|place| place.path.as_str()),
            "line": place.map(|place| place.line),
        })
    };
    json!({
        "path": line.place.path, "line": line.place.line,
        "values": line.values.iter().map(value).collect::<Vec<_>>(),
    })
}

/// Repository, commit, and what was rendered.
pub(super) fn of_pass(origin: &Origin) -> Value {
    let revision = origin.revision.as_ref().map(|it| {
        json!({
            "repository": it.repository, "commit": it.commit, "path": it.path, "dirty": it.is_dirty,
        })
    });
    let rendering = origin.rendering.as_ref().map(|rendering| match rendering {
        Rendering::Chart(chart) => json!({
            "chart": chart.name, "version": chart.version, "template": chart.template,
            "line": chart.line, "values": chart.values,
        }),
        Rendering::Kustomization(from) => json!({
            "kustomization": from.folder, "file": from.file, "line": from.line,
            "repository": from.repository, "reference": from.reference,
        }),
    });
    json!({ "revision": revision, "rendering": rendering })
}

/// The catalogue that judged.
pub(super) fn rules(rules: &Rules) -> Value {
    json!({
        "version": rules.version, "digest": rules.digest.to_string(),
        "failing": rules.failing.as_str(),
    })
}

/// A failure that is accepted.
pub(super) fn accepted(accepted: &AcceptedFinding) -> Value {
    json!({
        "fingerprint": accepted.finding.to_string(), "check": accepted.check,
        "reason": accepted.reason, "until": accepted.until.map(|until| until.to_string()),
    })
}

/// The DSSE envelope, as other tools verify it.
pub(super) fn envelope(attestation: &Attestation) -> Value {
    json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": STANDARD.encode(&attestation.statement),
        "signatures": [{
            "keyid": attestation.key, "sig": STANDARD.encode(&attestation.signature),
        }],
    })
}
