//! What the API sees: the current revision of each incident, as last committed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use airside_types::{Id, Tenant};
use airside_wire::incident::Revision;

/// The committed incidents of all tenants. Only the owner of the log writes it.
#[derive(Debug, Default)]
pub(crate) struct View {
    tenants: RwLock<BTreeMap<Tenant, Incidents>>,
}

#[derive(Debug, Default)]
struct Incidents {
    current: BTreeMap<Id, Arc<Revision>>,
    /// Every id that an incident ever had, and its current one.
    aliases: BTreeMap<Id, Id>,
}

/// A change of the view, prepared while entries are applied and made when they are committed.
#[derive(Debug)]
pub(crate) enum ViewChange {
    /// An incident is new or has changed.
    Revised(Arc<Revision>),
    /// An incident became part of another.
    Merged { tenant: Tenant, old: Id, into: Id },
    /// An incident left the horizon.
    Forgotten { tenant: Tenant, id: Id },
}

impl View {
    pub(crate) fn change(&self, changes: impl IntoIterator<Item = ViewChange>) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                ViewChange::Revised(revision) => {
                    let incident = &revision.incident;
                    let incidents = tenants.entry(incident.tenant.clone()).or_default();
                    for alias in &incident.aliases {
                        incidents.aliases.insert(*alias, incident.id);
                    }
                    incidents.current.insert(incident.id, revision);
                }
                ViewChange::Merged { tenant, old, into } => {
                    let incidents = tenants.entry(tenant).or_default();
                    incidents.current.remove(&old);
                    incidents.aliases.insert(old, into);
                }
                ViewChange::Forgotten { tenant, id } => {
                    let incidents = tenants.entry(tenant).or_default();
                    incidents.current.remove(&id);
                    incidents.aliases.retain(|_, current| *current != id);
                }
            }
        }
    }

    /// The incident with this id, whichever of its ids it is.
    pub(crate) fn resolve(&self, tenant: &Tenant, id: Id) -> Option<Arc<Revision>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let incidents = tenants.get(tenant)?;
        let mut at = id;
        // An alias may lead over several merges; each step leads to a newer id.
        for _ in 0..=incidents.aliases.len() {
            if let Some(revision) = incidents.current.get(&at) {
                return Some(Arc::clone(revision));
            }
            at = *incidents.aliases.get(&at)?;
        }
        None
    }

    /// All incidents of a tenant, the latest first.
    pub(crate) fn all(&self, tenant: &Tenant) -> Vec<Arc<Revision>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = tenants
            .get(tenant)
            .map(|incidents| incidents.current.values().cloned().collect())
            .unwrap_or_default();
        all.sort_by_key(|revision: &Arc<Revision>| {
            std::cmp::Reverse((revision.incident.last_seen, revision.incident.id))
        });
        all
    }
}
