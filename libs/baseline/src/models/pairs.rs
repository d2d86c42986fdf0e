//! B17: two that the cluster knows well, and has never seen together.
//!
//! A service account and a kind of object, an image and a namespace. What is new for the one others tell: a deed that
//! writes or is dangerous is B01's by the account's own habits, and an image that is new for a settled namespace is row
//! R50's. Here the other one's habits speak as well. So an account is told only for reading, which B01 leaves out: one of
//! few habits reads what few others read. Of an image it counts that it never leaves its few namespaces, however much
//! comes and goes where it turns up; row R50 stands for that where it is told as just as bad.
//!
//! The measure is pointwise mutual information with support: on how many occasions the two would have met by chance.
//! Where that is none, that they never met says nothing.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use super::first_seen::Deed;
use crate::anomaly::{Anomaly, counted};
use crate::behaviour::Look;
use crate::memory::{Meeting, key};
use crate::observation::{Class, Outcome, Weight};

pub(super) static RULE: Rule = Rule {
    id: "AUD-B17",
    version: 1,
    title: "Two that never met in the cluster come together",
    why: "What belongs to a few stays with them. An account that turns to it, or an image that turns up elsewhere, is used by somebody who does not know whose it is.",
    next: "Ask the owners of both whether they have to do with each other; else look at all that the actor did since, and from where.",
    severity: Severity::Info,
    confidence: RARE,
    tactic: Tactic::Discovery,
    techniques: &[technique("T1613")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// On how many occasions each of the two must have been seen.
const KNOWN: u32 = 48;
/// How rare a new other must be for each of them, by a million.
const RARER_THAN: u32 = 20_000;
/// The same where it is told as low.
const LOW: u32 = 5_000;
/// On how many occasions they would have met by chance, at least: had they nothing to do with each other, they
/// would not have met in one of twenty cases.
const BY_CHANCE: u32 = 3;

pub(super) fn look(look: &mut Look<'_, '_>, deed: Deed) -> Option<Anomaly> {
    let of_resource = resource(look, deed);
    // What an image says counts more than what the account's reading does; both never come of one request.
    image(look).or(of_resource)
}

/// A service account and a kind of object.
fn resource(look: &mut Look<'_, '_>, deed: Deed) -> Option<Anomaly> {
    let observation = look.observation;
    // What was seen in this hour already says nothing.
    if observation.actor.class != Class::Account || deed.key.is_none() || deed.is_again {
        return None;
    }
    let request = &observation.request;
    let thing = key("resource", &[request.group, request.resource, request.subresource]);
    let account = key("account", &[observation.actor.name]);
    let meeting = look.shared.resources.meet(thing, account, look.now)?;
    let of_actor = deed.of_actor?.per_million.max(meeting.novelty.per_million);
    if deed.weight != Weight::Reads || !is_rare(&meeting, of_actor) {
        return None;
    }
    let seen = format!("did `{}`, which is others'", request.told());
    let usual = format!(
        "on {} occasions {} had to do with that kind, on {} it had to do with other kinds, and by chance they would have met {} times",
        meeting.novelty.occasions,
        counted(meeting.others, "other account"),
        meeting.other,
        meeting.by_chance
    );
    Some(judged(seen, usual, of_actor))
}

/// An image and a namespace. Of several images the first that is rare is told.
fn image(look: &mut Look<'_, '_>) -> Option<Anomaly> {
    let observation = look.observation;
    let namespace = observation.request.namespace;
    if observation.images.is_empty() || namespace.is_empty() || observation.outcome != Outcome::Done
    {
        return None;
    }
    let mut told = None;
    for image in observation.images {
        let thing = key("image", &[image]);
        let place = key("namespace", &[namespace]);
        let Some(meeting) = look.shared.images.meet(thing, place, look.now) else { continue };
        if told.is_some() || !is_rare(&meeting, meeting.novelty.per_million) {
            continue;
        }
        let seen = format!("brought image {image} into {namespace}, where it never ran");
        let usual = format!(
            "on {} occasions it ran in {}, on {} other images ran there, and by chance they would have met {} times",
            meeting.novelty.occasions,
            counted(meeting.others, "other namespace"),
            meeting.other,
            meeting.by_chance
        );
        told = Some(judged(seen, usual, meeting.novelty.per_million));
    }
    told
}

const fn is_rare(meeting: &Meeting, per_million: u32) -> bool {
    meeting.novelty.occasions >= KNOWN
        && meeting.other >= KNOWN
        && meeting.by_chance >= BY_CHANCE
        && per_million <= RARER_THAN
}

fn judged(seen: String, usual: String, per_million: u32) -> Anomaly {
    let severity = if per_million <= LOW { Severity::Low } else { RULE.severity };
    Anomaly::of(&RULE, seen, usual, per_million).at(severity)
}
