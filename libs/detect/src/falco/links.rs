//! The entities of an alert: the pod and container whose process it was, or the node; where it connected.

use airside_types::{Entity, Fact, Link, LinkRole, ObjectRef, Relation, Timestamp};

use super::Alert;

/// The links of an alert, actors first.
pub(super) fn of(alert: &Alert) -> Vec<Link> {
    let mut links = Vec::new();
    let (pod, container, node) = (pod(alert), container(alert), node(alert));
    let in_container = pod.is_some() || container.is_some();
    links.extend(pod.map(|pod| Link::new(LinkRole::Actor, pod)));
    links.extend(container.map(|container| Link::new(LinkRole::Actor, container)));
    links.extend(
        remote(alert).map(|ip| Link::new(LinkRole::Means, Entity::Address { ip: ip.to_string() })),
    );
    // A process of no container is the node's own.
    let on_host = !in_container && is_of_system_calls(alert);
    let role = if on_host { LinkRole::Actor } else { LinkRole::Context };
    links.extend(node.map(|node| Link::new(role, node)));
    links.extend(image(alert).map(|image| Link::new(LinkRole::Context, image)));
    links
}

/// What the alert tells about its container and pod.
pub(super) fn facts(alert: &Alert, time: Option<Timestamp>) -> Vec<Fact> {
    let (Some(pod), Some(time)) = (pod(alert), time) else { return Vec::new() };
    let fact = |subject: &Entity, relation, object: &Entity| Fact {
        subject: subject.clone(),
        relation,
        object: object.clone(),
        from: time,
        until: None,
    };
    let mut facts = Vec::new();
    if pod.is_exact() {
        facts.push(fact(&pod, Relation::Exists, &pod));
    }
    facts.extend(container(alert).map(|container| fact(&container, Relation::PartOf, &pod)));
    facts.extend(node(alert).map(|node| fact(&pod, Relation::RunsOn, &node)));
    facts
}

/// The place as people say it: the pod, or the host.
pub(super) fn place(alert: &Alert) -> String {
    match (pod(alert), container(alert), node(alert)) {
        (Some(pod), Some(container), _) => format!("{pod}, container {}", container.name()),
        (Some(pod), None, _) => pod.to_string(),
        (None, Some(container), _) => format!("container {}", container.name()),
        (None, None, Some(node)) => node.to_string(),
        (None, None, None) => String::new(),
    }
}

fn is_of_system_calls(alert: &Alert) -> bool {
    matches!(alert.source.as_deref(), None | Some("syscall" | "syscalls" | ""))
}

fn pod(alert: &Alert) -> Option<Entity> {
    let (namespace, name) = (alert.field("k8s.ns.name"), alert.field("k8s.pod.name"));
    let uid = alert.field("k8s.pod.uid");
    let known = !namespace.is_empty() && !name.is_empty();
    known.then(|| Entity::pod(namespace, name, Some(uid)))
}

fn container(alert: &Alert) -> Option<Entity> {
    let id = alert.field("container.id");
    let name = Some(alert.field("container.name")).filter(|name| !name.is_empty());
    let known = !matches!(id, "" | "host");
    known.then(|| Entity::container(id, name))
}

/// Falco's host name is its node's name where it was deployed as its documentation says.
fn node(alert: &Alert) -> Option<Entity> {
    let name = match alert.field("k8s.node.name") {
        "" => alert.hostname.as_deref()?,
        name => name,
    };
    let known = !name.is_empty();
    known.then(|| Entity::Object(ObjectRef::named("", "Node", None, name)))
}

fn image(alert: &Alert) -> Option<Entity> {
    let repository = alert.field("container.image.repository");
    let reference = match alert.field("container.image.tag") {
        "" => repository.to_owned(),
        tag => format!("{repository}:{tag}"),
    };
    let digest = Some(alert.field("container.image.digest"));
    let digest = digest.filter(|digest| !digest.is_empty()).map(str::to_owned);
    (!repository.is_empty()).then_some(Entity::Image { reference, digest })
}

/// The other end of the connection. Addresses that every pod of a cluster connects to tell nothing about
/// an attack: the API server's, and those of the link and the host itself.
fn remote(alert: &Alert) -> Option<std::net::IpAddr> {
    if alert.rule == "Contact K8S API Server From Container" {
        return None;
    }
    let of_name = alert.field("fd.name").split_once("->").map(|(_, remote)| remote);
    let of_name = of_name.and_then(|remote| remote.rsplit_once(':')).map(|(host, _)| host);
    let of_name = of_name.map(|host| host.trim_matches(['[', ']']));
    [Some(alert.field("fd.rip")), of_name, Some(alert.field("fd.sip"))]
        .into_iter()
        .flatten()
        .find_map(|text| text.parse::<std::net::IpAddr>().ok())
        .map(|ip| ip.to_canonical())
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified() && !is_link_local(*ip))
}

fn is_link_local(ip: std::net::IpAddr) -> bool {
    match ip {
        std::net::IpAddr::V4(ip) => ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
