//! What the API sees: the current revision of each incident, as last committed.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use airside_types::{Id, Tenant};
use airside_wire::incident::Revision;
use airside_wire::{ApiError, ErrorCode};

/// The committed incidents of all tenants. Only the owner of the log writes it.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// None until the owner has read them back, so that a few are not taken for all.
    tenants: RwLock<Option<Tenants>>,
}

type Tenants = BTreeMap<Tenant, Incidents>;

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
    /// Makes changes. From the first call on, even without changes, the incidents are read back.
    pub(crate) fn change(&self, changes: impl IntoIterator<Item = ViewChange>) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        let tenants = tenants.get_or_insert_default();
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

    /// What a tenant's incidents answer; refused until they are read back.
    fn of<T>(
        &self,
        tenant: &Tenant,
        answer: impl FnOnce(&Incidents) -> T,
    ) -> Result<Option<T>, ApiError> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let message = "incidents are still being read back from the store: try again";
        let not_yet = || ApiError::new(ErrorCode::Unavailable, message);
        Ok(tenants.as_ref().ok_or_else(not_yet)?.get(tenant).map(answer))
    }

    /// The incident with this id, whichever of its ids it is.
    pub(crate) fn resolve(
        &self,
        tenant: &Tenant,
        id: Id,
    ) -> Result<Option<Arc<Revision>>, ApiError> {
        Ok(self.of(tenant, |incidents| incidents.resolve(id))?.flatten())
    }

    /// The number of the current revision of the incident whose current id this is.
    pub(crate) fn revision_of(&self, tenant: &Tenant, id: Id) -> Option<u64> {
        let number = self.of(tenant, |incidents| incidents.current.get(&id).map(|it| it.revision));
        number.ok().flatten().flatten()
    }

    /// All incidents of a tenant, the latest first.
    pub(crate) fn all(&self, tenant: &Tenant) -> Result<Vec<Arc<Revision>>, ApiError> {
        let all = self.of(tenant, |incidents| incidents.current.values().cloned().collect());
        let mut all: Vec<_> = all?.unwrap_or_default();
        all.sort_by_key(|revision: &Arc<Revision>| {
            std::cmp::Reverse((revision.incident.last_seen, revision.incident.id))
        });
        Ok(all)
    }
}

impl Incidents {
    fn resolve(&self, id: Id) -> Option<Arc<Revision>> {
        let mut at = id;
        // An alias may lead over several merges; each step leads to a newer id.
        for _ in 0..=self.aliases.len() {
            if let Some(revision) = self.current.get(&at) {
                return Some(Arc::clone(revision));
            }
            at = *self.aliases.get(&at)?;
        }
        None
    }
}
