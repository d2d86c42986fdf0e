//! Sightings of audit events: what of an event travels to the owner of its cluster, and the event that the owner
//! sees again.
//!
//! Everything that one event tells by itself is judged where it comes in, with its bodies; the owner needs who asked
//! for what, from where, and how it ended. Discovery, health checks and leases of which no rule says anything are only
//! counted.

use std::borrow::Cow;

use airside_types::sighting::SeenRequest;
use airside_types::{MAX_TEXTS_OF_REQUEST, QuietKind, Sighting, SightingBatch, TextRef, Texts};

use super::actor::Actor;
use super::event::{Annotations, Content, Event, Extra, ObjectReference, ResponseStatus, User};
use super::object::ObjectMeta;
use super::own::Found;
use super::request::{Outcome, Request};
use super::{declared, parameters, uses};
use crate::authorised::Authorised;
use crate::intake::Intake;
use crate::profile::ClusterProfile;

/// Which detections a sighting carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// All of them: people look through a log.
    All,
    /// All but those that tell what is ordinary (that somebody made an object) and are part of no incident.
    ToCorrelate,
}

/// Adds what the event of a request, of so many bytes, tells to a batch of its cluster, with what people's own rules find in it. Of a
/// deed that people declared as authorised all is told as such.
pub fn sight(
    (request, bytes): (&Request<'_>, usize),
    intake: &Intake<'_>,
    (telling, authorised): (Telling, &Authorised),
    own: Found,
    batch: &mut SightingBatch,
) {
    let id = request.id(intake);
    let (time, _) = intake.clock.stamp(request.time());
    let is_answered = request.is_answered();
    // A rule may ask for the stage before the answer.
    if !is_answered && own.is_empty() {
        batch.count(QuietKind::Unanswered, id, time);
        return;
    }
    let told = is_answered.then(|| super::records_of(request, intake, telling));
    let mut records = told.unwrap_or_default();
    let Found { records: found, mut candidates } = own;
    records.extend(found);
    let judgement = declared::judge(authorised, request);
    judgement.apply(request, intake, &mut records);
    candidates.iter_mut().for_each(|candidate| judgement.tell(&mut candidate.record));
    match quiet(request).filter(|_| records.is_empty() && candidates.is_empty()) {
        Some(kind) => {
            batch.count(kind, id, time);
            batch.allow_quiet(&request.event().annotations.reason);
        }
        None => {
            let mut request = seen(request, &mut batch.texts);
            request.authorised = batch.texts.add(judgement.rule().unwrap_or_default());
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            let origin = intake.place();
            batch.push(Sighting { event: id, time, bytes, origin, request, records, candidates });
        }
    }
}

/// Whether nothing but the number of such requests is of interest.
fn quiet(request: &Request<'_>) -> Option<QuietKind> {
    if request.outcome() != Outcome::Done {
        return None;
    }
    let Some(target) = request.target() else {
        let path = request.path();
        let below = |root: &str| {
            let rest = path.strip_prefix(root);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_read = matches!(request.verb(), "get" | "head");
        let discovers = ["/api", "/apis", "/openapi", "/version"].into_iter().any(below);
        let asks_health = ["/healthz", "/livez", "/readyz"].into_iter().any(below);
        return match (is_read, discovers, asks_health) {
            (true, true, _) => Some(QuietKind::Discovery),
            (true, _, true) => Some(QuietKind::Health),
            _ => None,
        };
    };
    let is_machine =
        !matches!(request.actor(), Actor::User(_) | Actor::Anonymous | Actor::Unauthenticated)
            && !request.client().is_by_hand();
    let is_lease = target.resource == "leases" && target.api_group == "coordination.k8s.io";
    let renews = matches!(request.verb(), "get" | "update" | "patch");
    (is_machine && is_lease && renews).then_some(QuietKind::Lease)
}

/// The words of a request.
fn seen(request: &Request<'_>, texts: &mut Texts) -> SeenRequest {
    let event = request.event();
    let (user, status, notes) = (&event.user, &event.response_status, &event.annotations);
    let nothing = ObjectReference::default();
    let target = request.target().unwrap_or(&nothing);
    let made = made_object(request);
    let name = [request.name(), &made.name].into_iter().find(|it| !it.is_empty());
    let uid = [&*made.uid, &*target.uid].into_iter().find(|it| !it.is_empty());
    let impersonated = event.impersonated_user.as_ref();
    let address = request.source_address().map(|address| address.to_string());
    let uses = uses::of(request);
    SeenRequest {
        audit_id: texts.add(&event.audit_id),
        stage: texts.add(&event.stage),
        verb: texts.add(&event.verb),
        // Where there is an object the path says nothing more.
        path: texts.add(if request.target().is_some() { "" } else { request.path() }),
        username: texts.add(&user.username),
        user_uid: texts.add(&user.uid),
        groups: few(&user.groups).map(|group| texts.add(group)).collect(),
        credential: texts.add(&user.extra.credential_id),
        pod_name: texts.add(&user.extra.pod_name),
        pod_uid: texts.add(&user.extra.pod_uid),
        node_name: texts.add(&user.extra.node_name),
        node_uid: texts.add(&user.extra.node_uid),
        impersonated: impersonated.map(|it| texts.add(&it.username)).unwrap_or_default(),
        address: address.map(|address| texts.add(&address)).unwrap_or_default(),
        user_agent: texts.add(&event.user_agent),
        group: texts.add(&target.api_group),
        resource: texts.add(&target.resource),
        subresource: texts.add(&target.subresource),
        namespace: texts.add(&target.namespace),
        name: name.map(|name| texts.add(name)).unwrap_or_default(),
        uid: uid.map(|uid| texts.add(uid)).unwrap_or_default(),
        code: status.code.unwrap_or_default(),
        status: texts.add(&status.status),
        decision: texts.add(&notes.decision),
        reason: texts.add(&notes.reason),
        issued_credential: texts.add(&notes.issued_credential_id),
        decision_ids: few(&notes.decision_ids).map(|id| texts.add(id)).collect(),
        dry_run: request.outcome() == Outcome::DryRun,
        authorised: TextRef::default(),
        images: few(&uses.images).map(|image| texts.add(image)).collect(),
        secrets: few(&uses.secrets).map(|secret| texts.add(secret)).collect(),
        runs_as: texts.add(&uses.runs_as),
        parameters: parameters::of(request).iter().map(|text| texts.add(text)).collect(),
    }
}

/// As many of some texts as travel.
fn few<'t, T>(texts: impl IntoIterator<Item = &'t T>) -> impl Iterator<Item = &'t T>
where
    T: 't,
{
    texts.into_iter().take(MAX_TEXTS_OF_REQUEST)
}

/// The object that a request made, where the answer has it.
///
/// Other requests name theirs.
fn made_object<'e>(request: &Request<'e>) -> ObjectMeta<'e> {
    let is_object_itself = matches!(request.subresource(), "" | "status");
    let makes = request.verb() == "create";
    let body = request.event().response_object.filter(|_| is_object_itself && makes);
    body.and_then(ObjectMeta::of).unwrap_or_default()
}

