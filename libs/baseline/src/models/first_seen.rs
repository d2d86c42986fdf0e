//! B01 and B19: something that an actor has never done, and that others of its kind seldom do.

use airside_types::attack::technique;
use airside_types::{Rule, Severity, Source, Tactic};

use super::RARE;
use crate::anomaly::Anomaly;
use crate::behaviour::Look;
use crate::memory::{Key, Novelty, Sight, key};
use crate::observation::{Class, Observation, Outcome, Weight};

pub(super) static ACTOR: Rule = Rule {
    id: "AUD-B01",
    version: 1,
    title: "An actor does something for the first time",
    why: "Programs do the same few things all their lives. Somebody who has taken over their account does not.",
    next: "Ask whether the program was upgraded, or whether the person has a new task; else look at all that the actor did since, and from where.",
    severity: Severity::Low,
    confidence: RARE,
    tactic: Tactic::InitialAccess,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

pub(super) static NODE: Rule = Rule {
    id: "AUD-B19",
    version: 1,
    title: "A node does what no other node does",
    why: "All kubelets run the same program. One that differs is used by somebody else.",
    next: "Compare what the node's credential did with the pods that run there, and look for a login or a breakout on the node.",
    severity: Severity::Medium,
    confidence: RARE,
    tactic: Tactic::InitialAccess,
    techniques: &[technique("T1078")],
    equivalents: &[],
    source: Source::Audit,
    examples: None,
};

/// How rare something new must be for the actor, by a million.
const OF_ACTOR: u32 = 20_000;
/// The same for its class.
const OF_CLASS: u32 = 10_000;
/// In how many namespaces an actor does something that it does everywhere.
const EVERYWHERE: u8 = 5;
/// On how many occasions a class must have been seen.
const CLASS_KNOWN: u32 = 200;

/// What is new about the deed itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deed {
    /// New for the actor, after so much was known.
    pub(super) of_actor: Option<Novelty>,
    /// None of its kind has done it, and of those enough is known.
    pub(super) is_new_for_all: bool,
    pub(super) weight: Weight,
    /// What was done; none where nothing was.
    pub(super) key: Option<Key>,
    /// The actor did it in this hour already.
    pub(super) is_again: bool,
}

pub(super) fn look(look: &mut Look<'_, '_>, found: &mut Vec<Anomaly>) -> Deed {
    let observation = look.observation;
    let weight = observation.request.weight();
    if observation.outcome != Outcome::Done || observation.request.resource.is_empty() {
        return Deed { of_actor: None, is_new_for_all: false, weight, key: None, is_again: true };
    }
    let now = look.now;
    let deed = deed_of(observation);
    let sight = look.actor.deeds.sight(deed, now);
    let of_actor = match sight {
        Sight::New(novelty) if !is_everywhere(look) => Some(novelty),
        _ => None,
    };
    let of_class = look.class().deeds.see(deed, now);
    if let Some(actor) = of_actor {
        found.extend(judged(observation, weight, actor, of_class));
    }
    let is_new_for_all = of_class.is_some_and(is_known_to_be_new);
    Deed { of_actor, is_new_for_all, weight, key: Some(deed), is_again: sight == Sight::Nothing }
}

/// Whether what a class has not done is new for it by enough occasions.
fn is_known_to_be_new(of_class: Novelty) -> bool {
    of_class.occasions >= CLASS_KNOWN && of_class.is_rarer_than(OF_CLASS)
}

/// Whether the actor does the same in so many namespaces that one more is nothing new: a backup, a pipeline.
fn is_everywhere(look: &mut Look<'_, '_>) -> bool {
    let request = &look.observation.request;
    let parts = [request.verb, request.group, request.resource, request.subresource];
    !request.namespace.is_empty() && look.actor.spreads(key("spread", &parts)) >= EVERYWHERE
}

/// What was done. A node reads pods and Secrets of whatever namespace its pods are in.
fn deed_of(observation: &Observation<'_>) -> u64 {
    let request = &observation.request;
    let namespace = if observation.actor.class == Class::Node { "" } else { request.namespace };
    key("deed", &[request.verb, request.group, request.resource, request.subresource, namespace])
}

fn judged(
    observation: &Observation<'_>,
    weight: Weight,
    actor: Novelty,
    class: Option<Novelty>,
) -> Option<Anomaly> {
    if weight < Weight::Writes {
        return None;
    }
    let seen = format!("did `{}` for the first time", observation.request.told());
    let is_new_for_all = class.is_some_and(is_known_to_be_new);
    if observation.actor.class == Class::Node {
        // A new node knows nothing yet: what counts is what the others do.
        let class = class.filter(|_| is_new_for_all)?;
        let usual = format!("on {} occasions no node has done it", class.occasions);
        let severity = if weight == Weight::Dangerous { Severity::Medium } else { Severity::Low };
        return Some(Anomaly::of(&NODE, seen, usual, class.per_million).at(severity));
    }
    if !actor.is_rarer_than(OF_ACTOR) {
        return None;
    }
    let severity = match (weight, is_new_for_all) {
        (Weight::Dangerous, true) => Severity::Medium,
        (Weight::Dangerous, false) | (_, true) => Severity::Low,
        _ => Severity::Info,
    };
    let others = if is_new_for_all { ", nor has any other of its kind" } else { "" };
    let usual = format!("on {} occasions it has not done it{others}", actor.occasions);
    Some(Anomaly::of(&ACTOR, seen, usual, actor.per_million).at(severity))
}
