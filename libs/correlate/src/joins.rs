//! Which signals belong together: the rules of joining.
//!
//! A signal gives points; two signals are joined where a point of one meets a point of the other.
//! Points depend on the signal and on facts alone, so joins do not depend on the order of arrival.
//! `graph` finds the meetings fast, `oracle` by comparing all pairs.

use std::time::Duration;

use airside_types::{Entity, EntityKey, Id, Payload, Record, Relation, Timestamp};

use crate::knowledge::{Knowledge, resolved, with_owners};
use crate::settings::Settings;
use crate::signal::{Parties, Signal};

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
    /// What two signals have in common.
    pub(crate) key: Id,
    pub(crate) side: Side,
    /// How far in time it reaches; an effect reaches as far as its cause.
    pub(crate) reach: Duration,
}

/// Where a signal can meet others, and where quiet signals can attach to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Points {
    pub(crate) joins: Vec<Point>,
    pub(crate) attachments: Vec<Id>,
}

/// All points of a signal, sorted, each once.
pub(crate) fn points_of(signal: &Signal, known: &dyn Knowledge, settings: &Settings) -> Points {
    let pod = acting_pod(signal, known);
    let mut pen = Pen { signal, known, settings, pod, points: Points::default() };
    pen.same_request();
    pen.same_actor();
    pen.same_pod();
    pen.same_address();
    pen.node();
    pen.what_it_acts_on();
    pen.what_it_follows();
    pen.attachments();
    let mut points = pen.points;
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
    a.key == b.key
        && match (a.side, b.side) {
            (Side::Both, Side::Both) => a_time.distance(b_time) <= a.reach,
            (Side::Cause, Side::Effect) => after(a, a_time, b_time),
            (Side::Effect, Side::Cause) => after(b, b_time, a_time),
            _ => false,
        }
}

/// The identity under which a signal's actor is counted and joined: a credential where the source
/// tells one, else a name together with the address that it was used from. A name alone is none: the
/// owner of a stolen account works under it at the same time.
pub(crate) fn actor_of(parties: &Parties) -> Option<Id> {
    if parties.is_shared() {
        return None;
    }
    let account = parties.service_account.as_ref();
    let credential = parties.credential.as_ref().filter(|_| account.is_some());
    if let Some(credential) = credential {
        return Some(keyed("credential", credential.key()));
    }
    let name = parties.users.first().or(account)?;
    let address = parties.address.as_ref()?;
    Some(
        Id::builder("correlate/session")
            .id(name.name_key().id())
            .id(address.key().id())
            .finish(),
    )
}

/// The objects by whose names an actor is counted as acting on many.
pub(crate) fn acted_on(signal: &Signal) -> impl Iterator<Item = EntityKey> + '_ {
    signal.parties.targets.iter().filter(|target| reach_kind(target).is_some()).map(Entity::name_key)
}

/// Whether two detections of a time are about the same event.
fn event_key(record: &Record, native_id: &str) -> Id {
    Id::builder("correlate/event").text(record.source.as_str()).text(native_id).finish()
}

fn keyed(kind: &str, entity: EntityKey) -> Id {
    Id::builder("correlate/entity").text(kind).id(entity.id()).finish()
}

/// What acting on an object can lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReachKind {
    /// A way into a running pod.
    Pod,
    /// Pods that will be made from it, or rights that will be used.
    Creation,
    /// Use of the credential.
    Issue,
}

fn reach_kind(target: &Entity) -> Option<ReachKind> {
    match target {
        Entity::Credential { .. } => Some(ReachKind::Issue),
        Entity::Object(object) if object.name.is_empty() => None,
        Entity::Object(object) => match object.kind.as_str() {
            "Pod" => Some(ReachKind::Pod),
            "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob"
            | "ReplicationController" | "Role" | "ClusterRole" | "RoleBinding"
            | "ClusterRoleBinding" => Some(ReachKind::Creation),
            _ => None,
        },
        _ => None,
    }
}

/// The pod that acts: the sensor's, the one that the token is bound to, or the one that has the address
/// and runs as the service account.
pub(crate) fn acting_pod(signal: &Signal, known: &dyn Knowledge) -> Option<Entity> {
    let Signal { parties, .. } = signal;
    if let Some(pod) = &parties.pod {
        return Some(resolved(known, pod, signal.time()));
    }
    if let Some(container) = &parties.container {
        return known.related(container.key(), Relation::PartOf).into_iter().next();
    }
    let account = parties.service_account.as_ref()?;
    if let Some(credential) = &parties.credential {
        let bound = known.related(credential.key(), Relation::IssuedFor);
        return bound.into_iter().find(|entity| entity.kind() == "Pod");
    }
    let pod = known.holder_of(parties.address.as_ref()?.key(), signal.time())?;
    let accounts = known.related(pod.key(), Relation::RunsAs);
    accounts.iter().any(|entity| entity.name_key() == account.name_key()).then_some(pod)
}

/// Writes down the points of one signal, one rule a method.
struct Pen<'a> {
    signal: &'a Signal,
    known: &'a dyn Knowledge,
    settings: &'a Settings,
    /// The pod that acts.
    pod: Option<Entity>,
    points: Points,
}

