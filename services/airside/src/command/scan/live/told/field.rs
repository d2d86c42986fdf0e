//! A field that has drifted, as people and programs see it.
//!
//! Owns what is shown of values: never a credential.

use airside_k8s::boarding_pass::{Drift, is_credential};
use airside_k8s::{Located, Object, Value, json};
use airside_types::redact::{REDACTED, redact};
use airside_types::{FieldPath, Place, Step};

use super::place;
use crate::show::{PLACE, RESET, clean};

/// Longer values are cut.
const MAX_VALUE: usize = 80;

/// A field that is not what the manifest says.
pub(super) struct Shown<'a> {
    drift: &'a Drift,
    place: Option<Place>,
    manifest: String,
    live: String,
}

impl<'a> Shown<'a> {
    /// A drift of a live object, with the manifest and its path where they are known.
    pub(super) fn of(
        drift: &'a Drift,
        object: &Object<'_>,
        manifest: Option<(&Located<'_>, &str)>,
    ) -> Self {
        let (scanned, live) = match drift {
            Drift::Changed { field, live } => (Some(field), live.as_ref()),
            Drift::Added { field, .. } => (None, Some(field)),
        };
        let place = manifest.map(|(located, path)| {
            let position = located.places.resolve(&above_lists(drift));
            Place { path: path.into(), line: position.line, column: position.column }
        });
        let in_manifest = scanned.zip(manifest);
        let in_manifest = in_manifest.map(|(field, (located, _))| value(field, &located.object));
        Self {
            drift,
            place,
            manifest: in_manifest.unwrap_or_else(nothing),
            live: live.map_or_else(nothing, |live| value(live, object)),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { drift, place, manifest, live } = self;
        let place = place.as_ref().map(|place| format!("  {PLACE}{place}{RESET}"));
        let place = place.unwrap_or_default();
        let field = drift.to_string();
        let field = clean(&field);
        match drift {
            Drift::Changed { .. } => format!("    {field}: {manifest}, now {live}{place}"),
            Drift::Added { .. } => format!("    {field}: {live}{place}"),
        }
    }

    pub(super) fn json(&self) -> Value {
        let (change, name) = match self.drift {
            Drift::Changed { .. } => ("changed", None),
            Drift::Added { name, .. } => ("added", name.as_deref()),
        };
        json!({
            "field": self.drift.field().to_string(), "change": change, "name": name,
            "location": self.place.as_ref().map(place),
            "manifest": self.manifest, "live": self.live,
        })
    }
}

/// The field of a drift, without the last list and what is below it where that is one of the live object: its
/// elements have other indexes there.
fn above_lists(drift: &Drift) -> FieldPath {
    let is_added = matches!(drift, Drift::Added { .. });
    let steps = drift.field().steps().take_while(|step| !is_added || matches!(step, Step::Key(_)));
    steps.collect()
}

/// A value as people may see it: cut, without control characters, never a credential, and of several values only
/// what they are called.
fn value(field: &FieldPath, object: &Object<'_>) -> String {
    let text = match object.at(field) {
        None => return nothing(),
        Some(_) if is_credential(object, field) => return "a credential".to_owned(),
        Some(Value::Object(map)) => {
            let names: Vec<&str> = map.keys().collect();
            format!("{{{}}}", names.join(", "))
        }
        Some(Value::Array(elements)) => return format!("{} elements", elements.len()),
        Some(Value::String(text)) => text.to_string(),
        Some(other) => other.to_string(),
    };
    if redact(&text).contains(REDACTED) {
        return "a credential".to_owned();
    }
    let cut: String = clean(&text).chars().take(MAX_VALUE).collect();
    if cut.len() < text.len() { format!("`{cut}…`") } else { format!("`{cut}`") }
}

fn nothing() -> String {
    "nothing".to_owned()
}
