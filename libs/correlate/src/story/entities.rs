//! Who and what is involved: the actors first, each once, bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_types::{Entity, EntityKey, Link, LinkRole, Relation};

use super::Case;
use crate::keyed::Keyed;
use crate::knowledge::{resolved, with_owners};
use crate::signal::Signal;

/// The entities of all signals: each in the most active role that it plays, in the order in which
/// they appear; the loud signals' before the quiet ones'.
pub(super) fn entities(case: &Case<'_>) -> Vec<Link> {
    let mut seen: BTreeMap<EntityKey, usize> = BTreeMap::new();
    let mut playing: Vec<(LinkRole, Arc<Keyed>)> = Vec::new();
    for signal in case.signals.iter().chain(&case.guests) {
        for (role, entity) in links(case, signal) {
            let at = *seen.entry(entity.key()).or_insert(playing.len());
            match playing.get_mut(at) {
                Some(known) => known.0 = known.0.min(role),
                None => playing.push((role, entity)),
            }
        }
    }
    let most = case.settings.caps.entities_in_role;
    let mut links = Vec::new();
    for role in LinkRole::ALL {
        let bounded = playing.iter().filter(|(plays, _)| *plays == role).take(most);
        links.extend(bounded.map(|(_, entity)| Link::new(role, entity.entity().clone())));
    }
    links
}

/// The links of one signal with uids where they are known, the pod or node that acts, and the workload
/// whose pod it is. Collections
/// (all secrets of a namespace) are no entities, nor are the controllers that carry a wish out, their
/// credentials and their rights.
fn links(case: &Case<'_>, signal: &Signal) -> Vec<(LinkRole, Arc<Keyed>)> {
    let parties = &signal.parties;
    let acting = case.pod_of(signal).into_iter().chain(&parties.node);
    let mut links: Vec<_> = acting.map(|actor| (LinkRole::Actor, Arc::clone(actor))).collect();
    let targets = parties.targets.iter().map(|target| (LinkRole::Target, target));
    let given = parties.links.iter().map(|(role, entity)| (*role, entity));
    for (role, entity) in given.chain(targets) {
        let of_controller =
            parties.is_shared() && !matches!(role, LinkRole::Target | LinkRole::Cause);
        if !entity.name().is_empty() && !is_shared(entity) && !of_controller {
            links.push((role, resolved(case.known, entity, signal.time())));
        }
    }
    if let Some(pod) = case.pod_of(signal) {
        let owners = with_owners(case.known, pod).into_iter().skip(1);
        if let Some(owner) = owners.last() {
            links.extend(writers(case, &owner).map(|writer| (LinkRole::Cause, writer)));
            links.push((LinkRole::Context, owner));
        }
    }
    links
}

/// Who wrote a workload, as far as audit events tell: by its uid, or where they did not have that, by its name.
fn writers(case: &Case<'_>, workload: &Keyed) -> impl Iterator<Item = Arc<Keyed>> {
    let keys = BTreeSet::from([workload.key(), workload.name_key()]);
    let relations = [Relation::CreatedBy, Relation::ChangedBy];
    let of = |key| relations.map(|relation| case.known.related(key, relation));
    keys.into_iter().flat_map(of).flatten().collect::<Vec<_>>().into_iter()
}

/// The users of Kubernetes itself, nodes' among them (the node stands for them), and the place where a
/// sensor puts a node's own processes.
fn is_shared(entity: &Entity) -> bool {
    match entity {
        Entity::User { name } => name.starts_with("system:"),
        Entity::Container { id, .. } => id == "host",
        _ => false,
    }
}
