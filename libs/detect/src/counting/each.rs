//! Every observation of a window that holds enough different things, for rules whose every part is evidence.
//!
//! A fold over records whose result is a function of their *set*: an observation fires when
//! some window of the rule's span that contains it holds enough different things, whichever of them
//! arrived first. Late, repeated and permuted records give the same detections, and observing stored
//! records again rebuilds the state. What holds this within bounds is [`Limits`], and what is forgotten by them is told, so
//! that no more is stored than counts; which windows are full is `sightings`'.

mod sightings;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use airside_types::attack::technique;
use airside_types::{
    Detection, Entity, Id, LinkRole, NamedValue, Payload, Record, Severity, Source, Tactic,
    Timestamp,
};

use crate::audit::{Client, SECRET_READ};
use crate::rule::{PLAUSIBLE, Rule};
use sightings::{FIRST, Key, LAST, Sightings};

/// A rule that counts.
#[derive(Debug)]
struct Counted {
    rule: Rule,
    /// The thing that a detection is one sighting of; none for detections that the rule does not count.
    thing: fn(&Detection) -> Option<String>,
    /// How many different things make it fire.
    at_least: usize,
    /// Within what time.
    span: Duration,
    /// What makes one firing milder than usual.
    severity: fn(&Detection) -> Severity,
}

static COUNTED: &[Counted] = &[Counted {
    rule: Rule {
        id: "AUD-R14",
        version: 1,
        title: "Secrets read one after the other",
        why: "Programs know which secret they need; somebody who goes through many is looking for one that pays.",
        next: "Look at which of the Secrets the actor has to do with, at what each of the others opens, and at what the actor did next.",
        severity: Severity::Medium,
        confidence: PLAUSIBLE,
        tactic: Tactic::CredentialAccess,
        techniques: &[technique("T1552.007")],
        equivalents: &["elastic:Kubernetes Rapid Secret GET Activity Against Multiple Objects"],
        source: Source::Audit,
        examples: None,
    },
    thing: secret,
    at_least: 5,
    span: Duration::from_mins(10),
    severity: |detection| {
        let client = Client::of(value(detection, "userAgent").unwrap_or_default());
        let program = is_service_account(detection) && !client.is_by_hand();
        // Operators that manage secrets for others read many, all day.
        if program { Severity::Low } else { Severity::Medium }
    },
}];

/// The rules of this kind.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    COUNTED.iter().map(|counted| &counted.rule)
}

/// A secret by its name, or the secrets of a namespace.
fn secret(detection: &Detection) -> Option<String> {
    let namespace = value(detection, "objectRef.namespace")?;
    match detection.rule.as_str() {
        SECRET_READ => Some(format!("{namespace}/{}", value(detection, "objectRef.name")?)),
        "AUD-R13" if detection.severity > Severity::Info => Some(format!("{namespace}/")),
        _ => None,
    }
}

fn value<'d>(detection: &'d Detection, name: &str) -> Option<&'d str> {
    detection.values.iter().find(|value| value.name == name).map(|value| value.value.as_str())
}

fn is_service_account(detection: &Detection) -> bool {
    detection.linked(LinkRole::Actor).any(|entity| entity.kind() == "ServiceAccount")
}

/// What bounds the memory of counting. Beyond a bound, the oldest observations are forgotten, and what
/// arrives later than that may go uncounted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How much older than the newest record an observation may be. At least twice a rule's span, plus
    /// how late records arrive.
    pub horizon: Duration,
    /// The most observations that are kept for one actor and rule.
    pub per_actor: usize,
    /// The most actors.
    pub actors: usize,
    /// The most observations that are kept of all actors together: whole records until they fire, since a detection of them
    /// says all that they say.
    pub counted: usize,
    /// The most rows of the other rules (each is a rule and a key), of the images of namespaces, and of service
    /// accounts, each.
    pub windows: usize,
    /// The most requests whose auditID is known.
    pub audit_ids: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            horizon: Duration::from_hours(2),
            per_actor: 500,
            actors: 10_000,
            counted: 20_000,
            windows: 10_000,
            audit_ids: 100_000,
        }
    }
}

/// The state of these rules.
#[derive(Debug)]
pub(super) struct Each {
    limits: Limits,
    newest: Timestamp,
    /// By actor and rule.
    actors: BTreeMap<Id, Sightings>,
    /// The same by their last observation: whoever was idle for longest comes first.
    by_age: BTreeSet<(Timestamp, Id)>,
    /// All observations, the oldest first: when, the record, and whose.
    all: BTreeSet<(Timestamp, Id, Id)>,
    /// The records that are counted no more.
    forgotten: Vec<Id>,
}

impl Each {
    /// Nothing observed yet.
    pub(super) fn new(limits: Limits) -> Self {
        let (actors, by_age, all) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { limits, newest: Timestamp::EPOCH, actors, by_age, all, forgotten: Vec::new() }
    }

    /// Whether a rule counts this record.
    pub(super) fn counts(record: &Record) -> bool {
        let Payload::Detection(detection) = &record.payload else { return false };
        COUNTED.iter().any(|counted| (counted.thing)(detection).is_some())
    }

