//! Checks on credentials that lie where they should not, by where they lie.
//!
//! What a credential is, is `crate::secrets`' to say. No message shows a value.

pub(super) mod annotations;
pub(super) mod commands;
pub(super) mod config_maps;
pub(super) mod custom_resources;
pub(super) mod environment;
pub(super) mod manifests;
pub(super) mod placeholders;
pub(super) mod references;
pub(super) mod volumes;

use crate::secrets::{Confidence, Found};

/// The credentials as a message tells them: the first with its place and fingerprint, the others by number.
fn described<'f>(found: impl Iterator<Item = &'f Found>) -> Option<String> {
    let mut found = found.peekable();
    let first = found.next()?;
    let mut text = first.hit.what.to_owned();
    if let Some(inside) = &first.inside {
        text.push_str(&format!(" ({inside})"));
    }
    if let Some(fingerprint) = &first.hit.fingerprint {
        text.push_str(&format!(", fingerprint {fingerprint}"));
    }
    match found.count() {
        0 => {}
        more => text.push_str(&format!(", and {more} more")),
    }
    Some(text)
}

/// Whether a credential is known by more than the name that it stands under.
fn is_shaped(found: &&Found) -> bool {
    found.hit.confidence > Confidence::Named
}

#[cfg(test)]
mod tests;
