//! The engine: records in, incidents out.
//!
//! Owns the scopes, one for each cluster of each tenant; nothing crosses them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airside_types::{Cluster, Id, Incident, Record, Source, Tenant, Timestamp};

use crate::scope::Scope;
use crate::settings::Settings;

/// What changed in the incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An incident is new or says something else than before.
    Revised(Arc<Incident>),
    /// An id is no longer an incident's current one; it goes on resolving.
    Merged {
        /// Whose it is.
        tenant: Tenant,
        /// The id that was current.
        old: Id,
        /// The current id of the incident that it is now part of.
        into: Id,
    },
    /// Nothing is left that an incident rested on: its signals went beyond the horizon, or newer
    /// versions of them are too quiet to make one.
    Withdrawn {
        /// Whose it was.
        tenant: Tenant,
        /// The id that was current.
        id: Id,
    },
}

/// The state of a partition: the records of the clusters that it owns, and their incidents.
///
/// Incidents are a function of the set of records within the horizon: order, repetition and batching
/// do not matter. [`Engine::apply`] only takes note; [`Engine::take_changes`] brings the incidents up to
/// date, so that a batch of records costs each incident one telling.
#[derive(Debug)]
pub struct Engine {
    settings: Arc<Settings>,
    scopes: BTreeMap<Tenant, BTreeMap<Cluster, Scope>>,
    touched: BTreeSet<(Tenant, Cluster)>,
}

/// A cluster of which something was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCluster<'e> {
    /// Whose it is.
    pub tenant: &'e Tenant,
    /// Its name.
    pub cluster: &'e Cluster,
    /// The newest ingest time of its records.
    pub newest: Timestamp,
    /// Who has told of it.
    pub sources: &'e BTreeSet<Source>,
}

impl Engine {
    /// An engine without records.
    pub fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), scopes: BTreeMap::new(), touched: BTreeSet::new() }
    }

    /// Takes a record in. The same record twice changes nothing; of several versions under one id the
    /// newest counts, whichever comes last. Whether the record is now the one that is held, so that what
    /// keeps records has to keep it.
    pub fn apply(&mut self, record: &Record) -> bool {
        let (tenant, cluster) = (record.tenant.clone(), record.cluster.clone());
        let scopes = self.scopes.entry(tenant.clone()).or_default();
        let scope = scopes.entry(cluster.clone()).or_insert_with(|| {
            Scope::new(tenant.clone(), cluster.clone(), Arc::clone(&self.settings))
        });
        let kept = scope.apply(record);
        self.touched.insert((tenant, cluster));
        kept
    }

    /// Brings the incidents up to date with the records and says what changed since the last call, by
    /// tenant and cluster: what was revised in the order of ids, then ids that are no longer current.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (tenant, cluster) in std::mem::take(&mut self.touched) {
            let scope = self.scopes.get_mut(&tenant).and_then(|scopes| scopes.get_mut(&cluster));
            changes.extend(scope.map(Scope::settle).unwrap_or_default());
        }
        changes
    }

    /// A tenant's incidents of all severities as of the last [`Engine::take_changes`], by cluster and
    /// in the order of their current ids.
    pub fn incidents(&self, tenant: &Tenant) -> impl Iterator<Item = &Incident> {
        self.scopes.get(tenant).into_iter().flat_map(BTreeMap::values).flat_map(Scope::incidents)
    }

    /// The incident that has or had this id, as of the last [`Engine::take_changes`].
    pub fn resolve(&self, tenant: &Tenant, id: Id) -> Option<&Incident> {
        self.scopes.get(tenant)?.values().find_map(|scope| scope.resolve(id))
    }

    /// The clusters of which something was told.
    pub fn clusters(&self) -> impl Iterator<Item = KnownCluster<'_>> {
        let all = self.scopes.iter().flat_map(|(tenant, scopes)| {
            scopes.iter().map(move |(cluster, scope)| (tenant, cluster, scope))
        });
        all.filter_map(|(tenant, cluster, scope)| {
            let newest = scope.newest()?;
            Some(KnownCluster { tenant, cluster, newest, sources: scope.sources() })
        })
    }

    /// The ids of records that went beyond the horizon since the last call, so that what keeps them
    /// can delete them. The horizon is measured from the newest ingest time of the same cluster.
    /// Their incidents change with the next [`Engine::take_changes`].
    pub fn expired(&mut self) -> Vec<Id> {
        let mut expired = Vec::new();
        for (tenant, scopes) in &mut self.scopes {
            for (cluster, scope) in scopes {
                let dropped = scope.take_expired();
                if !dropped.is_empty() {
                    self.touched.insert((tenant.clone(), cluster.clone()));
                }
                expired.extend(dropped);
            }
        }
        expired
    }
}