impl Pen<'_> {
    fn point(&mut self, key: Id, side: Side, reach: Duration) {
        self.points.joins.push(Point { key, side, reach });
    }

    /// Admission and audit tell of one request; two rules tell of one event.
    fn same_request(&mut self) {
        let Signal { record, parties, .. } = self.signal;
        if let Some(decision) = parties.decision {
            let key = Id::builder("correlate/decision").id(decision).finish();
            self.point(key, Side::Both, self.settings.spans.session_in_pod);
        }
        if let Payload::Detection(detection) = &record.payload
            && !detection.native_id.is_empty()
        {
            let key = event_key(record, &detection.native_id);
            self.point(key, Side::Both, self.settings.spans.event);
        }
        for key in self.request_keys() {
            self.point(key, Side::Both, self.settings.spans.request);
        }
    }

    /// The same principal does something to the same object.
    fn request_keys(&self) -> Vec<Id> {
        let parties = &self.signal.parties;
        let Some(principal) = parties.principal() else { return Vec::new() };
        let named = parties.targets.iter().filter(|target| !target.name().is_empty());
        named
            .map(|target| {
                Id::builder("correlate/request")
                    .id(principal.name_key().id())
                    .id(target.name_key().id())
                    .finish()
            })
            .collect()
    }

    /// The same credential, or the same name from the same address.
    fn same_actor(&mut self) {
        let parties = &self.signal.parties;
        let spans = &self.settings.spans;
        let by_credential = parties.service_account.is_some() && parties.credential.is_some();
        let span = if by_credential { spans.credential } else { spans.session };
        if let Some(actor) = actor_of(parties) {
            self.point(actor, Side::Both, span);
        }
        if let Some(credential) = &parties.credential {
            self.point(keyed("issued", credential.key()), Side::Effect, Duration::ZERO);
        }
    }

    fn same_pod(&mut self) {
        let span = self.settings.spans.pod;
        if let Some(container) = &self.signal.parties.container {
            self.point(keyed("container", container.key()), Side::Both, span);
        }
        let Some(pod) = self.pod.clone() else { return };
        self.point(keyed("pod", pod.key()), Side::Both, span);
        self.point(keyed("on", pod.key()), Side::Effect, Duration::ZERO);
        for owner in with_owners(self.known, &pod).iter().skip(1) {
            self.point(keyed("on", owner.name_key()), Side::Effect, Duration::ZERO);
        }
    }

    /// A request without an identity belongs to whoever else acts from its address, unless the
    /// address is a gateway.
    fn same_address(&mut self) {
        let Some(address) = &self.signal.parties.address else { return };
        if self.known.is_shared_address(address.key()) {
            return;
        }
        let span = self.settings.spans.address;
        let key = keyed("address", address.key());
        if self.signal.parties.is_nobody() {
            self.point(key, Side::Both, span);
            self.point(keyed("stranger-first", address.key()), Side::Cause, span);
            self.point(keyed("stranger-last", address.key()), Side::Effect, Duration::ZERO);
        } else {
            self.point(keyed("stranger-first", address.key()), Side::Effect, Duration::ZERO);
            self.point(keyed("stranger-last", address.key()), Side::Cause, span);
        }
    }

    /// What begins in a pod may go on as its node.
    fn node(&mut self) {
        let parties = &self.signal.parties;
        if let Some(node) = &parties.node {
            self.point(keyed("node", node.name_key()), Side::Both, self.settings.spans.node);
            self.point(keyed("escape", node.name_key()), Side::Effect, Duration::ZERO);
        } else if self.signal.has_technique(&["T1611"])
            && let Some(pod) = &self.pod
        {
            let runs_on = self.known.related(pod.key(), Relation::RunsOn);
            let nodes = runs_on.iter().chain(&parties.on_node).map(Entity::name_key);
            let nodes: Vec<EntityKey> = nodes.collect();
            for node in nodes {
                self.point(keyed("escape", node), Side::Cause, self.settings.spans.escape);
            }
        }
    }

    /// Opening a way into a pod, creating a workload or a right, issuing a credential.
    fn what_it_acts_on(&mut self) {
        let Signal { parties, .. } = self.signal;
        if actor_of(parties).is_some_and(|actor| self.known.acts_on_many(actor)) {
            return;
        }
        let spans = &self.settings.spans;
        for target in &parties.targets {
            match reach_kind(target) {
                Some(ReachKind::Pod) => {
                    let pod = resolved(self.known, target, self.signal.time());
                    self.point(keyed("on", pod.key()), Side::Cause, spans.session_in_pod);
                }
                Some(ReachKind::Creation) => {
                    self.point(keyed("on", target.name_key()), Side::Cause, spans.creation);
                }
                Some(ReachKind::Issue) => {
                    self.point(keyed("issued", target.key()), Side::Cause, spans.issue);
                }
                None => {}
            }
        }
    }

    /// The rights that allowed it, and the workload for which a controller made a pod.
    fn what_it_follows(&mut self) {
        let Signal { parties, .. } = self.signal;
        for grant in &parties.grants {
            self.point(keyed("on", grant.name_key()), Side::Effect, Duration::ZERO);
        }
        if parties.is_shared() {
            for target in &parties.targets {
                let object = resolved(self.known, target, self.signal.time());
                for owner in with_owners(self.known, &object).iter().skip(1) {
                    self.point(keyed("on", owner.name_key()), Side::Effect, Duration::ZERO);
                }
            }
        }
    }

    /// Quiet signals attach by the request, or by the same program of the same actor: a user agent is
    /// what a client says, good enough to illustrate and too weak to join.
    fn attachments(&mut self) {
        let Signal { parties, .. } = self.signal;
        let mut keys = self.request_keys();
        if let Some(decision) = parties.decision {
            keys.push(Id::builder("correlate/decision").id(decision).finish());
        }
        if !matches!(self.signal.record.payload, Payload::Decision(_)) {
            if let (Some(actor), Some(address)) = (actor_of(parties), &parties.address) {
                let program = Id::builder("correlate/program").id(actor).id(address.key().id());
                keys.push(program.optional(parties.agent.as_deref()).finish());
            }
            if self.signal.phase == airside_types::Phase::Runtime
                && let Some(pod) = &self.pod
            {
                keys.push(keyed("pod", pod.key()));
            }
        }
        self.points.attachments = keys;
    }
}
