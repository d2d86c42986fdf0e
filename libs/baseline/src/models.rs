//! The models: each knows one way in which behaviour can be unusual.
//!
//! A model is one file: its text as a [`Rule`], and a function that looks at an observation, remembers, and perhaps
//! finds something rare. `B01` to `B26` are rows of the catalogue of behaviour. Not here are those that are
//! others' by nature: what detections come to together (B23) is correlation's, and which events follow
//! from one deed (B24) is told before behaviour is asked.

mod bound_tokens;
mod breadth;
mod clients;
mod credentials;
mod denials;
mod first_seen;
mod grants;
mod hours;
mod lineage;
mod logins;
mod mix;
mod pairs;
mod points;
mod rhythm;
mod secrets;
mod silence;
mod sizes;
mod slow;
mod sources;
mod steps;
#[cfg(test)]
mod tests;
mod volume;

use airside_types::{Confidence, Rule};

use crate::anomaly::Anomaly;
use crate::behaviour::Look;

pub(crate) use silence::{awaits as awaits_silence, heard, look as silence};

/// All models.
pub(crate) static ALL: &[&Rule] = &[
    &first_seen::ACTOR,
    &sources::RULE,
    &volume::RULE,
    &denials::RULE,
    &logins::RULE,
    &breadth::RULE,
    &secrets::RULE,
    &credentials::RULE,
    &bound_tokens::ELSEWHERE,
    &bound_tokens::OUTLIVED,
    &lineage::RULE,
    &credentials::TRAVEL,
    &clients::RULE,
    &mix::RULE,
    &points::RULE,
    &steps::RULE,
    &pairs::RULE,
    &grants::RULE,
    &first_seen::NODE,
    &hours::RULE,
    &rhythm::RULE,
    &slow::RULE,
    &silence::RULE,
    &sizes::RULE,
];

/// What an observation has that is rare.
pub(crate) fn look(look: &mut Look<'_, '_>) -> Vec<Anomaly> {
    points::begin(look);
    // What is learnt of a client's new version is used by those that come after.
    let mut found = Vec::new();
    found.extend(clients::look(look));
    let deed = first_seen::look(look, &mut found);
    found.extend(sources::look(look));
    found.extend(volume::look(look));
    found.extend(denials::look(look, deed));
    found.extend(logins::look(look));
    found.extend(breadth::look(look));
    found.extend(secrets::look(look));
    found.extend(credentials::look(look));
    found.extend(bound_tokens::look(look));
    found.extend(lineage::look(look));
    found.extend(mix::look(look));
    found.extend(steps::look(look));
    found.extend(grants::look(look));
    found.extend(hours::look(look));
    found.extend(rhythm::look(look));
    found.extend(slow::look(look, deed));
    found.extend(sizes::look(look));
    found.extend(pairs::look(look, deed));
    // What others have told it does not tell again.
    let point = points::look(look, deed, &found);
    found.extend(point);
    found
}

/// Rare is not bad: an anomaly by itself has many innocent explanations.
const RARE: Confidence = Confidence::per_mille(450);
/// What cannot come about innocently without something being moved or shared.
const TELLING: Confidence = Confidence::per_mille(700);
