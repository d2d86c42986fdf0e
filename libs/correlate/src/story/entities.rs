//! Who and what is involved: the actors first, each once, bounded.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Entity, EntityKey, Link, LinkRole, Payload};

use super::Case;
use crate::joins::acting_pod;
use crate::knowledge::resolved;
use crate::signal::Signal;

/// The entities of all signals: each in the most active role that it plays, in the order in which
/// they appear; the loud signals' before the quiet ones'.
pub(super) fn entities(case: &Case<'_>) -> Vec<Link> {
    let mut roles: BTreeMap<EntityKey, LinkRole> = BTreeMap::new();
    let mut order: Vec<Entity> = Vec::new();
    for signal in case.signals.iter().chain(&case.guests) {
        for Link { role, entity } in links(case, signal) {
            let known = roles.entry(entity.key()).or_insert_with(|| {
                order.push(entity);
                role
            });
            *known = role.min(*known);
        }
    }
    let mut links: Vec<Link> = Vec::new();
    for role in LinkRole::ALL {
        let playing = order.iter().filter(|entity| roles.get(&entity.key()) == Some(&role));
        let bounded = playing.take(case.settings.caps.entities_in_role);
        links.extend(bounded.map(|entity| Link::new(role, entity.clone())));
    }
    links
}

/// The links of one signal with uids where they are known, and the pod that acts. Collections (all
/// secrets of a namespace) are no entities.
fn links(case: &Case<'_>, signal: &Signal) -> Vec<Link> {
    let given = match &signal.record.payload {
        Payload::Detection(detection) => detection.links.as_slice(),
        Payload::Decision(decision) => decision.links.as_slice(),
        _ => &[],
    };
    let parties = &signal.parties;
    let mut links = Vec::new();
    let acting = acting_pod(signal, case.known);
    for actor in acting.iter().chain(&parties.node) {
        links.push(Link::new(LinkRole::Actor, actor.clone()));
    }
    let node_users: BTreeSet<EntityKey> = parties.system_users.iter().map(Entity::key).collect();
    for link in given {
        let is_node_user = matches!(&link.entity, Entity::User { name } if name.starts_with("system:node:"));
        let is_host = matches!(&link.entity, Entity::Container { id, .. } if id == "host");
        let by_controller = link.role == LinkRole::Actor && node_users.contains(&link.entity.key());
        if link.entity.name().is_empty() || is_node_user || is_host || by_controller {
            continue;
        }
        links.push(Link::new(link.role, resolved(case.known, &link.entity, signal.time())));
    }
    for target in parties.targets.iter().filter(|target| !target.name().is_empty()) {
        links.push(Link::new(LinkRole::Target, resolved(case.known, target, signal.time())));
    }
    links
}
