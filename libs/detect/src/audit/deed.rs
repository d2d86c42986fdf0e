//! Deeds: what an answered request did to which object, and whether it carries out what somebody else asked for.
//!
//! Which deed follows from which is `airside-sift`'s; here it is told in a detection.

use airside_types::{Detection, Entity, Id, Link, LinkRole, NamedValue, Sighting, Timestamp};

use super::actor::Actor;
use super::event::User;
use super::request::{Outcome, Request};
use super::{kind, links};
use crate::command;

/// Whose will a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// That of who asks: a person, a pipeline, a program.
    Own,
    /// A controller makes what objects of workloads ask for.
    Maker,
    /// A part of the cluster that carries out what is written in objects: other controllers, the scheduler, kubelets.
    Follower,
}

/// What an answered request did. Texts that it does not have are empty.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'e> {
    /// The event, by the identity that a client cannot choose.
    pub event: Id,
    /// When the request was received.
    pub time: Timestamp,
    /// Who authenticated.
    pub user: &'e str,
    /// The address and the tool that it came from.
    pub client: (&'e str, &'e str),
    /// Whose will it is.
    pub hand: Hand,
    /// The verb of RBAC.
    pub verb: &'e str,
    /// The API group; empty for the core group.
    pub group: &'e str,
    /// Kubernetes' own kind name.
    pub kind: &'e str,
    /// Such as `status`.
    pub subresource: &'e str,
    /// The namespace; empty across namespaces and for what is in none.
    pub namespace: &'e str,
    /// The object's name; empty for collections, and where nothing tells the name that was made for it.
    pub name: &'e str,
    /// The object's uid.
    pub uid: &'e str,
    /// It was done.
    pub is_done: bool,
    /// The rule by which people declared it as authorised.
    pub authorised: &'e str,
}

impl Deed<'_> {
    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        matches!(self.verb, "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether it ends objects.
    pub fn deletes(&self) -> bool {
        self.verb.starts_with("delete") || self.subresource == "eviction"
    }
}

/// What an answered request did, whose event is that [of a sighting](super::event_of), and by which rule it is
/// authorised; none where it is about no object.
pub fn deed<'e>(
    sighting: &Sighting,
    request: &Request<'e>,
    authorised: &'e str,
) -> Option<Deed<'e>> {
    let event = request.event();
    let target = event.object_ref.as_ref()?;
    // A Namespace's own events carry its name as namespace.
    let namespace = if target.resource == "namespaces" { "" } else { &*target.namespace };
    let tool = event.user_agent.split([' ', '/']).next().unwrap_or_default();
    Some(Deed {
        event: sighting.event,
        time: sighting.time,
        user: &event.user.username,
        client: (event.source_ips.first().map_or("", |address| address), tool),
        hand: hand(request),
        verb: &event.verb,
        group: &target.api_group,
        kind: kind::of(&target.resource),
        subresource: &target.subresource,
        namespace,
        name: &target.name,
        uid: &target.uid,
        is_done: request.outcome() == Outcome::Done,
        authorised,
    })
}

/// Whose will a request is. Neither a name that is not borne out nor a controller's token in a person's tool
/// carries out anybody's but its holder's.
fn hand(request: &Request<'_>) -> Hand {
    if request.client().is_by_hand() || request.event().impersonated_user.is_some() {
        return Hand::Own;
    }
    let actor = request.actor();
    match actor {
        _ if actor.is_workload_controller() => Hand::Maker,
        Actor::Node(_) => Hand::Follower,
        Actor::ServiceAccount { .. } if !actor.is_workload() => Hand::Follower,
        Actor::Component(
            "system:kube-scheduler" | "system:apiserver" | "system:kube-controller-manager",
        ) => Hand::Follower,
        _ => Hand::Own,
    }
}

/// What somebody asked for, that controllers carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The event of the request.
    pub event: Id,
    /// Who authenticated.
    pub user: String,
    /// The verb.
    pub verb: String,
    /// The object.
    pub object: Entity,
    /// The rule by which people declared it as authorised, or nothing.
    pub authorised: String,
}

/// The value of a detection that names the event of its cause.
pub const CAUSED_BY: &str = "caused-by";

/// Tells in a detection what caused it. Told once already, it is left as it is.
pub fn tell_cause(detection: &mut Detection, cause: &Cause) {
    if detection.values.iter().any(|value| value.name == CAUSED_BY) {
        return;
    }
    let user = User { username: cause.user.as_str().into(), ..User::default() };
    let who = links::identities(&user);
    let told = Actor::of(&user).to_string();
    let message = format!(
        "{} It carries out what {} asked for: {} {}.",
        detection.message,
        command::shown(&told, MAX_NAME_CHARS),
        cause.verb,
        cause.object
    );
    detection.message = message;
    for entity in who.into_iter().chain([cause.object.clone()]) {
        detection.links.push(Link::new(LinkRole::Cause, entity));
    }
    detection.values.push(NamedValue { name: CAUSED_BY.into(), value: cause.event.to_string() });
}

/// The value of a detection that is counted in the one about its cause, by the same rule.
pub const COUNTED_IN: &str = "counted-in";

/// Tells in a detection that the one about its cause counts it.
pub fn tell_counted(detection: &mut Detection) {
    let cause = detection.values.iter().find(|value| value.name == CAUSED_BY);
    if let Some(event) = cause.map(|value| value.value.clone()) {
        detection.values.push(NamedValue { name: COUNTED_IN.into(), value: event });
    }
}

/// The longest name of somebody in a sentence, in characters.
const MAX_NAME_CHARS: usize = 120;
