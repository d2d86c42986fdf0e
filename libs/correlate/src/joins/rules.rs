//! The rules of joining, one function each: where a signal can meet others, and why.

use std::sync::Arc;
use std::time::Duration;

use airside_types::{Entity, Id, Payload, Phase, Record, Relation};

use super::{Attachment, Common, Point, Points, Side, acting_pod, actor_of, is_authorised};
use crate::keyed::Keyed;
use crate::knowledge::{Knowledge, resolved, with_owners};
use crate::settings::Settings;
use crate::signal::Signal;

/// All points of a signal.
pub(super) fn points(signal: &Signal, known: &dyn Knowledge, settings: &Settings) -> Points {
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
    pen.points
}

/// What acting on an object can lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadsTo {
    /// What happens in a running pod.
    Pod,
    /// Pods that will be made from it, or rights that will be used.
    Creation,
    /// Use of the credential.
    Issue,
    /// Use of a token that was asked for.
    Token,
}

/// What acting on an object can lead to; nothing for objects that are only read or kept.
pub(super) fn leads_on(target: &Entity) -> Option<LeadsTo> {
    match target {
        Entity::Credential { .. } => Some(LeadsTo::Issue),
        Entity::Object(object) if object.name.is_empty() => None,
        Entity::Object(object) => match object.kind.as_str() {
            "Pod" => Some(LeadsTo::Pod),
            "ServiceAccount" => Some(LeadsTo::Token),
            "Deployment"
            | "ReplicaSet"
            | "StatefulSet"
            | "DaemonSet"
            | "Job"
            | "CronJob"
            | "ReplicationController"
            | "RoleBinding"
            | "ClusterRoleBinding" => Some(LeadsTo::Creation),
            _ => None,
        },
        _ => None,
    }
}

fn event_id(record: &Record, native_id: &str) -> Id {
    Id::builder("correlate/event").text(record.source.as_str()).text(native_id).finish()
}

/// Writes down the points of one signal.
struct Pen<'a> {
    signal: &'a Signal,
    known: &'a dyn Knowledge,
    settings: &'a Settings,
    /// The pod that acts.
    pod: Option<Arc<Keyed>>,
    points: Points,
}

