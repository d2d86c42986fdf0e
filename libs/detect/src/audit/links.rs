//! The entities that a request is about: what correlation joins on.
//!
//! Identity is a uid wherever the event has one. The address is the one that the API server saw itself;
//! everything before it in `sourceIPs` is the client's word and is never linked.

use airside_types::{Entity, Link, LinkRole, ObjectRef};

use super::actor::Actor;
use super::event::User;
use super::request::Request;
use super::{grant, kind};

/// The links of a detection about a request, each once, actors first: those that every detection about it has, and the
/// rule's own targets.
pub(super) fn of(request: &Request<'_>, targets: Vec<Entity>) -> Vec<Link> {
    let mut links = request.links().to_vec();
    for target in targets {
        let link = Link::new(LinkRole::Target, target);
        if !links.contains(&link) {
            let is_after = |link: &Link| matches!(link.role, LinkRole::Grant | LinkRole::Context);
            let at = links.iter().position(is_after).unwrap_or(links.len());
            links.insert(at, link);
        }
    }
    links
}

/// The links of every detection about a request.
pub(super) fn of_request(request: &Request<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    let mut link = |role, entity: Entity| {
        let link = Link::new(role, entity);
        if !links.contains(&link) {
            links.push(link);
        }
    };
    let event = request.event();
    for Link { role, entity } in of_user(&event.user) {
        link(role, entity);
    }
    if let Some(user) = &event.impersonated_user {
        identities(user).into_iter().for_each(|entity| link(LinkRole::Actor, entity));
    }
    if let Some(ip) = request.source_address() {
        link(LinkRole::Means, Entity::Address { ip: ip.to_string() });
    }
    match target(request) {
        Some(target) => link(LinkRole::Target, target),
        None if !request.namespace().is_empty() => {
            link(LinkRole::Context, namespace(request.namespace()));
        }
        None => {}
    }
    for grant in grant::of(&event.annotations.reason) {
        link(LinkRole::Grant, grant);
    }
    // Actors first, the surroundings last.
    links.sort_by_key(|link| match link.role {
        LinkRole::Actor => 0,
        LinkRole::Target | LinkRole::Means | LinkRole::Grant => 1,
        LinkRole::Context | LinkRole::Cause => 2,
    });
    links
}

/// What a user's identity links to, whoever reports it: the user or service account, the pod and node that
/// the token is bound to, and the credential.
pub fn of_user(user: &User<'_>) -> Vec<Link> {
    let identities = identities(user).into_iter().map(|entity| (LinkRole::Actor, entity));
    identities
        .chain(bound_pod(user).map(|pod| (LinkRole::Actor, pod)))
        .chain(credential(user).map(|credential| (LinkRole::Means, credential)))
        .chain(bound_node(user).map(|node| (LinkRole::Context, node)))
        .map(|(role, entity)| Link::new(role, entity))
        .collect()
}

/// What a user is: a user or service account, and for a node's identity the node as well.
pub(super) fn identities(user: &User<'_>) -> Vec<Entity> {
    match Actor::of(user) {
        Actor::Unauthenticated | Actor::Anonymous => Vec::new(),
        Actor::ServiceAccount { namespace, name } => {
            let account = ObjectRef::named("", "ServiceAccount", Some(namespace), name);
            vec![Entity::Object(account.with_uid(Some(&user.uid)))]
        }
        Actor::Node(name) => vec![named_user(user), node(name, None)],
        Actor::Component(_) | Actor::User(_) => vec![named_user(user)],
    }
}

fn named_user(user: &User<'_>) -> Entity {
    Entity::User { name: user.username.clone().into_owned() }
}

/// A node.
pub(super) fn node(name: &str, uid: Option<&str>) -> Entity {
    Entity::Object(ObjectRef::named("", "Node", None, name).with_uid(uid))
}

fn namespace(name: &str) -> Entity {
    Entity::Object(ObjectRef::named("", "Namespace", None, name))
}

/// The pod that a service account's token is bound to.
pub(super) fn bound_pod(user: &User<'_>) -> Option<Entity> {
    let Actor::ServiceAccount { namespace, .. } = Actor::of(user) else { return None };
    let known = !user.extra.pod_name.is_empty();
    known.then(|| Entity::pod(namespace, &user.extra.pod_name, Some(&user.extra.pod_uid)))
}

/// The node that the token was issued on.
pub(super) fn bound_node(user: &User<'_>) -> Option<Entity> {
    let known = !user.extra.node_name.is_empty();
    known.then(|| node(&user.extra.node_name, Some(&user.extra.node_uid)))
}

/// The credential that was used, where the API server logs its id.
pub(super) fn credential(user: &User<'_>) -> Option<Entity> {
    let id = &user.extra.credential_id;
    (!id.is_empty()).then(|| Entity::Credential { id: id.clone().into_owned() })
}

/// The object that the request acted upon; none for collections and paths.
pub(super) fn target(request: &Request<'_>) -> Option<Entity> {
    let reference = request.target()?;
    let from_response = || {
        let is_object_itself =
            reference.subresource.is_empty() || reference.subresource == "status";
        request.answered().filter(|_| is_object_itself)
    };
    let (own_name, own_uid) = from_response().map_or(("", ""), |meta| (&*meta.name, &*meta.uid));
    let name = [request.name(), own_name].into_iter().find(|name| !name.is_empty())?;
    let uid = [own_uid, &*reference.uid].into_iter().find(|uid| !uid.is_empty());
    let object = ObjectRef::named(
        &reference.api_group,
        kind::of(&reference.resource),
        // A Namespace's own events carry its name as namespace.
        Some(&*reference.namespace).filter(|_| reference.resource != "namespaces"),
        name,
    );
    Some(Entity::Object(object.with_uid(uid)))
}