/// Whether an event ends a request whose start was an event of the same identity: it is told again, with how it ended.
pub fn is_end(event: &Event<'_>) -> bool {
    let request = Request::new(event, ClusterProfile::unknown());
    request.is_long_running() && event.stage != "ResponseStarted"
}

/// The event of a sighting: what the owner of its cluster sees of it.
pub fn event_of<'b>(batch: &'b SightingBatch, sighting: &'b Sighting) -> Event<'b> {
    let request = &sighting.request;
    let text = |text: TextRef| Cow::Borrowed(batch.texts.get(text));
    let all = |texts: &[TextRef]| texts.iter().map(|it| text(*it)).collect::<Vec<_>>();
    let is_given = |text: &TextRef| *text != TextRef::default();
    let query = if request.dry_run { "?dryRun=All" } else { "" };
    let content = Content {
        stage: text(request.stage),
        request_uri: match query {
            "" => text(request.path),
            query => Cow::Owned(format!("{}{query}", batch.texts.get(request.path))),
        },
        verb: text(request.verb),
        user: User {
            username: text(request.username),
            uid: text(request.user_uid),
            groups: all(&request.groups),
            extra: Extra {
                credential_id: text(request.credential),
                pod_name: text(request.pod_name),
                pod_uid: text(request.pod_uid),
                node_name: text(request.node_name),
                node_uid: text(request.node_uid),
            },
        },
        impersonated_user: is_given(&request.impersonated)
            .then(|| User { username: text(request.impersonated), ..User::default() })
            .map(Box::new),
        source_ips: Some(request.address).filter(is_given).map(text).into_iter().collect(),
        user_agent: text(request.user_agent),
        object_ref: is_given(&request.resource).then(|| ObjectReference {
            resource: text(request.resource),
            namespace: text(request.namespace),
            name: text(request.name),
            uid: text(request.uid),
            api_group: text(request.group),
            subresource: text(request.subresource),
        }),
        response_status: ResponseStatus {
            code: Some(request.code).filter(|code| *code > 0),
            status: text(request.status),
            ..ResponseStatus::default()
        },
        annotations: Annotations {
            decision: text(request.decision),
            reason: text(request.reason),
            issued_credential_id: text(request.issued_credential),
            decision_ids: all(&request.decision_ids),
            ..Annotations::default()
        },
        ..Content::default()
    };
    Event { audit_id: text(request.audit_id), ..Event::saying(content) }
}
