//! What is told of one event: as much as fits an entry of the log, and how much is left out.

use airside_detect::audit::{Event, own};
use airside_types::{NamedValue, Payload, Record, redact};

/// The most detections that are told of one event. Of the rules that match beyond it, the last of the files, only their
/// number is told.
pub(crate) const MAX_TOLD: usize = 100;
/// The most bytes that detections of one event and what correlation rules count of it have together. They travel in one
/// sighting, which is not divided; an entry of the log takes 1 MiB, with what else is in it. Detections have half of it at
/// most.
const MAX_BYTES: usize = 256 << 10;
/// The longest text and the longest name that travel: what is longer is cut on the way.
const MAX_TEXT_BYTES: usize = 8 << 10;
const MAX_NAME_BYTES: usize = 1 << 10;

/// Room for what is told. Once something did not fit nothing else does, so that what is told comes first in the files.
#[derive(Debug)]
pub(crate) struct Room {
    left: usize,
    is_full: bool,
    taken: usize,
}

impl Room {
    pub(crate) const fn of_detections() -> Self {
        Self { left: MAX_BYTES / 2, is_full: false, taken: 0 }
    }

    /// What detections leave to that which correlation rules count.
    pub(crate) const fn of_candidates(detections: &Self) -> Self {
        Self { left: MAX_BYTES - detections.taken, is_full: false, taken: 0 }
    }

    /// Whether so many bytes fit; they are taken then.
    pub(crate) const fn take(&mut self, bytes: usize) -> bool {
        self.is_full |= bytes > self.left;
        if !self.is_full {
            self.left -= bytes;
            self.taken += bytes;
        }
        !self.is_full
    }

    /// Whether something did not fit.
    pub(crate) const fn is_full(&self) -> bool {
        self.is_full
    }
}

/// About how many bytes a record takes on the wire; rather more than fewer.
pub(crate) fn weight_of(record: &Record) -> usize {
    const WITHOUT_TEXTS: usize = 400;
    const OF_LINK: usize = 100;
    let Payload::Detection(detection) = &record.payload else { return WITHOUT_TEXTS };
    let text = |text: &str| text.len().min(MAX_TEXT_BYTES);
    let name = |name: &str| name.len().min(MAX_NAME_BYTES);
    let values = detection.values.iter().map(|it| name(&it.name) + text(&it.value) + 10);
    let links = detection.links.iter().map(|it| OF_LINK + name(it.entity.name()));
    let texts = text(&detection.title) + text(&detection.message);
    WITHOUT_TEXTS + texts + values.chain(links).sum::<usize>()
}

/// Says how many rules are left out: with the last detection, and with all that correlation rules may tell, since nobody
/// knows yet which of those will be.
pub(crate) fn tell_of_rest(found: &mut own::Found, untold: usize, uncounted: usize) {
    let rest = [("untold", untold, "rules"), ("uncounted", uncounted, "correlation rules")];
    let rest = rest.into_iter().filter(|(_, count, _)| *count > 0);
    let rest: Vec<NamedValue> = rest
        .map(|(name, count, what)| NamedValue {
            name: name.to_owned(),
            value: format!("{count} more {what}"),
        })
        .collect();
    let counted = found.candidates.iter_mut().map(|it| &mut *it.record);
    for record in found.records.last_mut().into_iter().chain(counted) {
        if let Payload::Detection(detection) = &mut record.payload {
            detection.values.extend(rest.iter().cloned());
        }
    }
}

/// A value that made a rule fire, as people may see it.
pub(crate) fn shown(field: &str, text: &str, event: &Event<'_>) -> NamedValue {
    let name = field.rsplit('.').next().unwrap_or(field);
    let hidden = holds_secrets(field, event) || redact::is_redacted(name, text);
    let value = if hidden { redact::REDACTED } else { text };
    NamedValue { name: field.to_owned(), value: value.to_owned() }
}

/// Whether a field is of the content of a secret, a token, or the environment of a container.
fn holds_secrets(field: &str, event: &Event<'_>) -> bool {
    let Some((_, below)) = crate::fields::in_body(field) else { return false };
    let below = below.unwrap_or_default();
    let target = event.object_ref.as_ref();
    let is_secret = target.is_some_and(|it| it.resource == "secrets" || it.subresource == "token");
    is_secret && !below.starts_with("metadata.")
        || below.ends_with("env") && below.contains("ontainers")
        || below.contains("env.value")
        || below.is_empty()
}