    /// Takes a record in, and returns the detections that it completes: for itself and for earlier ones.
    /// Records that no rule counts change nothing.
    pub(super) fn observe(&mut self, record: &Record) -> Vec<Record> {
        let Payload::Detection(detection) = &record.payload else { return Vec::new() };
        let mut fired = Vec::new();
        for counted in COUNTED {
            if let Some(thing) = (counted.thing)(detection) {
                fired.extend(self.count(counted, &thing, record, detection));
            }
        }
        fired
    }

    fn count(
        &mut self,
        counted: &Counted,
        thing: &str,
        record: &Record,
        detection: &Detection,
    ) -> Vec<Record> {
        let time = record.event_time;
        self.newest = self.newest.max(time);
        let oldest = self.newest.minus(self.limits.horizon);
        if time < oldest {
            return Vec::new();
        }
        let actor = actor(counted, record, detection);
        let sightings = self.actors.entry(actor).or_default();
        let last = sightings.last();
        if !sightings.add(thing, record) {
            return Vec::new();
        }
        self.all.insert((time, record.id, actor));
        let gone = sightings.forget(oldest, self.limits.per_actor);
        let completed = sightings.complete(counted, (time, record.id));
        self.by_age.remove(&(last, actor));
        self.by_age.insert((sightings.last(), actor));
        for key in gone {
            self.note_forgotten(key, actor);
        }
        self.forget_beyond(oldest);
        completed.into_iter().filter_map(|observation| firing(counted, observation)).collect()
    }

    /// How many observations are kept.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether a record is counted.
    pub(super) fn has(&self, record: &Record) -> bool {
        has(&self.all, (record.event_time, record.id))
    }

    /// Forgets what is older than a time, of too many observations the oldest, and of too many actors those who were idle
    /// for longest.
    pub(super) fn forget_beyond(&mut self, oldest: Timestamp) {
        let is_old = |(time, ..): &(Timestamp, Id, Id)| *time < oldest;
        while self.all.len() > self.limits.counted || self.all.first().is_some_and(is_old) {
            self.forget_oldest();
        }
        while self.actors.len() > self.limits.actors
            && let Some((_, actor)) = self.by_age.pop_first()
        {
            let gone = self.actors.remove(&actor).unwrap_or_default();
            for key in gone.keys() {
                self.note_forgotten(key, actor);
            }
        }
    }

    /// Forgets a tenth of the observations, the oldest.
    pub(super) fn give_up(&mut self) {
        for _ in 0..self.all.len().div_ceil(10) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((time, record, actor)) = self.all.first().copied() else { return };
        if let Some(sightings) = self.actors.get_mut(&actor) {
            let last = sightings.last();
            sightings.remove((time, record));
            if sightings.len() == 0 {
                self.by_age.remove(&(last, actor));
                self.actors.remove(&actor);
            }
        }
        self.note_forgotten((time, record), actor);
    }

    /// Notes that an observation of an actor is forgotten.
    fn note_forgotten(&mut self, (time, record): Key, actor: Id) {
        self.all.remove(&(time, record, actor));
        // Another rule may count the same record.
        if !has(&self.all, (time, record)) {
            self.forgotten.push(record);
        }
    }

    /// The records that are counted no more since the last call.
    pub(super) fn take_forgotten(&mut self) -> Vec<Id> {
        std::mem::take(&mut self.forgotten)
    }
}

/// Whether there is an observation of a record.
fn has(all: &BTreeSet<(Timestamp, Id, Id)>, (time, record): Key) -> bool {
    all.range((time, record, FIRST)..=(time, record, LAST)).next().is_some()
}

/// Whose observations are counted together: those of one credential; where credentials are not logged, of
/// one user from one address.
fn actor(counted: &Counted, record: &Record, detection: &Detection) -> Id {
    let id = Id::builder("counting")
        .text(counted.rule.id)
        .text(record.tenant.as_str())
        .text(record.cluster.as_str());
    let means = |kind| detection.linked(LinkRole::Means).find(move |entity| entity.kind() == kind);
    if let Some(credential) = means("Credential") {
        return id.id(credential.key().id()).finish();
    }
    let user = detection.linked(LinkRole::Actor).next();
    [user, means("Address")]
        .into_iter()
        .map(|entity| entity.map(Entity::name_key))
        .fold(id, |id, key| match key {
            Some(key) => id.id(key.id()),
            None => id.text(""),
        })
        .finish()
}

/// The detection that an observation is a part of. It says nothing of how many others there are, so that
/// it is the same whenever it fires.
fn firing(counted: &Counted, observation: Record) -> Option<Record> {
    let Payload::Detection(seen) = observation.payload else { return None };
    let rule = &counted.rule;
    let minutes = counted.span.as_secs() / 60;
    let mut values = seen.values.clone();
    values.push(NamedValue {
        name: "counted".to_owned(),
        value: format!("at least {} within {minutes} minutes", counted.at_least),
    });
    let detection = Detection {
        rule: rule.id.to_owned(),
        rule_version: rule.version,
        title: rule.title.to_owned(),
        message: format!(
            "{} This is one of at least {} within {minutes} minutes.",
            seen.message, counted.at_least
        ),
        severity: (counted.severity)(&seen),
        confidence: rule.confidence,
        tactic: rule.tactic,
        techniques: rule.techniques.to_vec(),
        values,
        ..seen
    };
    let id = Record::detection_id(
        &observation.tenant,
        &observation.cluster,
        observation.source,
        observation.id,
        rule.id,
    );
    Some(Record { id, payload: Payload::Detection(detection), ..observation })
}

#[cfg(test)]
mod tests;
