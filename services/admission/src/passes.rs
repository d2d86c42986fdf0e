//! The boarding passes that the gate knows, by the object that they are for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

use airside_k8s::boarding_pass::is_for;
use airside_types::{BoardingPass, Cluster, Id, ObjectRef, Payload, Record, Tenant};

/// A read model of the log's boarding passes, bounded: beyond the bound the oldest are forgotten.
#[derive(Debug)]
pub struct Passes {
    most: usize,
    known: RwLock<Known>,
}

/// Tenant, cluster, group, kind and name. Not the namespace: a manifest may leave it to the deployer.
type Key = (Tenant, Cluster, String, String, String);

#[derive(Debug, Default)]
struct Known {
    by_object: BTreeMap<Key, BTreeMap<Id, Arc<BoardingPass>>>,
    in_order: VecDeque<(Key, Id)>,
}

impl Passes {
    /// An empty model that keeps at most so many passes.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), known: RwLock::default() }
    }

    /// Takes the passes among some records.
    pub fn learn(&self, records: &[Record]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            let Payload::BoardingPass(pass) = &record.payload else { continue };
            let key = key(&record.tenant, &record.cluster, &pass.object);
            let passes = known.by_object.entry(key.clone()).or_default();
            if passes.insert(record.id, Arc::new(pass.clone())).is_none() {
                known.in_order.push_back((key, record.id));
            }
            while known.in_order.len() > self.most {
                known.forget_oldest();
            }
        }
    }

    /// The passes for an object, as the manifests had it: those of another namespace are not among them.
    pub fn of(
        &self,
        tenant: &Tenant,
        cluster: &Cluster,
        object: &ObjectRef,
    ) -> Vec<(Id, Arc<BoardingPass>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let passes = known.by_object.get(&key(tenant, cluster, object));
        passes
            .into_iter()
            .flatten()
            .filter(|(_, pass)| is_for(&pass.object, object.namespace.as_deref()))
            .map(|(id, pass)| (*id, Arc::clone(pass)))
            .collect()
    }
}

impl Known {
    fn forget_oldest(&mut self) {
        let Some((key, id)) = self.in_order.pop_front() else { return };
        if let Some(passes) = self.by_object.get_mut(&key) {
            passes.remove(&id);
            if passes.is_empty() {
                self.by_object.remove(&key);
            }
        }
    }
}

fn key(tenant: &Tenant, cluster: &Cluster, object: &ObjectRef) -> Key {
    let text = |text: &String| text.clone();
    (tenant.clone(), cluster.clone(), text(&object.group), text(&object.kind), text(&object.name))
}