impl Pen<'_> {
    fn both(&mut self, common: Common, reach: Duration) {
        self.points.joins.push(Point { common, side: Side::Both, reach });
    }

    fn cause(&mut self, common: Common, reach: Duration) {
        self.points.joins.push(Point { common, side: Side::Cause, reach });
    }

    fn effect(&mut self, common: Common) {
        self.points.joins.push(Point { common, side: Side::Effect, reach: Duration::ZERO });
    }

    /// Admission and audit tell of one request; two rules tell of one event.
    fn same_request(&mut self) {
        let Signal { record, parties, .. } = self.signal;
        let spans = &self.settings.spans;
        if let Some(decision) = parties.decision {
            self.both(Common::Decision(decision), spans.session_in_pod);
        }
        if let Payload::Detection(detection) = &record.payload
            && !detection.native_id.is_empty()
        {
            self.both(Common::Event(event_id(record, &detection.native_id)), spans.event);
        }
        for request in self.requests() {
            self.both(request, spans.request);
        }
    }

    /// The same identity does something to the same object. Admission sees whom a request acts as,
    /// audit also who was authenticated.
    fn requests(&self) -> Vec<Common> {
        let parties = &self.signal.parties;
        let pod = parties.pod.as_ref().filter(|_| parties.identities.is_empty());
        let mut requests = Vec::new();
        for identity in parties.identities.iter().chain(pod) {
            let named = parties.targets.iter().filter(|target| !target.name().is_empty());
            let request =
                |target: &Arc<Keyed>| Common::Request(identity.name_key(), target.name_key());
            requests.extend(named.map(request));
        }
        requests
    }

    /// The same credential, or the same name from the same address.
    fn same_actor(&mut self) {
        let parties = &self.signal.parties;
        let spans = &self.settings.spans;
        let by_credential = parties.account().is_some() && parties.credential.is_some();
        let span = if by_credential { spans.credential } else { spans.session };
        if let Some(actor) = actor_of(parties) {
            self.both(Common::Actor(actor), span);
        }
        let Some(credential) = parties.credential.as_ref().map(|it| it.key()) else { return };
        self.effect(Common::Issued(credential));
        let accounts = self.known.related(credential, Relation::IssuedFor);
        for account in accounts.iter().filter(|it| it.kind() == "ServiceAccount") {
            for asker in self.known.related(credential, Relation::IssuedTo) {
                self.effect(Common::Token(asker.name_key(), account.name_key()));
            }
        }
    }

    /// The same container or pod; what was done to the pod, or to what owns it, led to this.
    fn same_pod(&mut self) {
        let span = self.settings.spans.pod;
        if let Some(container) = &self.signal.parties.container {
            self.both(Common::Container(container.key()), span);
        }
        let Some(pod) = self.pod.clone() else { return };
        self.both(Common::Pod(pod.key()), span);
        self.effect(Common::Through(pod.key()));
        for owner in with_owners(self.known, &pod).iter().skip(1) {
            self.effect(Common::Through(owner.name_key()));
        }
    }

    /// A request without an identity belongs to whoever else acts from its address, unless the
    /// address is a gateway.
    fn same_address(&mut self) {
        let Some(address) = &self.signal.parties.address else { return };
        let address = address.key();
        if self.known.is_shared_address(address) {
            return;
        }
        let span = self.settings.spans.address;
        if self.signal.parties.is_nobody() {
            self.both(Common::StrangersAt(address), span);
            self.cause(Common::AfterStranger(address), span);
            self.effect(Common::BeforeStranger(address));
        } else {
            self.effect(Common::AfterStranger(address));
            self.cause(Common::BeforeStranger(address), span);
        }
    }

    /// What begins in a pod may go on as its node.
    fn node(&mut self) {
        let parties = &self.signal.parties;
        let spans = &self.settings.spans;
        if let Some(node) = &parties.node {
            self.both(Common::Node(node.name_key()), spans.node);
            self.effect(Common::Escape(node.name_key()));
        } else if self.signal.is_escape()
            && let Some(pod) = self.pod.clone()
        {
            let runs_on = self.known.related(pod.key(), Relation::RunsOn);
            for node in runs_on.iter().chain(&parties.on_node) {
                self.cause(Common::Escape(node.name_key()), spans.escape);
            }
        }
    }

    /// Opening a way into a pod, creating a workload or a right, issuing a credential: by anyone but
    /// those who do so all day. Who deployed what had gone through the check-in did what was agreed,
    /// and what its pods do later does not lead back to them.
    fn what_it_acts_on(&mut self) {
        let Signal { parties, .. } = self.signal;
        if actor_of(parties).is_some_and(|actor| self.known.acts_on_many(actor)) {
            return;
        }
        let spans = &self.settings.spans;
        for target in &parties.targets {
            match leads_on(target) {
                Some(LeadsTo::Pod) => {
                    let pod = resolved(self.known, target, self.signal.time());
                    self.cause(Common::Through(pod.key()), spans.session_in_pod);
                }
                Some(LeadsTo::Creation)
                    if !is_authorised(self.signal, target, self.known, self.settings) =>
                {
                    self.cause(Common::Through(target.name_key()), spans.creation);
                }
                Some(LeadsTo::Issue) => self.cause(Common::Issued(target.key()), spans.issue),
                Some(LeadsTo::Token) => {
                    for asker in &parties.identities {
                        let token = Common::Token(asker.name_key(), target.name_key());
                        self.cause(token, spans.issue);
                    }
                }
                Some(LeadsTo::Creation) | None => {}
            }
        }
    }

    /// The bindings that allowed it, and the workload for which a controller made a pod.
    fn what_it_follows(&mut self) {
        let Signal { parties, .. } = self.signal;
        for grant in &parties.grants {
            self.effect(Common::Through(grant.name_key()));
        }
        // Also where nothing tells who owns what: an audit policy that keeps no bodies.
        for object in &parties.causes {
            self.effect(Common::Through(object.name_key()));
        }
        if parties.is_shared() {
            for target in &parties.targets {
                let object = resolved(self.known, target, self.signal.time());
                for owner in with_owners(self.known, &object).iter().skip(1) {
                    self.effect(Common::Through(owner.name_key()));
                }
            }
        }
    }

    /// Quiet signals attach by the request, or by the same program of the same actor: a user agent is
    /// what a client says, good enough to illustrate and too weak to join.
    fn attachments(&mut self) {
        let Signal { parties, .. } = self.signal;
        let spans = &self.settings.spans;
        let requests = self.requests().into_iter().map(|common| (common, spans.request));
        // The id is exact, however long the audit event took.
        let decision = parties.decision.map(|id| (Common::Decision(id), spans.session_in_pod));
        let mut attachments: Vec<Attachment> =
            requests.chain(decision).map(|(common, reach)| Attachment { common, reach }).collect();
        let mut nearby = |common| {
            attachments.push(Attachment { common, reach: spans.illustration });
        };
        if !matches!(self.signal.record.payload, Payload::Decision(_)) {
            if let (Some(actor), Some(address)) = (actor_of(parties), &parties.address) {
                nearby(Common::Program(actor, address.key(), parties.agent));
            }
            if self.signal.phase == Phase::Runtime
                && let Some(pod) = &self.pod
            {
                nearby(Common::Pod(pod.key()));
            }
        }
        self.points.attachments = attachments;
    }
}
