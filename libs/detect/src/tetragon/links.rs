//! The entities of a started program: pod and container, or the node.

use airside_types::{Entity, Fact, Link, LinkRole, ObjectRef, Relation, Timestamp};

use super::{Exec, Line, Pod};

/// The links of a started program, actors first.
pub(super) fn of(line: &Line, exec: &Exec) -> Vec<Link> {
    let mut links = Vec::new();
    if let Some(pod) = &exec.process.pod {
        links.push(Link::new(LinkRole::Actor, entity(pod)));
        links.extend(container(pod).map(|container| Link::new(LinkRole::Actor, container)));
        links.extend(node(line).map(|node| Link::new(LinkRole::Context, node)));
        links.extend(image(pod).map(|image| Link::new(LinkRole::Context, image)));
    } else {
        links.extend(node(line).map(|node| Link::new(LinkRole::Actor, node)));
    }
    links
}

/// What the event tells about its container and pod, from the container's start on.
pub(super) fn facts(line: &Line, exec: &Exec, time: Option<Timestamp>) -> Vec<Fact> {
    let Some(pod) = &exec.process.pod else { return Vec::new() };
    let started = pod.container.start_time.as_deref();
    let started = started.and_then(|text| Timestamp::parse_rfc3339(text).ok());
    let Some(from) = started.or(time) else { return Vec::new() };
    let fact = |subject: &Entity, relation, object: &Entity| Fact {
        subject: subject.clone(),
        relation,
        object: object.clone(),
        from,
        until: None,
    };
    let entity = entity(pod);
    let mut facts = Vec::new();
    if entity.is_exact() {
        facts.push(fact(&entity, Relation::Exists, &entity));
    }
    if let Some(container) = container(pod) {
        facts.push(fact(&container, Relation::PartOf, &entity));
        facts.extend(image(pod).map(|image| fact(&container, Relation::RunsImage, &image)));
    }
    facts.extend(node(line).map(|node| fact(&entity, Relation::RunsOn, &node)));
    facts
}

/// The place as people say it.
pub(super) fn place(line: &Line, exec: &Exec) -> String {
    match (&exec.process.pod, node(line)) {
        (Some(pod), _) => entity(pod).to_string(),
        (None, Some(node)) => node.to_string(),
        (None, None) => "an unnamed node".to_owned(),
    }
}

fn entity(pod: &Pod) -> Entity {
    Entity::pod(&pod.namespace, &pod.name, Some(&pod.uid))
}

fn container(pod: &Pod) -> Option<Entity> {
    let container = &pod.container;
    let name = Some(container.name.as_str()).filter(|name| !name.is_empty());
    (!container.id.is_empty()).then(|| Entity::container(&container.id, name))
}

fn node(line: &Line) -> Option<Entity> {
    let known = !line.node_name.is_empty();
    known.then(|| Entity::Object(ObjectRef::named("", "Node", None, &line.node_name)))
}

fn image(pod: &Pod) -> Option<Entity> {
    let image = &pod.container.image;
    let digest = image.id.split_once('@').map(|(_, digest)| digest.to_owned());
    (!image.name.is_empty()).then(|| Entity::Image { reference: image.name.clone(), digest })
}
