//! Which signals belong together: the rules of joining.
//!
//! A signal gives points; two signals are joined where a point of one meets a point of the other.
//! Points depend on the signal and on facts alone, so joins do not depend on the order of arrival.
//! `graph` finds the meetings fast, `oracle` by comparing all pairs.

mod rules;

use std::sync::Arc;
use std::time::Duration;

use airside_types::{Authorisation, Entity, EntityKey, Id, Payload, Record, Relation, Timestamp};

use crate::keyed::Keyed;
use crate::knowledge::{ActorKey, Knowledge, resolved};
use crate::settings::Settings;
use crate::signal::{Parties, Signal};

/// What two signals can have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Common {
    /// The decision of admission on a request.
    Decision(Id),
    /// An event, by its source and the source's identity of it.
    Event(Id),
    /// A principal who acts on an object.
    Request(EntityKey, EntityKey),
    /// A credential, or a name and an address.
    Actor(ActorKey),
    /// An actor's program.
    Program(ActorKey, EntityKey, Id),
    Container(EntityKey),
    Pod(EntityKey),
    /// What was acted upon, and what is, runs as or is allowed by it later.
    Through(EntityKey),
    /// A credential that was issued and used.
    Issued(EntityKey),
    /// A service account's token, by who asked for it and whose it is.
    Token(EntityKey, EntityKey),
    /// An address from which somebody came without an identity.
    StrangersAt(EntityKey),
    /// The same, for who acts from there after the stranger.
    AfterStranger(EntityKey),
    /// The same, for who acted from there before the stranger.
    BeforeStranger(EntityKey),
    /// A node that acts.
    Node(EntityKey),
    /// A node to which somebody broke out of a pod.
    Escape(EntityKey),
}

/// How a point takes part in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// Meets its like, before and after.
    Both,
    /// Meets effects that come after it.
    Cause,
    /// Meets causes that come before it.
    Effect,
}

/// Where a signal can meet others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) common: Common,
    pub(crate) side: Side,
    /// How far in time it reaches; an effect reaches as far as its cause.
    pub(crate) reach: Duration,
}

/// What a quiet signal has in common with the loud one that it illustrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attachment {
    pub(crate) common: Common,
    /// How far apart in time they may lie.
    pub(crate) reach: Duration,
}

/// Where a signal can meet others, and where quiet signals can attach to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Points {
    pub(crate) joins: Vec<Point>,
    pub(crate) attachments: Vec<Attachment>,
}

/// All points of a signal, sorted, each once.
pub(crate) fn points_of(signal: &Signal, known: &dyn Knowledge, settings: &Settings) -> Points {
    let mut points = rules::points(signal, known, settings);
    points.joins.sort_unstable();
    points.joins.dedup();
    points.attachments.sort_unstable();
    points.attachments.dedup();
    points
}

/// Whether two points meet, given the times of their signals.
pub(crate) fn meet(
    (a, a_time): (&Point, Timestamp),
    (b, b_time): (&Point, Timestamp),
    clock_skew: Duration,
) -> bool {
    let after = |cause: &Point, from: Timestamp, effect: Timestamp| {
        effect >= from.minus(clock_skew) && effect <= from.plus(cause.reach)
    };
    a.common == b.common
        && match (a.side, b.side) {
            (Side::Both, Side::Both) => a_time.distance(b_time) <= a.reach,
            (Side::Cause, Side::Effect) => after(a, a_time, b_time),
            (Side::Effect, Side::Cause) => after(b, b_time, a_time),
            _ => false,
        }
}

/// The identity of a signal's actor; none for identities that many share, and for a name of which no
/// address is known.
pub(crate) fn actor_of(parties: &Parties) -> Option<ActorKey> {
    if parties.is_shared() {
        return None;
    }
    let account = parties.account();
    if let Some(credential) = parties.credential.as_ref().filter(|_| account.is_some()) {
        return Some(ActorKey::Credential(credential.key()));
    }
    let name = account.or_else(|| parties.users().next())?;
    Some(ActorKey::Session(name.name_key(), parties.address.as_ref()?.key()))
}

/// The objects by whose names an actor is counted as acting on many.
pub(crate) fn acted_on(signal: &Signal) -> impl Iterator<Item = EntityKey> + '_ {
    let targets = signal.parties.targets.iter();
    targets.filter(|target| rules::leads_on(target).is_some()).map(|target| target.name_key())
}

/// The pod that acts: the sensor's, the one that the token is bound to, or the one that has the address
/// and runs as the service account.
pub(crate) fn acting_pod(signal: &Signal, known: &dyn Knowledge) -> Option<Arc<Keyed>> {
    let parties = &signal.parties;
    if let Some(pod) = &parties.pod {
        return Some(resolved(known, pod, signal.time()));
    }
    if let Some(container) = &parties.container {
        return known.related(container.key(), Relation::PartOf).into_iter().next();
    }
    let account = parties.account()?;
    if let Some(credential) = &parties.credential {
        let bound = known.related(credential.key(), Relation::IssuedFor);
        return bound.into_iter().find(|entity| entity.kind() == "Pod");
    }
    let pod = known.holder_of(parties.address.as_ref()?.key(), signal.time())?;
    let accounts = known.related(pod.key(), Relation::RunsAs);
    accounts.iter().any(|entity| entity.name_key() == account.name_key()).then_some(pod)
}

/// Whether what a signal did to an object was let in as a configuration that had gone through the
/// check-in. The decision must be on the same request: one on another change says nothing.
pub(crate) fn is_authorised(
    signal: &Signal,
    object: &Keyed,
    known: &dyn Knowledge,
    settings: &Settings,
) -> bool {
    let decision = decision_of_request(signal, object, known, settings);
    decision.is_some_and(|record| match &record.payload {
        Payload::Decision(decision) => {
            matches!(decision.authorisation, Authorisation::Authorised { .. })
        }
        _ => false,
    })
}

/// The decision on what a signal's request did to an object: the one that the audit event names, else
/// the one on the same object at the same time.
fn decision_of_request(
    signal: &Signal,
    object: &Keyed,
    known: &dyn Knowledge,
    settings: &Settings,
) -> Option<Arc<Record>> {
    // The two clocks may differ by more than a request takes. The object is compared as well: another
    // webhook of the cluster can write an annotation of that name.
    let named = signal.parties.decision.and_then(|id| known.decision(id));
    if let Some(record) = named
        && let Payload::Decision(decision) = &record.payload
        && Entity::Object(decision.object.clone()).name_key() == object.name_key()
    {
        return Some(record);
    }
    let same_request = settings.spans.request;
    let nearest = known.decision_on(object.name_key(), signal.time().plus(same_request));
    nearest.filter(|record| record.event_time.distance(signal.time()) <= same_request)
}
